//! Which metrics a target is judged by, and which of them decides.

use super::card::Metrics;
use super::metrics;
use super::target::Outcome;

type Metric = fn(&[f64], &[f64]) -> f64;

const BINARY: &[(&str, Metric)] = &[
    ("auc", metrics::auc),
    ("average_precision", metrics::average_precision),
    ("log_loss", metrics::log_loss),
    ("brier", metrics::brier),
    ("calibration_error", metrics::calibration_error),
    ("top_decile_lift", metrics::top_decile_lift),
];

const REGRESSION: &[(&str, Metric)] = &[
    ("r_squared", metrics::r_squared),
    ("mean_absolute_error", metrics::mean_absolute_error),
    ("root_mean_squared_error", metrics::root_mean_squared_error),
    ("spearman", metrics::spearman),
    ("normalised_gini", metrics::normalised_gini),
];

const COUNT: &[(&str, Metric)] = &[
    ("log_r_squared", metrics::log_r_squared),
    (
        "log_root_mean_squared_error",
        metrics::log_root_mean_squared_error,
    ),
];

const AMOUNT: &[(&str, Metric)] = &[("tweedie_deviance", metrics::tweedie_deviance)];

/// The proper score that decides which candidate serves; lower is better.
pub(super) fn deciding(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Binary => "log_loss",
        Outcome::Score { .. } => "root_mean_squared_error",
        Outcome::Amount { .. } => "tweedie_deviance",
        Outcome::Count { .. } => "log_root_mean_squared_error",
    }
}

/// All metrics of these predictions.
pub(super) fn judge(outcome: Outcome, labels: &[f64], values: &[f64]) -> Metrics {
    let metrics = match outcome {
        Outcome::Binary => [BINARY, &[]],
        Outcome::Score { .. } => [REGRESSION, &[]],
        Outcome::Amount { .. } => [REGRESSION, AMOUNT],
        Outcome::Count { .. } => [REGRESSION, COUNT],
    };
    metrics
        .concat()
        .into_iter()
        .map(|(name, metric)| {
            let score = metric(labels, values);
            (name.to_owned(), score.is_finite().then_some(score))
        })
        .collect()
}
