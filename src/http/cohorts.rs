//! Cohorts: the sets of customers in the database, and those on their way there.

pub mod content;
pub mod export;
pub mod import;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::database::{self, named, no_cohort};
use super::fields::Fields;
use super::guard::caller;
use super::idempotency::{self, Accepted};
use super::predictions::Named;
use super::problem::{self, Kind, Problem};
use super::synthetic::{SEED, population};
use super::{Api, cursor, outcomes};
use crate::cohort::{MAX_SEED, Plan};
use crate::facts::Facts;
use crate::jobs::Pending;
use crate::store::{Cohort, Job, JobState, NewJob, Store, StoreError};

/// Sums of many numbers are exact to more places than anybody reads.
const MILLIONTHS: f64 = 1e6;

/// The longest name of a cohort.
const NAME: usize = 200;

/// A set of customers.
#[derive(Serialize, ToSchema)]
#[schema(as = Cohort)]
pub struct CohortBody {
    id: Uuid,
    #[schema(example = "synthetic-100000-20251021")]
    name: String,
    state: CohortState,
    /// How much is done, 0 to 1, while it is generated or imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1, example = 0.42)]
    progress: Option<f64>,
    /// How many customers it has; null while nobody knows.
    #[schema(example = 100_000)]
    customers: Option<u64>,
    /// Seed of the random draws, where the customers are synthetic.
    #[schema(example = 20_251_021)]
    seed: Option<u64>,
    #[schema(example = "1")]
    generator_version: Option<String>,
    /// What was asked for; null where the customers were imported.
    #[schema(value_type = Option<Object>, example = json!({"customers": 100_000, "seed": 20_251_021}))]
    spec: Value,
    created_at: DateTime<Utc>,
    /// The job that makes it, or did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<Uuid>,
    /// Why it could not be made: `code` and `detail`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!(null))]
    problem: Option<Value>,
    /// The published statistics, once the cohort is complete.
    statistics: Vec<StatisticBody>,
}

/// How far a cohort is.
#[derive(Serialize, ToSchema)]
#[schema(as = CohortState)]
#[serde(rename_all = "snake_case")]
pub enum CohortState {
    Queued,
    Generating,
    Importing,
    Complete,
    Failed,
}

/// One statistic of a cohort.
#[derive(Serialize, ToSchema)]
#[schema(as = Statistic)]
pub struct StatisticBody {
    #[schema(example = "arpu_usd")]
    id: String,
    #[schema(example = "USD/month")]
    unit: String,
    /// Null where the cohort has nobody to compute it on.
    #[schema(example = 10.08)]
    value: Option<f64>,
}

/// A page of cohorts.
#[derive(Serialize, ToSchema)]
pub struct CohortPage {
    /// The newest first.
    cohorts: Vec<CohortBody>,
    /// The `cursor` of the next page; null on the last.
    #[schema(example = json!(null))]
    next: Option<String>,
}

/// Which page of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what is read from the query")]
pub struct PageQuery {
    /// How many a page has at most.
    #[param(
        required = false,
        minimum = 1,
        maximum = 1000,
        default = 100,
        example = 10
    )]
    limit: Option<u32>,
    /// The `next` of the page before.
    #[param(required = false, min_length = 1, max_length = 4096)]
    cursor: Option<String>,
}

/// The parameter `limit`.
pub fn limit(fields: &mut Fields) -> u32 {
    let limit = fields.integer("limit", 1..=1000);
    limit
        .and_then(|limit| u32::try_from(limit).ok())
        .unwrap_or(100)
}

/// All cohorts, a page at a time
///
/// Those that are complete, the newest first. One that is on its way is found by
/// its id.
#[utoipa::path(
    get,
    path = "/cohorts",
    tag = "Cohorts",
    params(PageQuery),
    responses(
        (status = 200, description = "The cohorts", body = CohortPage),
        outcomes::BadQuery,
        outcomes::DatabaseAway,
        outcomes::Always,
    )
)]
pub async fn cohorts(
    State(api): State<Api>,
    request: Request,
) -> Result<Json<CohortPage>, Problem> {
    let mut query = Fields::of_query(request.uri())?;
    let limit = limit(&mut query);
    let after = cursor::after(&mut query);
    query.done()?;
    let found = api.store()?.cohorts(after, limit + 1).await?;
    let (found, next) = page(found, limit, |last| {
        cursor::of_place(last.created_at, last.id)
    });
    let cohorts = found.into_iter().map(complete).collect::<Result<_, _>>()?;
    Ok(Json(CohortPage { cohorts, next }))
}

/// The page itself, and the cursor of the next where one more was found.
pub fn page<T>(
    mut found: Vec<T>,
    limit: u32,
    cursor: impl FnOnce(&T) -> String,
) -> (Vec<T>, Option<String>) {
    let limit = limit as usize;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(cursor);
    (found, next)
}

