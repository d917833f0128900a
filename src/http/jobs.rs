//! Long work: how far it is, what came of it, and its end before its end.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::database::named;
use super::predictions::Named;
use super::problem::{Kind, Problem};
use super::{Api, outcomes};
use crate::store::Job;

/// A job.
#[derive(Serialize, ToSchema)]
#[schema(as = Job)]
pub struct JobBody {
    pub id: Uuid,
    /// `generate`, `import` or `train`.
    #[schema(example = "train")]
    pub kind: &'static str,
    /// `queued`, `running`, `complete`, `failed` or `cancelled`.
    #[schema(example = "running")]
    pub state: &'static str,
    /// What it is doing; empty before it begins.
    #[schema(example = "training")]
    pub phase: String,
    /// How much of the phase is done.
    #[schema(minimum = 0, maximum = 1, example = 0.42)]
    pub progress: f64,
    /// The cohort that it makes, or works on.
    pub cohort_id: Option<Uuid>,
    /// What a complete job made.
    #[schema(value_type = Option<Object>, example = json!({"version": "20251121T090000Z-5f3a9c21", "left_out": []}))]
    pub result: Option<Value>,
    /// Why a failed job failed: `code` and `detail`.
    #[schema(value_type = Option<Object>, example = json!(null))]
    pub problem: Option<Value>,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
}

impl From<Job> for JobBody {
    fn from(job: Job) -> Self {
        Self {
            id: job.id,
            kind: job.kind.name(),
            state: job.state.name(),
            phase: job.phase,
            progress: (job.progress * 1000.0).round() / 1000.0,
            cohort_id: job.cohort_id,
            result: job.result,
            problem: job.problem,
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
        }
    }
}

fn id(job: Named) -> Result<Uuid, Problem> {
    Uuid::parse_str(&named(job)?).map_err(|_| no_job())
}

fn no_job() -> Problem {
    Problem::new(Kind::NotFound, "There is no such job.")
}

/// How far a job is
///
/// Its state and progress, and in the end its result or its problem.
#[utoipa::path(
    get,
    path = "/jobs/{id}",
    tag = "Jobs",
    params(("id" = String, Path, description = "The job's id, as the call that asked for it answered", example = "0199c5f2-8d1c-7a53-8f0e-5b1f6a3c9d21")),
    responses(
        (status = 200, description = "The job", body = JobBody),
        outcomes::NoJob,
        outcomes::DatabaseAway,
        outcomes::Always,
    )
)]
pub async fn job(State(api): State<Api>, job: Named) -> Result<Json<JobBody>, Problem> {
    let id = id(job)?;
    let found = api.store()?.job(id).await?;
    Ok(Json(found.ok_or_else(no_job)?.into()))
}

/// Cancel a job
///
/// One that waits is cancelled at once, a running one within a second or two; of
/// what it made nothing is kept. One that is done stays as it is.
#[utoipa::path(
    delete,
    path = "/jobs/{id}",
    tag = "Jobs",
    params(("id" = String, Path, description = "The job's id", example = "0199c5f2-8d1c-7a53-8f0e-5b1f6a3c9d21")),
    responses(
        (status = 200, description = "The job as it is now", body = JobBody),
        outcomes::NoJob,
        outcomes::DatabaseAway,
        outcomes::Always,
    )
)]
pub async fn cancel_job(State(api): State<Api>, job: Named) -> Result<Json<JobBody>, Problem> {
    let id = id(job)?;
    let store = api.store()?;
    let found = api.service.cancel(store, id).await?;
    Ok(Json(found.ok_or_else(no_job)?.into()))
}
