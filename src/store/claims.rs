//! Working on jobs: taking one, saying that one is alive, ending it.
//!
//! A job has one owner at a time, and only its owner changes it: each statement
//! here names the owner, so that a process that was given up for dead learns so,
//! and changes nothing. No clock is compared with another one: a heartbeat that
//! stands still is told by being the same when it is looked at again.

use chrono::{DateTime, SubsecRound, Utc};
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::id::Id;
use super::jobs::{Row, job_columns};
use super::{Backend, Job, Store, StoreError, change, changing, check, on_either};

/// What a job came to.
#[derive(Debug, Clone, PartialEq)]
pub enum JobOutcome {
    /// With what it made.
    Complete(Value),
    /// With the reason.
    Failed(Value),
    Cancelled,
}

/// What the owner of a job learns when it says that it is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heart {
    /// It goes on.
    Kept,
    /// Somebody asked the job to stop.
    Cancelled,
    /// The job has another owner, or is done.
    Lost,
}

/// The heartbeat of a running job, as it was last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    pub job: Uuid,
    pub owner: Uuid,
    pub at: DateTime<Utc>,
}

macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "UPDATE jobs SET state = 'running', owner = $1, heartbeat_at = $2, \
             started_at = coalesce(started_at, $2), attempts = attempts + 1, phase = '', \
             progress = 0 WHERE id = (SELECT id FROM jobs WHERE state = 'queued' \
             AND kind IN ('generate', 'import', 'train') ORDER BY created_at, id LIMIT 1",
            $lock,
            ") RETURNING ",
            job_columns!()
        )
    };
}

// Postgres: replicas that ask at once get one job each, without waiting. SQLite
// has one writer at a time.
const CLAIM_POSTGRES: &str = claim!(" FOR UPDATE SKIP LOCKED");
const CLAIM_SQLITE: &str = claim!("");
const BEATS: &str = "SELECT id, owner, heartbeat_at FROM jobs \
    WHERE state = 'running' AND kind IN ('generate', 'import', 'train')";
const TAKE_OVER: &str = concat!(
    "UPDATE jobs SET owner = $4, heartbeat_at = $5, attempts = attempts + 1, phase = '', \
     progress = 0 WHERE id = $1 AND owner = $2 AND heartbeat_at = $3 AND state = 'running' \
     RETURNING ",
    job_columns!()
);
const HEARTBEAT: &str = "UPDATE jobs SET heartbeat_at = $3, phase = $4, progress = $5 \
    WHERE id = $1 AND owner = $2 AND state = 'running' RETURNING cancel_requested";
pub(super) const FINISH: &str = "UPDATE jobs SET state = $3, result = $4, problem = $5, \
    finished_at = $6, owner = NULL, \
    progress = CASE WHEN $3 = 'complete' THEN 1 ELSE progress END \
    WHERE id = $1 AND owner = $2 AND state = 'running' \
    AND ($3 <> 'complete' OR NOT cancel_requested)";

/// Ends a job as complete within an open transaction of either database. A job
/// that is not its owner's any more, or that was asked to stop, is `RowNotFound`:
/// then nothing of the transaction may be committed.
macro_rules! end_job {
    ($connection:expr, $job:expr) => {
        async {
            use crate::store::id::Id;
            use sqlx::types::Json;
            let ended = sqlx::query(crate::store::claims::FINISH)
                .bind(Id($job.job))
                .bind(Id($job.owner))
                .bind("complete")
                .bind(Some(Json(&$job.result)))
                .bind(None::<Json<&serde_json::Value>>)
                .bind(chrono::SubsecRound::trunc_subsecs($job.at, 6))
                .execute(&mut *$connection)
                .await?;
            match ended.rows_affected() {
                0 => Err(sqlx::Error::RowNotFound),
                _ => Ok(()),
            }
        }
    };
}
pub(super) use end_job;

const RELEASE: &str = "UPDATE jobs SET owner = NULL, heartbeat_at = NULL, \
    attempts = attempts - 1, phase = '', progress = 0, \
    state = CASE WHEN cancel_requested THEN 'cancelled' ELSE 'queued' END, \
    finished_at = CASE WHEN cancel_requested THEN $3 ELSE finished_at END \
    WHERE id = $1 AND owner = $2 AND state = 'running'";

