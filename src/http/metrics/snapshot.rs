//! What is looked up when metrics are asked for: the models and whom they are
//! asked about, requests in flight, jobs, the database, the process.

use std::sync::atomic::AtomicU64;
use std::time::UNIX_EPOCH;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::Labels;
use crate::http::Api;
use crate::http::guard::Class;
use crate::jobs::{Counts, Database, Service};
use crate::models::{BinHolds, Drift, Tier};
use crate::store::Store;

type Number = Gauge<f64, AtomicU64>;
type Gauges = Family<Labels, Number>;
type Counters = Family<Labels, Counter>;

/// All of it as it is now.
pub async fn take(api: &Api) -> Registry {
    let mut registry = Registry::default();
    let own = registry.sub_registry_with_prefix("engagecast");
    in_flight(own, api);
    state(own, &api.service);
    models(own, &api.service);
    if let Some(store) = api.service.store.get() {
        database(own, store).await;
    }
    process(&mut registry, api);
    registry
}

fn in_flight(registry: &mut Registry, api: &Api) {
    let gauges = Gauges::default();
    for class in Class::ALL {
        set(
            &gauges,
            &[("class", class.name())],
            number(api.gate.in_flight(class)),
        );
    }
    let about = "Requests being answered, by class of load";
    registry.register("requests_in_flight", about, gauges);
}

fn state(registry: &mut Registry, service: &Service) {
    let now = service.status.now();
    let info = Gauges::default();
    set(&info, &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    registry.register("build_info", "The version of the service", info);
    let ready = !now.draining && service.models.load().is_some();
    one(
        registry,
        "ready",
        "Whether predictions are served and the service is not about to stop",
        f64::from(u8::from(ready)),
    );
    let states = Gauges::default();
    for database in Database::ALL {
        let is = f64::from(u8::from(database == now.database));
        set(&states, &[("status", database.name())], is);
    }
    registry.register(
        "database",
        "1 for the state in which the database was when it was last asked",
        states,
    );
}

/// What the models of this process answered, and whom those that serve are asked
/// about.
fn models(registry: &mut Registry, service: &Service) {
    let Some(models) = service.models.load_full() else {
        return;
    };
    let told = Told::default();
    set(&told.info, &[("version", &models.version)], 1.0);
    let served = service.served();
    for (target, counts) in &served {
        told.counts(target.name(), counts);
    }
    for model in models.models() {
        let target = model.target().name();
        if let Ok(drift) = model.drift(&model.bin_counts()) {
            if let Some(counts) = served.get(&model.target()) {
                told.scores(target, &drift, counts);
            }
            told.inputs(target, &drift);
        }
    }
    told.register(registry);
}

#[derive(Default)]
struct Told {
    info: Gauges,
    predictions: Counters,
    tiers: Counters,
    scores: Counters,
    missing: Gauges,
    psi: Gauges,
    verdicts: Gauges,
}

impl Told {
    fn counts(&self, target: &str, counts: &Counts) {
        if let Some(count) = counts.predictions {
            add(&self.predictions, &[("target", target)], count);
        }
        for (tier, count) in Tier::ALL
            .into_iter()
            .zip(counts.tiers.into_iter().flatten())
        {
            let labels = [("target", target), ("tier", tier.name())];
            add(&self.tiers, &labels, count);
        }
    }

    /// In the bins of the model that serves: those of others would be ever more.
    fn scores(&self, target: &str, drift: &Drift<'_>, counts: &Counts) {
        for bin in &drift.score.bins {
            if let BinHolds::Range(from, to) = bin.holds {
                let count = counts.scores((from, to));
                let from = from.map_or("-Inf".to_owned(), |from| from.to_string());
                let to = to.map_or("+Inf".to_owned(), |to| to.to_string());
                let labels = [("target", target), ("from", &*from), ("to", &*to)];
                add(&self.scores, &labels, count);
            }
        }
    }

    fn inputs(&self, target: &str, drift: &Drift<'_>) {
        for one in drift.inputs.iter().chain([&drift.score]) {
            let labels = [
                ("target", target),
                ("column", one.column.unwrap_or("score")),
            ];
            if one.column.is_some() {
                set(&self.missing, &labels, one.missing_now);
            }
            set(&self.psi, &labels, one.shift.psi);
            let verdict = [labels[0], labels[1], ("verdict", one.shift.verdict.name())];
            set(&self.verdicts, &verdict, 1.0);
        }
    }

    fn register(self, registry: &mut Registry) {
        registry.register("model_info", "The model set that serves", self.info);
        registry.register(
            "predictions",
            "Predictions of this process since it began, whichever models served",
            self.predictions,
        );
        registry.register(
            "predictions_by_tier",
            "Predicted probabilities by tier",
            self.tiers,
        );
        registry.register(
            "prediction_scores",
            "Predicted values by the bins that training froze, from (inclusive) and to",
            self.scores,
        );
        registry.register(
            "input_missing_ratio",
            "Share of predictions without this input",
            self.missing,
        );
        registry.register("drift_psi", "Population stability index of an input, or of the predicted value (column score), against the training", self.psi);
        registry.register(
            "drift_verdict",
            "1 for the verdict on an input or the score: see GET /models/active/{target}/drift",
            self.verdicts,
        );
    }
}

async fn database(registry: &mut Registry, store: &Store) {
    let (used, idle) = store.connections();
    let connections = Gauges::default();
    set(&connections, &[("state", "used")], number(used));
    set(&connections, &[("state", "idle")], number(idle));
    registry.register(
        "database_connections",
        "Connections of the pool",
        connections,
    );
    // Left out while the database does not answer: a zero would be a claim.
    if let Ok(counts) = store.job_counts().await {
        let jobs = Gauges::default();
        for state in crate::store::JobState::ALL {
            let count = counts.iter().find(|(of, _)| *of == state);
            let count = count.map_or(0, |&(_, count)| u32::try_from(count).unwrap_or(u32::MAX));
            set(&jobs, &[("state", state.name())], f64::from(count));
        }
        registry.register(
            "jobs",
            "Jobs by state, of all processes that share the database",
            jobs,
        );
    }
}

/// Under the names that Prometheus' own clients use.
fn process(registry: &mut Registry, api: &Api) {
    let started: Number = Gauge::default();
    let since = api.metrics.started.duration_since(UNIX_EPOCH);
    started.set(since.map_or(0.0, |since| since.as_secs_f64()));
    let about = "When the process began to serve, since the Unix epoch";
    registry.register_with_unit("process_start_time", about, Unit::Seconds, started);
    if let Some(bytes) = resident() {
        let memory: Number = Gauge::default();
        memory.set(bytes);
        let about = "Resident memory";
        registry.register_with_unit("process_resident_memory", about, Unit::Bytes, memory);
    }
}

/// As Linux tells it.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024.0)
}

fn one(registry: &mut Registry, name: &str, about: &str, value: f64) {
    let gauge: Number = Gauge::default();
    gauge.set(value);
    registry.register(name, about, gauge);
}

fn set(gauges: &Gauges, labels: &[(&'static str, &str)], value: f64) {
    gauges.get_or_create(&owned(labels)).set(value);
}

fn add(counters: &Counters, labels: &[(&'static str, &str)], count: u64) {
    counters.get_or_create(&owned(labels)).inc_by(count);
}

fn owned(labels: &[(&'static str, &str)]) -> Labels {
    labels
        .iter()
        .map(|&(name, value)| (name, value.to_owned()))
        .collect()
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