/// A cohort
///
/// Its statistics, or its progress while it is being made. `latest` is the most
/// recent complete one; while the first is generated, that one.
#[utoipa::path(
    get,
    path = "/cohorts/{id}",
    tag = "Cohorts",
    params(("id" = String, Path, description = "Its id, or `latest`", example = "latest")),
    responses(
        (status = 200, description = "The cohort", body = CohortBody),
        (status = 304, description = "It is as the client knows it (`If-None-Match`)"),
        outcomes::NoCohort,
        outcomes::DatabaseAway,
        outcomes::Always,
    )
)]
pub async fn cohort(
    State(api): State<Api>,
    id: Named,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let name = named(id)?;
    let now = api.service.status.now();
    if let Some(pending) = now.generating
        && (name == "latest" || name == pending.id.to_string())
    {
        return database::cached(&headers, &generating(pending, now.progress));
    }
    let store = api.store()?;
    let body = match database::cohort(store, &name).await {
        Ok(found) => complete(found)?,
        Err(problem) if problem.status() != StatusCode::NOT_FOUND => return Err(problem),
        Err(_) => match maker(store, &name).await {
            Ok(job) => on_its_way(job),
            Err(problem) if problem.status() != StatusCode::NOT_FOUND => return Err(problem),
            // Its job may have come to its end between the two questions.
            Err(_) => complete(database::cohort(store, &name).await?)?,
        },
    };
    database::cached(&headers, &body)
}

/// The job that makes a cohort which is not complete.
async fn maker(store: &Store, name: &str) -> Result<Job, Problem> {
    let id = Uuid::parse_str(name).map_err(|_| no_cohort())?;
    let job = store.job_of_cohort(id).await?;
    // A complete one that is no longer there was deleted, and a cancelled one is gone.
    job.filter(|job| job.state != JobState::Complete && !job.cancel_requested)
        .ok_or_else(no_cohort)
}

/// What was found of a complete cohort; of another, why there is nothing.
async fn there<T>(store: &Store, id: Uuid, found: Result<T, StoreError>) -> Result<T, Problem> {
    if !matches!(found, Err(StoreError::UnknownCohort(_))) {
        return Ok(found?);
    }
    known(store, id).await?;
    Err(Problem::new(
        Kind::Conflict,
        "The cohort is not complete: GET /cohorts/{id} tells how far it is, or why it came to nothing.",
    ))
}

/// Refuses a cohort that is neither there, nor being made, nor failed to be.
async fn known(store: &Store, id: Uuid) -> Result<(), Problem> {
    if store.cohort_exists(id).await? {
        return Ok(());
    }
    let job = store.job_of_cohort(id).await?;
    let job = job.filter(|job| !job.cancel_requested);
    let job = job.ok_or_else(no_cohort)?;
    // It may have come to its end between the two questions.
    if job.state == JobState::Complete && !store.cohort_exists(id).await? {
        return Err(no_cohort());
    }
    Ok(())
}

/// Delete a cohort
///
/// It is gone when this answers, whatever its size; models that were trained on
/// it stay. One that is still being made is cancelled and gone as well, save the
/// first, which the service makes for itself.
#[utoipa::path(
    delete,
    path = "/cohorts/{id}",
    tag = "Cohorts",
    params(("id" = String, Path, description = "Its id, or `latest`", example = "0199c5f2-8d1c-7a53-8f0e-5b1f6a3c9d21")),
    responses(
        (status = 204, description = "It is gone"),
        outcomes::NoCohort,
        outcomes::DatabaseAway,
        outcomes::Always,
    )
)]
pub async fn delete_cohort(State(api): State<Api>, id: Named) -> Result<StatusCode, Problem> {
    let name = named(id)?;
    let store = api.store()?;
    let id = database::cohort_id(store, &name).await?;
    if store.delete_cohort(id, api.service.now()).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    let job = store.job_of_cohort(id).await?.ok_or_else(no_cohort)?;
    let is_open = !job.state.is_final();
    if is_open {
        api.service.cancel(store, job.id).await?;
    }
    // It may have been completed at the same moment.
    if store.delete_cohort(id, api.service.now()).await? || is_open {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(no_cohort())
    }
}

/// What cohort to generate.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"customers": 5000, "seed": 7, "name": "spring"}))]
#[expect(dead_code, reason = "documents what `create_cohort` reads")]
pub struct NewCohortRequest {
    /// How many customers; a service may be set to draw fewer at most.
    #[schema(
        minimum = 1,
        maximum = 1_000_000_000,
        default = 100_000,
        example = 5000
    )]
    customers: Option<u64>,
    /// Seed of the random draws: the same seed gives the same customers.
    #[schema(
        minimum = 0,
        maximum = 9_223_372_036_854_775_807_u64,
        default = 20_251_021,
        example = 7
    )]
    seed: Option<u64>,
    /// What to call it.
    #[schema(min_length = 1, max_length = 200, example = "spring")]
    name: Option<String>,
    /// The population: what differs from that of the source document.
    #[schema(value_type = Option<Object>, example = json!({"targets": {"churn_rate_pct": 40.0}}))]
    spec: Option<Value>,
}

