//! Whether the customers who are predicted for are still those that a model
//! learnt from.
//!
//! Training freezes bins for every input and for the predicted value, and how
//! many customers fell into each ([`bins`]). Serving counts into the same bins
//! ([`tally`]), and [`verdict`] compares the two. Counts are whole numbers on
//! fixed bins, so those of several processes add up to those of one that saw
//! everything. Invariant: what is counted changes no prediction, and none waits
//! for it.

pub(super) mod bins;
pub(super) mod tally;
mod verdict;

use chrono::{DateTime, Utc};

use self::bins::{Bins, Cut, MISSING};
use super::model::Model;
use super::set::ModelSet;
use super::target::Target;

pub use self::verdict::{Shift, Verdict};

/// How the customers of a model differ from those that it learnt from.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift<'a> {
    pub target: Target,
    /// Predictions that were counted.
    pub rows: u64,
    /// Of the predicted value, against the training hold-out.
    pub score: Drifted<'a>,
    /// Of each input, against the training rows, in the order of the columns.
    pub inputs: Vec<Drifted<'a>>,
}

/// How one input, or the predicted value, differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Drifted<'a> {
    /// The input; none for the predicted value.
    pub column: Option<&'a str>,
    pub shift: Shift,
    /// The share of training rows without it.
    pub missing_in_training: f64,
    /// The share of predictions without it.
    pub missing_now: f64,
    pub bins: Vec<Bin<'a>>,
}

/// A bin, and who fell into it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin<'a> {
    pub holds: BinHolds<'a>,
    pub training: u64,
    pub now: u64,
}

/// What falls into a bin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BinHolds<'a> {
    Missing,
    Category(&'a str),
    /// A category that training did not see.
    OtherCategory,
    /// Numbers in single precision from the first on and below the second;
    /// none is no bound.
    Range(Option<f32>, Option<f32>),
}

/// The model was trained by a version that froze no bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the model was trained by an earlier version of Engagecast, which kept nothing to compare with; train it again"
)]
pub struct NoReference;

impl Model {
    /// How often each bin was met since the model was loaded, in an order that
    /// is the model's own: those of several processes add up place by place.
    /// Empty where the model has no bins.
    #[must_use]
    pub fn bin_counts(&self) -> Vec<u64> {
        self.tally.bins()
    }

    /// How many predictions fell into each tier since the model was loaded, lowest
    /// first; none where there are no tiers.
    #[must_use]
    pub fn tier_counts(&self) -> Option<[u64; 3]> {
        self.tally.tiers()
    }

    /// The moment from which the model serves.
    #[must_use]
    pub fn since(&self) -> Option<DateTime<Utc>> {
        self.tally.since()
    }

    /// Compares these counts, which [`Self::bin_counts`] gave in this process or
    /// others, with those of the training.
    ///
    /// # Errors
    /// If the model has no bins, or the counts are not of its bins.
    pub fn drift(&self, counts: &[u64]) -> Result<Drift<'_>, NoReference> {
        let reference = self.reference.as_ref().ok_or(NoReference)?;
        if counts.len() != reference.width() {
            return Err(NoReference);
        }
        let mut rest = counts;
        let mut next = |bins| drifted(bins, &mut rest);
        let inputs: Vec<_> = reference.inputs.iter().map(&mut next).collect();
        let score = next(&reference.score);
        Ok(Drift {
            target: self.target,
            rows: score.bins.iter().map(|bin| bin.now).sum(),
            score,
            inputs,
        })
    }
}

/// Compares the counts of some bins, which are taken from the front of `rest`.
fn drifted<'a>(bins: &'a Bins, rest: &mut &[u64]) -> Drifted<'a> {
    let (now, after) = rest.split_at(bins.counts.len());
    *rest = after;
    let is_score = bins.column.is_empty();
    let each = bins.holds().into_iter().zip(bins.counts.iter().zip(now));
    Drifted {
        column: (!is_score).then_some(&bins.column),
        shift: Shift::between(&bins.counts, now),
        missing_in_training: share_missing(&bins.counts),
        missing_now: share_missing(now),
        bins: each
            .map(|(holds, (&training, &now))| Bin {
                holds,
                training,
                now,
            })
            // A predicted value is never missing.
            .filter(|bin| !(is_score && bin.holds == BinHolds::Missing))
            .collect(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn share_missing(counts: &[u64]) -> f64 {
    let all: u64 = counts.iter().sum();
    counts[MISSING] as f64 / all.max(1) as f64
}

impl Bins {
    /// What falls into each bin, in the order of the counts.
    fn holds(&self) -> Vec<BinHolds<'_>> {
        let mut holds = vec![BinHolds::Missing];
        match &self.cut {
            Cut::At(edges) => {
                let edges = edges.iter().copied().map(Some);
                let from = std::iter::once(None).chain(edges.clone());
                let to = edges.chain([None]);
                holds.extend(from.zip(to).map(|(from, to)| BinHolds::Range(from, to)));
            }
            Cut::Names { names, other } => {
                holds.extend(names.iter().map(|name| BinHolds::Category(name)));
                holds.extend(other.then_some(BinHolds::OtherCategory));
            }
        }
        holds
    }
}

impl ModelSet {
    /// Notes the moment from which the set serves; a later one changes nothing.
    pub fn begin(&self, now: DateTime<Utc>) {
        for model in self.models() {
            model.tally.begin(now);
        }
    }
}
