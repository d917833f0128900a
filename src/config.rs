//! Every setting: its flag, environment variable, unit, default and range.
//!
//! This is the only place that reads the environment, so `--help` is the whole
//! list. A value out of its range is refused with the range it must be in.
//! Invariant: a secret is never printed, not by `--help`, `Debug` or an error.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

/// The seed of the published cohort: 21 October 2025, the day of its snapshot.
const SEED: &str = "20251021";

/// Settings of `engagecast serve`.
#[derive(Debug, Clone, Args)]
pub struct Config {
    #[command(flatten)]
    pub at: ListenArgs,

    #[command(flatten)]
    pub store: StoreArgs,

    #[command(flatten)]
    pub access: AccessArgs,

    #[command(flatten)]
    pub report: ReportArgs,

    /// Jobs (generating, importing, training) that this process works on at a time, 0 to 64
    #[arg(
        long,
        env = "ENGAGECAST_JOBS",
        value_name = "N",
        default_value = "1",
        value_parser = clap::value_parser!(u32).range(0..=64)
    )]
    pub jobs: u32,

    /// Most jobs that wait to be begun, on all replicas together, 1 to 1000000: beyond it none is taken on over HTTP
    #[arg(
        long,
        env = "ENGAGECAST_MAX_WAITING_JOBS",
        value_name = "N",
        default_value = "100",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    pub max_waiting_jobs: u32,

    /// Keep the newest N cohorts and delete the others, 1 to 1000000; without it all are kept
    #[arg(
        long,
        env = "ENGAGECAST_KEEP_COHORTS",
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    pub keep_cohorts: Option<u32>,

    /// Delete cohorts that are older, 1 to 36500 days; without it all are kept
    ///
    /// The newest cohort is kept in any case, and so is one that a job is working on.
    #[arg(
        long,
        env = "ENGAGECAST_KEEP_COHORTS_FOR",
        value_name = "DAYS",
        value_parser = clap::value_parser!(u32).range(1..=36_500)
    )]
    pub keep_cohorts_for: Option<u32>,

    /// Customers that the first start generates and trains on
    #[command(flatten)]
    pub first_cohort: CohortArgs,

    /// Largest body of a single prediction, 1024 to 1073741824 bytes
    #[arg(
        long,
        env = "ENGAGECAST_MAX_BODY_BYTES",
        value_name = "BYTES",
        default_value = "1048576",
        value_parser = clap::value_parser!(u32).range(1024..=1_073_741_824)
    )]
    pub max_body_bytes: u32,

    /// Largest body of a batch in JSON or Parquet, 1024 to 1073741824 bytes; the other formats stream
    #[arg(
        long,
        env = "ENGAGECAST_MAX_BATCH_BYTES",
        value_name = "BYTES",
        default_value = "67108864",
        value_parser = clap::value_parser!(u32).range(1024..=1_073_741_824)
    )]
    pub max_batch_bytes: u32,

    /// Largest file to be imported, 1024 to 1099511627776 bytes
    #[arg(
        long,
        env = "ENGAGECAST_MAX_UPLOAD_BYTES",
        value_name = "BYTES",
        default_value = "2147483648",
        value_parser = clap::value_parser!(u64).range(1024..=1_099_511_627_776)
    )]
    pub max_upload_bytes: u64,

    /// How long the upload of a file may take in all, 0.1 to 3600 s
    #[arg(long, env = "ENGAGECAST_UPLOAD_TIMEOUT", value_name = "SECONDS", default_value = "3600", value_parser = some_time)]
    pub upload_timeout: Duration,

    /// Most customers of a cohort that is asked for over HTTP, 1 to 1,000,000,000
    #[arg(long, env = "ENGAGECAST_MAX_COHORT", value_name = "N", default_value = "1000000000", value_parser = customers, allow_negative_numbers = true)]
    pub max_cohort: u64,

    /// Most customers that one call of /synthetic/batch draws, 1 to 1,000,000,000
    #[arg(long, env = "ENGAGECAST_MAX_SYNTHETIC", value_name = "N", default_value = "1000000", value_parser = customers, allow_negative_numbers = true)]
    pub max_synthetic: u64,

    /// Most connections at a time, 1 to 1000000; the process needs as many open files, and some more
    #[arg(
        long,
        env = "ENGAGECAST_MAX_CONNECTIONS",
        value_name = "N",
        default_value = "1000",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    pub max_connections: u32,

    /// How long requests may go on waiting for a thread before those that waited longer are refused, 0.001 to 3600 s
    #[arg(long, env = "ENGAGECAST_MAX_DELAY", value_name = "SECONDS", default_value = "0.01", value_parser = a_moment)]
    pub max_delay: Duration,

    /// Most predictions for one customer that are in flight at a time, 1 to 1000000
    #[arg(
        long,
        env = "ENGAGECAST_MAX_PREDICTIONS",
        value_name = "N",
        default_value = "512",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    pub max_predictions: u32,

    /// Most requests for anything else that is small that are in flight at a time, 1 to 1000000
    #[arg(
        long,
        env = "ENGAGECAST_MAX_LIGHT",
        value_name = "N",
        default_value = "256",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    pub max_light: u32,

    /// Most batches, exports and uploads that are answered at a time, 1 to 1000
    #[arg(
        long,
        env = "ENGAGECAST_MAX_HEAVY",
        value_name = "N",
        default_value = "32",
        value_parser = clap::value_parser!(u16).range(1..=1000)
    )]
    pub max_heavy: u16,

    /// Most calls of /synthetic/batch that are answered at a time, 1 to 100: each may hold hundreds of megabytes
    #[arg(
        long,
        env = "ENGAGECAST_MAX_DRAWS",
        value_name = "N",
        default_value = "2",
        value_parser = clap::value_parser!(u16).range(1..=100)
    )]
    pub max_draws: u16,

    /// How long a request may take, its body included, 0.1 to 3600 s
    #[arg(long, env = "ENGAGECAST_REQUEST_TIMEOUT", value_name = "SECONDS", default_value = "30", value_parser = some_time)]
    pub request_timeout: Duration,

    /// How long a body may stop for, or stay behind the least rate, either way, before its client is given up, 0.1 to 3600 s
    #[arg(long, env = "ENGAGECAST_STALL_TIMEOUT", value_name = "SECONDS", default_value = "30", value_parser = some_time)]
    pub stall_timeout: Duration,

    /// Least rate of a body, either way, 1 to 1000000 bytes a second: slower clients use up the stall timeout
    #[arg(
        long,
        env = "ENGAGECAST_MIN_RATE",
        value_name = "BYTES",
        default_value = "256",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    pub min_rate: u32,

    /// How long a connection may idle or take to send a request's head, 0.1 to 3600 s
    #[arg(long, env = "ENGAGECAST_HEADER_TIMEOUT", value_name = "SECONDS", default_value = "60", value_parser = some_time)]
    pub header_timeout: Duration,

    /// How long requests in flight may take to finish after SIGTERM, 0 to 3600 s
    #[arg(long, env = "ENGAGECAST_SHUTDOWN_GRACE", value_name = "SECONDS", default_value = "25", value_parser = up_to_an_hour)]
    pub shutdown_grace: Duration,

    /// How long to go on accepting after SIGTERM, while /readyz already says draining, 0 to 3600 s
    #[arg(long, env = "ENGAGECAST_DRAIN_DELAY", value_name = "SECONDS", default_value = "0", value_parser = up_to_an_hour)]
    pub drain_delay: Duration,

    #[command(flatten)]
    pub log: LogArgs,

    #[command(flatten)]
    pub traces: TraceArgs,
}

