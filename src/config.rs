//! Every setting: its flag, environment variable, unit, default and range.
//!
//! This is the only place that reads the environment, so `--help` is the whole
//! list. A value out of its range is refused with the range it must be in.
//! Invariant: a secret is never printed, not by `--help`, `Debug` or an error.

mod collector;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

pub use collector::{Collector, Pairs};
pub use values::{MAX_CUSTOMERS, MAX_SEED, Secret};

use collector::pairs;
use values::{
    a_moment, customers, report_customers, secret, seed, share, some_time, up_to_an_hour,
};

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

    /// Most batches, exports, uploads, reports and draws that are answered at a time, 1 to 1000
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

    /// How long a request may take until its answer begins, its body included, 0.1 to 3600 s
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
        let headers = self.otlp_headers.as_ref().map_or("", Secret::reveal);
        Collector::new(address.reveal(), headers).map(Some)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for log collectors.
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
