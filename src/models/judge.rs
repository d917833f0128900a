//! Which metrics a target is judged by, how sure they are, and whether one
//! candidate is better than another beyond chance.
//!
//! How sure: the hold-out is drawn anew from itself, row by row with replacement,
//! [`RESAMPLES`] times, and each metric computed each time (Efron 1979); the
//! middle 95% of what comes out is its interval. Candidates are compared on the
//! same draws, so that what is hard for both cancels out.

use super::card::{Interval, Metrics};
use super::metrics::{self, Metric, Sample};
use super::split::{Draw, draw};
use super::target::Outcome;

const RESAMPLES: usize = 200;

/// The share of resamples that an interval leaves out on either side.
const A_SIDE: f64 = 0.025;

const BINARY: &[(&str, Metric)] = &[
    ("log_loss", metrics::log_loss),
    ("auc", metrics::auc),
    ("average_precision", metrics::average_precision),
    ("brier", metrics::brier),
    ("calibration_error", metrics::calibration_error),
    ("top_decile_lift", metrics::top_decile_lift),
];

const SCORE: &[(&str, Metric)] = &[
    ("root_mean_squared_error", metrics::root_mean_squared_error),
    ("r_squared", metrics::r_squared),
    ("mean_absolute_error", metrics::mean_absolute_error),
    ("spearman", metrics::spearman),
    ("normalised_gini", metrics::normalised_gini),
];

const AMOUNT: &[(&str, Metric)] = &[
    ("tweedie_deviance", metrics::tweedie_deviance),
    ("mean_error", metrics::mean_error),
    ("root_mean_squared_error", metrics::root_mean_squared_error),
    ("r_squared", metrics::r_squared),
    ("mean_absolute_error", metrics::mean_absolute_error),
    ("spearman", metrics::spearman),
    ("normalised_gini", metrics::normalised_gini),
];

/// Of the logarithms (of one more).
const LOGARITHMS: &[(&str, Metric)] = &[
    (
        "log_root_mean_squared_error",
        metrics::root_mean_squared_error,
    ),
    ("log_r_squared", metrics::r_squared),
];

const COUNT: &[(&str, Metric)] = &[
    ("mean_absolute_error", metrics::mean_absolute_error),
    ("spearman", metrics::spearman),
    ("normalised_gini", metrics::normalised_gini),
];

/// The metrics of an outcome on the scale of the answer, and of its logarithm.
fn lists(outcome: Outcome) -> [&'static [(&'static str, Metric)]; 2] {
    match outcome {
        Outcome::Binary => [&[], BINARY],
        Outcome::Score { .. } => [&[], SCORE],
        Outcome::Amount { .. } => [&LOGARITHMS[1..], AMOUNT],
        Outcome::Count { .. } => [LOGARITHMS, COUNT],
    }
}

/// The proper score that decides which candidate serves; lower is better.
pub(super) fn deciding(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Binary => "log_loss",
        Outcome::Score { .. } => "root_mean_squared_error",
        Outcome::Amount { .. } => "tweedie_deviance",
        Outcome::Count { .. } => "log_root_mean_squared_error",
    }
}

/// Predictions of one candidate, ready to be judged as often as is asked.
pub(super) struct Bench<'a> {
    names: Vec<&'static str>,
    metrics: Vec<Metric>,
    /// How many metrics are of the logarithm; they come first.
    of_logarithms: usize,
    plain: Sample<'a>,
    logarithms: Option<Sample<'a>>,
}

/// The logarithms that a bench may judge.
pub(super) struct Logarithms {
    labels: Vec<f64>,
    values: Vec<f64>,
}

impl Logarithms {
    pub(super) fn of(labels: &[f64], values: &[f64]) -> Self {
        let [labels, values] =
            [labels, values].map(|of| of.iter().map(|y| y.max(0.0).ln_1p()).collect());
        Self { labels, values }
    }

    /// Pearson's correlation of the two.
    #[expect(clippy::cast_precision_loss, reason = "counts of rows")]
    pub(super) fn correlation(&self) -> f64 {
        let n = self.labels.len() as f64;
        let mean = |of: &[f64]| of.iter().sum::<f64>() / n;
        let (y, v) = (mean(&self.labels), mean(&self.values));
        let (mut both, mut one, mut other) = (0.0, 0.0, 0.0);
        for (a, b) in self.labels.iter().zip(&self.values) {
            both += (a - y) * (b - v);
            one += (a - y) * (a - y);
            other += (b - v) * (b - v);
        }
        both / (one * other).sqrt()
    }
}

impl<'a> Bench<'a> {
    pub(super) fn new(
        outcome: Outcome,
        labels: &'a [f64],
        values: &'a [f64],
        logarithms: &'a Logarithms,
    ) -> Self {
        let lists = lists(outcome);
        let of_logarithms = lists[0].len();
        let all = lists.concat();
        Self {
            names: all.iter().map(|(name, _)| *name).collect(),
            metrics: all.iter().map(|(_, metric)| *metric).collect(),
            of_logarithms,
            plain: Sample::new(labels, values),
            logarithms: (of_logarithms > 0)
                .then(|| Sample::new(&logarithms.labels, &logarithms.values)),
        }
    }