/// Where the service listens.
#[derive(Debug, Clone, Copy, Args)]
pub struct ListenArgs {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(
        long,
        env = "ENGAGECAST_LISTEN",
        value_name = "ADDR:PORT",
        default_value = "127.0.0.1:8080"
    )]
    pub listen: SocketAddr,
}

/// Who may call.
#[derive(Debug, Clone, Args)]
pub struct AccessArgs {
    /// Whether callers without a key may do everything, true or false; by default on a loopback address alone
    ///
    /// On any other address the service does not start without a key unless this is true.
    #[arg(
        long,
        env = "ENGAGECAST_ALLOW_ANONYMOUS",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    pub allow_anonymous: Option<bool>,

    /// Whether /metrics is told to callers without a key
    #[arg(long, env = "ENGAGECAST_OPEN_METRICS", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    pub open_metrics: bool,

    /// File that holds an admin key of 32 to 256 visible ASCII characters, which is stored at start
    #[arg(long, env = "ENGAGECAST_ADMIN_KEY_FILE", value_name = "FILE")]
    pub admin_key_file: Option<PathBuf>,

    /// Requests a second of each key that has no limit of its own, 1 to 1000000; without it there is none
    #[arg(
        long,
        env = "ENGAGECAST_RATE_LIMIT",
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    pub rate_limit: Option<u32>,
}