/// Generate a cohort and store it
///
/// Answers at once; `Location` tells where its progress is seen. A population
/// that can't be had ends the job with the nearest values in its `problem`.
#[utoipa::path(
    post,
    path = "/cohorts",
    tag = "Cohorts",
    params(idempotency::KeyHeader),
    request_body(content = NewCohortRequest, content_type = "application/json"),
    responses(
        (status = 202, description = "It is asked for", body = CohortBody,
            headers(("location" = String, description = "The cohort"))),
        outcomes::KeyInUse,
        outcomes::BadBody,
        outcomes::BadRequest,
        outcomes::AwayOrFull,
        outcomes::Always,
    )
)]
pub async fn create_cohort(
    State(api): State<Api>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let (parts, body) = request.into_parts();
    Fields::of_query(&parts.uri)?.done()?;
    let mut fields = Fields::of_body(&parts.headers, body, api.limits.max_body).await?;
    let asked = idempotency::fingerprint(fields.sent().as_bytes());
    let customers = fields.integer("customers", 1..=api.limits.max_cohort);
    let seed = fields.integer("seed", 0..=MAX_SEED);
    let name = fields.text("name", NAME);
    let spec = population(&mut fields);
    fields.done()?;
    let plan = Plan::new(customers.unwrap_or(100_000), seed.unwrap_or(SEED));
    let plan = plan.map_err(|error| problem::internal(&error))?;
    let plan = plan.with_spec(spec);
    let caller = caller(&parts.extensions);
    let call = (caller.as_str(), &parts.headers);
    idempotency::once(&api, call, "POST /cohorts", &asked, async || {
        accepted(api.service.generating(&plan, name))
    })
    .await
}

/// The answer to a call that asks for a cohort.
fn accepted(job: NewJob) -> Result<Accepted, Problem> {
    let body = on_its_way(job.queued());
    Ok(Accepted {
        job,
        location: format!("/cohorts/{}", body.id),
        body: serde_json::to_value(&body).map_err(|error| problem::internal(&error))?,
    })
}

fn generating(cohort: Pending, progress: f64) -> CohortBody {
    CohortBody {
        id: cohort.id,
        name: cohort.name,
        state: CohortState::Generating,
        progress: Some((progress * 1000.0).round() / 1000.0),
        customers: Some(cohort.customers),
        seed: Some(cohort.seed),
        generator_version: Some(cohort.generator_version.to_owned()),
        spec: serde_json::json!({ "customers": cohort.customers, "seed": cohort.seed }),
        created_at: cohort.created_at,
        job_id: None,
        problem: None,
        statistics: Vec::new(),
    }
}

fn on_its_way(job: Job) -> CohortBody {
    let imported = job.kind == crate::store::JobKind::Import;
    let state = match job.state {
        JobState::Queued => CohortState::Queued,
        // Of a cancelled one nobody is told.
        JobState::Failed | JobState::Cancelled => CohortState::Failed,
        _ if imported => CohortState::Importing,
        _ => CohortState::Generating,
    };
    let done = job.state.is_final();
    CohortBody {
        id: job.cohort_id.unwrap_or(job.id),
        name: job.input["name"].as_str().unwrap_or_default().to_owned(),
        state,
        progress: (!done).then(|| (job.progress * 1000.0).round() / 1000.0),
        customers: job.input["customers"].as_u64(),
        seed: job.input["seed"].as_u64(),
        generator_version: None,
        spec: if imported { Value::Null } else { job.input },
        created_at: job.created_at,
        job_id: Some(job.id),
        problem: job.problem,
        statistics: Vec::new(),
    }
}

/// What is known of a cohort's customers as a whole.
fn facts(cohort: &Cohort) -> Result<Facts, Problem> {
    Facts::deserialize(&cohort.facts).map_err(|error| problem::internal(&error))
}

fn complete(cohort: Cohort) -> Result<CohortBody, Problem> {
    let statistics = facts(&cohort)?.statistics().into_iter();
    let statistics = statistics.map(|statistic| StatisticBody {
        id: statistic.id.to_owned(),
        unit: statistic.unit.to_owned(),
        value: statistic
            .value
            .map(|v| (v * MILLIONTHS).round() / MILLIONTHS),
    });
    let statistics = statistics.collect();
    Ok(CohortBody {
        id: cohort.id,
        name: cohort.name,
        state: CohortState::Complete,
        progress: None,
        customers: Some(cohort.customers.unsigned_abs()),
        seed: cohort.seed,
        generator_version: Some(cohort.generator_version),
        spec: cohort.spec,
        created_at: cohort.created_at,
        job_id: None,
        problem: None,
        statistics,
    })
}

/// The answer to a file that no cohort has.
pub fn not_there() -> Problem {
    Problem::new(
        Kind::NotFound,
        "A cohort has facts, segments, customers, rejects, and customers.csv, .parquet, .ndjson and .arrow.",
    )
}
