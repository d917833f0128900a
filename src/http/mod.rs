//! HTTP: the routes, what they read and answer, and the server below them.
//!
//! Handlers parse, call, answer; [`problem`] alone turns errors into responses.
//! `axum` and `utoipa` stay in this room. Invariant: [`routes`] is the one list
//! of routes, from which the OpenAPI document is made too.

mod answer;
mod cohorts;
mod customer;
mod extract;
mod formats;
mod front;
mod health;
mod models;
mod openapi;
mod outcomes;
pub mod panics;
mod predictions;
mod problem;
mod server;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::FromRef;
use tower_http::compression::CompressionLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::jobs::Service;
use problem::{Kind, Problem};

pub use front::Front;
pub use openapi::document;
pub use server::{Patience, serve};

/// What a client may ask of the service.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a single prediction's body.
    pub max_body: usize,
    /// Time from the head of a request to its answer.
    pub request: Duration,
}

/// What handlers reach.
#[derive(Clone)]
struct Api {
    service: Arc<Service>,
    max_body: usize,
}

impl FromRef<Api> for Arc<Service> {
    fn from_ref(api: &Api) -> Self {
        Arc::clone(&api.service)
    }
}

/// The whole interface, over a service that may still be starting.
#[must_use]
pub fn front(service: Arc<Service>, limits: Limits) -> Front {
    let api = Api {
        service,
        max_body: limits.max_body,
    };
    let router = Router::from(routes())
        .merge(openapi::docs().layer(CompressionLayer::new()))
        .fallback(async || Problem::new(Kind::NotFound, "See /docs for what there is."))
        .method_not_allowed_fallback(async || {
            Problem::new(
                Kind::MethodNotAllowed,
                "The Allow header lists the methods that this address takes.",
            )
        })
        .with_state(api);
    Front::new(router, limits.request)
}

fn routes() -> OpenApiRouter<Api> {
    // What people and scripts read is compressed for those who ask; a
    // prediction is smaller than what compressing it would cost.
    let read = OpenApiRouter::new()
        .routes(routes!(models::active_model))
        .routes(routes!(cohorts::latest_cohort))
        .routes(routes!(openapi::openapi))
        .layer(CompressionLayer::new());
    OpenApiRouter::with_openapi(openapi::Document::openapi())
        .routes(routes!(predictions::predict))
        .merge(read)
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
}