impl AccessArgs {
    /// Whether a service that listens there lets in callers without a key.
    #[must_use]
    pub fn anonymous(&self, listen: SocketAddr) -> bool {
        self.allow_anonymous
            .unwrap_or_else(|| listen.ip().to_canonical().is_loopback())
    }
}

/// How reports are written unless a request says otherwise.
#[derive(Debug, Clone, Args)]
pub struct ReportArgs {
    /// How reports write numbers and dates: en-US, en-GB, en-IN, de-DE, de-CH, fr-FR, es-ES, pt-BR
    #[arg(
        long = "report-locale",
        env = "ENGAGECAST_REPORT_LOCALE",
        value_name = "TAG",
        default_value = "en-US"
    )]
    pub locale: String,

    /// Currency that reports label amounts with, ISO 4217; nothing is converted
    #[arg(
        long = "report-currency",
        env = "ENGAGECAST_REPORT_CURRENCY",
        value_name = "CODE",
        default_value = "USD"
    )]
    pub currency: String,

    /// Customers that a report scales its recommendations to, 1 to 10,000,000,000; by default those of the cohort
    #[arg(
        id = "report_customers",
        long = "report-customers",
        env = "ENGAGECAST_REPORT_CUSTOMERS",
        value_name = "N",
        value_parser = report_customers,
        allow_negative_numbers = true
    )]
    pub customers: Option<String>,

    /// Assumed change of an initiative in percent, such as bundle=7.5; can be repeated
    #[arg(
        long = "report-assume",
        env = "ENGAGECAST_REPORT_ASSUME",
        value_name = "INITIATIVE=PERCENT",
        value_delimiter = ','
    )]
    pub assume: Vec<String>,
}

/// Where all state is kept.
#[derive(Debug, Clone, Args)]
pub struct StoreArgs {
    /// Folder that holds all state while there is no database server
    #[arg(
        long,
        env = "ENGAGECAST_DATA_DIR",
        value_name = "FOLDER",
        default_value = "./data"
    )]
    pub data_dir: PathBuf,

    /// PostgreSQL to keep all state in, instead of a file in the data folder
    ///
    /// postgres://user:password@host:port/database. What the URL leaves out comes from
    /// PostgreSQL's own variables (PGUSER, PGPASSWORD, PGSSLMODE …) and from ~/.pgpass.
    #[arg(
        long,
        env = "DATABASE_URL",
        value_name = "URL",
        hide_env_values = true,
        value_parser = secret
    )]
    pub database_url: Option<Secret>,

    /// How long to wait at start for a database that can't be reached, 0 to 3600 s
    #[arg(long, env = "ENGAGECAST_DATABASE_WAIT", value_name = "SECONDS", default_value = "30", value_parser = up_to_an_hour)]
    pub database_wait: Duration,
}

