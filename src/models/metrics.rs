//! How good predictions are.
//!
//! smartcore's metrics serve where it has them (AUC, R², absolute and squared
//! error: its AUC gives tied scores their mean rank); the rest is here. All take
//! labels and predictions of the same rows, at least one. A metric that its
//! labels leave undefined, such as the AUC of a single class, is NaN.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of rows, far below 2^53"
)]
#![expect(clippy::float_cmp, reason = "ties are equal to the bit")]

use smartcore::metrics::Metrics;
use smartcore::metrics::auc::AUC;
use smartcore::metrics::mean_absolute_error::MeanAbsoluteError;
use smartcore::metrics::mean_squared_error::MeanSquareError;
use smartcore::metrics::r2::R2;

/// The variance power of the Tweedie family that amounts are judged by: between
/// Poisson (1) and Gamma (2), as is usual for revenue.
pub(super) const TWEEDIE_POWER: f64 = 1.5;

/// The area under the ROC curve.
pub(super) fn auc(labels: &[f64], scores: &[f64]) -> f64 {
    AUC::new().get_score(&labels.to_vec(), &scores.to_vec())
}

/// The area under the precision-recall curve as a step function over the
/// distinct scores.
pub(super) fn average_precision(labels: &[f64], scores: &[f64]) -> f64 {
    let order = descending(scores);
    let positives: f64 = labels.iter().sum();
    let (mut found, mut seen, mut area) = (0.0, 0.0, 0.0);
    for tied in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let here: f64 = tied.iter().map(|&i| labels[i]).sum();
        found += here;
        seen += tied.len() as f64;
        area += here / positives * (found / seen);
    }
    area
}

/// The mean negative log likelihood.
pub(super) fn log_loss(labels: &[f64], probabilities: &[f64]) -> f64 {
    mean(labels, probabilities, |y, p| {
        let p = p.clamp(1e-15, 1.0 - 1e-15);
        -(y * p.ln() + (1.0 - y) * (1.0 - p).ln())
    })
}

/// The mean squared error of the probabilities.
pub(super) fn brier(labels: &[f64], probabilities: &[f64]) -> f64 {
    mean(labels, probabilities, |y, p| (y - p).powi(2))
}

/// The expected calibration error: how far the mean probability is from the
/// observed frequency, over ten bins of equal width, weighted by their rows.
pub(super) fn calibration_error(labels: &[f64], probabilities: &[f64]) -> f64 {
    const BINS: usize = 10;
    let mut gaps = [0.0; BINS];
    for (y, p) in labels.iter().zip(probabilities) {
        let bin = ((p * BINS as f64) as usize).min(BINS - 1);
        gaps[bin] += p - y;
    }
    gaps.iter().map(|gap: &f64| gap.abs()).sum::<f64>() / labels.len() as f64
}

/// How many times more frequent positives are in the tenth that scores highest
/// than among all.
pub(super) fn top_decile_lift(labels: &[f64], scores: &[f64]) -> f64 {
    let top = labels.len().div_ceil(10);
    let order = descending(scores);
    let in_top: f64 = order[..top].iter().map(|&i| labels[i]).sum();
    let all: f64 = labels.iter().sum();
    (in_top / top as f64) / (all / labels.len() as f64)
}

/// The share of the labels' variance that is explained.
pub(super) fn r_squared(labels: &[f64], values: &[f64]) -> f64 {
    R2::new().get_score(&labels.to_vec(), &values.to_vec())
}

pub(super) fn mean_absolute_error(labels: &[f64], values: &[f64]) -> f64 {
    MeanAbsoluteError::new().get_score(&labels.to_vec(), &values.to_vec())
}

pub(super) fn mean_squared_error(labels: &[f64], values: &[f64]) -> f64 {
    MeanSquareError::new().get_score(&labels.to_vec(), &values.to_vec())
}

pub(super) fn root_mean_squared_error(labels: &[f64], values: &[f64]) -> f64 {
    mean_squared_error(labels, values).sqrt()
}

/// The share of the variance of the labels' logarithms (of one more) that is
/// explained.
pub(super) fn log_r_squared(labels: &[f64], values: &[f64]) -> f64 {
    r_squared(&logarithms(labels), &logarithms(values))
}

pub(super) fn log_root_mean_squared_error(labels: &[f64], values: &[f64]) -> f64 {
    root_mean_squared_error(&logarithms(labels), &logarithms(values))
}

fn logarithms(values: &[f64]) -> Vec<f64> {
    values.iter().map(|y| y.max(0.0).ln_1p()).collect()
}

/// Spearman's rank correlation, tied values at their mean rank.
pub(super) fn spearman(labels: &[f64], values: &[f64]) -> f64 {
    let (a, b) = (ranks(labels), ranks(values));
    // Ranks of either side have the same mean.
    let middle = f64::midpoint(labels.len() as f64, 1.0);
    let product = |x: &[f64], y: &[f64]| -> f64 {
        x.iter()
            .zip(y)
            .map(|(x, y)| (x - middle) * (y - middle))
            .sum()
    };
    product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt()
}

/// The Gini coefficient of the labels in the order of the values, as a share of
/// that in their own order: 1 ranks all amounts perfectly, 0 at random.
pub(super) fn normalised_gini(labels: &[f64], values: &[f64]) -> f64 {
    gini(labels, values) / gini(labels, labels)
}

/// One less twice the area under the Lorenz curve of the labels, ordered by
/// value; tied values share their labels evenly.
fn gini(labels: &[f64], values: &[f64]) -> f64 {
    let mut order = descending(values);
    order.reverse();
    let total: f64 = labels.iter().sum();
    let n = labels.len() as f64;
    let (mut height, mut area) = (0.0, 0.0);
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let next = height + tied.iter().map(|&i| labels[i]).sum::<f64>() / total;
        area += f64::midpoint(height, next) * tied.len() as f64 / n;
        height = next;
    }
    1.0 - 2.0 * area
}

