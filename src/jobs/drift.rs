//! Whom the models are asked about, told for all processes that share the
//! database.
//!
//! Each process writes its own counts now and then, whole, so that what is
//! written twice counts once; who asks gets the counts of this process as they
//! are, and those of the others as they were last written. Invariant: no
//! prediction waits for any of it.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::sleep;

use super::Service;
use super::served::{Binned, add_up};
use crate::models::{Model, ModelSet};
use crate::store::{BinCounts, Store};

/// How often counts are written.
const WRITE: Duration = Duration::from_secs(10);
/// How often they are written where nobody was predicted for: the store forgets
/// what is a day old, and this process still counts.
const RENEW: TimeDelta = TimeDelta::hours(1);

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

/// What is known to be stored of a version and target: the sum of its counts, and
/// when they were written.
type Written = HashMap<(String, String), (u64, DateTime<Utc>)>;

impl Service {
    /// Writes what is counted, now and then. Never ends.
    pub(super) async fn keep_counts(&self, store: &Store) {
        let mut written = Written::new();
        loop {
            sleep(WRITE).await;
            self.write_counts(store, &mut written).await;
        }
    }

    /// Writes what was counted last, before the process ends.
    pub async fn hand_over_counts(&self) {
        if let Some(store) = self.store.get() {
            self.write_counts(store, &mut Written::new()).await;
        }
    }

    /// What all processes counted of a model of the set that serves.
    pub async fn pooled(&self, set: &ModelSet, model: &Model) -> Pooled {
        let now = self.now();
        let is_own = |one: &Binned| one.version == set.version && one.target == model.target();
        let own = self.binned().into_iter().find(is_own);
        let mut pooled = Pooled {
            since: own.as_ref().map_or(now, |own| own.since),
            counts: own.map_or_else(|| model.bin_counts(), |own| own.counts),
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
            let is_counted = pooled.add(&other.counts, other.since);
            pooled.processes += usize::from(is_counted);
        }
        pooled
    }

    /// Writes the counts that changed since they were `written`, and those of the
    /// set that serves before they are too old. What fails is written the next time.
    async fn write_counts(&self, store: &Store, written: &mut Written) {
        let now = self.now();
        let serves = self.models.load_full();
        let is_due = |counts: &BinCounts| {
            let key = (counts.version.clone(), counts.target.clone());
            let is_served = (serves.as_ref()).is_some_and(|set| set.version == counts.version);
            is_due(sum(counts), written.get(&key), is_served, now)
        };
        let counted = self.binned().into_iter().map(|counted| BinCounts {
            process: self.id,
            version: counted.version,
            target: counted.target.name().to_owned(),
            counts: counted.counts,
            since: counted.since,
        });
        let due: Vec<BinCounts> = counted.filter(is_due).collect();
        if due.is_empty() {
            return;
        }
        match store.write_bin_counts(&due, now).await {
            Ok(()) => written.extend(due.into_iter().map(|counts| {
                let sum = sum(&counts);
                ((counts.version, counts.target), (sum, now))
            })),
            Err(error) if error.is_passing() => (),
            Err(error) => tracing::warn!(%error, "can't store whom the models are asked about"),
        }
    }
}

/// Whether so many counts are to be written, of a set that is served or was.
fn is_due(
    sum: u64,
    written: Option<&(u64, DateTime<Utc>)>,
    is_served: bool,
    now: DateTime<Utc>,
) -> bool {
    match written {
        Some(&(known, at)) => sum > known || is_served && now - at >= RENEW,
        None => sum > 0,
    }
}

fn sum(counts: &BinCounts) -> u64 {
    counts.counts.iter().sum()
}

impl Pooled {
    /// Adds what was counted elsewhere; false where these are counts of other bins.
    fn add(&mut self, counts: &[u64], since: DateTime<Utc>) -> bool {
        let is_added = add_up(&mut self.counts, counts);
        if is_added {
            self.since = self.since.min(since);
        }
        is_added
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_written_when_they_change_and_renewed_while_their_set_serves() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::hours(9);
        let due = |sum, hours, is_served| {
            is_due(
                sum,
                Some(&(5, now - TimeDelta::hours(hours))),
                is_served,
                now,
            )
        };
        assert!(!is_due(0, None, true, now) && is_due(1, None, false, now));
        assert!(due(6, 0, true) && due(6, 0, false));
        assert!(!due(5, 0, true), "they are there");
        assert!(due(5, 1, true), "else the store would forget them in a day");
        assert!(!due(5, 1, false));
    }
}
