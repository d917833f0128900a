//! Jobs: work that takes long, as rows that survive whoever works on them.
//!
//! This file has what asks for a job and looks at it; [`claims`](super::claims)
//! has what works on it.

use chrono::{DateTime, SubsecRound, Utc};
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::id::Id;
use super::idempotency::ANSWER;
use super::{After, IdempotentCall, Store, StoreError, change, changing, check, on_either};

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobKind {
    Generate,
    Import,
    Train,
}

impl JobKind {
    pub const ALL: [Self; 3] = [Self::Generate, Self::Import, Self::Train];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::Import => "import",
            Self::Train => "train",
        }
    }
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    Queued,
    Running,
    Complete,
    Failed,
    Cancelled,
}

impl JobState {
    pub const ALL: [Self; 5] = [
        Self::Queued,
        Self::Running,
        Self::Complete,
        Self::Failed,
        Self::Cancelled,
    ];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing will change any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Complete | Self::Failed | Self::Cancelled)
    }
}

/// A job to be done.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    pub id: Uuid,
    pub kind: JobKind,
    /// What is asked for; the store doesn't look inside.
    pub input: Value,
    /// The cohort that it makes, or works on.
    pub cohort_id: Option<Uuid>,
    /// Kept to the microsecond. Jobs are begun in this order.
    pub created_at: DateTime<Utc>,
}

/// A job, as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub id: Uuid,
    pub kind: JobKind,
    pub state: JobState,
    /// What it is doing, in a word; empty before it begins.
    pub phase: String,
    /// How much of the phase is done, 0 to 1.
    pub progress: f64,
    pub input: Value,
    /// What a complete job made.
    pub result: Option<Value>,
    /// Why a failed job failed.
    pub problem: Option<Value>,
    pub cohort_id: Option<Uuid>,
    /// How many processes have begun it; an orderly hand-over does not count.
    pub attempts: i32,
    /// Whether a running job was asked to stop.
    pub cancel_requested: bool,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
}

pub(super) type Row = (
    Id,
    String,
    String,
    String,
    f64,
    Json<Value>,
    Option<Json<Value>>,
    Option<Json<Value>>,
    Option<Id>,
    i32,
    bool,
    DateTime<Utc>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
);

/// The columns of a [`Row`], in its order.
macro_rules! job_columns {
    () => {
        "id, kind, state, phase, progress, input, result, problem, cohort_id, attempts, \
         cancel_requested, created_at, started_at, finished_at"
    };
}
pub(super) use job_columns;

const INSERT: &str = "INSERT INTO jobs \
    (id, kind, state, phase, progress, input, cohort_id, attempts, cancel_requested, created_at) \
    VALUES ($1, $2, 'queued', '', 0, $3, $4, 0, false, $5)";
const ONE: &str = concat!("SELECT ", job_columns!(), " FROM jobs WHERE id = $1");
const OF_COHORT: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM jobs WHERE cohort_id = $1 AND kind <> 'train' ORDER BY created_at DESC, id DESC LIMIT 1"
);
const PAGE: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM jobs ORDER BY created_at DESC, id DESC LIMIT $1"
);
const PAGE_AFTER: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM jobs WHERE (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $1"
);
const WAITING: &str = "SELECT count(*) FROM jobs WHERE state = 'queued'";
const COUNT: &str = "SELECT state, count(*) FROM jobs GROUP BY state";
// A job that nobody works on is cancelled at once, a running one by its owner.
const CANCEL: &str = "UPDATE jobs SET cancel_requested = true, \
    finished_at = CASE state WHEN 'queued' THEN $2 ELSE finished_at END, \
    state = CASE state WHEN 'queued' THEN 'cancelled' ELSE state END \
    WHERE id = $1 AND state IN ('queued', 'running')";

impl NewJob {
    /// As it is while nobody has begun it.
    #[must_use]
    pub fn queued(&self) -> Job {
        Job {
            id: self.id,
            kind: self.kind,
            state: JobState::Queued,
            phase: String::new(),
            progress: 0.0,
            input: self.input.clone(),
            result: None,
            problem: None,
            cohort_id: self.cohort_id,
            attempts: 0,
            cancel_requested: false,
            created_at: self.created_at.trunc_subsecs(6),
            started_at: None,
            finished_at: None,
        }
    }
}

