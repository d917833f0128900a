//! Whom a model is asked about and what it predicts, counted while it serves.
//!
//! Threads count into parts of their own, so that a count costs a few
//! nanoseconds and none waits for another. Invariant: every prediction is
//! counted once, in one bin of each column.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use chrono::{DateTime, Utc};

use super::bins::{BINS, Cut, Reference, named, single};
use crate::features::{BLOCK, Lane};
use crate::models::card::Thresholds;
use crate::models::model::Tier;

/// The most parts that threads count into.
const MOST_SHARDS: usize = 16;
/// Numbers that a number is compared with, more than there are edges: with a
/// fixed length the comparisons are one after the other without a branch.
const EDGES: usize = BINS + 2;
/// The counts of one model.
#[derive(Debug)]
pub(in crate::models) struct Tally {
    slots: Vec<Slot>,
    /// Where predicted values are cut; none without a reference.
    score: Option<(usize, Vec<f32>)>,
    /// How many bins there are in all; none without a reference.
    bins: usize,
    shards: Vec<Box<[AtomicU64]>>,
    /// How many predictions fell into each tier, lowest first; none without tiers.
    tiers: Option<(Thresholds, Vec<[AtomicU64; 3]>)>,
    /// When the counting began.
    since: OnceLock<DateTime<Utc>>,
}

/// Where an input is found in a row, and its bins among the counts.
#[derive(Debug, Clone)]
struct Slot {
    at: usize,
    places: usize,
    first: usize,
    bins: usize,
    /// Of a number: the least number there is, the edges, then infinity. How
    /// many of them are not above a value is its bin; that of NaN is 0.
    edges: Option<[f32; EDGES]>,
}

impl Tally {
    /// Nothing counted yet, in these bins.
    pub(in crate::models) fn new(
        reference: Option<&Reference>,
        thresholds: Option<Thresholds>,
    ) -> Self {
        let (slots, score, bins) = reference.map_or_else(Default::default, laid_out);
        Self {
            slots,
            score,
            bins,
            shards: (0..shards()).map(|_| zeros(bins)).collect(),
            tiers: thresholds.map(no_tiers),
            since: OnceLock::new(),
        }
    }

    pub(super) fn begin(&self, now: DateTime<Utc>) {
        let _ = self.since.set(now);
    }

    pub(super) fn since(&self) -> Option<DateTime<Utc>> {
        self.since.get().copied()
    }

    /// Counts a prediction by the row that it was made of.
    pub(in crate::models) fn count(&self, row: &[f32], predicted: f64) {
        let own = self.own();
        let shard = &self.shards[own];
        for slot in &self.slots {
            add(shard, slot.first + slot.bin(row), 1);
        }
        self.count_score(own, predicted);
    }

    /// Counts the rows of a block that have a prediction, place by place.
    pub(in crate::models) fn count_block(&self, places: &[Lane], predicted: &[Option<f64>; BLOCK]) {
        // More than any column has; the last one is for rows that don't count.
        const MOST: usize = 256;
        let own = self.own();
        let shard = &self.shards[own];
        for slot in &self.slots {
            let mut bins = slot.bins_of(&places[slot.at..slot.at + slot.places]);
            for (bin, predicted) in bins.iter_mut().zip(predicted) {
                *bin = if predicted.is_some() { *bin } else { u8::MAX };
            }
            let mut counts = [0_u16; MOST];
            for bin in bins {
                counts[usize::from(bin)] += 1;
            }
            for (bin, &count) in counts[..slot.bins].iter().enumerate() {
                if count > 0 {
                    add(shard, slot.first + bin, count.into());
                }
            }
        }
        for &predicted in predicted.iter().flatten() {
            self.count_score(own, predicted);
        }
    }

    fn count_score(&self, own: usize, predicted: f64) {
        if let Some((first, edges)) = &self.score {
            let value = single(predicted);
            let bin = edges.partition_point(|&edge| edge <= value);
            add(&self.shards[own], first + 1 + bin, 1);
        }
        if let Some((thresholds, shards)) = &self.tiers {
            let tier = Tier::of(*thresholds, predicted);
            add(&shards[own], tier as usize, 1);
        }
    }

