//! One process at a time: the lock under which a first start makes its data, so
//! that of several starts on an empty database one works and the others wait.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::PgConnection;

use super::{Backend, Store, StoreError, postgres};

/// How often the lock of a file is tried again.
const RETRY: Duration = Duration::from_millis(100);

/// The key of the advisory lock, "engageca" in ASCII; keys are a database's own.
const KEY: i64 = 0x656e_6761_6765_6361;

/// Held by one process on a database at a time; released when dropped, or when
/// the process ends in whatever way. Postgres also releases it where it goes down
/// itself: what is written under the lock fails then.
#[must_use = "the lock is released when this is dropped"]
#[derive(Debug)]
pub struct BootstrapLock {
    held: Held,
}

#[derive(Debug)]
enum Held {
    Session(PgConnection),
    File(File),
}

impl Store {
    /// Waits until no other process makes the first data of this database; none
    /// where one still does after `wait`.
    ///
    /// Look for that data again once the lock is held: another process may have
    /// made it in the meantime.
    ///
    /// # Errors
    /// Where the database fails, or a lock file can't be made.
    pub async fn bootstrap_lock(
        &self,
        wait: Duration,
    ) -> Result<Option<BootstrapLock>, StoreError> {
        let held = match &self.backend {
            Backend::Postgres(server) => server.lock(KEY, wait).await?.map(Held::Session),
            Backend::Sqlite(file) => {
                let path = file.folder().join("bootstrap.lock");
                lock_file(&path, wait)
                    .await
                    .map_err(|cause| file.folder_error(cause))?
                    .map(Held::File)
            }
        };
        Ok(held.map(|held| BootstrapLock { held }))
    }
}

impl BootstrapLock {
    /// Gives the lock back now; dropping it does so a moment later.
    pub async fn release(self) {
        match self.held {
            // A session that is gone has given its lock back already.
            Held::Session(session) => postgres::close(session).await,
            Held::File(file) => drop(file),
        }
    }
}

/// Takes the lock of a file that is made for it; none where another process has
/// it for longer than `wait`.
pub(super) async fn lock_file(path: &Path, wait: Duration) -> io::Result<Option<File>> {
    let begun = Instant::now();
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) if begun.elapsed() >= wait => return Ok(None),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(RETRY).await,
            Err(TryLockError::Error(e)) => return Err(e),
        }
    }
}
