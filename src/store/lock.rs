//! One process at a time: the lock under which a first start makes its data, so
//! that of several starts on an empty database one works and the others wait.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use sqlx::{Connection, PgConnection};

use super::{Backend, Store, StoreError};

/// How often a lock that another process holds is tried again.
const RETRY: Duration = Duration::from_millis(200);

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
    /// Waits until no other process makes the first data of this database.
    ///
    /// Look for that data again once the lock is held: another process may have
    /// made it in the meantime.
    ///
    /// # Errors
    /// Where the database fails, or a lock file can't be made.
    pub async fn bootstrap_lock(&self) -> Result<BootstrapLock, StoreError> {
        loop {
            if let Some(lock) = self.try_bootstrap_lock().await? {
                return Ok(lock);
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    /// The same without waiting: none where another process holds the lock.
    ///
    /// # Errors
    /// As for [`Store::bootstrap_lock`].
    pub async fn try_bootstrap_lock(&self) -> Result<Option<BootstrapLock>, StoreError> {
        let held = match &self.backend {
            Backend::Postgres(server) => server.try_lock(KEY).await?.map(Held::Session),
            Backend::Sqlite(file) => {
                let path = file.folder().join("bootstrap.lock");
                try_lock_file(&path)
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
            Held::Session(session) => drop(session.close().await),
            Held::File(file) => drop(file),
        }
    }
}

/// Takes the lock of a file that is made for it; none where another has it.
pub(super) fn try_lock_file(path: &Path) -> io::Result<Option<File>> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(e)) => Err(e),
    }
}

/// The same, waiting for the other.
pub(super) async fn lock_file(path: &Path) -> io::Result<File> {
    loop {
        if let Some(file) = try_lock_file(path)? {
            return Ok(file);
        }
        tokio::time::sleep(RETRY).await;
    }
}
