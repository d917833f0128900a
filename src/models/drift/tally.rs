//! What a model is asked and answers, counted while it serves.
//!
//! Threads count into parts of their own, so that a count costs a few
//! nanoseconds and none waits for another. Invariant: every prediction is
//! counted once, in one bin of each column.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use chrono::{DateTime, Utc};

use super::bins::{BINS, Cut, Reference, named, single};
use crate::features::{BLOCK, Lane};
use crate::models::model::{Estimate, Tier};
use crate::models::target::{Outcome, Target};

/// The most parts that threads count into.
const MOST_SHARDS: usize = 16;
/// Numbers that a number is compared with, more than there are edges: with a
/// fixed length the comparisons are one after the other without a branch.
const EDGES: usize = BINS + 2;
/// What a sum of predicted values counts: whole numbers add up in any order.
const PARTS: f64 = 10_000.0;
/// Larger values count as this much in the sum.
const LARGEST: f64 = 1e9;
/// The place of those whom the target was not for, after three tiers and the amounts.
const NOT_APPLICABLE: usize = 4;
const ANSWERS: usize = 5;

/// The counts of one model.
#[derive(Debug)]
pub(in crate::models) struct Tally {
    slots: Vec<Slot>,
    /// Where predicted values are cut; none without a reference.
    score: Option<(usize, Vec<f32>)>,
    /// How many counts are of bins: those that come first.
    bins: usize,
    /// Upper bounds of a histogram of predicted values that every version has.
    scale: Vec<f64>,
    shards: Vec<Box<[AtomicU64]>>,
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

/// What became of a model's predictions.
#[derive(Debug, Clone, PartialEq)]
pub struct Served {
    /// By tier: low, medium, high. For a target with tiers.
    pub tiers: [u64; 3],
    /// Of amounts.
    pub amounts: u64,
    /// Customers whom the target is not for.
    pub not_applicable: u64,
    /// Upper bounds and how many values were at most this and above the one
    /// before; the last bound is infinity.
    pub histogram: Vec<(f64, u64)>,
    /// Of all values.
    pub sum: f64,
}

impl Served {
    /// How many values were predicted.
    #[must_use]
    pub fn predictions(&self) -> u64 {
        self.tiers.iter().sum::<u64>() + self.amounts
    }
}

impl Tally {
    /// Nothing counted yet, for a model of this target with these bins.
    pub(in crate::models) fn new(target: Target, reference: Option<&Reference>) -> Self {
        let (slots, score, bins) = reference.map_or_else(Default::default, laid_out);
        let scale = scale(target.definition().outcome);
        // The histogram with what is above its last bound, the answers, the sum.
        let width = bins + scale.len() + 1 + ANSWERS + 1;
        let shard = || (0..width).map(|_| AtomicU64::new(0)).collect();
        Self {
            slots,
            score,
            bins,
            scale,
            shards: (0..shards()).map(|_| shard()).collect(),
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
    pub(in crate::models) fn count(&self, row: &[f32], estimate: Estimate) {
        let shard = self.shard();
        for slot in &self.slots {
            add(shard, slot.first + slot.bin(row), 1);
        }
        self.count_answer(estimate);
    }

    /// Counts the rows of a block that are marked, place by place; their answers
    /// are counted by [`Self::count_answer`].
    pub(in crate::models) fn count_block(&self, places: &[Lane], marked: &[bool; BLOCK]) {
        // More than any column has; the last one is for rows that don't count.
        const MOST: usize = 256;
        let shard = self.shard();
        for slot in &self.slots {
            let mut bins = slot.bins_of(&places[slot.at..slot.at + slot.places]);
            for (bin, marked) in bins.iter_mut().zip(marked) {
                *bin = if *marked { *bin } else { u8::MAX };
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
    }

    /// Counts an answer.
    pub(in crate::models) fn count_answer(&self, estimate: Estimate) {
        let shard = self.shard();
        let value = estimate.number();
        if let Some((first, edges)) = &self.score {
            let value = single(value);
            let bin = edges.partition_point(|&edge| edge <= value);
            add(shard, first + 1 + bin, 1);
        }
        let bound = self.scale.partition_point(|&bound| bound < value);
        add(shard, self.bins + bound, 1);
        let answer = match estimate {
            Estimate::Probability { tier, .. } => place(tier),
            Estimate::Amount { .. } => 3,
        };
        add(shard, self.answers() + answer, 1);
        add(shard, self.answers() + ANSWERS, parts(value));
    }

    /// Counts a customer whom the target is not for.
    pub(in crate::models) fn count_not_applicable(&self) {
        add(self.shard(), self.answers() + NOT_APPLICABLE, 1);
    }

    pub(super) fn bins(&self) -> Vec<u64> {
        (0..self.bins).map(|at| self.total(at)).collect()
    }

    #[expect(clippy::cast_precision_loss, reason = "a sum for a mean")]
    pub(super) fn served(&self) -> Served {
        let bounds = self.scale.iter().copied().chain([f64::INFINITY]);
        let at = self.answers();
        Served {
            tiers: [0, 1, 2].map(|tier| self.total(at + tier)),
            amounts: self.total(at + 3),
            not_applicable: self.total(at + NOT_APPLICABLE),
            histogram: (bounds.enumerate())
                .map(|(i, bound)| (bound, self.total(self.bins + i)))
                .collect(),
            sum: self.total(at + ANSWERS) as f64 / PARTS,
        }
    }

    /// Where the answers begin.
    fn answers(&self) -> usize {
        self.bins + self.scale.len() + 1
    }

    fn total(&self, at: usize) -> u64 {
        let parts = self.shards.iter();
        parts.map(|shard| shard[at].load(Ordering::Relaxed)).sum()
    }

    /// The part that this thread counts into.
    fn shard(&self) -> &[AtomicU64] {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static OWN: usize = NEXT.fetch_add(1, Ordering::Relaxed);
        }
        &self.shards[OWN.with(|own| *own) % self.shards.len()]
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
        let shard = |shard: &[AtomicU64]| shard.iter().map(|_| AtomicU64::new(0)).collect();
        Self {
            slots: self.slots.clone(),
            score: self.score.clone(),
            bins: self.bins,
            scale: self.scale.clone(),
            shards: self.shards.iter().map(|part| shard(part)).collect(),
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

/// Upper bounds for a histogram of predicted values, the same for all versions.
fn scale(outcome: Outcome) -> Vec<f64> {
    let tenths = (1..10_u8).map(|tenth| f64::from(tenth) / 10.0);
    match outcome {
        Outcome::Binary => tenths.collect(),
        Outcome::Score { least, most, .. } => {
            let parts = tenths.map(|tenth| least + (most - least) * tenth);
            parts.map(|x| (x * 100.0).round() / 100.0).collect()
        }
        Outcome::Amount { .. } => vec![1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4, 3e4, 1e5],
        Outcome::Count { .. } => (0..8).map(|power| 10_f64.powi(power)).collect(),
    }
}

fn place(tier: Tier) -> usize {
    match tier {
        Tier::Low => 0,
        Tier::Medium => 1,
        Tier::High => 2,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and a largest value"
)]
fn parts(value: f64) -> u64 {
    (value.clamp(0.0, LARGEST) * PARTS).round() as u64
}

fn add(shard: &[AtomicU64], at: usize, count: u64) {
    shard[at].fetch_add(count, Ordering::Relaxed);
}

fn shards() -> usize {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    threads.clamp(1, MOST_SHARDS)
}