/// The mean unit deviance of the Tweedie family. A proper score for a mean:
/// lower is better, 0 is perfect. Jørgensen, *The Theory of Dispersion Models*.
pub(super) fn tweedie_deviance(labels: &[f64], values: &[f64]) -> f64 {
    const P: f64 = TWEEDIE_POWER;
    // A prediction of nothing for a customer with revenue is infinitely wrong.
    const LEAST: f64 = 0.01;
    mean(labels, values, |y, mu| {
        let (y, mu) = (y.max(0.0), mu.max(LEAST));
        2.0 * (y.powf(2.0 - P) / ((1.0 - P) * (2.0 - P)) - y * mu.powf(1.0 - P) / (1.0 - P)
            + mu.powf(2.0 - P) / (2.0 - P))
    })
}

fn mean(labels: &[f64], predictions: &[f64], loss: impl Fn(f64, f64) -> f64) -> f64 {
    let sum: f64 = labels
        .iter()
        .zip(predictions)
        .map(|(&y, &p)| loss(y, p))
        .sum();
    sum / labels.len() as f64
}

/// The rows from the highest score down, equal ones in their own order.
fn descending(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    order
}

fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order = descending(values);
    order.reverse();
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = before as f64 + f64::midpoint(tied.len() as f64, 1.0);
        for &i in tied {
            ranks[i] = rank;
        }
        before += tied.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, known: f64) {
        assert!((found - known).abs() < 1e-9, "{found}, not {known}");
    }

    // Labels, and scores with a tie across classes; the known answers are
    // scikit-learn's, or follow by hand.
    const Y: [f64; 6] = [0.0, 0.0, 1.0, 1.0, 1.0, 0.0];
    const S: [f64; 6] = [0.1, 0.4, 0.35, 0.8, 0.4, 0.2];

    #[test]
    fn auc_gives_half_to_ties() {
        close(auc(&Y, &S), (2.0 + 3.0 + 2.5) / 9.0);
        assert!(auc(&[1.0, 1.0], &[0.2, 0.3]).is_nan());
    }

    #[test]
    fn average_precision_takes_ties_together() {
        close(
            average_precision(&Y, &S),
            1.0 / 3.0 + 1.0 / 3.0 * (2.0 / 3.0) + 1.0 / 3.0 * (3.0 / 4.0),
        );
    }

    #[test]
    fn log_loss_and_brier_of_two_rows() {
        close(
            log_loss(&[1.0, 0.0], &[0.8, 0.4]),
            -(0.8_f64.ln() + 0.6_f64.ln()) / 2.0,
        );
        assert!(log_loss(&[1.0], &[0.0]).is_finite());
        close(brier(&[1.0, 0.0], &[0.8, 0.4]), 0.1);
    }

    #[test]
    fn calibration_error_weighs_bins_by_their_rows() {
        // Bin .1: predicted .15, observed 0. Bin .9: predicted .95, observed .5 (two rows).
        close(
            calibration_error(&[0.0, 1.0, 0.0], &[0.15, 0.95, 0.95]),
            (0.15 + 0.9) / 3.0,
        );
        close(calibration_error(&[1.0], &[1.0]), 0.0);
    }

    #[test]
    fn lift_compares_the_top_tenth_with_all() {
        let scores: Vec<f64> = (0..20).map(f64::from).collect();
        let mut labels = vec![0.0; 20];
        for i in [19, 18, 3, 4] {
            labels[i] = 1.0;
        }
        close(top_decile_lift(&labels, &scores), 5.0);
    }

    #[test]
    fn regression_errors_of_four_rows() {
        let (y, v) = ([3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0]);
        close(r_squared(&y, &v), 1.0 - 1.5 / 29.1875);
        close(mean_absolute_error(&y, &v), 0.5);
        close(root_mean_squared_error(&y, &v), 0.375_f64.sqrt());
    }

    #[test]
    fn spearman_takes_mean_ranks() {
        close(spearman(&[1.0, 2.0, 3.0], &[1.0, 10.0, 100.0]), 1.0);
        close(spearman(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), -1.0);
        close(
            spearman(&[1.0, 2.0, 2.0, 4.0], &[1.0, 2.0, 3.0, 4.0]),
            0.9_f64.sqrt(),
        );
    }

    #[test]
    fn gini_is_one_in_perfect_order_and_zero_for_a_constant() {
        let y = [0.0, 1.0, 2.0, 5.0];
        close(normalised_gini(&y, &[0.1, 0.2, 0.3, 0.4]), 1.0);
        close(normalised_gini(&y, &[7.0; 4]), 0.0);
        close(normalised_gini(&y, &[4.0, 3.0, 2.0, 1.0]), -1.0);
        // One swap of the two largest, by hand: the area grows by (5 - 2)/8/4.
        close(
            normalised_gini(&y, &[1.0, 2.0, 4.0, 3.0]),
            1.0 - 2.0 * (3.0 / 8.0 / 4.0) / gini(&y, &y),
        );
    }

    #[test]
    fn tweedie_deviance_is_zero_only_for_the_truth() {
        close(tweedie_deviance(&[4.0], &[4.0]), 0.0);
        // y = 0: 2 mu^.5 / .5.
        close(tweedie_deviance(&[0.0], &[9.0]), 12.0);
        // y = 4, mu = 1: 2 (-4 * 2 + 4 * 2 + 2) = 4.
        close(tweedie_deviance(&[4.0], &[1.0]), 4.0);
        assert!(tweedie_deviance(&[4.0], &[0.0]).is_finite());
    }
}
