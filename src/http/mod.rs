//! HTTP: the routes, what they read and answer, and the server below them.
//!
//! Handlers parse, call, answer; [`problem`] alone turns errors into responses.
//! `axum` and `utoipa` stay in this room. Invariant: [`routes`] is the one list
//! of routes, from which the OpenAPI document is made too.

mod answer;
mod batch;
mod cohorts;
mod cursor;
mod customer;
mod database;
mod extract;
mod fields;
mod formats;
mod front;
mod health;
mod home;
mod idempotency;
mod jobs;
mod models;
mod openapi;
mod outcomes;
pub mod panics;
mod predictions;
mod problem;
mod renders;
mod reports;
mod server;
mod stream;
mod synthetic;
mod work;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::FromRef;
use tower_http::compression::CompressionLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::jobs::Service;
use crate::report::Settings;
use problem::{Kind, Problem};
use renders::Renders;
use work::Work;

pub use front::Front;
pub use openapi::document;
pub use server::{Patience, serve};

/// What a client may ask of the service.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a single prediction's body, and of one row of a batch.
    pub max_body: usize,
    /// Bytes of a batch that can't be streamed.
    pub max_batch: usize,
    /// Bytes of a file to be imported.
    pub max_upload: u64,
    /// Time that an upload may take in all.
    pub upload: Duration,
    /// Customers that are drawn for one client.
    pub max_synthetic: u64,
    /// Batches, exports and uploads at a time.
    pub heavy: usize,
    /// Cohorts that are drawn for clients at a time.
    pub draws: usize,
    /// Time from the head of a request to its answer.
    pub request: Duration,
    /// Time without a byte, in the middle of a body, after which its client is given up.
    pub patience: Duration,
    /// How reports are written unless a request says otherwise.
    pub report: Settings,
}

/// What handlers reach.
#[derive(Clone)]
struct Api {
    service: Arc<Service>,
    limits: Limits,
    work: Work,
    renders: Arc<Renders>,
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
        limits,
        work: Work::new(limits.heavy, limits.draws),
        renders: Arc::default(),
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
    Front::new(router, limits.request, limits.upload)
}

fn routes() -> OpenApiRouter<Api> {
    // What people and scripts read is compressed for those who ask; a
    // prediction is smaller than what compressing it would cost.
    let read = OpenApiRouter::new()
        .routes(routes!(models::sets::models, models::sets::train))
        .routes(routes!(models::sets::model_set))
        .routes(routes!(models::sets::activate))
        .routes(routes!(models::model_card))
        .routes(routes!(models::drift::drift))
        .routes(routes!(models::files::xgboost))
        .routes(routes!(models::files::manifest))
        .routes(routes!(cohorts::cohorts, cohorts::create_cohort))
        .routes(routes!(cohorts::cohort, cohorts::delete_cohort))
        .routes(routes!(cohorts::content::cohort_facts))
        .routes(routes!(cohorts::content::cohort_segments))
        .routes(routes!(cohorts::content::cohort_customers))
        .routes(routes!(cohorts::content::cohort_rejects))
        .routes(routes!(jobs::job, jobs::cancel_job))
        .routes(routes!(openapi::openapi))
        .layer(CompressionLayer::new());
    OpenApiRouter::with_openapi(openapi::Document::openapi())
        .routes(routes!(predictions::predict))
        .routes(routes!(predictions::predict_all))
        .routes(routes!(batch::predict_batch))
        .routes(routes!(synthetic::synthetic))
        .merge(read)
        .routes(routes!(reports::report))
        .routes(routes!(reports::chart))
        // Compressing a whole cohort would keep the threads that answer busy.
        .routes(routes!(cohorts::export::cohort_file))
        .merge(
            // Its own limit counts the bytes as they come.
            OpenApiRouter::new()
                .routes(routes!(cohorts::import::import_cohort))
                .layer(axum::extract::DefaultBodyLimit::disable()),
        )
        .routes(routes!(home::home))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
}
