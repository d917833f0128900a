//! How often the models of this process answered since it began, whichever of
//! them served.
//!
//! A model set counts for itself and begins at nothing. What was counted is kept
//! here when another set takes its place, so that no count falls while the process
//! runs. A call that was begun holds the set that it answers from, so a set is read
//! for as long as somebody holds it. Invariant: no prediction waits for any of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::Service;
use crate::models::{BinHolds, Model, ModelSet, Target};

/// What was counted of a target.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts {
    /// None where no model had bins to count into.
    pub predictions: Option<u64>,
    /// By tier, lowest first; none where there are no tiers.
    pub tiers: Option<[u64; 3]>,
    /// By the bins that were ever cut.
    scores: Vec<(Range, u64)>,
}

/// Predicted values from the first on and below the second; none is no bound.
type Range = (Option<f32>, Option<f32>);

/// How many models that served before are remembered bin by bin, should their set
/// serve again: eight sets of eight.
const REMEMBERED: usize = 64;

/// What was counted of a model, in all the times that its set served.
#[derive(Debug, Clone)]
pub(super) struct Binned {
    pub version: String,
    pub target: Target,
    /// In the order of the model's bins.
    pub counts: Vec<u64>,
    /// When it first served.
    pub since: DateTime<Utc>,
}

/// The sets that served before.
#[derive(Debug, Default)]
pub(super) struct Former(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    /// Those that a call may still answer from.
    held: Vec<Arc<ModelSet>>,
    /// What all others counted.
    counts: BTreeMap<Target, Counts>,
    /// The same bin by bin, those that served before all others first.
    bins: Vec<Binned>,
}

impl Former {
    fn counted(&self) -> MutexGuard<'_, Counted> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.let_go();
        counted
    }
}

impl Service {
    /// Has these models answer from now on.
    pub(super) fn serve(&self, set: ModelSet) {
        set.begin(self.now());
        let mut former = self.former.counted();
        former.held.extend(self.models.swap(Some(Arc::new(set))));
    }

    /// What was counted of each target since the process began.
    #[must_use]
    pub fn served(&self) -> BTreeMap<Target, Counts> {
        let former = self.former.counted();
        let mut counts = former.counts.clone();
        // Looked up while none can be swapped: no set is counted twice.
        for set in former.held.iter().chain(&self.models.load_full()) {
            add(&mut counts, set);
        }
        counts
    }

    /// What was counted bin by bin of each model that serves, or served before.
    pub(super) fn binned(&self) -> Vec<Binned> {
        let former = self.former.counted();
        let mut bins = former.bins.clone();
        for set in former.held.iter().chain(&self.models.load_full()) {
            add_bins(&mut bins, set);
        }
        bins
    }
}

impl Counted {
    /// Adds up the sets that nobody holds any more.
    fn let_go(&mut self) {
        for set in std::mem::take(&mut self.held) {
            match Arc::try_unwrap(set) {
                Ok(set) => {
                    add(&mut self.counts, &set);
                    add_bins(&mut self.bins, &set);
                }
                Err(held) => self.held.push(held),
            }
        }
        let forgotten = self.bins.len().saturating_sub(REMEMBERED);
        self.bins.drain(..forgotten);
    }
}

fn add(counts: &mut BTreeMap<Target, Counts>, set: &ModelSet) {
    for model in set.models() {
        counts.entry(model.target()).or_default().add(model);
    }
}

fn add_bins(bins: &mut Vec<Binned>, set: &ModelSet) {
    for model in set.models() {
        let Some(since) = model.since() else { continue };
        let (target, counts) = (model.target(), model.bin_counts());
        let known = |one: &&mut Binned| one.version == set.version && one.target == target;
        match bins.iter_mut().find(known) {
            Some(one) => {
                add_up(&mut one.counts, &counts);
            }
            None => bins.push(Binned {
                version: set.version.clone(),
                target,
                counts,
                since,
            }),
        }
    }
}

/// Adds counts place by place; those of other bins are not added.
pub(super) fn add_up(counts: &mut [u64], more: &[u64]) -> bool {
    let are_same_bins = counts.len() == more.len();
    if are_same_bins {
        for (count, more) in counts.iter_mut().zip(more) {
            *count = count.saturating_add(*more);
        }
    }
    are_same_bins
}

impl Counts {
    fn add(&mut self, model: &Model) {
        if let Some(more) = model.tier_counts() {
            let tiers = self.tiers.get_or_insert_default();
            for (tier, more) in tiers.iter_mut().zip(more) {
                *tier += more;
            }
        }
        let counts = model.bin_counts();
        let Ok(drift) = model.drift(&counts) else {
            return;
        };
        *self.predictions.get_or_insert_default() += drift.rows;
        for bin in &drift.score.bins {
            if let BinHolds::Range(from, to) = bin.holds {
                match self.place((from, to)) {
                    Some(at) => self.scores[at].1 += bin.now,
                    None => self.scores.push(((from, to), bin.now)),
                }
            }
        }
    }

    fn place(&self, range: Range) -> Option<usize> {
        self.scores.iter().position(|(known, _)| *known == range)
    }

    /// How many predicted values fell into this bin, whichever model cut it.
    #[must_use]
    pub fn scores(&self, range: Range) -> u64 {
        self.place(range).map_or(0, |at| self.scores[at].1)
    }
}
