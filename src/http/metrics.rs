//! What the service tells of itself to Prometheus: `GET /metrics`.
//!
//! Requests are counted as they are answered, through handles that each route
//! has from the start ([`Meter`]); all else is looked up when it is asked for
//! ([`snapshot`]). Invariants: a prediction waits for no lock that a scrape
//! holds for longer than it takes to copy a few numbers, and no label is made of
//! what a client sends.

mod snapshot;

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::Api;
use super::guard::Class;
use super::problem::{self, Problem};

/// The names and values that tell one series from the others.
type Labels = Vec<(&'static str, String)>;

/// Seconds: a prediction takes a fraction of the first, an upload minutes.
const SECONDS: [f64; 17] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 30.0,
];

/// What is counted while the process runs.
pub struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    durations: Family<Labels, Histogram, fn() -> Histogram>,
    shed: Family<Labels, Counter>,
    unmatched: Meter,
    started: SystemTime,
}

/// Why a request was not taken on.
#[derive(Debug, Clone, Copy)]
pub enum Shed {
    /// It waited too long for a thread.
    Delay,
    /// As many of its class as there is room for were in flight.
    Room,
    /// Its key has a rate.
    Rate,
}

impl Shed {
    fn name(self) -> &'static str {
        match self {
            Self::Delay => "delay",
            Self::Room => "room",
            Self::Rate => "rate",
        }
    }
}

/// Counts the answers of one route.
pub struct Meter {
    labels: Labels,
    requests: Family<Labels, Counter>,
    duration: Histogram,
    /// By status, for those that the service answers with.
    statuses: [OnceLock<Counter>; STATUSES],
}

/// Statuses from 100 to 599.
const STATUSES: usize = 500;

impl Meter {
    /// Counts an answer and how long it took to begin.
    pub fn count(&self, status: StatusCode, took: Duration) {
        self.duration.observe(took.as_secs_f64());
        let status = status.as_u16();
        let counter = || {
            let mut labels = self.labels.clone();
            labels.push(("status", status.to_string()));
            self.requests.get_or_create_owned(&labels)
        };
        let place = usize::from(status).checked_sub(100);
        match place.and_then(|place| self.statuses.get(place)) {
            Some(kept) => kept.get_or_init(counter).inc(),
            None => counter().inc(),
        };
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let requests = Family::<Labels, Counter>::default();
        let durations =
            Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> Histogram);
        let shed = Family::<Labels, Counter>::default();
        let mut registry = Registry::with_prefix("engagecast");
        registry.register(
            "requests",
            "Requests answered, by route and status",
            requests.clone(),
        );
        registry.register_with_unit(
            "request_duration",
            "Time from a request's head to the head of its answer",
            Unit::Seconds,
            durations.clone(),
        );
        registry.register(
            "requests_shed",
            "Requests refused for want of room: they waited too long (delay), too many were in flight (room), or their key has a rate (rate)",
            shed.clone(),
        );
        let unmatched = meter(&requests, &durations, "other", "none");
        Self {
            registry,
            requests,
            durations,
            shed,
            unmatched,
            started: SystemTime::now(),
        }
    }
}

impl Metrics {
    /// The meter of a route.
    pub fn meter(&self, method: &str, route: &str) -> Meter {
        meter(&self.requests, &self.durations, method, route)
    }

    /// Counts what no route was found for.
    pub fn unmatched(&self) -> &Meter {
        &self.unmatched
    }

    /// Counts a request that was not taken on.
    pub fn shed(&self, class: Class, why: Shed) {
        let labels = vec![
            ("class", class.name().into()),
            ("reason", why.name().into()),
        ];
        self.shed.get_or_create(&labels).inc();
    }
}

fn meter(
    requests: &Family<Labels, Counter>,
    durations: &Family<Labels, Histogram, fn() -> Histogram>,
    method: &str,
    route: &str,
) -> Meter {
    let labels = vec![("method", method.into()), ("route", route.into())];
    Meter {
        duration: durations.get_or_create_owned(&labels),
        requests: requests.clone(),
        labels,
        statuses: [const { OnceLock::new() }; STATUSES],
    }
}

/// Numbers for Prometheus
///
/// In the text format of `OpenMetrics` 1.0, which Prometheus reads: requests by
/// route and status, their durations, what is in flight and what was refused,
/// predictions by target and tier, the distribution of scores, missing inputs,
/// drift, the serving model set, jobs, connections. Wants a key of scope `read`
/// unless `--open-metrics` is set.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "Health",
    responses((
        status = 200, description = "One line for each number", body = String,
        content_type = "application/openmetrics-text",
        example = "engagecast_requests_total{method=\"POST\",route=\"/predict/{target}\",status=\"200\"} 17",
    ))
)]
pub async fn metrics(State(api): State<Api>) -> Result<Response, Problem> {
    let now = snapshot::take(&api).await;
    let mut text = String::with_capacity(64 * 1024);
    encode_registry(&mut text, &api.metrics.registry)
        .and_then(|()| encode_registry(&mut text, &now))
        .and_then(|()| encode_eof(&mut text))
        .map_err(|error| problem::internal(&error))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store")], text).into_response())
}
