//! Whether the process lives, and whether it can serve predictions.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use crate::jobs::{Database, Phase, Service};

/// The process lives.
#[derive(Serialize, ToSchema)]
pub struct Health {
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether predictions can be served.
#[derive(Serialize, ToSchema)]
pub struct Readiness {
    status: ReadinessStatus,
    /// What the service is doing.
    #[schema(schema_with = phases)]
    phase: &'static str,
    /// How much of the phase is done, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1, example = 0.42)]
    progress: Option<f64>,
    /// The model set that answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "20251121T090000Z-5f3a9c21")]
    model_version: Option<String>,
    /// True while the models are those that the data folder kept, since the
    /// database was away at the start.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false, example = false)]
    models_from_cache: bool,
    database: DatabaseState,
}

/// Whether predictions are served.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadinessStatus {
    Starting,
    Ready,
    /// Told to stop, and finishing what is in flight.
    Draining,
}

/// The database: its loss does not make predictions unready.
#[derive(Serialize, ToSchema)]
pub struct DatabaseState {
    /// As it was when it was last asked.
    #[schema(schema_with = databases)]
    status: &'static str,
}

fn phases() -> Object {
    names(Phase::ALL.map(Phase::name), "What the service is doing")
}

fn databases() -> Object {
    let about = "As it was when it was last asked";
    names(Database::ALL.map(Database::name), about)
}

fn names<const N: usize>(names: [&'static str; N], about: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(about))
        .enum_values(Some(names))
        .build()
}

/// Whether the process lives
///
/// 200 as long as the process can answer at all. It looks at nothing else.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "Health",
    responses((status = 200, description = "The process lives", body = Health))
)]
pub async fn healthz() -> Response {
    uncached(StatusCode::OK, Health { status: "ok" })
}

/// Whether predictions can be served
///
/// 503 with the phase and its progress while the service starts, and while it
/// drains before it stops. The state of the database stands apart: predictions
/// are served without it.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "Health",
    responses(
        (status = 200, description = "Predictions can be served", body = Readiness),
        (status = 503, description = "Not yet, or no longer", body = Readiness,
            headers(("retry-after" = u32, description = "Seconds until asking again makes sense")),
            example = json!({"status": "starting", "phase": "training", "progress": 0.42, "database": {"status": "ok"}})),
    )
)]
pub async fn readyz(State(service): State<Arc<Service>>) -> Response {
    let now = service.status.now();
    let models = service.models.load();
    let (status, code) = match (&*models, now.draining) {
        (_, true) => (ReadinessStatus::Draining, StatusCode::SERVICE_UNAVAILABLE),
        (None, false) => (ReadinessStatus::Starting, StatusCode::SERVICE_UNAVAILABLE),
        (Some(_), false) => (ReadinessStatus::Ready, StatusCode::OK),
    };
    let body = Readiness {
        status,
        phase: now.phase.name(),
        progress: models
            .is_none()
            .then(|| (now.progress * 1000.0).round() / 1000.0),
        model_version: models.as_ref().map(|set| set.version.clone()),
        models_from_cache: now.from_cache,
        database: DatabaseState {
            status: now.database.name(),
        },
    };
    let mut response = uncached(code, body);
    if code == StatusCode::SERVICE_UNAVAILABLE {
        response
            .headers_mut()
            .insert(RETRY_AFTER, axum::http::HeaderValue::from_static("1"));
    }
    response
}

fn uncached(status: StatusCode, body: impl Serialize) -> Response {
    (status, [(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