    /// Every metric for these weights, in the order of the names.
    fn scores(&self, weights: &[f64]) -> Vec<f64> {
        let of = |(i, metric): (usize, &Metric)| match &self.logarithms {
            Some(logarithms) if i < self.of_logarithms => metric(logarithms, weights),
            _ => metric(&self.plain, weights),
        };
        self.metrics.iter().enumerate().map(of).collect()
    }

    fn named<T>(&self, of: impl Iterator<Item = T>) -> impl Iterator<Item = (String, T)> {
        self.names.iter().map(|name| (*name).to_owned()).zip(of)
    }

    /// The metrics of the rows as they are.
    pub(super) fn metrics(&self) -> Metrics {
        let scores = self.scores(&vec![1.0; self.plain.labels.len()]);
        let defined = |score: f64| score.is_finite().then_some(score);
        self.named(scores.into_iter().map(defined)).collect()
    }
}

/// What resampling found.
pub(super) struct Bootstrap {
    /// The interval of every metric of each bench.
    pub intervals: Vec<std::collections::BTreeMap<String, Interval>>,
    /// By how much the second bench's deciding score is worse than the
    /// first's: the middle 95%. None with a single bench.
    pub difference: Option<Interval>,
}

/// Resamples the rows for all benches alike.
pub(super) fn bootstrap(outcome: Outcome, benches: &[Bench<'_>], seed: u64) -> Bootstrap {
    use rayon::prelude::*;

    let rows = benches.first().map_or(0, |b| b.plain.labels.len());
    let scores: Vec<Vec<Vec<f64>>> = (0..RESAMPLES)
        .into_par_iter()
        .map(|resample| {
            let weights = weights(seed, resample, rows);
            benches.iter().map(|b| b.scores(&weights)).collect()
        })
        .collect();
    let intervals = benches.iter().enumerate().map(|(bench, it)| {
        let of = |metric| Interval::of(scores.iter().map(|s| s[bench][metric]), A_SIDE);
        let found = it.named((0..it.metrics.len()).map(of));
        found.filter_map(|(name, i)| Some((name, i?))).collect()
    });
    let intervals = intervals.collect();
    let difference = (benches.len() > 1).then(|| {
        let names = &benches[0].names;
        let at = names.iter().position(|name| *name == deciding(outcome))?;
        Interval::of(scores.iter().map(|s| s[1][at] - s[0][at]), A_SIDE)
    });
    Bootstrap {
        intervals,
        difference: difference.flatten(),
    }
}

/// How often each row comes up when as many rows are drawn as there are.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of rows"
)]
fn weights(seed: u64, resample: usize, rows: usize) -> Vec<f64> {
    let mut weights = vec![0.0; rows];
    for row in 0..rows {
        let drawn = (draw(seed, row, Draw::Resample(resample)) * rows as f64) as usize;
        weights[drawn] += 1.0;
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(rows: usize) -> (Vec<f64>, Vec<f64>) {
        let values: Vec<f64> = (0..rows).map(|row| draw(3, row, Draw::Gap(0))).collect();
        let rows = values.iter().enumerate();
        let labels = rows.map(|(row, v)| f64::from(u8::from(draw(3, row, Draw::Gap(1)) < *v)));
        (labels.collect(), values)
    }

    #[test]
    fn an_interval_is_as_wide_as_the_theory_says() {
        let (labels, values) = flags(4_000);
        let logarithms = Logarithms::of(&[], &[]);
        let bench = Bench::new(Outcome::Binary, &labels, &values, &logarithms);
        let metrics = bench.metrics();
        let found = bootstrap(Outcome::Binary, &[bench], 1);
        let brier = found.intervals[0]["brier"];
        // The standard error of a mean, from the squared errors themselves.
        let errors: Vec<f64> = labels
            .iter()
            .zip(&values)
            .map(|(y, p)| (y - p).powi(2))
            .collect();
        let mean = errors.iter().sum::<f64>() / 4_000.0;
        let variance = errors.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / 4_000.0;
        let width = 2.0 * 1.96 * (variance / 4_000.0).sqrt();
        let ratio = (brier.upper - brier.lower) / width;
        assert!((0.8..1.25).contains(&ratio), "{ratio}");
        let score = metrics["brier"].expect("a score");
        assert!(brier.lower < score && score < brier.upper);
        assert!(found.difference.is_none());
    }

    #[test]
    fn a_worse_candidate_is_told_from_an_equal_one() {
        let (labels, values) = flags(2_000);
        let logarithms = Logarithms::of(&[], &[]);
        let against = |other: &[f64]| {
            let bench = |values| Bench::new(Outcome::Binary, &labels, values, &logarithms);
            let benches = [bench(&values), bench(other)];
            bootstrap(Outcome::Binary, &benches, 1)
                .difference
                .expect("two")
        };
        let guess = vec![0.5; labels.len()];
        assert!(against(&guess).lower > 0.0);
        let same = against(&values);
        assert!(same.lower <= 0.0 && same.upper >= 0.0);
    }
}
