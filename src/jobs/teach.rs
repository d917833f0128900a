//! Training on threads of its own, so that predictions keep theirs.
//!
//! A first start has nothing to answer and takes all cores. Afterwards one core
//! is left free, where there is more than one, and the threads that train stand
//! back wherever another one of the machine wants to run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arrow_array::RecordBatch;
use chrono::{DateTime, Utc};
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tokio::sync::watch;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::interval;

use super::customers::Kept;
use super::truth;
use crate::cohort::Plan;
use crate::features::ColumnSet;
use crate::models::{ChosenThresholds, Lesson, Source, Target, TrainError, Trained, Watch};
use crate::store::Cohort;

/// How often one looks whether a training is still wanted.
const LOOK: Duration = Duration::from_millis(200);

/// The share of the work that drawing the truth is.
const TRUTH: f64 = 0.03;

/// The niceness of a thread that only runs where no other wants to.
#[cfg(target_os = "linux")]
const LEAST_URGENT: i32 = 19;

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

/// What to train on, and when that is.
pub(super) struct Material {
    pub rows: Vec<Kept>,
    /// The plan that draws the cohort again, where there is one.
    pub plan: Option<Plan>,
    pub source: Source,
    /// Columns that no model is to read.
    pub without: ColumnSet,
    /// Where tiers are to begin.
    pub thresholds: ChosenThresholds,
    pub at: DateTime<Utc>,
}

impl Material {
    /// Customers of a stored cohort.
    pub(super) fn of(cohort: &Cohort, rows: Vec<Kept>, at: DateTime<Utc>) -> Self {
        Self {
            rows,
            plan: truth::plan(cohort),
            source: Source {
                cohort_id: Some(cohort.id),
                cohort_name: cohort.name.clone(),
                customers: cohort.customers.unsigned_abs(),
                generator_version: Some(cohort.generator_version.clone()),
                seed: cohort.seed,
            },
            without: ColumnSet::default(),
            thresholds: ChosenThresholds::new(),
            at,
        }
    }

    /// The rows, with the truth beside them where it is known, and told of as a
    /// first part of the work.
    fn rows(&mut self, watch: &Watch<'_>) -> Vec<RecordBatch> {
        let kept = std::mem::take(&mut self.rows);
        match &self.plan {
            Some(plan) => truth::beside(kept, plan, &|share| {
                (watch.progress)(share * TRUTH);
                !(watch.cancelled)()
            }),
            None => kept.into_iter().map(|kept| kept.batch).collect(),
        }
    }

    fn train(mut self, targets: &[Target], watch: &Watch<'_>) -> Result<Trained, TrainError> {
        let rows = self.rows(watch);
        let first = if self.plan.is_some() { TRUTH } else { 0.0 };
        let watch = Watch {
            progress: &|share| (watch.progress)(first + share * (1.0 - first)),
            cancelled: watch.cancelled,
        };
        let mut lesson = Lesson::new(&rows, &self.source, self.at);
        lesson.without = self.without;
        lesson.thresholds = &self.thresholds;
        lesson.train_all(targets, &watch)
    }
}

/// Trains a model of each target. `report` hears the share that is done;
/// `cancelled` tells whether to stop, which takes no longer than a tree.
pub(super) async fn teach(
    material: Material,
    targets: &[Target],
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
        pool.install(|| material.train(&targets, &watch))
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
        .start_handler(move |_| {
            if cores == Cores::AllButOne {
                stand_back();
            }
        })
        .build()
}

/// Lets every other thread of the machine go before this one. Linux alone counts
/// this for a thread; elsewhere it would be the whole process.
fn stand_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, LEAST_URGENT) {
        tracing::debug!(%error, "a thread that trains can't stand back");
    }
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

    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_that_trains_stands_back_and_no_other_does() {
        let nice = || rustix::process::getpriority_process(None).unwrap();
        let before = nice();
        assert_eq!(pool(Cores::AllButOne).unwrap().install(nice), LEAST_URGENT);
        assert_eq!(pool(Cores::All).unwrap().install(nice), before);
        assert_eq!(nice(), before);
    }
}
