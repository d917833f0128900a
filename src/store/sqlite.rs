//! The store on SQLite: one file in the data folder.
//!
//! It is in WAL mode, so that readers, other processes among them, go on while
//! one writes. A commit survives a crash of the program; the last ones may be
//! lost, whole, in a power cut.
//!
//! There is one writer at a time. Those of this process come in the order in
//! which they asked ([`File::turn`]): one that tries now and then, as SQLite's
//! own do, would never find the moment between two pieces of a large cohort.

mod claim;
mod hidden;
mod load;
mod read;
mod rows;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection, SqlitePool};
use tokio::sync::{Mutex, MutexGuard};

use super::error::one_line;
use super::{StoreError, lock, migrations};

const FILE: &str = "engagecast.sqlite";

const CONNECTIONS: u32 = 4;
/// How long a query waits for a free connection of the pool.
const ACQUIRE: Duration = Duration::from_secs(5);
/// The least that one waits for another process that migrates.
const MIGRATING: Duration = Duration::from_secs(5);
/// How long a small write waits for those of others: whoever asks over HTTP hears
/// within a second or two that the database is busy.
const BUSY: Duration = Duration::from_millis(800);
/// The same for the writing of a cohort.
const BUSY_LOAD: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub(super) struct File {
    pool: SqlitePool,
    turn: Arc<Mutex<()>>,
    options: SqliteConnectOptions,
    folder: PathBuf,
    path: PathBuf,
    place: String,
}

impl File {
    pub(super) async fn open(folder: &Path, wait: Duration) -> Result<Self, StoreError> {
        let path = folder.join(FILE);
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(BUSY_LOAD)
            // Rows that are read wait here; the default makes two threads take turns.
            .row_buffer_size(1024)
            // A large commit doesn't leave a large log behind.
            .pragma("journal_size_limit", "67108864");
        let file = Self {
            pool: SqlitePoolOptions::new()
                .max_connections(CONNECTIONS)
                .acquire_timeout(ACQUIRE)
                .connect_lazy_with(options.clone().busy_timeout(BUSY)),
            turn: Arc::default(),
            options,
            folder: folder.to_owned(),
            place: format!("the database file {}", path.display()),
            path,
        };
        file.migrate(wait.max(MIGRATING)).await?;
        Ok(file)
    }

    async fn migrate(&self, wait: Duration) -> Result<(), StoreError> {
        let folder_error = |cause| self.folder_error(cause);
        tokio::fs::create_dir_all(&self.folder)
            .await
            .map_err(folder_error)?;
        // Two first starts at once would otherwise make the same tables.
        let lock = lock::lock_file(&self.folder.join("migrate.lock"), wait)
            .await
            .map_err(folder_error)?;
        let Some(lock) = lock else {
            return Err(self.busy());
        };
        let mut connection = self.connect().await?;
        let migrator = migrations::migrator(migrations::SQLITE);
        let done = match migrator.run_direct(None, &mut connection, false).await {
            Err(error) if migrations::is_newer(&error) => {
                let oldest = sqlx::query_scalar(migrations::OLDEST_PROGRAM);
                let oldest = oldest.fetch_optional(&mut connection).await;
                migrations::tolerate(migrations::SQLITE, oldest.ok().flatten(), error)
            }
            done => done,
        };
        drop(connection.close().await);
        drop(lock);
        done.map_err(|e| {
            migrations::refusal(migrations::SQLITE, e)
                .into_error(&self.place, |e| self.error("migrate its schema", &e))
        })
    }

    /// A connection outside the pool.
    async fn connect(&self) -> Result<SqliteConnection, StoreError> {
        // SQLite would open a file that it may only read, and fail much later.
        let mut file = tokio::fs::OpenOptions::new();
        file.create(true).truncate(false).read(true).write(true);
        if let Err(cause) = file.open(&self.path).await {
            return Err(StoreError::Access {
                file: self.path.clone(),
                reason: one_line(&cause),
            });
        }
        self.options
            .connect()
            .await
            .map_err(|e| self.error("open it", &e))
    }

    pub(super) fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Waits for what this process began to write before. Whoever waited for long
    /// tries without: the file itself lets in one at a time.
    pub(super) async fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        let turn = tokio::time::timeout(BUSY, self.turn.lock());
        turn.await.ok()
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    fn busy(&self) -> StoreError {
        let place = self.place.clone();
        StoreError::Busy { place }
    }

    pub(super) fn folder_error(&self, cause: io::Error) -> StoreError {
        StoreError::Folder {
            folder: self.folder.clone(),
            cause,
        }
    }

    /// What a driver's error means.
    pub(super) fn error(&self, doing: &'static str, error: &sqlx::Error) -> StoreError {
        let file = self.path.clone();
        let place = self.place.clone();
        let (code, reason) = match error {
            sqlx::Error::Database(e) => (
                e.code().and_then(|code| code.parse::<i32>().ok()),
                one_line(&e.message()),
            ),
            e => (None, one_line(e)),
        };
        // The low byte is the error, the others say more about it:
        // https://www.sqlite.org/rescode.html
        match code.map(|code| code & 0xff) {
            Some(5 | 6) => self.busy(),
            Some(8 | 10 | 14) => StoreError::Access { file, reason },
            Some(11 | 26) => StoreError::Corrupt { file, reason },
            _ => StoreError::Failed {
                place,
                doing,
                reason,
            },
        }
    }
}
