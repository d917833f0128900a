//! The model card: what a model is, where it comes from and how good it is, as
//! plain data for a person to judge it by.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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
    /// The columns read.
    pub inputs: Vec<String>,
    pub exclusions: Vec<Exclusion>,
    /// All that were trained; the one that serves is marked.
    pub candidates: Vec<Candidate>,
    /// Why that one serves.
    pub choice: String,
    /// Where the tiers of a probability begin.
    pub thresholds: Option<Thresholds>,
    /// What is known of the intervals of an amount.
    pub intervals: Option<Intervals>,
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
    /// Sized the intervals.
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

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    pub method: String,
    pub level: f64,
    /// The share of hold-out labels that their interval held.
    pub coverage: f64,
    /// The same in each tenth of the hold-out by predicted value, lowest first.
    pub coverage_by_decile: Vec<f64>,
}

impl Intervals {
    /// Measures intervals on the hold-out: each row's predicted value, and
    /// whether its interval held the label.
    pub(super) fn measured(level: f64, mut held: Vec<(f64, bool)>) -> Self {
        held.sort_by(|a, b| a.0.total_cmp(&b.0));
        let cut = |tenth: usize| tenth * held.len() / 10;
        Self {
            method: "split conformal, in bands of predicted value".to_owned(),
            level,
            coverage: share(&held),
            coverage_by_decile: (0..10)
                .map(|tenth| share(&held[cut(tenth)..cut(tenth + 1)]))
                .collect(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows")]
fn share(held: &[(f64, bool)]) -> f64 {
    held.iter().filter(|row| row.1).count() as f64 / held.len().max(1) as f64
}
