//! A throw-away Postgres for the tests.
//!
//! [`Database::fresh`] gives a test an empty database of its own: on the server
//! of `DATABASE_URL` where that is set, else on a cluster made from the local
//! PostgreSQL binaries, in memory where the system allows it and without a port.
//! All test processes of a checkout share one cluster; it is stopped and removed
//! some seconds after the last of them ended, however that ended.
//! [`Cluster::private`] is for tests that stop, start or reconfigure the server.

mod programs;
mod shared;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use programs::{assert_done, create_owned, run, tool};
use shared::shared;

pub const USER: &str = "engagecast";

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

    /// Dumps this database and restores it into another one, as the page on
    /// operations says.
    pub fn move_into(&self, other: &Self) {
        let file = shared().folder.join(format!("{}.dump", self.name));
        let mut dump = tool("pg_dump");
        dump.args(["--format=custom", "--file"])
            .arg(&file)
            .arg(&self.url);
        assert_done("pg_dump", &run(&mut dump), None);
        let mut restore = tool("pg_restore");
        restore
            .args(["--no-owner", "--exit-on-error", "--dbname", &other.url])
            .arg(&file);
        assert_done("pg_restore", &run(&mut restore), None);
        drop(fs::remove_file(&file));
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

    fn pg_ctl(&self, action: &str) -> std::process::Command {
        let mut command = tool("pg_ctl");
        command
            .args([action, "--wait", "--silent", "--pgdata"])
            .arg(self.data());
        command
    }

    /// The file that it takes connections through.
    pub fn socket(&self) -> PathBuf {
        self.folder.join(".s.PGSQL.5432")
    }

    fn runs(&self) -> bool {
        std::os::unix::net::UnixStream::connect(self.socket()).is_ok()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill();
        drop(fs::remove_dir_all(&self.folder));
    }
}
