//! The store on Postgres: connecting, and what its errors mean.
//!
//! Small queries go through a pool with short timeouts. What takes long or must
//! end with its owner (loading, reading and locking) has a connection of its
//! own, which is closed when it is dropped.

pub(super) mod copy;
mod load;
mod read;

use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::StoreError;
use super::error::one_line;
use super::{LONG, QUICK, location, migrations};

/// How long one try to connect may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long the server may take to go on where much is moved.
const SILENCE: Duration = Duration::from_mins(1);
/// The least that one waits for another process that migrates.
const MIGRATING: Duration = Duration::from_secs(5);
/// The pause after a failed try: doubled each time, up to the second value.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

const CONNECTIONS: u32 = 8;
/// How long a query waits for a connection of the pool that answers.
const ACQUIRE: Duration = Duration::from_millis(900);
/// What the server itself breaks off, where the caller is long gone.
const LIMITS: [(&str, &str); 3] = [
    ("statement_timeout", "30s"),
    ("lock_timeout", "10s"),
    ("idle_in_transaction_session_timeout", "60s"),
];

#[derive(Clone)]
pub(super) struct Server {
    pool: PgPool,
    /// For connections outside the pool: without its limits.
    options: PgConnectOptions,
    place: String,
}

impl Server {
    pub(super) async fn open(
        url: &str,
        wait: Duration,
        waiting: &(dyn Fn(&StoreError) + Sync),
    ) -> Result<Self, StoreError> {
        let mut options = location::parse(url)?;
        if options.get_application_name().is_none() {
            options = options.application_name("engagecast");
        }
        let server = Self {
            pool: PgPoolOptions::new()
                .max_connections(CONNECTIONS)
                .acquire_timeout(ACQUIRE)
                .connect_lazy_with(options.clone().options(LIMITS)),
            place: place(&options),
            options,
        };
        let begun = Instant::now();
        let mut pause = PAUSE.0;
        loop {
            let left = wait.saturating_sub(begun.elapsed());
            // The last try may take a second longer than the wait, not ten.
            let limit = left.clamp(Duration::from_secs(1), CONNECT);
            let Err(error) = server.migrate(limit).await else {
                return Ok(server);
            };
            let left = wait.saturating_sub(begun.elapsed());
            if left.is_zero() || !error.is_passing() {
                return Err(error);
            }
            waiting(&error);
            sleep(pause.min(left)).await;
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    /// Brings the schema up to date; `limit` is for the connecting, and then for
    /// the wait for a process that does the same.
    async fn migrate(&self, limit: Duration) -> Result<(), StoreError> {
        let mut connection = self.connect_within(limit).await?;
        let migrating = async {
            let limit = limit.max(MIGRATING);
            set(&mut connection, "lock_timeout", limit).await?;
            let migrator = migrations::migrator(migrations::POSTGRES);
            migrator.run_direct(None, &mut connection, false).await
        };
        let Ok(done) = timeout(LONG + limit, migrating).await else {
            return Err(self.silent());
        };
        let done = match done {
            Err(error) if migrations::is_newer(&error) => {
                let oldest = sqlx::query_scalar(migrations::OLDEST_PROGRAM);
                let oldest = oldest.fetch_optional(&mut connection).await;
                migrations::tolerate(migrations::POSTGRES, oldest.ok().flatten(), error)
            }
            done => done,
        };
        // Closing gives back the migrator's lock, which it keeps after a failure.
        close(connection).await;
        done.map_err(|e| {
            migrations::refusal(migrations::POSTGRES, e)
                .into_error(&self.place, |e| self.error("migrate its schema", &e))
        })
    }

    /// A connection outside the pool.
    async fn connect(&self) -> Result<PgConnection, StoreError> {
        self.connect_within(CONNECT).await
    }

    /// The same, under a name by which others find it.
    async fn connect_as(&self, name: &str) -> Result<PgConnection, StoreError> {
        let options = self.options.clone().application_name(name);
        match timeout(CONNECT, options.connect()).await {
            Ok(connected) => connected.map_err(|e| self.error("connect", &e)),
            Err(_) => Err(self.silent()),
        }
    }

    /// Waits for the server to go on, though not for ever.
    async fn patiently<T>(
        &self,
        answer: impl Future<Output = sqlx::Result<T>>,
        failed: impl FnOnce(sqlx::Error) -> StoreError,
    ) -> Result<T, StoreError> {
        let answer = timeout(SILENCE, answer).await;
        answer.map_err(|_| self.silent())?.map_err(failed)
    }

    /// Whether the server answers, within a second.
    async fn answers(&self) -> Result<(), StoreError> {
        let asked = timeout(QUICK, sqlx::query("SELECT 1").execute(&self.pool)).await;
        let asked = asked.map_err(|_| self.silent())?;
        asked.map(drop).map_err(|e| self.error("answer", &e))
    }

    async fn connect_within(&self, limit: Duration) -> Result<PgConnection, StoreError> {
        match timeout(limit, self.options.connect()).await {
            Ok(connected) => connected.map_err(|e| self.error("connect", &e)),
            Err(_) => Err(self.silent()),
        }
    }

    /// Takes an advisory lock that lasts as long as the connection; none where
    /// another process has it for longer than `wait`.
    pub(super) async fn lock(
        &self,
        key: i64,
        wait: Duration,
    ) -> Result<Option<PgConnection>, StoreError> {
        let mut connection = self.connect().await?;
        // A holder whose machine vanished is noticed within a minute or so.
        let taking = async {
            for setting in ["tcp_keepalives_idle = 30", "tcp_keepalives_interval = 10"] {
                sqlx::raw_sql(AssertSqlSafe(format!("SET {setting}")))
                    .execute(&mut connection)
                    .await?;
            }
            // None at all would be no limit.
            set(
                &mut connection,
                "lock_timeout",
                wait.max(Duration::from_millis(1)),
            )
            .await?;
            let lock = sqlx::query("SELECT pg_advisory_lock($1)").bind(key);
            lock.execute(&mut connection).await
        };
        let taken = match timeout(wait + CONNECT, taking).await {
            Ok(taken) => taken.map_err(|e| self.error("take a lock", &e)),
            Err(_) => Err(self.silent()),
        };
        match taken {
            Ok(_) => Ok(Some(connection)),
            Err(StoreError::Busy { .. }) => {
                close(connection).await;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Host and port: never a user's secret.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// What it means that no answer came in time.
    pub(super) fn silent(&self) -> StoreError {
        self.unreachable(&"it doesn't answer")
    }

    fn unreachable(&self, reason: &impl ToString) -> StoreError {
        StoreError::Unreachable {
            place: self.place.clone(),
            reason: one_line(reason),
        }
    }

    /// What a driver's error means.
    pub(super) fn error(&self, doing: &'static str, error: &sqlx::Error) -> StoreError {
        let place = self.place.clone();
        match error {
            sqlx::Error::Io(e) => self.unreachable(e),
            sqlx::Error::PoolTimedOut => self.unreachable(&"no connection could be had in time"),
            sqlx::Error::Tls(e) => StoreError::Tls {
                place,
                reason: one_line(e),
            },
            sqlx::Error::Database(e) => self.answer(doing, e.as_ref()),
            e => StoreError::Failed {
                place,
                doing,
                reason: one_line(e),
            },
        }
    }

    /// What an error that the server answered with means, by its code:
    /// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
    fn answer(&self, doing: &'static str, error: &dyn DatabaseError) -> StoreError {
        let place = self.place.clone();
        let reason = one_line(&error.message());
        match error.code().as_deref().unwrap_or_default() {
            // Shutting down, crashed, starting up; connections used up; cut off.
            "57P01" | "57P02" | "57P03" | "53300" | "08006" => self.unreachable(&reason),
            "28P01" | "28000" => StoreError::Refused {
                place,
                user: self.options.get_username().to_owned(),
                reason,
            },
            "3D000" => StoreError::UnknownDatabase {
                place,
                database: self.database().to_owned(),
            },
            // A lock that was not free in time.
            "55P03" => StoreError::Busy { place },
            _ => StoreError::Failed {
                place,
                doing,
                reason,
            },
        }
    }

    fn database(&self) -> &str {
        // As the server itself does where none is named.
        let options = &self.options;
        options.get_database().unwrap_or(options.get_username())
    }
}

/// Ends a session in good order, if the server listens; it is over in any case.
pub(super) async fn close(connection: PgConnection) {
    drop(timeout(QUICK, connection.close()).await);
}

/// Sets a limit of a session, in milliseconds.
async fn set(connection: &mut PgConnection, name: &str, limit: Duration) -> sqlx::Result<()> {
    let limit = limit.as_millis();
    sqlx::raw_sql(AssertSqlSafe(format!("SET {name} = {limit}")))
        .execute(connection)
        .await?;
    Ok(())
}

/// What a message calls the server.
fn place(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(folder) => format!("Postgres in {}", folder.display()),
        None => format!("Postgres at {}:{}", options.get_host(), options.get_port()),
    }
}

/// The partition that holds a cohort's customers.
pub(super) fn partition(cohort: Uuid) -> String {
    format!("customers_{}", cohort.simple())
}
