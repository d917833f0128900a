//! The right to the customers of a cohort that is not listed: whoever writes or
//! removes them holds it.
//!
//! It is the lock of a file, so it ends with its process however that ends, and
//! whoever finds it free knows that nobody works on them. Invariant: a cohort has
//! one holder at a time, in all processes on the folder.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use uuid::Uuid;

/// How often a claim that another has is tried again.
const RETRY: Duration = Duration::from_millis(50);

/// Held until it is dropped.
pub(in crate::store) struct Claim {
    path: PathBuf,
    _file: File,
}

impl Claim {
    /// Takes it; none where another has it.
    pub(in crate::store) fn take(data: &Path, cohort: Uuid) -> io::Result<Option<Self>> {
        let path = data.join(format!("load-{cohort}.lock"));
        loop {
            let file = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)?;
            match file.try_lock() {
                Ok(()) => (),
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // The former holder may have removed the file in between.
            match fs::metadata(&path) {
                Ok(there) if there.ino() == file.metadata()?.ino() => {
                    return Ok(Some(Self { path, _file: file }));
                }
                Ok(_) => (),
                Err(error) if error.kind() == io::ErrorKind::NotFound => (),
                Err(error) => return Err(error),
            }
        }
    }

    /// The same, and waits for another holder; none where it goes on for longer.
    pub(super) async fn wait(
        data: &Path,
        cohort: Uuid,
        wait: Duration,
    ) -> io::Result<Option<Self>> {
        let begun = Instant::now();
        loop {
            let taken = Self::take(data, cohort)?;
            if taken.is_some() || begun.elapsed() >= wait {
                return Ok(taken);
            }
            tokio::time::sleep(RETRY).await;
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // While it is locked still. One that stays is no harm.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cohort_has_one_holder_and_leaves_no_file() {
        let data = tempfile::tempdir().unwrap();
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let take = |id| Claim::take(data.path(), id).unwrap();
        let held = take(one).unwrap();
        assert!(take(one).is_none());
        assert!(take(other).is_some());
        drop(held);
        assert!(take(one).is_some());
        let left = fs::read_dir(data.path()).unwrap().count();
        assert_eq!(left, 0);
    }

    #[test]
    fn of_many_at_once_one_holds_it_at_a_time() {
        let data = tempfile::tempdir().unwrap();
        let held = std::sync::atomic::AtomicU32::new(0);
        let try_often = || {
            for _ in 0..500 {
                if let Some(_claim) = Claim::take(data.path(), Uuid::nil()).unwrap() {
                    let others = held.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    assert_eq!(others, 0);
                    held.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(try_often);
            }
        });
    }
}
