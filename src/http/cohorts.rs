//! The cohorts in the database.

use std::time::Duration;

use axum::{Json, extract};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::problem::{self, Kind, Problem};
use super::{Api, outcomes};
use crate::facts::Facts;
use crate::jobs::{Pending, Service};
use crate::store::{Cohort, Store};

/// Sums of many numbers are exact to more places than anybody reads.
const MILLIONTHS: f64 = 1e6;

/// How long the database may take to answer.
const DATABASE_PATIENCE: Duration = Duration::from_secs(1);

/// A set of customers.
#[derive(Serialize, ToSchema)]
#[schema(as = Cohort)]
pub struct CohortBody {
    id: Uuid,
    #[schema(example = "synthetic-100000-20251021")]
    name: String,
    state: State,
    /// How much is generated, 0 to 1, while it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1, example = 0.42)]
    progress: Option<f64>,
    #[schema(example = 100_000)]
    customers: u64,
    /// Seed of the random draws, where the customers are synthetic.
    #[schema(example = 20_251_021)]
    seed: Option<u64>,
    #[schema(example = "1")]
    generator_version: String,
    created_at: DateTime<Utc>,
    /// The published statistics, once the cohort is complete.
    statistics: Vec<StatisticBody>,
}

/// Whether a cohort has all its customers.
#[derive(Serialize, ToSchema)]
#[schema(as = CohortState)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Generating,
    Complete,
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

/// The latest cohort
///
/// While the first cohort is generated it is shown with its progress.
#[utoipa::path(
    get,
    path = "/cohorts/latest",
    tag = "Cohorts",
    responses(
        (status = 200, description = "The cohort", body = CohortBody),
        outcomes::NoCohort,
        outcomes::DatabaseAway,
        outcomes::Always,
    )
)]
pub async fn latest_cohort(
    extract::State(api): extract::State<Api>,
) -> Result<Json<CohortBody>, Problem> {
    let now = api.service.status.now();
    if let Some(pending) = now.generating {
        return Ok(Json(generating(pending, now.progress)));
    }
    let store = open(&api.service)?;
    let latest = tokio::time::timeout(DATABASE_PATIENCE, store.latest_cohort()).await;
    match latest {
        Ok(Ok(Some(cohort))) => complete(cohort).map(Json),
        Ok(Ok(None)) => Err(Problem::new(Kind::NotFound, "There is no cohort yet.")),
        Ok(Err(error)) if error.is_unreachable() => {
            tracing::warn!(%error, "can't read the latest cohort");
            Err(away())
        }
        Ok(Err(error)) => Err(problem::internal(&error)),
        Err(_) => Err(away()),
    }
}

fn open(service: &Service) -> Result<&Store, Problem> {
    service.store.get().ok_or_else(away)
}

fn away() -> Problem {
    Problem::new(
        Kind::DatabaseUnavailable,
        "The database does not answer; predictions do not need it.",
    )
}

fn generating(cohort: Pending, progress: f64) -> CohortBody {
    CohortBody {
        id: cohort.id,
        name: cohort.name,
        state: State::Generating,
        progress: Some((progress * 1000.0).round() / 1000.0),
        customers: cohort.customers,
        seed: Some(cohort.seed),
        generator_version: cohort.generator_version.to_owned(),
        created_at: cohort.created_at,
        statistics: Vec::new(),
    }
}

fn complete(cohort: Cohort) -> Result<CohortBody, Problem> {
    let facts: Facts =
        serde_json::from_value(cohort.facts).map_err(|error| problem::internal(&error))?;
    let statistics = facts
        .statistics()
        .into_iter()
        .map(|statistic| StatisticBody {
            id: statistic.id.to_owned(),
            unit: statistic.unit.to_owned(),
            value: statistic
                .value
                .map(|v| (v * MILLIONTHS).round() / MILLIONTHS),
        })
        .collect();
    Ok(CohortBody {
        id: cohort.id,
        name: cohort.name,
        state: State::Complete,
        progress: None,
        customers: cohort.customers.unsigned_abs(),
        seed: cohort.seed,
        generator_version: cohort.generator_version,
        created_at: cohort.created_at,
        statistics,
    })
}
