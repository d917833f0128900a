//! Works on the jobs of the database, a few at a time, beside other processes
//! that do the same.
//!
//! Invariant: what a job makes becomes visible in the same transaction that ends
//! the job, and only while this process is its owner. So it does not matter when
//! a process is killed, loses its database or is given up for dead: the job is
//! done once.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::control::{Control, Stop};
use super::failure::{Failure, JobProblem};
use super::{Service, generate, import_job, submit, train_job};
use crate::store::{Beat, Heart, Job, JobEnding, JobKind, JobOutcome, Store, StoreError};
use crate::traces::Span;

/// How often the owner of a job says that it is alive, and hears whether to stop.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// A heartbeat that stands still for so long is that of a dead process.
const LOST: Duration = Duration::from_secs(10);
/// How often jobs are looked for, should nobody tell of a new one.
const LOOK: Duration = Duration::from_secs(1);
/// The pause while the database is away.
const PAUSE: Duration = Duration::from_millis(500);
/// How long an orderly end waits for its jobs to be given back.
const HAND_OVER: Duration = Duration::from_secs(2);
/// A job that has ended so many processes is not tried again.
const MOST_ATTEMPTS: i32 = 3;

/// How a process works on jobs.
#[derive(Debug, Clone)]
pub struct JobSettings {
    /// Jobs at a time; none where others do the work.
    pub at_a_time: u32,
    /// Where files are put while they are read.
    pub folder: PathBuf,
}

/// A job that this process works on.
pub(super) struct Running<'a> {
    pub store: &'a Store,
    pub job: &'a Job,
    pub control: &'a Control,
    pub settings: &'a JobSettings,
    owner: Uuid,
    clock: fn() -> DateTime<Utc>,
}

impl Running<'_> {
    /// The end of the job, to become visible with what it made.
    pub(super) fn ending(&self, result: Value) -> JobEnding {
        JobEnding {
            job: self.job.id,
            owner: self.owner,
            result,
            at: (self.clock)(),
        }
    }
}

/// Takes a job off the list of those that this process works on, also where the
/// work panics: else it would not be taken up again before the process ends.
struct Listed<'a> {
    service: &'a Service,
    job: Uuid,
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.service.running().remove(&self.job);
    }
}

/// Heartbeats of others that have stood still, and since when.
type Standing = HashMap<Uuid, (Beat, Instant)>;