    /// How many predictions fell into each tier, lowest first.
    pub(super) fn tiers(&self) -> Option<[u64; 3]> {
        let (_, shards) = self.tiers.as_ref()?;
        let total = |tier: usize| -> u64 {
            let parts = shards.iter();
            parts.map(|shard| shard[tier].load(Ordering::Relaxed)).sum()
        };
        Some([total(0), total(1), total(2)])
    }

    pub(super) fn bins(&self) -> Vec<u64> {
        (0..self.bins).map(|at| self.total(at)).collect()
    }

    fn total(&self, at: usize) -> u64 {
        let parts = self.shards.iter();
        parts.map(|shard| shard[at].load(Ordering::Relaxed)).sum()
    }

    /// The part that this thread counts into.
    fn own(&self) -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static OWN: usize = NEXT.fetch_add(1, Ordering::Relaxed);
        }
        OWN.with(|own| *own) % self.shards.len()
    }
}

impl Slot {
    fn bin(&self, row: &[f32]) -> usize {
        match &self.edges {
            Some(edges) => {
                let value = row[self.at];
                edges.iter().map(|&edge| usize::from(value >= edge)).sum()
            }
            None => named(&row[self.at..self.at + self.places]),
        }
    }

    /// The bins of a block's rows.
    fn bins_of(&self, places: &[Lane]) -> [u8; BLOCK] {
        let mut bins = [0; BLOCK];
        if let Some(edges) = &self.edges {
            for &edge in &edges[..self.bins - 1] {
                for (bin, &value) in bins.iter_mut().zip(&places[0]) {
                    *bin += u8::from(value >= edge);
                }
            }
        } else {
            for (place, number) in places.iter().zip(1_u8..) {
                for (bin, &there) in bins.iter_mut().zip(place) {
                    *bin = if there > 0.5 { number } else { *bin };
                }
            }
        }
        bins
    }
}

/// A copy of a model counts for itself.
impl Clone for Tally {
    fn clone(&self) -> Self {
        Self {
            slots: self.slots.clone(),
            score: self.score.clone(),
            bins: self.bins,
            shards: self.shards.iter().map(|_| zeros(self.bins)).collect(),
            tiers: self.tiers.as_ref().map(|(at, _)| no_tiers(*at)),
            since: OnceLock::new(),
        }
    }
}

type Layout = (Vec<Slot>, Option<(usize, Vec<f32>)>, usize);

/// Where everything is: in a row, and among the counts.
fn laid_out(reference: &Reference) -> Layout {
    let (mut at, mut first) = (0, 0);
    let slots = reference.inputs.iter().map(|bins| {
        let (places, edges) = match &bins.cut {
            Cut::At(cut) => {
                let mut edges = [f32::INFINITY; EDGES];
                edges[0] = f32::MIN;
                edges[1..=cut.len()].copy_from_slice(cut);
                (1, Some(edges))
            }
            Cut::Names { names, other } => (names.len() + usize::from(*other), None),
        };
        let slot = Slot {
            at,
            places,
            first,
            bins: bins.counts.len(),
            edges,
        };
        at += places;
        first += bins.counts.len();
        slot
    });
    let slots = slots.collect();
    let edges = match &reference.score.cut {
        Cut::At(edges) => edges.clone(),
        Cut::Names { .. } => Vec::new(),
    };
    (slots, Some((first, edges)), reference.width())
}

fn zeros(bins: usize) -> Box<[AtomicU64]> {
    (0..bins).map(|_| AtomicU64::new(0)).collect()
}

fn add(shard: &[AtomicU64], at: usize, count: u64) {
    shard[at].fetch_add(count, Ordering::Relaxed);
}

fn no_tiers(thresholds: Thresholds) -> (Thresholds, Vec<[AtomicU64; 3]>) {
    let none = || [const { AtomicU64::new(0) }; 3];
    (thresholds, (0..shards()).map(|_| none()).collect())
}

fn shards() -> usize {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    threads.clamp(1, MOST_SHARDS)
}
