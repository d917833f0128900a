//! From an input row to a prediction: a forest or a linear baseline, and the
//! link from its margin to what is asked for.

use serde::{Deserialize, Serialize};

use super::forest::Forest;
use super::linear::Linear;
use super::shap;
use super::target::Outcome;
use crate::features::{BLOCK, Lane, MAX_WIDTH};

/// Rows that are sooner walked one by one: a sweep costs the same for any number
/// of them.
const FEW: usize = 4;

/// What turns a row into a margin.
#[derive(Debug, Clone)]
pub(super) enum Scorer {
    Forest(Forest),
    Linear(Linear),
}

impl Scorer {
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Forest(forest) => forest.width(),
            Self::Linear(linear) => linear.width(),
        }
    }

    pub(super) fn margin(&self, row: &[f32]) -> f64 {
        match self {
            Self::Forest(forest) => forest.margin(row),
            Self::Linear(linear) => linear.margin(row),
        }
    }

    /// The margins of so many rows given place by place: what [`Self::margin`]
    /// has for each of them.
    pub(super) fn margins(&self, places: &[Lane], rows: usize) -> [f64; BLOCK] {
        if let Self::Forest(forest) = self
            && rows > FEW
            && let Some(sweep) = forest.sweep()
        {
            return sweep.margins(places);
        }
        let mut margins = [0.0; BLOCK];
        let mut buffer = [0.0; MAX_WIDTH];
        for (i, margin) in margins[..rows].iter_mut().enumerate() {
            *margin = self.margin(row(places, i, &mut buffer));
        }
        margins
    }

    /// Adds what each place adds to the margin to `out`; returns what they add
    /// it to.
    pub(super) fn contributions(&self, row: &[f32], out: &mut [f64]) -> f64 {
        match self {
            Self::Forest(forest) => shap::contributions(forest, row, out),
            Self::Linear(linear) => linear.contributions(row, out),
        }
    }
}

/// One of the rows that are given place by place.
pub(super) fn row<'a>(places: &[Lane], i: usize, buffer: &'a mut [f32; MAX_WIDTH]) -> &'a [f32] {
    let row = &mut buffer[..places.len()];
    for (x, place) in row.iter_mut().zip(places) {
        *x = place[i];
    }
    row
}

/// What turns a margin into the answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Link {
    /// Log-odds, to a probability. The margin is first set right by a line,
    /// which a forest that is calibrated already leaves as it is (1 and 0).
    Logistic { slope: f64, shift: f64 },
    /// Log-odds, to a score between two bounds.
    Score { least: f64, most: f64 },
    /// The score itself, kept between its bounds.
    Plain { least: f64, most: f64 },
    /// The logarithm of an amount.
    Log,
    /// The mean logarithm of one more than an amount. `factor` makes up for
    /// the mean of logarithms being less than the logarithm of the mean.
    LogPlusOne { factor: f64 },
}

impl Link {
    /// Log-odds that are right as they are.
    pub(super) const LOGISTIC: Self = Self::Logistic {
        slope: 1.0,
        shift: 0.0,
    };

    /// The link of a forest that was grown for this outcome.
    pub(super) fn of_forest(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Binary => Self::LOGISTIC,
            Outcome::Score { least, most, .. } => Self::Score { least, most },
            Outcome::Amount { .. } => Self::Log,
            Outcome::Count { .. } => Self::LogPlusOne { factor: 1.0 },
        }
    }

    pub(super) fn is_sound(self) -> bool {
        match self {
            Self::LogPlusOne { factor } => factor.is_finite() && factor > 0.0,
            // A falling line would turn the ranking round.
            Self::Logistic { slope, shift } => {
                slope.is_finite() && slope > 0.0 && shift.is_finite()
            }
            Self::Score { least, most } | Self::Plain { least, most } => {
                least.is_finite() && most.is_finite() && least < most
            }
            Self::Log => true,
        }
    }

    pub(super) fn value(self, margin: f64) -> f64 {
        // Beyond this, amounts would pass all that a double holds.
        const LARGEST: f64 = 600.0;
        match self {
            Self::Logistic { slope, shift } => share(slope * margin + shift),
            Self::Score { least, most } => least + (most - least) * share(margin),
            Self::Plain { least, most } => margin.clamp(least, most),
            Self::Log => margin.min(LARGEST).exp(),
            Self::LogPlusOne { factor } => (factor * margin.min(LARGEST).exp() - 1.0).max(0.0),
        }
    }
}

/// The share that log-odds stand for.
fn share(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}
