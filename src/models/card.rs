//! The model card: what a model is, where it comes from and how good it is, as
//! plain data for a person to judge it by.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::placement::Placement;
use super::target::Target;

/// The cohort or the file that a model learnt from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// None for a file.
    pub cohort_id: Option<Uuid>,
    /// The name of the cohort or of the file.
    pub cohort_name: String,
    pub customers: u64,
    /// None for customers that were not generated.
    pub generator_version: Option<String>,
    /// The seed of the cohort, which is also that of the split; none for a
    /// cohort that was not generated.
    pub seed: Option<u64>,
}

/// When a model came about and what its cohort is called: on its card, and not in
/// its bytes, which the same customers and seed make the same at any time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// None for a file.
    pub cohort_id: Option<Uuid>,
    /// The name of the cohort or of the file.
    pub cohort_name: String,
    pub trained_at: DateTime<Utc>,
}

impl Origin {
    /// The origin that a stored card tells, of whatever version the card is.
    #[must_use]
    pub fn of_stored(card: &Value) -> Option<Self> {
        Some(Self {
            cohort_id: Deserialize::deserialize(&card["source"]["cohort_id"]).ok()?,
            cohort_name: card["source"]["cohort_name"].as_str()?.to_owned(),
            trained_at: Deserialize::deserialize(&card["trained_at"]).ok()?,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    pub target: String,
    /// `binary` or `regression`.
    pub kind: String,
    pub unit: String,
    /// What the answer is.
    pub predicts: String,
    /// The label that it learnt: a column, or a question about one.
    pub label: String,
    /// Whom it is for.
    pub population: String,
    pub source: Source,
    pub rows: Rows,
    /// Who judged: a random part of the customers, or the latest.
    pub split: String,
    /// The columns read.
    pub inputs: Vec<String>,
    pub exclusions: Vec<Exclusion>,
    /// All that were trained; the one that serves is marked.
    pub candidates: Vec<Candidate>,
    /// The hold-out metrics of one who knows what the generator expected of
    /// each customer: no model can do better but by luck. None where nobody
    /// knows.
    pub oracle: Option<Metrics>,
    /// Why that one serves.
    pub choice: String,
    /// By how much the baseline's deciding score is worse than the forest's.
    pub comparison: Option<Comparison>,
    /// How probabilities were set right.
    pub calibration: Option<Calibration>,
    /// Where the tiers of a probability begin.
    pub thresholds: Option<Thresholds>,
    /// What the tiers find on the hold-out, for each threshold.
    pub confusion: Vec<Confusion>,
    /// What is known of the intervals of an amount.
    pub intervals: Option<Intervals>,
    /// The hold-out in tenths by predicted value, highest first.
    pub deciles: Vec<Decile>,
    /// How much each input contributes to a prediction on average, most first.
    pub importance: Vec<Importance>,
    /// An input that alone foretells the label better than this refuses the
    /// training.
    pub leakage_limit: f64,
    pub trained_at: DateTime<Utc>,
    pub training_version: String,
    /// The seed of the split and of the training.
    pub seed: u64,
    /// What the model can't do.
    pub limits: Vec<String>,
}

/// How many customers were used for what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    pub train: usize,
    /// Copies of training rows with inputs taken away, learnt from as well.
    pub train_with_gaps: usize,
    /// Told the forest when to stop.
    pub validation: usize,
    /// Set probabilities right, or sized the intervals.
    pub calibration: usize,
    /// Judged the candidates; neither saw it.
    pub hold_out: usize,
    /// Left out for want of a valid label.
    pub without_label: usize,
    /// Left out because the target is not for them.
    pub outside_population: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusion {
    pub column: String,
    pub reason: String,
}

/// Metrics by name; none where the hold-out leaves one undefined.
pub type Metrics = BTreeMap<String, Option<f64>>;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    pub name: String,
    pub method: String,
    pub serves: bool,
    /// On the hold-out as it is.
    pub metrics: Metrics,
    /// Where each metric may as well be, by chance of the hold-out: the middle
    /// 95% of its bootstrap.
    pub metric_intervals: BTreeMap<String, Interval>,
    /// On the hold-out with each input missing by an even chance.
    pub metrics_half_missing: Metrics,
}

/// Where the tiers begin, as probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// From here up: `high`.
    pub high: f64,
    /// Below: `low`.
    pub low: f64,
}

/// The thresholds of the targets for which somebody chose them.
pub type ChosenThresholds = BTreeMap<Target, Thresholds>;

/// From where to where.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    pub lower: f64,
    pub upper: f64,
}

