//! A throw-away Postgres for the tests.
//!
//! [`Database::fresh`] gives a test an empty database of its own: on the server
//! of `DATABASE_URL` where that is set, else on a cluster made from the local
//! PostgreSQL binaries, in memory where the system allows it and without a port.
//! All test processes of a checkout share one cluster; it is stopped and removed
//! some seconds after the last of them ended, however that ended.
//! [`Cluster::private`] is for tests that stop, start or reconfigure the server.
//!
//! The folder's life hangs on file locks, which the system gives back when a
//! process ends. `alive` is held, shared, by every test process. `start` is held
//! while one of them looks for the cluster or makes it. A watchdog process waits
//! for `alive` to be free, then puts everything away.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// How long a cluster outlives its last user, for the next test process may be
/// about to start.
const GRACE: Duration = Duration::from_secs(5);
const MISSING: &str = "no PostgreSQL server was found: scripts/test installs one; or install it \
                       yourself (on Debian and Ubuntu: apt-get install postgresql), or set PG_BINDIR \
                       to the folder of its initdb and pg_ctl";
const USER: &str = "engagecast";

/// A database that one test has to itself; dropped with this.
pub struct Database {
    pub url: String,
    server: String,
    name: String,
}

impl Database {
    pub async fn fresh() -> Self {
        let server = match std::env::var("DATABASE_URL") {
            Ok(url) => url,
            Err(_) => shared().url("postgres"),
        };
        Self::on(&server).await
    }

    /// A database on the server of this URL.
    pub async fn on(server: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("engagecast_test_{}_{count}", std::process::id());
        execute(server, &format!("DROP DATABASE IF EXISTS {name}"))
            .await
            .and(execute(server, &format!("CREATE DATABASE {name}")).await)
            .expect("the tests' user must be allowed to create databases");
        Self {
            url: with_database(server, &name),
            server: server.to_owned(),
            name,
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // Not on the test's own runtime, which may be going down.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            runtime.block_on(execute(&server, &sql))
        });
        // The server may be one that the test has stopped.
        drop(dropped.join());
    }
}

async fn execute(server: &str, sql: &str) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(server).await?;
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await?;
    connection.close().await
}

/// The same server, another database.
pub fn with_database(url: &str, name: &str) -> String {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let scheme = address.find("://").expect("a URL") + 3;
    let end = address[scheme..]
        .find('/')
        .map_or(address.len(), |i| scheme + i);
    format!("{}/{name}?{query}", &address[..end])
}

/// A Postgres server of the tests' own.
pub struct Cluster {
    /// Its data is in `data`, its socket beside it.
    folder: PathBuf,
}

