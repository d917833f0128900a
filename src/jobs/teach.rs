//! Training on threads of its own, so that predictions keep theirs.
//!
//! A first start has nothing to answer and takes all cores. Afterwards one core
//! is left free, where there is more than one: a request waits for a thread that
//! trains no longer than the system lets one run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arrow_array::RecordBatch;
use chrono::{DateTime, Utc};
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tokio::sync::watch;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::interval;

use crate::models::{Lesson, Source, Target, TrainError, Trained, Watch};

/// How often one looks whether a training is still wanted.
const LOOK: Duration = Duration::from_millis(200);

/// How much of the machine a training may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cores {
    /// Nobody asks for predictions yet.
    All,
    /// One core is for those who do.
    AllButOne,
}

/// Stops a training whose result nobody waits for any more.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Why nothing was trained.
#[derive(Debug, thiserror::Error)]
pub enum TeachError {
    #[error(transparent)]
    Train(#[from] TrainError),
    #[error("the threads to train on can't be started: {0}")]
    Threads(#[from] ThreadPoolBuildError),
    #[error("a background task stopped: {0}")]
    Stopped(#[from] JoinError),
}

/// Trains a model of each target. `report` hears the share that is done;
/// `cancelled` tells whether to stop, which takes no longer than a tree.
pub(super) async fn teach(
    rows: Vec<RecordBatch>,
    source: Source,
    targets: &[Target],
    at: DateTime<Utc>,
    cores: Cores,
    report: &(dyn Fn(f64) + Sync),
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Trained, TeachError> {
    let stop = StopOnDrop(Arc::new(AtomicBool::new(false)));
    let pool = pool(cores)?;
    let (reporter, mut reports) = watch::channel(0.0);
    let targets = targets.to_vec();
    let stopped = Arc::clone(&stop.0);
    let work = spawn_blocking(move || {
        let watch = Watch {
            progress: &|share| {
                reporter.send_replace(share);
            },
            cancelled: &|| stopped.load(Ordering::Relaxed),
        };
        let lesson = Lesson::new(&rows, &source, at);
        pool.install(|| lesson.train_all(&targets, &watch))
    });
    let mut look = interval(LOOK);
    loop {
        tokio::select! {
            changed = reports.changed() => match changed {
                Ok(()) => report(*reports.borrow_and_update()),
                Err(_) => break,
            },
            _ = look.tick() => stop.0.store(cancelled(), Ordering::Relaxed),
        }
    }
    Ok(work.await??)
}

fn pool(cores: Cores) -> Result<ThreadPool, ThreadPoolBuildError> {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = match cores {
        Cores::All => all,
        Cores::AllButOne => (all - 1).max(1),
    };
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|number| format!("training-{number}"))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_training_leaves_a_core_free_once_there_are_predictions() {
        let threads = |cores| pool(cores).unwrap().current_num_threads();
        let all = std::thread::available_parallelism().map_or(1, usize::from);
        assert_eq!(threads(Cores::All), all);
        assert_eq!(threads(Cores::AllButOne), (all - 1).max(1));
    }
}
