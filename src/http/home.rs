//! `GET /`: where to go from here.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// What is where.
#[derive(Serialize, ToSchema)]
pub struct Home {
    #[schema(example = "engagecast")]
    name: &'static str,
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// The documentation, for people.
    #[schema(example = "/docs")]
    docs: &'static str,
    /// The OpenAPI document.
    #[schema(example = "/openapi.json")]
    openapi: &'static str,
    /// Whether predictions can be served.
    #[schema(example = "/readyz")]
    ready: &'static str,
    /// All eight predictions for one customer.
    #[schema(example = "/predict")]
    predict: &'static str,
    #[schema(example = "/models/active")]
    models: &'static str,
    #[schema(example = "/cohorts")]
    cohorts: &'static str,
}

/// What is where
///
/// The addresses to go on from, for whoever opens the service for the first time.
#[utoipa::path(
    get,
    path = "/",
    tag = "Documentation",
    responses((status = 200, description = "The ways on from here", body = Home))
)]
pub async fn home() -> Json<Home> {
    Json(Home {
        name: "engagecast",
        version: env!("CARGO_PKG_VERSION"),
        docs: "/docs",
        openapi: "/openapi.json",
        ready: "/readyz",
        predict: "/predict",
        models: "/models/active",
        cohorts: "/cohorts",
    })
}