impl Store {
    /// Keeps a job for a process that takes it, and with it, both or neither, what
    /// the call that asks for it is answered.
    ///
    /// # Errors
    /// [`StoreError::Unstorable`] for an input that a database can't hold; else
    /// where the database fails.
    pub async fn enqueue_job(
        &self,
        new: &NewJob,
        answered: Option<(IdempotentCall<'_>, &Value)>,
    ) -> Result<(), StoreError> {
        check::json("the job's input", &new.input)?;
        if let Some((_, answer)) = answered {
            check::json("the answer", answer)?;
        }
        changing!(self, "store a job", pool => async {
            let mut transaction = pool.begin().await?;
            sqlx::query(INSERT)
                .bind(Id(new.id))
                .bind(new.kind.name())
                .bind(Json(&new.input))
                .bind(new.cohort_id.map(Id))
                .bind(new.created_at.trunc_subsecs(6))
                .execute(&mut *transaction)
                .await?;
            if let Some((call, answer)) = answered {
                sqlx::query(ANSWER)
                    .bind(call.caller)
                    .bind(call.key)
                    .bind(Json(answer))
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await
        })
    }

    /// One job.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn job(&self, id: Uuid) -> Result<Option<Job>, StoreError> {
        let row: Option<Row> = on_either!(self, "read a job", pool =>
            sqlx::query_as(ONE).bind(Id(id)).fetch_optional(pool))?;
        Ok(row.and_then(Job::from_row))
    }

    /// The job that makes, or made, a cohort.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn job_of_cohort(&self, cohort: Uuid) -> Result<Option<Job>, StoreError> {
        let row: Option<Row> = on_either!(self, "read a job", pool =>
            sqlx::query_as(OF_COHORT).bind(Id(cohort)).fetch_optional(pool))?;
        Ok(row.and_then(Job::from_row))
    }

    /// Jobs, the newest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn jobs(&self, after: Option<After>, limit: u32) -> Result<Vec<Job>, StoreError> {
        let rows: Vec<Row> = match after {
            None => on_either!(self, "list the jobs", pool =>
                sqlx::query_as(PAGE).bind(i64::from(limit)).fetch_all(pool))?,
            Some(after) => on_either!(self, "list the jobs", pool => sqlx::query_as(PAGE_AFTER)
                .bind(i64::from(limit))
                .bind(after.at)
                .bind(Id(after.id))
                .fetch_all(pool))?,
        };
        Ok(rows.into_iter().filter_map(Job::from_row).collect())
    }

    /// How many jobs nobody has begun.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn waiting_jobs(&self) -> Result<u64, StoreError> {
        let count: i64 = on_either!(self, "count the jobs", pool =>
            sqlx::query_scalar(WAITING).fetch_one(pool))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// How many jobs are in each state.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn job_counts(&self) -> Result<Vec<(JobState, i64)>, StoreError> {
        let rows: Vec<(String, i64)> = on_either!(self, "count the jobs", pool =>
            sqlx::query_as(COUNT).fetch_all(pool))?;
        let counts = rows.into_iter().filter_map(|(name, count)| {
            let state = JobState::ALL.into_iter().find(|s| s.name() == name)?;
            Some((state, count))
        });
        Ok(counts.collect())
    }

    /// Cancels a job that waits, and asks the owner of a running one to stop; one
    /// that is done stays as it is. Returns the job as it is then.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn cancel_job(&self, id: Uuid, at: DateTime<Utc>) -> Result<Option<Job>, StoreError> {
        change!(
            self,
            "cancel a job",
            sqlx::query(CANCEL).bind(Id(id)).bind(at.trunc_subsecs(6))
        )?;
        self.job(id).await
    }
}

impl Job {
    /// None for a kind or state that only a later version knows.
    pub(super) fn from_row(row: Row) -> Option<Self> {
        let (id, kind, state, phase, progress, input, result, problem, ..) = row;
        let (.., cohort_id, attempts, cancel_requested, created_at, started_at, finished_at) = row;
        Some(Self {
            id: id.0,
            kind: JobKind::ALL.into_iter().find(|k| k.name() == kind)?,
            state: JobState::ALL.into_iter().find(|s| s.name() == state)?,
            phase,
            progress,
            input: input.0,
            result: result.map(|json| json.0),
            problem: problem.map(|json| json.0),
            cohort_id: cohort_id.map(|id| id.0),
            attempts,
            cancel_requested,
            created_at,
            started_at,
            finished_at,
        })
    }
}