/// The two candidates on the same draws of the hold-out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The proper score that decides; lower is better.
    pub metric: String,
    /// The baseline's score less the forest's, the middle 95% of the bootstrap.
    pub difference: Interval,
}

/// How probabilities were set right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    pub method: String,
    /// The line that log-odds go through; 1 and 0 leave them as they are.
    pub slope: f64,
    pub shift: f64,
}

/// What comes of treating all from a threshold up as positives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Confusion {
    /// The tier that the threshold begins.
    pub tier: String,
    pub threshold: f64,
    pub true_positives: usize,
    pub false_positives: usize,
    pub false_negatives: usize,
    pub true_negatives: usize,
}

/// A tenth of the hold-out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Decile {
    pub customers: usize,
    pub mean_predicted: f64,
    pub mean_observed: f64,
    /// What was observed here, over what was observed of all.
    pub lift: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    pub column: String,
    /// Of the sizes of all contributions.
    pub share: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    pub method: String,
    pub level: f64,
    /// The share of hold-out labels that their interval held.
    pub coverage: f64,
    /// The same in each tenth of the hold-out by predicted value, lowest first.
    pub coverage_by_decile: Vec<f64>,
    /// The same with each input missing by an even chance.
    pub coverage_half_missing: f64,
}

impl Card {
    pub(super) fn origin(&self) -> Origin {
        Origin {
            cohort_id: self.source.cohort_id,
            cohort_name: self.source.cohort_name.clone(),
            trained_at: self.trained_at,
        }
    }

    pub(super) fn set_origin(&mut self, origin: Origin) {
        self.source.cohort_id = origin.cohort_id;
        self.source.cohort_name = origin.cohort_name;
        self.trained_at = origin.trained_at;
    }
}

impl Thresholds {
    /// Whether tiers can begin here: at probabilities, the higher one not below.
    #[must_use]
    pub fn are_sound(self) -> bool {
        let probability = 0.0..=1.0;
        probability.contains(&self.low) && probability.contains(&self.high) && self.low <= self.high
    }
}

impl Interval {
    /// What lies between the outermost shares of the numbers. None if one of
    /// them is not a number.
    pub(super) fn of(numbers: impl Iterator<Item = f64>, a_side: f64) -> Option<Self> {
        let numbers: Vec<f64> = numbers.collect();
        if numbers.is_empty() || !numbers.iter().all(|x| x.is_finite()) {
            return None;
        }
        let quantiles = Placement::of(numbers);
        Some(Self {
            lower: quantiles.at(a_side),
            upper: quantiles.at(1.0 - a_side),
        })
    }
}

impl Intervals {
    /// Measures intervals on the hold-out: each row's predicted value, and
    /// whether its interval held the label; and the same with inputs missing.
    pub(super) fn measured(
        level: f64,
        mut held: Vec<(f64, bool)>,
        half_missing: &[(f64, bool)],
    ) -> Self {
        held.sort_by(|a, b| a.0.total_cmp(&b.0));
        let cut = |tenth: usize| tenth * held.len() / 10;
        Self {
            method: "split conformal, in groups of customers of whom as much is missing (by what the missing inputs usually contribute) and in bands of predicted value".to_owned(),
            level,
            coverage: share(&held),
            coverage_by_decile: (0..10)
                .map(|tenth| share(&held[cut(tenth)..cut(tenth + 1)]))
                .collect(),
            coverage_half_missing: share(half_missing),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows")]
fn share(held: &[(f64, bool)]) -> f64 {
    held.iter().filter(|row| row.1).count() as f64 / held.len().max(1) as f64
}
