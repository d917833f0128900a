//! Whom the models are asked about, told for all processes that share the
//! database.
//!
//! Each process writes its own counts now and then, whole, so that what is
//! written twice counts once; who asks gets the counts of this process as they
//! are, and those of the others as they were last written. Invariant: no
//! prediction waits for any of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::sleep;

use super::Service;
use crate::models::{Model, ModelSet};
use crate::store::{BinCounts, Store};

/// How often counts are written.
const WRITE: Duration = Duration::from_secs(10);

/// What all processes counted of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Pooled {
    /// In the order of the model's bins.
    pub counts: Vec<u64>,
    /// When the first of them began to serve it.
    pub since: DateTime<Utc>,
    /// How many processes counted, this one included.
    pub processes: usize,
    /// Whether the database told of the others; else the counts are those of
    /// this process alone.
    pub complete: bool,
}

impl Service {
    /// Writes what is counted, now and then. Never ends.
    pub(super) async fn keep_counts(&self, store: &Store) {
        let mut former: Option<Arc<ModelSet>> = None;
        let mut written = HashMap::new();
        loop {
            sleep(WRITE).await;
            let set = self.models.load_full();
            if let Some(former) = former.filter(|former| !is_same(set.as_ref(), former)) {
                self.write_counts(store, &former, &mut written).await;
                written.clear();
            }
            if let Some(set) = &set {
                self.write_counts(store, set, &mut written).await;
            }
            former = set;
        }
    }

    /// Writes what was counted last, before the process ends.
    pub async fn hand_over_counts(&self) {
        if let (Some(store), Some(set)) = (self.store.get(), self.models.load_full()) {
            self.write_counts(store, &set, &mut HashMap::new()).await;
        }
    }

    /// What all processes counted of a model of the set that serves.
    pub async fn pooled(&self, set: &ModelSet, model: &Model) -> Pooled {
        let now = self.now();
        let mut pooled = Pooled {
            counts: model.bin_counts(),
            since: model.since().unwrap_or(now),
            processes: 1,
            complete: false,
        };
        let target = model.target().name();
        let Some(store) = self.store.get() else {
            return pooled;
        };
        let others = store.bin_counts_of_others(&set.version, target, self.id);
        let Ok(others) = others.await else {
            return pooled;
        };
        pooled.complete = true;
        for other in others {
            pooled.add(&other);
        }
        pooled
    }

    /// Writes the counts that changed since they were `written`, by target and
    /// their sum. What fails is written the next time.
    async fn write_counts(
        &self,
        store: &Store,
        set: &ModelSet,
        written: &mut HashMap<String, u64>,
    ) {
        let now = self.now();
        let counted = set.models().iter().map(|model| BinCounts {
            process: self.id,
            version: set.version.clone(),
            target: model.target().name().to_owned(),
            counts: model.bin_counts(),
            since: model.since().unwrap_or(now),
        });
        let sum = |counts: &BinCounts| counts.counts.iter().sum::<u64>();
        let known = |counts: &BinCounts| written.get(&counts.target).copied();
        let changed: Vec<BinCounts> = counted
            .filter(|counts| sum(counts) > known(counts).unwrap_or(0))
            .collect();
        if changed.is_empty() {
            return;
        }
        match store.write_bin_counts(&changed, now).await {
            Ok(()) => written.extend(changed.iter().map(|c| (c.target.clone(), sum(c)))),
            Err(error) if error.is_passing() => (),
            Err(error) => tracing::warn!(%error, "can't store whom the models are asked about"),
        }
    }
}

impl Pooled {
    /// Adds what another process counted; counts of other bins are no counts of
    /// this model.
    fn add(&mut self, other: &BinCounts) {
        if other.counts.len() != self.counts.len() {
            return;
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        self.since = self.since.min(other.since);
        self.processes += 1;
    }
}

fn is_same(set: Option<&Arc<ModelSet>>, former: &Arc<ModelSet>) -> bool {
    set.is_some_and(|set| Arc::ptr_eq(set, former))
}
