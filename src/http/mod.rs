//! HTTP: the routes, what they read and answer, and the server below them.
//!
//! Handlers parse, call, answer; [`problem`] alone turns errors into responses.
//! `axum` and `utoipa` stay in this room. Invariant: [`routes`] is the one list
//! of routes, from which the OpenAPI document is made too.

mod access;
mod answer;
mod batch;
mod coding;
mod cohorts;
mod cursor;
mod customer;
mod database;
mod deed;
mod delay;
mod etag;
mod extract;
mod fields;
mod formats;
mod front;
#[doc(hidden)]
pub mod fuzzing;
mod guard;
mod health;
mod home;
mod idempotency;
mod jobs;
mod line;
mod metrics;
mod models;
mod oip;
mod openapi;
mod outcomes;
mod packed;
pub mod panics;
mod predictions;
mod problem;
mod renders;
mod reports;
mod room;
mod server;
mod stream;
mod synthetic;
mod trace;
mod weights;
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
use guard::{Class, Gate, Group, Scope};
use metrics::Metrics;
use problem::{Kind, Problem};
use renders::Renders;
use work::Work;

pub use front::Front;
pub use line::Pace;
pub use openapi::document;
pub use room::InFlight;
pub use server::{Patience, Room, serve};

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
    /// Customers of a cohort that a client asks for.
    pub max_cohort: u64,
    /// Customers that are drawn for one client.
    pub max_synthetic: u64,
    /// Jobs that wait to be begun.
    pub waiting_jobs: u64,
    /// Whether metrics are told to callers without a key.
    pub open_metrics: bool,
    /// Requests of each class at a time.
    pub in_flight: InFlight,
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
    gate: Gate,
    metrics: Arc<Metrics>,
}

impl FromRef<Api> for Arc<Service> {
    fn from_ref(api: &Api) -> Self {
        Arc::clone(&api.service)
    }
}

/// The whole interface, over a service that may still be starting.
#[must_use]
pub fn front(service: Arc<Service>, limits: Limits) -> Front {
    let metrics = Arc::new(Metrics::default());
    let gate = Gate::new(&service, &metrics, &limits);
    let api = Api {
        service,
        limits,
        work: Work::new(gate.clone(), limits.draws),
        renders: Arc::default(),
        gate: gate.clone(),
        metrics: Arc::clone(&metrics),
    };
    let router = Router::from(routes(&gate))
        .merge(openapi::docs())
        .fallback(async || Problem::new(Kind::NotFound, "See /docs for what there is."))
        .method_not_allowed_fallback(async || {
            Problem::new(
                Kind::MethodNotAllowed,
                "The Allow header lists the methods that this address takes.",
            )
        })
        .with_state(api);
    Front::new(router, metrics, limits.request, limits.upload)
}

/// Every route, with the scope that its caller needs and the class of its load.
fn routes(gate: &Gate) -> OpenApiRouter<Api> {
    // What people and scripts read is compressed for those who ask; a
    // prediction is smaller than what compressing it would cost.
    let compressed = metadata(gate)
        .merge(content(gate))
        .merge(changes(gate))
        .layer(CompressionLayer::new());
    OpenApiRouter::with_openapi(openapi::Document::openapi())
        .merge(predictions(gate))
        .merge(oip::routes(gate))
        .merge(compressed)
        // Compressing a whole cohort would keep the threads that answer busy.
        .merge(files(gate))
        .merge(
            // Its own limit counts the bytes as they come.
            OpenApiRouter::from(
                Group::new(gate, Scope::Admin, Class::Heavy)
                    .routes(routes!(cohorts::import::import_cohort)),
            )
            .layer(axum::extract::DefaultBodyLimit::disable()),
        )
        .merge(open(gate))
        .merge(
            Group::new(gate, gate.metrics(), Class::Light)
                .routes(routes!(metrics::metrics))
                .into(),
        )
}

/// What needs no key.
fn open(gate: &Gate) -> OpenApiRouter<Api> {
    Group::new(gate, Scope::Open, Class::Light)
        .routes(routes!(home::home))
        .routes(routes!(openapi::openapi))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .into()
}

fn predictions(gate: &Gate) -> OpenApiRouter<Api> {
    let one = Group::new(gate, Scope::Predict, Class::Prediction)
        .routes(routes!(predictions::predict))
        .routes(routes!(predictions::predict_all));
    let many = Group::new(gate, Scope::Predict, Class::Heavy).routes(routes!(batch::predict_batch));
    OpenApiRouter::from(one).merge(many.into())
}

/// What describes the models.
fn metadata(gate: &Gate) -> OpenApiRouter<Api> {
    Group::new(gate, Scope::Predict, Class::Light)
        .routes(routes!(models::sets::model_set))
        .routes(routes!(models::model_card))
        .routes(routes!(models::drift::drift))
        .into()
}

/// What is read of cohorts, models and jobs.
fn content(gate: &Gate) -> OpenApiRouter<Api> {
    Group::new(gate, Scope::Read, Class::Light)
        .routes(routes!(models::sets::models))
        .routes(routes!(models::files::xgboost))
        .routes(routes!(models::files::manifest))
        .routes(routes!(cohorts::cohorts))
        .routes(routes!(cohorts::cohort))
        .routes(routes!(cohorts::content::cohort_facts))
        .routes(routes!(cohorts::content::cohort_segments))
        .routes(routes!(cohorts::content::cohort_customers))
        .routes(routes!(cohorts::content::cohort_rejects))
        .routes(routes!(jobs::job))
        .into()
}

/// What is read as a file, or drawn to be one.
fn files(gate: &Gate) -> OpenApiRouter<Api> {
    Group::new(gate, Scope::Read, Class::Heavy)
        .routes(routes!(synthetic::synthetic))
        .routes(routes!(reports::report))
        .routes(routes!(reports::chart))
        .routes(routes!(cohorts::export::cohort_file))
        .into()
}

/// What changes something.
fn changes(gate: &Gate) -> OpenApiRouter<Api> {
    Group::new(gate, Scope::Admin, Class::Light)
        .routes(routes!(models::training::train))
        .routes(routes!(models::sets::activate))
        .routes(routes!(cohorts::create_cohort))
        .routes(routes!(cohorts::delete_cohort))
        .routes(routes!(jobs::cancel_job))
        .into()
}
