//! Work that takes more than a moment: how much of it is taken on, and the
//! threads that it runs on.
//!
//! Invariant: the threads that answer predictions compute nothing long, and no
//! more waits for a thread than was taken on; beyond that a client is told to
//! come back.

use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use super::problem::{self, Problem};

/// What the service takes on at a time.
#[derive(Clone)]
pub struct Work {
    /// Batches, exports and uploads: each holds a few pieces of its own.
    requests: Arc<Semaphore>,
    /// Cohorts drawn for a client: each may hold hundreds of megabytes.
    draws: Arc<Semaphore>,
    threads: Arc<Semaphore>,
}

impl Work {
    pub fn new(requests: usize, draws: usize) -> Self {
        let threads = available_parallelism().map_or(1, usize::from);
        Self {
            requests: Arc::new(Semaphore::new(requests)),
            draws: Arc::new(Semaphore::new(draws)),
            threads: Arc::new(Semaphore::new(threads)),
        }
    }

    /// Takes on one more batch, export or upload, unless there are enough.
    pub fn admit(&self) -> Result<Admission, Problem> {
        self.enter(&self.requests)
    }

    /// Takes on the drawing of one more cohort, unless there are enough.
    pub fn admit_draw(&self) -> Result<Admission, Problem> {
        self.enter(&self.draws)
    }

    fn enter(&self, gate: &Arc<Semaphore>) -> Result<Admission, Problem> {
        let permit = Arc::clone(gate)
            .try_acquire_owned()
            .map_err(|_| problem::no_room())?;
        Ok(Admission {
            _permit: permit,
            threads: Arc::clone(&self.threads),
        })
    }
}

/// The right to work, until it is dropped.
pub struct Admission {
    _permit: OwnedSemaphorePermit,
    threads: Arc<Semaphore>,
}

impl Admission {
    /// Runs a piece of work on a thread that may block. Where whoever asked is
    /// gone by then, what was begun is finished and thrown away.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let threads = Arc::clone(&self.threads);
        let thread = threads.acquire_owned().await;
        let thread = thread.map_err(|error| problem::internal(&error))?;
        let done = spawn_blocking(move || {
            let _thread = thread;
            work()
        });
        done.await.map_err(|error| problem::internal(&error))
    }
}