impl Cluster {
    /// A cluster that belongs to one test, not started yet; gone when dropped.
    pub fn private() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let base = &shared().folder;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = base
            .parent()
            .expect("the base folder")
            .join(format!("{}-{count}", std::process::id()));
        let cluster = Self { folder };
        cluster.make();
        cluster
    }

    /// The URL of one of its databases, for this process or another one.
    pub fn url(&self, database: &str) -> String {
        let socket = self.folder.display();
        format!("postgres://{USER}@localhost:5432/{database}?host={socket}")
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn make(&self) {
        create_owned(&self.folder);
        let initdb = ["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C"];
        let made = run(tool("initdb")
            .args(initdb)
            .arg(format!("--username={USER}"))
            .arg("--pgdata")
            .arg(self.data()));
        assert_done("initdb", &made, None);
        // Nothing here has to survive a power cut; a crash of the server, it has.
        let settings = format!(
            "listen_addresses = ''\nunix_socket_directories = '{}'\nfsync = off\n\
             max_connections = 200\n",
            self.folder.display()
        );
        let path = self.data().join("postgresql.conf");
        let defaults = fs::read_to_string(&path).expect("initdb writes its settings");
        fs::write(&path, defaults + &settings).expect("the settings can be written");
    }

    /// Starts it, and waits until it takes connections.
    pub fn start(&self) {
        let log = self.folder.join("log");
        let mut command = self.pg_ctl("start");
        assert_done(
            "pg_ctl start",
            &run(command.arg("--log").arg(&log)),
            Some(&log),
        );
    }

    /// Ends it as a crash would; it can be started again.
    pub fn kill(&self) {
        run(self.pg_ctl("stop").args(["--mode", "immediate"]));
    }

    /// Puts these lines before all others in `pg_hba.conf`, for the next start.
    pub fn authenticate(&self, rules: &str) {
        let path = self.data().join("pg_hba.conf");
        let rest = fs::read_to_string(&path).expect("initdb writes pg_hba.conf");
        fs::write(&path, format!("{rules}\n{rest}")).expect("pg_hba.conf can be written");
    }

    fn pg_ctl(&self, action: &str) -> Command {
        let mut command = tool("pg_ctl");
        command
            .args([action, "--wait", "--silent", "--pgdata"])
            .arg(self.data());
        command
    }

    fn runs(&self) -> bool {
        let path = self.folder.join(".s.PGSQL.5432");
        std::os::unix::net::UnixStream::connect(path).is_ok()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill();
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// The cluster of all test processes; started by the first of them.
fn shared() -> &'static Cluster {
    static SHARED: OnceLock<(Cluster, File, Option<Child>)> = OnceLock::new();
    let make = || {
        let base = base();
        let alive = join(&base);
        let start = open(&base.join("start"));
        start.lock().expect("file locks work");
        let cluster = Cluster {
            folder: base.join("shared"),
        };
        let mut watchdog = None;
        if !cluster.runs() {
            // Left behind by a machine that went down, or there is none yet.
            drop(fs::remove_dir_all(&cluster.folder));
            cluster.make();
            cluster.start();
            watchdog = Some(watch(&base));
        }
        (cluster, alive, watchdog)
    };
    &SHARED.get_or_init(make).0
}

/// Declares that this process uses the folder: until it ends.
fn join(base: &Path) -> File {
    loop {
        create_owned(base);
        let path = base.join("alive");
        let Ok(alive) = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
        else {
            continue; // The watchdog removed the folder just now.
        };
        alive.lock_shared().expect("file locks work");
        let ours = alive.metadata().map(|m| m.ino()).ok();
        if ours == fs::metadata(&path).map(|m| m.ino()).ok() {
            return alive;
        }
    }
}

fn open(path: &Path) -> File {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

const WATCHED: &str = "ENGAGECAST_TEST_WATCHED_FOLDER";

/// Starts the watchdog: this binary again, in a process group of its own, so that
/// an interrupted test run doesn't take it along.
fn watch(base: &Path) -> Child {
    let program = std::env::current_exe().expect("the tests' own path");
    Command::new(program)
        .args(["--ignored", "--exact", "support::postgres::watchdog"])
        .env(WATCHED, base)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the watchdog starts")
}

/// The watchdog's body: not a test, and nothing where it isn't started as one.
#[test]
#[ignore = "the process that removes the throw-away cluster, started by the tests themselves"]
fn watchdog() {
    let Some(base) = std::env::var_os(WATCHED).map(PathBuf::from) else {
        return;
    };
    let alive = open(&base.join("alive"));
    loop {
        alive.lock().expect("file locks work");
        alive.unlock().expect("file locks work");
        sleep(GRACE);
        // Held to the end: who comes meanwhile waits for it, and then finds that
        // it is not the folder's any more.
        if alive.try_lock().is_ok() {
            break;
        }
    }
    for folder in fs::read_dir(&base).into_iter().flatten().flatten() {
        if folder.path().join("data").is_dir() {
            drop(Cluster {
                folder: folder.path(),
            });
        }
    }
    // In one step, for who comes now makes the folder anew.
    let gone = base.with_extension("gone");
    drop(fs::rename(&base, &gone));
    drop(fs::remove_dir_all(&gone));
}

/// The folder of this checkout's clusters, on a memory disk with room where there
/// is one. Its name is short, for the path of a socket may have 100 bytes.
fn base() -> PathBuf {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR"))
        .to_string_lossy()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    let user = fs::metadata("/proc/self").map_or(0, |m| m.uid());
    let memory = Path::new("/dev/shm");
    let parent = match free_megabytes(memory) {
        Some(free) if free > 1500 => memory.to_owned(),
        _ => std::env::temp_dir(),
    };
    parent.join(format!("engagecast-pg-{user}-{:08x}", checkout >> 32))
}

fn free_megabytes(folder: &Path) -> Option<u64> {
    let output = Command::new("df").arg("-Pm").arg(folder).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

/// One of PostgreSQL's programs, as a user that it agrees to run as.
fn tool(name: &str) -> Command {
    let mut command = Command::new(binaries().join(name));
    for (variable, _) in std::env::vars() {
        if variable.starts_with("PG") {
            command.env_remove(variable);
        }
    }
    // A folder that the other user may enter.
    command.current_dir("/").stdin(Stdio::null());
    if let Some((uid, gid)) = other_user() {
        command.uid(uid).gid(gid);
    }
    command
}

/// Runs a program with its output in files: a server that it starts would hold a
/// pipe open, and whoever reads the tests' output would wait for it.
fn run(command: &mut Command) -> Output {
    let files = [unnamed_file(), unnamed_file()];
    let handle = |file: &File| Stdio::from(file.try_clone().expect("a handle"));
    let status = command
        .stdout(handle(&files[0]))
        .stderr(handle(&files[1]))
        .status()
        .unwrap_or_else(|e| panic!("{}: {e}", command.get_program().display()));
    let [stdout, stderr] = files.map(read_from_start);
    Output {
        status,
        stdout,
        stderr,
    }
}

fn unnamed_file() -> File {
    tempfile::tempfile().expect("a temporary file")
}

fn read_from_start(mut file: File) -> Vec<u8> {
    use io::{Read, Seek};
    let mut bytes = Vec::new();
    file.rewind()
        .and_then(|()| file.read_to_end(&mut bytes))
        .expect("a temporary file can be read");
    bytes
}

fn assert_done(what: &str, output: &Output, log: Option<&Path>) {
    let log = log.and_then(|path| fs::read_to_string(path).ok());
    assert!(
        output.status.success(),
        "{what} failed\n{}{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        log.unwrap_or_default()
    );
}

/// PostgreSQL refuses to run as root: then it runs as `postgres`.
fn other_user() -> Option<(u32, u32)> {
    let root = fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0);
    if !root {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("/etc/passwd can be read");
    let ids = users.lines().find_map(|line| {
        let mut fields = line.strip_prefix("postgres:")?.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    assert!(
        ids.is_some(),
        "PostgreSQL doesn't run as root, and there is no user named postgres: \
         create one (useradd --system postgres), or run the tests as another user"
    );
    ids
}

/// A folder that PostgreSQL may write to.
fn create_owned(folder: &Path) {
    fs::create_dir_all(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    if let Some((uid, gid)) = other_user() {
        // The watchdog may remove the folder at this very moment.
        drop(chown(folder, Some(uid), Some(gid)));
    }
}

/// The folder of `initdb` and `pg_ctl`: `PG_BINDIR`, else the newest of
/// `/usr/lib/postgresql`, else where `PATH` or `pg_config` say.
fn binaries() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        let usable =
            |folder: &PathBuf| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file();
        if let Some(folder) = std::env::var_os("PG_BINDIR").map(PathBuf::from) {
            assert!(usable(&folder), "PG_BINDIR has no initdb and pg_ctl in it");
            return folder;
        }
        packaged()
            .into_iter()
            .chain(std::env::split_paths(
                &std::env::var_os("PATH").unwrap_or_default(),
            ))
            .chain(configured())
            .find(usable)
            .unwrap_or_else(|| panic!("{MISSING}"))
    })
}

fn packaged() -> Vec<PathBuf> {
    let version = |path: &Path| -> Option<u32> { path.file_name()?.to_str()?.parse().ok() };
    let folders = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut versions: Vec<_> = (folders.flatten().map(|entry| entry.path()))
        .filter_map(|path| Some((version(&path)?, path.join("bin"))))
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions.into_iter().map(|(_, path)| path).collect()
}

fn configured() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(folder.trim()))
}
