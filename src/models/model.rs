//! A trained model at work: predictions and their reasons.

use super::card::{Card, Origin, Thresholds};
use super::drift::bins::Reference;
use super::drift::tally::Tally;
use super::interval::{Intervals, LEVEL};
use super::placement::Placement;
use super::population::NotApplicable;
use super::scorer::{Link, Scorer};
use super::set::Answer;
use super::target::Target;
use crate::features::{ColumnSet, Encoder, MAX_WIDTH, Profile, Shown};
use crate::schema::{COLUMN_COUNT, COLUMNS};

/// A trained model. Immutable: any number of threads may ask it at once.
#[derive(Debug, Clone)]
pub struct Model {
    pub(super) target: Target,
    pub(super) encoder: Encoder,
    pub(super) scorer: Scorer,
    pub(super) link: Link,
    pub(super) placement: Placement,
    pub(super) spread: Spread,
    pub(super) card: Card,
    /// Whom it learnt from, to be compared with; none in a model of an earlier
    /// version.
    pub(super) reference: Option<Reference>,
    /// Whom it was asked about.
    pub(super) tally: Tally,
}

/// What goes with the value.
#[derive(Debug, Clone)]
pub(super) enum Spread {
    Tiers(Thresholds),
    Intervals(Intervals),
}

impl Spread {
    /// Where tiers are cut; none where there are none.
    pub(super) fn thresholds(&self) -> Option<Thresholds> {
        match self {
            Self::Tiers(thresholds) => Some(*thresholds),
            Self::Intervals(_) => None,
        }
    }
}

/// A customer of whom no input of the model is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("none of the model's inputs is given")]
pub struct NoInputs;

/// What is predicted of a customer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    pub value: Estimate,
    /// The share of the training hold-out that is predicted less, in percent.
    pub percentile: f64,
    /// The inputs that were not given.
    pub missing: ColumnSet,
    /// What the model computes before it becomes a probability or an amount.
    pub margin: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Estimate {
    Probability {
        probability: f64,
        tier: Tier,
    },
    Amount {
        value: f64,
        unit: &'static str,
        lower: f64,
        upper: f64,
        /// The share of customers whose interval holds the truth.
        level: f64,
    },
}

impl Estimate {
    /// The probability or the amount.
    #[must_use]
    pub fn number(&self) -> f64 {
        match *self {
            Self::Probability { probability, .. } => probability,
            Self::Amount { value, .. } => value,
        }
    }
}

/// How a probability compares with those of the training hold-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    Low,
    Medium,
    High,
}

impl Tier {
    /// Lowest first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    pub(super) fn of(thresholds: Thresholds, probability: f64) -> Self {
        if probability >= thresholds.high {
            Self::High
        } else if probability < thresholds.low {
            Self::Low
        } else {
            Self::Medium
        }
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Why a prediction is what it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation<'a> {
    pub margin: f64,
    /// The margin expected of any customer; the contributions of all inputs
    /// lead from it to `margin`.
    pub base_value: f64,
    /// The strongest, strongest first.
    pub reasons: Vec<Reason<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reason<'a> {
    pub column: usize,
    /// The column's name.
    pub feature: &'static str,
    pub value: Shown<'a>,
    /// In the unit of the margin: log-odds, the logarithm of dollars.
    pub contribution: f64,
}

impl Model {
    #[must_use]
    pub fn target(&self) -> Target {
        self.target
    }

    #[must_use]
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// The model with these on its card: its bytes don't keep them.
    #[must_use]
    pub fn with_origin(mut self, origin: Origin) -> Self {
        self.card.set_origin(origin);
        self
    }

    /// The columns that the model reads.
    #[must_use]
    pub fn inputs(&self) -> ColumnSet {
        self.encoder.columns()
    }

    /// Whether the model is for this customer.
    ///
    /// # Errors
    /// With the reason, if not.
    pub fn applies(&self, profile: &Profile) -> Result<(), NotApplicable> {
        self.target.applies(profile)
    }

    /// Predicts for one customer. Allocates nothing.
    ///
    /// # Errors
    /// If no input is given: the answer would be about nobody.
    pub fn predict(&self, profile: &Profile) -> Result<Prediction, NoInputs> {
        let mut buffer = [0.0; MAX_WIDTH];
        self.predict_row(self.encoder.encode(profile, &mut buffer))
    }