/// How many synthetic customers, and which.
#[derive(Debug, Clone, Copy, Args)]
pub struct CohortArgs {
    /// How many customers to generate, 1 to 1,000,000,000
    #[arg(long, env = "ENGAGECAST_CUSTOMERS", value_name = "N", default_value = "100000", value_parser = customers, allow_negative_numbers = true)]
    pub customers: u64,

    /// Seed of the random draws, 0 to 9223372036854775807: the same seed gives the same customers
    #[arg(long, env = "ENGAGECAST_SEED", value_name = "S", default_value = SEED, value_parser = seed, allow_negative_numbers = true)]
    pub seed: u64,
}

/// What is logged, and how.
#[derive(Debug, Clone, Args)]
pub struct LogArgs {
    /// What to log: a level, or a filter such as `info,engagecast::http=debug`
    #[arg(
        long = "log",
        env = "ENGAGECAST_LOG",
        value_name = "FILTER",
        default_value = "info,sqlx=warn"
    )]
    pub filter: String,

    /// Form of a log line
    #[arg(
        long = "log-format",
        env = "ENGAGECAST_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    pub format: LogFormat,
}

/// Which traces are recorded, and who is sent their spans.
#[derive(Debug, Clone, Args)]
pub struct TraceArgs {
    /// Collector of OpenTelemetry that spans are sent to, such as `http://127.0.0.1:4318`; without it none are recorded
    ///
    /// Spans go to its /v1/traces, as OTLP over HTTP in protobuf.
    #[arg(
        long,
        env = "OTEL_EXPORTER_OTLP_ENDPOINT",
        value_name = "URL",
        hide_env_values = true,
        value_parser = secret
    )]
    pub otlp_endpoint: Option<Secret>,

    /// Headers that the collector asks for, such as x-tenant=red,authorization=Bearer%20abc
    #[arg(
        long,
        env = "OTEL_EXPORTER_OTLP_HEADERS",
        value_name = "NAME=VALUE,…",
        hide_env_values = true,
        value_parser = secret
    )]
    pub otlp_headers: Option<Secret>,

    /// Share of the traces that begin here and are recorded, 0 to 1; those that a caller began are recorded as it says
    #[arg(long, env = "ENGAGECAST_TRACE_RATIO", value_name = "SHARE", default_value = "1", value_parser = share)]
    pub trace_ratio: f64,

    /// What the service is called in traces
    #[arg(
        long,
        env = "OTEL_SERVICE_NAME",
        value_name = "NAME",
        default_value = "engagecast"
    )]
    pub service_name: String,

    /// What else tells this process from others in traces, such as k8s.pod.name=a-1,deployment.environment.name=prod
    #[arg(long, env = "OTEL_RESOURCE_ATTRIBUTES", value_name = "NAME=VALUE,…", value_parser = pairs)]
    pub resource_attributes: Option<Pairs>,
}

impl TraceArgs {
    /// The collector, if there is one.
    ///
    /// # Errors
    /// Where an address or headers are none: which, and never what they are.
    pub fn collector(&self) -> Result<Option<Collector>, String> {
        let Some(address) = &self.otlp_endpoint else {
            return Ok(None);
        };
        let (authority, path) =
            address_of(address.reveal()).map_err(|why| format!("--otlp-endpoint {why}"))?;
        let headers = self.otlp_headers.as_ref().map(Secret::reveal);
        let headers = headers_of(headers.unwrap_or_default());
        Ok(Some(Collector {
            authority,
            path,
            headers: headers.map_err(|why| format!("--otlp-headers {why}"))?,
        }))
    }
}

/// An address that spans are posted to.
pub struct Collector {
    /// Host and port.
    pub authority: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
}

/// Names and values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairs(pub Vec<(String, String)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for log collectors.
    Json,
}

/// A value that must not be seen: a password, or a URL that holds one.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The value itself, for the one who needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Takes any text: whether it is a URL is said by the one who opens it, without
/// repeating it, as the parser of the command line would.
#[expect(clippy::unnecessary_wraps, reason = "the shape of a value parser")]
fn secret(text: &str) -> Result<Secret, String> {
    Ok(Secret(text.to_owned()))
}

