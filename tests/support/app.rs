//! The service under test: the real app in this process ([`shared`]), and the
//! real binary in a process of its own ([`Process`]).
//!
//! Training takes seconds, so one folder is made by a first start and copied
//! for whoever only needs a service that is ready ([`prepared`]).

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, OnceLock};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use engagecast::app::App;
use engagecast::cli::{self, Cli};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;
use tempfile::TempDir;

/// Customers of the prepared folder: the fewest that are calibrated, and a few.
pub const CUSTOMERS: u64 = 2_500;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// The app in this process, ready, for tests that only ask.
pub fn shared() -> SocketAddr {
    static APP: LazyLock<SocketAddr> = LazyLock::new(|| in_process(&["--max-body-bytes=4096"]));
    *APP
}

/// An app of these settings in this process, ready; it lives as long as the process.
pub fn in_process(settings: &[&str]) -> SocketAddr {
    let folder = prepared();
    let (ready, is_ready) = std::sync::mpsc::channel();
    let settings: Vec<_> = settings.iter().map(ToString::to_string).collect();
    thread::spawn(move || {
        let data = format!("--data-dir={}", folder.path().display());
        let args = ["engagecast", "serve", "--listen=127.0.0.1:0", &data];
        let args = args.map(String::from).into_iter().chain(settings);
        let cli::Command::Serve(mut config) = Cli::from_args(args.map(Into::into)).command else {
            unreachable!("it is the command named above")
        };
        // The tests' own database, if there is one, is not this app's.
        config.store.database_url = None;
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let app = App::build(*config).await.unwrap();
            ready.send(app.addr()).unwrap();
            app.run(std::future::pending()).await.unwrap();
        });
    });
    let address = is_ready.recv().unwrap();
    wait_until_ready(address);
    address
}

/// A data folder of its own for the caller, with a cohort and its models in it.
pub fn prepared() -> TempDir {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("prepared");
        drop(fs::remove_dir_all(&folder));
        let mut process = Process::start(&folder, &[&format!("--customers={CUSTOMERS}")]);
        process.wait_until_ready();
        assert!(process.terminate().success());
        folder
    });
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(made).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    copy
}

/// The binary, with neither the settings nor the database of the caller, and a
/// data folder that nobody has used, unless another one is named.
pub fn binary(args: &[&str]) -> Command {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("unnamed-{count}"));
    drop(fs::remove_dir_all(&data));
    let mut command = Command::new(env!("CARGO_BIN_EXE_engagecast"));
    command.env_clear().args(args).stdin(Stdio::null());
    command.env("ENGAGECAST_DATA_DIR", data);
    command
}

/// A service in a process of its own; killed when dropped.
pub struct Process {
    child: Child,
    address: SocketAddr,
    log: Arc<Mutex<String>>,
}

impl Process {
    /// Starts a service on a free port and waits until it listens.
    pub fn start(folder: &Path, settings: &[&str]) -> Self {
        let data = format!("--data-dir={}", folder.display());
        let mut command = binary(&["serve", "--listen=127.0.0.1:0", &data]);
        Self::spawn(command.args(settings))
    }

    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (say, heard) = std::sync::mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let copy = Arc::clone(&log);
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if let Some((_, address)) = line.split_once("listening on http://") {
                    let _ = say.send(address.trim().parse().unwrap());
                }
                *copy.lock().unwrap() += &(line + "\n");
            }
        });
        let Ok(address) = heard.recv_timeout(PATIENCE) else {
            panic!("does not listen: {}", log.lock().unwrap());
        };
        Self {
            child,
            address,
            log,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until the log has these words.
    pub fn wait_for_log(&self, words: &str) {
        let begun = Instant::now();
        while !self.log().contains(words) {
            assert!(begun.elapsed() < PATIENCE, "no {words}: {}", self.log());
            sleep(Duration::from_millis(10));
        }
    }

    pub fn wait_until_ready(&mut self) {
        let begun = Instant::now();
        while ready_status(self.address).is_none_or(|(code, _)| code != StatusCode::OK) {
            assert!(begun.elapsed() < PATIENCE, "not ready: {}", self.log());
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "ended: {}", self.log());
            sleep(Duration::from_millis(10));
        }
    }

    /// Waits until `/readyz` tells of this phase; false if it was ready before.
    pub fn wait_for_phase(&mut self, phase: &str) -> bool {
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < PATIENCE, "no {phase}: {}", self.log());
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "ended: {}", self.log());
            match ready_status(self.address) {
                Some((_, body)) if body["phase"] == phase => return true,
                Some((StatusCode::OK, _)) => return false,
                _ => sleep(Duration::from_millis(2)),
            }
        }
    }

    /// The most memory that it held at a time, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = peak.unwrap().trim().trim_end_matches(" kB");
        kilobytes.parse::<u64>().unwrap() * 1024
    }

    /// Sends a signal by its name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    }

    pub fn wait(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "does not end: {}", self.log());
            sleep(Duration::from_millis(5));
        }
    }

    pub fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn wait_until_ready(address: SocketAddr) {
    let begun = Instant::now();
    while ready_status(address).is_none_or(|(code, _)| code != StatusCode::OK) {
        assert!(begun.elapsed() < PATIENCE, "the app is not ready");
        sleep(Duration::from_millis(10));
    }
}

/// What `/readyz` says now, for callers outside of a runtime too.
pub fn ready_status(address: SocketAddr) -> Option<(StatusCode, Value)> {
    let (head, body) = super::raw::get(address, "/readyz")?;
    let code = head.split_whitespace().nth(1)?.parse().ok()?;
    Some((code, serde_json::from_str(&body).ok()?))
}

/// Prepares a request to a service.
pub fn get(address: SocketAddr, path: &str) -> RequestBuilder {
    client().get(format!("http://{address}{path}"))
}

/// Prepares a request with a JSON body to a service.
pub fn post(address: SocketAddr, path: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
    client()
        .post(format!("http://{address}{path}"))
        .header("content-type", "application/json")
        .body(body)
}

pub fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// A customer with a value in every column.
pub fn full_profile() -> Value {
    let mut customer = serde_json::Map::new();
    for column in &engagecast::schema::COLUMNS {
        use engagecast::schema::Kind;
        let value: Value = match column.kind {
            Kind::Id => "c-17".into(),
            Kind::Category(names) | Kind::OpenCategory(names) => names[0].into(),
            Kind::Integer | Kind::BigInteger => 20.into(),
            Kind::Decimal(_) => column.valid.max.min(4.5).into(),
            Kind::Flag => true.into(),
            Kind::Timestamp => engagecast::schema::SNAPSHOT.into(),
        };
        customer.insert(column.name.to_owned(), value);
    }
    customer.into()
}