impl Service {
    /// Works on jobs. Never ends.
    pub async fn run_jobs(self: &Arc<Self>, store: &Store, settings: JobSettings) -> ! {
        import_job::sweep(&settings.folder);
        let slots = Arc::new(Semaphore::new(settings.at_a_time as usize));
        let mut standing = Standing::new();
        loop {
            // It is never closed.
            let slot = Arc::clone(&slots).acquire_owned().await.ok();
            match self.next_job(store, &mut standing).await {
                Ok(Some(job)) => {
                    let (service, store) = (Arc::clone(self), store.clone());
                    let settings = settings.clone();
                    tokio::spawn(async move {
                        service.work(&store, &job, &settings).await;
                        drop(slot);
                    });
                }
                Ok(None) => {
                    drop(slot);
                    let _ = timeout(LOOK, self.new_jobs.notified()).await;
                }
                Err(error) => {
                    drop(slot);
                    // Nobody else could write a heartbeat either.
                    standing.clear();
                    if !error.is_passing() {
                        tracing::error!(%error, "can't look for jobs");
                    }
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// A job that waits, or one whose owner is dead.
    async fn next_job(
        &self,
        store: &Store,
        standing: &mut Standing,
    ) -> Result<Option<Job>, StoreError> {
        if let Some(job) = store.claim_job(self.id, (self.clock)()).await? {
            return Ok(Some(job));
        }
        let mut beats = store.beats().await?;
        // A claim whose answer was lost is ours, and nobody works on it.
        beats.retain(|beat| beat.owner != self.id || !self.running().contains_key(&beat.job));
        standing.retain(|_, (seen, _)| beats.contains(seen));
        for beat in beats {
            let (_, since) = *standing.entry(beat.job).or_insert((beat, Instant::now()));
            if since.elapsed() < LOST {
                continue;
            }
            if let Some(job) = store.take_over_job(beat, self.id, (self.clock)()).await? {
                tracing::warn!(job = %job.id, "took over a job whose process is gone");
                return Ok(Some(job));
            }
        }
        Ok(None)
    }

    /// Works on one job, and ends it.
    async fn work(&self, store: &Store, job: &Job, settings: &JobSettings) {
        let span = Span::job(format!("job {}", job.kind.name()), submit::origin(job));
        span.tell("engagecast.job.id", job.id.to_string());
        span.tell("engagecast.job.attempt", i64::from(job.attempts));
        let ended = span
            .around(Box::pin(self.work_on(store, job, settings)))
            .await;
        span.tell("engagecast.job.end", ended);
        if ended == "failed" {
            span.fail();
        }
    }

    /// The same; tells how it ended.
    async fn work_on(&self, store: &Store, job: &Job, settings: &JobSettings) -> &'static str {
        let control = Control::new();
        self.running().insert(job.id, control.clone());
        let _listed = Listed {
            service: self,
            job: job.id,
        };
        tracing::info!(job = %job.id, kind = job.kind.name(), "a job begins");
        let running = Running {
            store,
            job,
            control: &control,
            settings,
            owner: self.id,
            clock: self.clock,
        };
        let done = tokio::select! {
            biased;
            stop = self.keep(store, job.id, &control) => Err(stop),
            done = perform(&running) => Ok(done),
        };
        // For threads that work on.
        control.tell(Stop::Lost);
        let ended = self.end(store, job, done).await;
        tracing::info!(job = %job.id, "a job ended: {ended}");
        ended
    }

    /// Says that a job is alive, until it has to stop.
    async fn keep(&self, store: &Store, job: Uuid, control: &Control) -> Stop {
        loop {
            if let Ok(stop) = timeout(HEARTBEAT, control.stop()).await {
                return stop;
            }
            let (phase, share) = control.at();
            let now = (self.clock)();
            match store.heartbeat(job, self.id, now, phase, share).await {
                // Without a database nobody else can take the job.
                Ok(Heart::Kept) | Err(_) => (),
                Ok(Heart::Cancelled) => return Stop::Cancelled,
                Ok(Heart::Lost) => return Stop::Lost,
            }
        }
    }

    /// Writes down what became of a job, as soon as the database takes it.
    async fn end(
        &self,
        store: &Store,
        job: &Job,
        done: Result<Result<(), Failure>, Stop>,
    ) -> &'static str {
        let (outcome, name) = match done {
            // Ended together with what it made.
            Ok(Ok(())) => return "complete",
            Ok(Err(Failure::Problem(problem))) => {
                (Some(JobOutcome::Failed(problem.to_json())), "failed")
            }
            Err(Stop::Lost) => return "lost",
            // Refused at its end: asked to stop before the heartbeat heard of it,
            // or another's by now, which writing this down tells apart.
            Ok(Err(Failure::Store(StoreError::LostJob(_)))) => {
                (Some(JobOutcome::Cancelled), "cancelled")
            }
            Ok(Err(Failure::Store(error))) if error.is_passing() => {
                tracing::warn!(job = %job.id, %error, "a job waits for the database");
                (None, "to be tried again")
            }
            Ok(Err(Failure::Store(error))) => {
                let problem = JobProblem::internal(&error);
                (Some(JobOutcome::Failed(problem.to_json())), "failed")
            }
            Err(Stop::Cancelled) => (Some(JobOutcome::Cancelled), "cancelled"),
            Err(Stop::HandOver) => (None, "handed over"),
        };
        loop {
            let now = (self.clock)();
            let written = match &outcome {
                Some(outcome) => store.finish_job(job.id, self.id, outcome, now).await,
                None => store.release_job(job.id, self.id, now).await,
            };
            match written {
                Ok(()) => break,
                Err(StoreError::LostJob(_)) => return "lost",
                Err(error) if error.is_passing() => sleep(PAUSE).await,
                Err(error) => {
                    tracing::warn!(job = %job.id, %error, "a job's end is not written down");
                    return "lost";
                }
            }
        }
        let is_over = matches!(outcome, Some(JobOutcome::Failed(_) | JobOutcome::Cancelled));
        if is_over && job.kind == JobKind::Import {
            import_job::forget(store, job).await;
        }
        name
    }

    /// Cancels a job, here or wherever it runs; none where there is no such job.
    /// Returns the job as it is then.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn cancel(&self, store: &Store, id: Uuid) -> Result<Option<Job>, StoreError> {
        // First of all: a database that is away keeps it from no end.
        if let Some(control) = self.running().get(&id) {
            control.tell(Stop::Cancelled);
        }
        store.cancel_job(id, (self.clock)()).await
    }

    /// Gives all jobs back for other processes, or the next start, to take.
    pub async fn hand_over_jobs(&self) {
        for control in self.running().values() {
            control.tell(Stop::HandOver);
        }
        let begun = Instant::now();
        while !self.running().is_empty() && begun.elapsed() < HAND_OVER {
            sleep(Duration::from_millis(10)).await;
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Control>> {
        // A map is whole at any moment.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does what a job asks for. The job is ended with what it made.
async fn perform(running: &Running<'_>) -> Result<(), Failure> {
    if running.job.attempts > MOST_ATTEMPTS {
        return Err(JobProblem::new(
            "gave-up",
            format!("The processes that worked on it ended, {MOST_ATTEMPTS} times."),
        )
        .into());
    }
    match running.job.kind {
        JobKind::Generate => generate::run(running).await,
        JobKind::Import => import_job::run(running).await,
        JobKind::Train => train_job::run(running).await,
    }
}