pub const MAX_CUSTOMERS: u64 = 1_000_000_000;
pub const MAX_SEED: u64 = i64::MAX.unsigned_abs();

fn customers(text: &str) -> Result<u64, String> {
    integer(text, 1, MAX_CUSTOMERS).ok_or_else(|| "must be from 1 to 1,000,000,000".into())
}

/// As text, since the report has its own word on the same in a query.
fn report_customers(text: &str) -> Result<String, String> {
    let number = integer(text, 1, 10_000_000_000).map(|number| number.to_string());
    number.ok_or_else(|| "must be from 1 to 10,000,000,000".into())
}

fn seed(text: &str) -> Result<u64, String> {
    integer(text, 0, MAX_SEED).ok_or_else(|| "must be from 0 to 9,223,372,036,854,775,807".into())
}

/// A whole number in a range, with `_` or `,` between its digits if one likes.
fn integer(text: &str, min: u64, max: u64) -> Option<u64> {
    let digits = text.replace(['_', ','], "");
    digits
        .parse()
        .ok()
        .filter(|number| (min..=max).contains(number))
}

/// Host and port of a collector, and its path for spans.
fn address_of(text: &str) -> Result<(String, String), &'static str> {
    const WANTED: &str = "must be like http://127.0.0.1:4318";
    const NO_TLS: &str = "must be like http://127.0.0.1:4318; for a collector behind TLS run one \
                          beside the service, which passes spans on";
    let rest = text.trim().strip_prefix("http://").ok_or(NO_TLS)?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '@' | '?' | '#' | '\\' | '"');
    if authority.is_empty() || authority.starts_with(':') || !rest.chars().all(plain) {
        return Err(WANTED);
    }
    let (_, port) = authority.rsplit_once(':').unwrap_or((authority, "none"));
    let authority = match port.parse::<u16>() {
        Ok(_) => authority.to_owned(),
        Err(_) if authority.ends_with(']') || !authority.contains(':') => format!("{authority}:80"),
        Err(_) => return Err(WANTED),
    };
    let path = match path.trim_end_matches('/') {
        "" => "/v1/traces".into(),
        path => format!("/{path}/v1/traces"),
    };
    Ok((authority, path))
}

fn pairs(text: &str) -> Result<Pairs, String> {
    let pairs = pairs_of(text).map(Pairs);
    pairs.ok_or_else(|| "must be like name=value,other=value".into())
}

/// Names and values, percent-encoded where they hold a comma or a space.
fn pairs_of(text: &str) -> Option<Vec<(String, String)>> {
    let pairs = text.split(',').map(str::trim).filter(|p| !p.is_empty());
    let pairs = pairs.map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let (name, value) = (decoded(name.trim())?, decoded(value.trim())?);
        (!name.is_empty()).then_some((name, value))
    });
    pairs.collect()
}

/// The same, where they can be headers.
fn headers_of(text: &str) -> Result<Vec<(String, String)>, &'static str> {
    let name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let value = |c: char| c == ' ' || c.is_ascii_graphic();
    let fine = |(n, v): &(String, String)| n.chars().all(name) && v.chars().all(value);
    let pairs = pairs_of(text).filter(|pairs| pairs.iter().all(fine));
    pairs.ok_or("must be like name=value,other=value, with names and values that a header may have")
}

/// A text in which `%20` and the like stand for what they encode.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn share(text: &str) -> Result<f64, String> {
    let share = text
        .parse()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "must be from 0 to 1".into())
}

fn up_to_an_hour(text: &str) -> Result<Duration, String> {
    duration(text, 0.0)
}

fn a_moment(text: &str) -> Result<Duration, String> {
    duration(text, 0.001)
}

fn some_time(text: &str) -> Result<Duration, String> {
    duration(text, 0.1)
}