impl Store {
    /// Takes the oldest job that waits; none where none does. No two processes
    /// get the same one.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn claim_job(
        &self,
        owner: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Option<Job>, StoreError> {
        let claim = match self.backend {
            Backend::Postgres(_) => CLAIM_POSTGRES,
            Backend::Sqlite(_) => CLAIM_SQLITE,
        };
        let row: Option<Row> = changing!(self, "take a job", pool => sqlx::query_as(claim)
            .bind(Id(owner))
            .bind(now.trunc_subsecs(6))
            .fetch_optional(pool))?;
        Ok(row.and_then(Job::from_row))
    }

    /// The heartbeats of the jobs that are worked on.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn beats(&self) -> Result<Vec<Beat>, StoreError> {
        let rows: Vec<(Id, Id, DateTime<Utc>)> = on_either!(self, "look at the jobs", pool =>
            sqlx::query_as(BEATS).fetch_all(pool))?;
        let beats = rows.into_iter().map(|(job, owner, at)| Beat {
            job: job.0,
            owner: owner.0,
            at,
        });
        Ok(beats.collect())
    }

    /// Takes a job from an owner whose heartbeat stood still at `seen`; none where
    /// it has moved since, or somebody else was quicker.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn take_over_job(
        &self,
        seen: Beat,
        owner: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Option<Job>, StoreError> {
        let row: Option<Row> = changing!(self, "take a job", pool => sqlx::query_as(TAKE_OVER)
            .bind(Id(seen.job))
            .bind(Id(seen.owner))
            .bind(seen.at)
            .bind(Id(owner))
            .bind(now.trunc_subsecs(6))
            .fetch_optional(pool))?;
        Ok(row.and_then(Job::from_row))
    }

    /// Says that the owner of a job is alive, and how far it is (0 to 1).
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn heartbeat(
        &self,
        job: Uuid,
        owner: Uuid,
        now: DateTime<Utc>,
        phase: &str,
        progress: f64,
    ) -> Result<Heart, StoreError> {
        let cancelled: Option<bool> = changing!(self, "keep a job", pool =>
            sqlx::query_scalar(HEARTBEAT)
                .bind(Id(job))
                .bind(Id(owner))
                .bind(now.trunc_subsecs(6))
                .bind(phase)
                .bind(progress.clamp(0.0, 1.0))
                .fetch_optional(pool))?;
        Ok(match cancelled {
            None => Heart::Lost,
            Some(true) => Heart::Cancelled,
            Some(false) => Heart::Kept,
        })
    }

    /// Ends a job. One that makes a cohort is ended with it instead, by
    /// [`CohortWriter::finish_job`](super::CohortWriter::finish_job).
    ///
    /// # Errors
    /// [`StoreError::LostJob`] where it is not the owner's any more; else where
    /// the database fails.
    pub async fn finish_job(
        &self,
        job: Uuid,
        owner: Uuid,
        outcome: &JobOutcome,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let (state, result, problem) = outcome.columns();
        for json in [result, problem].into_iter().flatten() {
            check::json("the job's outcome", json)?;
        }
        let done = change!(
            self,
            "end a job",
            sqlx::query(FINISH)
                .bind(Id(job))
                .bind(Id(owner))
                .bind(state)
                .bind(result.map(Json))
                .bind(problem.map(Json))
                .bind(now.trunc_subsecs(6))
        )?;
        owned(job, done)
    }

    /// Gives a job back to whoever takes it next; a job that was asked to stop is
    /// cancelled instead.
    ///
    /// # Errors
    /// As for [`Store::finish_job`].
    pub async fn release_job(
        &self,
        job: Uuid,
        owner: Uuid,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let done = change!(
            self,
            "give a job back",
            sqlx::query(RELEASE)
                .bind(Id(job))
                .bind(Id(owner))
                .bind(now.trunc_subsecs(6))
        )?;
        owned(job, done)
    }
}

fn owned(job: Uuid, changed: u64) -> Result<(), StoreError> {
    match changed {
        0 => Err(StoreError::LostJob(job)),
        _ => Ok(()),
    }
}

impl JobOutcome {
    /// The state, the result and the problem.
    pub(super) fn columns(&self) -> (&'static str, Option<&Value>, Option<&Value>) {
        match self {
            Self::Complete(result) => ("complete", Some(result), None),
            Self::Failed(problem) => ("failed", None, Some(problem)),
            Self::Cancelled => ("cancelled", None, None),
        }
    }
}