    /// Answers a customer who asks, with the `strongest` reasons where any are
    /// asked for, and counts it, as [`Self::drift`] compares it.
    ///
    /// # Errors
    /// If the target is not for the customer, or no input is given.
    pub fn serve<'a>(&self, profile: &'a Profile, strongest: usize) -> Answer<'a> {
        let mut buffer = [0.0; MAX_WIDTH];
        let row = self.encoder.encode(profile, &mut buffer);
        self.serve_row(row, profile, strongest)
    }

    /// As [`Self::serve`], of the customer's encoded row.
    pub(super) fn serve_row<'a>(
        &self,
        row: &[f32],
        profile: &'a Profile,
        strongest: usize,
    ) -> Answer<'a> {
        let answer = self.answer_to_row(row, profile, strongest);
        if let Ok((prediction, _)) = &answer {
            self.tally.count(row, prediction.value.number());
        }
        answer
    }

    fn predict_row(&self, row: &[f32]) -> Result<Prediction, NoInputs> {
        let missing = self.missing(row)?;
        let margin = self.scorer.margin(row);
        let (value, percentile) = self.answer(margin, missing);
        Ok(Prediction {
            value,
            percentile,
            missing,
            margin,
        })
    }

    /// Predicts and gives the `strongest` reasons.
    ///
    /// # Errors
    /// If no input is given.
    pub fn explain<'a>(
        &self,
        profile: &'a Profile,
        strongest: usize,
    ) -> Result<Explanation<'a>, NoInputs> {
        let mut buffer = [0.0; MAX_WIDTH];
        let row = self.encoder.encode(profile, &mut buffer);
        self.missing(row)?;
        Ok(self.explain_row(row, self.scorer.margin(row), profile, strongest))
    }

    /// What is said of a customer of this row, with the `strongest` reasons where
    /// any are asked for.
    pub(super) fn answer_to_row<'a>(
        &self,
        row: &[f32],
        profile: &'a Profile,
        strongest: usize,
    ) -> Answer<'a> {
        self.applies(profile)?;
        let prediction = self.predict_row(row)?;
        let explain = || self.explain_row(row, prediction.margin, profile, strongest);
        Ok((prediction, (strongest > 0).then(explain)))
    }

    fn explain_row<'a>(
        &self,
        row: &[f32],
        margin: f64,
        profile: &'a Profile,
        strongest: usize,
    ) -> Explanation<'a> {
        let (base_value, strongest) = self.strongest(row, strongest);
        let reason = |(column, contribution): (usize, f64)| Reason {
            column,
            feature: COLUMNS[column].name,
            value: profile.shown(column),
            contribution,
        };
        Explanation {
            margin,
            base_value,
            reasons: strongest.into_iter().map(reason).collect(),
        }
    }

    /// What the margin starts from, and the columns that add most to it or take
    /// most from it, with what they do.
    pub(super) fn strongest(&self, row: &[f32], count: usize) -> (f64, Vec<(usize, f64)>) {
        let mut places = [0.0; MAX_WIDTH];
        let base_value = self.scorer.contributions(row, &mut places);
        let mut columns = [0.0; COLUMN_COUNT];
        for (column, place) in self.encoder.column_of_places().zip(places) {
            columns[column] += place;
        }
        let mut strongest: Vec<(usize, f64)> =
            self.inputs().iter().map(|c| (c, columns[c])).collect();
        strongest.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        strongest.truncate(count);
        (base_value, strongest)
    }

    /// What a margin says of a customer without these inputs, and its percentile.
    pub(super) fn answer(&self, margin: f64, missing: ColumnSet) -> (Estimate, f64) {
        let value = self.link.value(margin);
        (
            self.estimate(value, missing),
            self.placement.percentile(value),
        )
    }

    /// The inputs not given, unless none is.
    fn missing(&self, row: &[f32]) -> Result<ColumnSet, NoInputs> {
        if row.iter().all(|place| place.is_nan()) {
            return Err(NoInputs);
        }
        Ok(self.encoder.missing(row))
    }

    fn estimate(&self, value: f64, missing: ColumnSet) -> Estimate {
        match &self.spread {
            Spread::Tiers(thresholds) => Estimate::Probability {
                probability: value,
                tier: Tier::of(*thresholds, value),
            },
            Spread::Intervals(intervals) => {
                let definition = self.target.definition();
                let (lower, upper) = intervals.around(value, missing, definition.label_range());
                Estimate::Amount {
                    value,
                    unit: definition.outcome.unit(),
                    lower,
                    upper,
                    level: LEVEL,
                }
            }
        }
    }
}