/// Seconds, with an optional `s`.
fn duration(text: &str, min: f64) -> Result<Duration, String> {
    const MAX: f64 = 3600.0;
    let seconds = text.strip_suffix('s').unwrap_or(text).trim().parse::<f64>();
    match seconds {
        Ok(seconds) if (min..=MAX).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("must be from {min} to {MAX} seconds")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_may_carry_their_unit() {
        assert_eq!(up_to_an_hour("30"), Ok(Duration::from_secs(30)));
        assert_eq!(up_to_an_hour("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(some_time("0.5 s"), Ok(Duration::from_millis(500)));
    }

    #[test]
    fn refuses_a_duration_out_of_range_with_the_range() {
        for text in ["-1", "3601", "NaN", "inf", "a while", ""] {
            let refusal = up_to_an_hour(text).unwrap_err();
            assert_eq!(refusal, "must be from 0 to 3600 seconds", "{text}");
        }
        assert!(some_time("0").is_err());
    }

    #[test]
    fn refuses_customers_and_seeds_out_of_range() {
        assert_eq!(customers("1_000_000_000"), Ok(1_000_000_000));
        for text in ["0", "-1", "10000000000", "1e5", "many", ""] {
            assert!(customers(text).unwrap_err().contains("1 to 1,000,000,000"));
        }
        assert_eq!(seed("9223372036854775807"), Ok(i64::MAX.unsigned_abs()));
        for text in ["-1", "9223372036854775808", "18446744073709551616"] {
            assert!(seed(text).unwrap_err().contains("0 to 9,223"));
        }
    }

    #[test]
    fn only_a_loopback_address_is_open_unless_it_is_said() {
        let access = |allow_anonymous| AccessArgs {
            open_metrics: false,
            allow_anonymous,
            admin_key_file: None,
            rate_limit: None,
        };
        for (listen, open) in [
            ("127.0.0.1:1", true),
            ("127.9.9.9:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("0.0.0.0:1", false),
            ("[::]:1", false),
            ("10.0.0.7:1", false),
            ("192.168.1.4:1", false),
        ] {
            let listen = listen.parse().unwrap();
            assert_eq!(access(None).anonymous(listen), open, "{listen}");
            assert!(access(Some(true)).anonymous(listen));
            assert!(!access(Some(false)).anonymous(listen));
        }
    }

    #[test]
    fn a_collector_is_an_address_without_a_secret() {
        for (text, authority, path) in [
            ("http://127.0.0.1:4318", "127.0.0.1:4318", "/v1/traces"),
            ("http://otel:4318/", "otel:4318", "/v1/traces"),
            ("http://otel/otlp", "otel:80", "/otlp/v1/traces"),
            ("http://[::1]:4318", "[::1]:4318", "/v1/traces"),
            ("http://[::1]", "[::1]:80", "/v1/traces"),
        ] {
            assert_eq!(address_of(text), Ok((authority.into(), path.into())));
        }
        for text in [
            "",
            "collector:4318",
            "https://collector",
            "http://",
            "http://:1",
            "http://me:hunter2@collector",
            "http://a:hunter2",
            "http://a?hunter2",
        ] {
            assert!(
                address_of(text).unwrap_err().contains("must be like"),
                "{text}"
            );
        }
    }

    #[test]
    fn pairs_are_decoded_and_headers_are_headers() {
        let of = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let two = vec![of("a", "1,2"), of("b.c", "=x y")];
        assert_eq!(pairs_of("a=1%2C2, b.c==x%20y,"), Some(two));
        for text in ["a", "=1", "a=%2", "a=%zz", "a=%ff"] {
            assert_eq!(pairs_of(text), None, "{text}");
        }
        assert!(headers_of("authorization=Bearer%20abc").is_ok());
        assert_eq!(headers_of(""), Ok(Vec::new()));
        for text in ["a b=1", "a=1%0d%0ab: 2", "\u{e9}=1", "a=\u{e9}"] {
            assert!(headers_of(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_secret_is_not_printed() {
        let secret = secret("postgres://user:hunter2@host/db").unwrap();
        assert_eq!(format!("{secret:?}"), "[redacted]");
    }
}
