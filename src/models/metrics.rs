//! How good predictions are.
//!
//! All metrics take a [`Sample`], labels and predictions of the same rows put in
//! order once, and a weight for each row: how often it counts. Weights of one
//! give the metric itself, those of a resample its bootstrap, and both in one
//! pass over rows in order. A metric that its labels leave undefined, such as
//! the AUC of a single class, is NaN.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of rows, far below 2^53"
)]
#![expect(clippy::float_cmp, reason = "ties are equal to the bit")]

/// The variance power of the Tweedie family that amounts are judged by: between
/// Poisson (1) and Gamma (2), as is usual for revenue.
pub(super) const TWEEDIE_POWER: f64 = 1.5;

/// Bins of the calibration error.
const BINS: usize = 10;

/// Labels and predictions of the same rows, at least one.
pub(super) struct Sample<'a> {
    pub labels: &'a [f64],
    pub values: &'a [f64],
    /// The rows from the lowest prediction up, equal ones in their own order.
    by_value: Vec<usize>,
    /// The rows from the lowest label up.
    by_label: Vec<usize>,
}

/// What a metric is computed by.
pub(super) type Metric = fn(&Sample<'_>, &[f64]) -> f64;

impl<'a> Sample<'a> {
    pub(super) fn new(labels: &'a [f64], values: &'a [f64]) -> Self {
        Self {
            labels,
            values,
            by_value: ascending(values),
            by_label: ascending(labels),
        }
    }

    /// Each row's label, or the mean label of the rows that are predicted alike:
    /// their order in a file says nothing of the prediction.
    pub(super) fn labels_without_ties(&self) -> Vec<f64> {
        let mut labels = self.labels.to_vec();
        for run in self.ties().filter(|run| run.len() > 1) {
            let mean = run.iter().map(|&i| self.labels[i]).sum::<f64>() / run.len() as f64;
            for &i in run {
                labels[i] = mean;
            }
        }
        labels
    }

    /// The rows from the highest prediction down.
    pub(super) fn descending(&self) -> impl Iterator<Item = usize> + '_ {
        self.by_value.iter().rev().copied()
    }

    /// The weighted sum of something of each row, over the sum of weights.
    fn mean(&self, weights: &[f64], of: impl Fn(f64, f64) -> f64) -> f64 {
        let rows = self.labels.iter().zip(self.values).zip(weights);
        let (mut sum, mut all) = (0.0, 0.0);
        for ((&y, &v), &w) in rows {
            // A row that is not there costs nothing, not even a logarithm.
            if w != 0.0 {
                sum += w * of(y, v);
                all += w;
            }
        }
        sum / all
    }

    /// Runs of rows with the same prediction, lowest first.
    fn ties(&self) -> impl DoubleEndedIterator<Item = &[usize]> {
        self.by_value
            .chunk_by(|&a, &b| self.values[a] == self.values[b])
    }
}

/// The area under the ROC curve; tied scores count half.
pub(super) fn auc(sample: &Sample<'_>, weights: &[f64]) -> f64 {
    let (mut below, mut area, mut positives) = (0.0, 0.0, 0.0);
    for tied in sample.ties() {
        let (mut here, mut others) = (0.0, 0.0);
        for &i in tied {
            here += weights[i] * sample.labels[i];
            others += weights[i] * (1.0 - sample.labels[i]);
        }
        area += here * (below + others / 2.0);
        below += others;
        positives += here;
    }
    area / (positives * below)
}

/// The area under the precision-recall curve as a step function over the
/// distinct scores.
pub(super) fn average_precision(sample: &Sample<'_>, weights: &[f64]) -> f64 {
    let (mut found, mut seen, mut area) = (0.0, 0.0, 0.0);
    for tied in sample.ties().rev() {
        let here: f64 = tied.iter().map(|&i| weights[i] * sample.labels[i]).sum();
        found += here;
        seen += tied.iter().map(|&i| weights[i]).sum::<f64>();
        if here > 0.0 {
            area += here * (found / seen);
        }
    }
    area / found
}

/// The mean negative log likelihood.
pub(super) fn log_loss(sample: &Sample<'_>, weights: &[f64]) -> f64 {
    sample.mean(weights, |y, p| {
        let p = p.clamp(1e-15, 1.0 - 1e-15);
        -(y * p.ln() + (1.0 - y) * (1.0 - p).ln())
    })
}

/// The mean squared error of the probabilities.
pub(super) fn brier(sample: &Sample<'_>, weights: &[f64]) -> f64 {
    sample.mean(weights, |y, p| (y - p) * (y - p))
}

/// The expected calibration error: how far the mean probability is from the
/// observed frequency, over ten bins of equal width, weighted by their rows.
pub(super) fn calibration_error(sample: &Sample<'_>, weights: &[f64]) -> f64 {
    let (mut gaps, mut all) = ([0.0; BINS], 0.0);
    for ((y, p), w) in sample.labels.iter().zip(sample.values).zip(weights) {
        gaps[bin(*p)] += w * (p - y);
        all += w;
    }
    gaps.iter().map(|gap: &f64| gap.abs()).sum::<f64>() / all
}

/// What the calibration error of probabilities that are right is by chance
/// alone, and its standard deviation: each bin's gap is nearly normal, and the
/// mean of its size is that of half a normal.
pub(super) fn chance_of_calibration_error(probabilities: &[f64]) -> (f64, f64) {
    let mut variances = [0.0; BINS];
    for &p in probabilities {
        variances[bin(p)] += p * (1.0 - p);
    }
    let n = probabilities.len() as f64;
    let of_half_a_normal = std::f64::consts::FRAC_2_PI;
    let mean: f64 = variances
        .iter()
        .map(|v| (v * of_half_a_normal).sqrt())
        .sum();
    let variance: f64 = variances.iter().map(|v| v * (1.0 - of_half_a_normal)).sum();
    (mean / n, variance.sqrt() / n)
}

fn bin(p: f64) -> usize {
    ((p * BINS as f64) as usize).min(BINS - 1)
}

/// How many times more frequent positives are in the tenth that scores highest
/// than among all.
pub(super) fn top_decile_lift(sample: &Sample<'_>, weights: &[f64]) -> f64 {
    let (all, positives) = sample
        .labels
        .iter()
        .zip(weights)
        .fold((0.0, 0.0), |(all, found), (y, w)| (all + w, found + w * y));
    let top = (all / 10.0).ceil();
    let (mut seen, mut found) = (0.0, 0.0);
    for tied in sample.ties().rev() {
        let (all, positives) = tied.iter().fold((0.0, 0.0), |(all, found), &i| {
            (all + weights[i], found + weights[i] * sample.labels[i])
        });
        // Of those that are predicted alike, a part that is like the whole.
        let taken = f64::min(all, top - seen);
        if taken > 0.0 {
            found += taken * positives / all;
        }
        seen += taken;
        if seen >= top {
            break;
        }
    }
    (found / top) / (positives / all)
}

/// The share of the labels' variance that is explained.
pub(super) fn r_squared(sample: &Sample<'_>, weights: &[f64]) -> f64 {
    let mean = sample.mean(weights, |y, _| y);
    let variance = sample.mean(weights, |y, _| (y - mean) * (y - mean));
    1.0 - sample.mean(weights, |y, v| (y - v) * (y - v)) / variance
}

pub(super) fn mean_absolute_error(sample: &Sample<'_>, weights: &[f64]) -> f64 {
    sample.mean(weights, |y, v| (y - v).abs())
}

pub(super) fn root_mean_squared_error(sample: &Sample<'_>, weights: &[f64]) -> f64 {
    sample.mean(weights, |y, v| (y - v) * (y - v)).sqrt()
}

/// The mean of the predictions less that of the labels, as a share of the
/// latter: 0 if the amounts add up.
pub(super) fn mean_error(sample: &Sample<'_>, weights: &[f64]) -> f64 {
    sample.mean(weights, |y, v| v - y) / sample.mean(weights, |y, _| y)
}

/// Spearman's rank correlation, tied values at their mean rank.
pub(super) fn spearman(sample: &Sample<'_>, weights: &[f64]) -> f64 {
    let a = ranks(&sample.by_label, sample.labels, weights);
    let b = ranks(&sample.by_value, sample.values, weights);
    // Ranks of either side have the same mean.
    let middle = f64::midpoint(weights.iter().sum(), 1.0);
    let (mut both, mut one, mut other) = (0.0, 0.0, 0.0);
    for ((a, b), w) in a.iter().zip(&b).zip(weights) {
        let (a, b) = (a - middle, b - middle);
        both += w * a * b;
        one += w * a * a;
        other += w * b * b;
    }
    both / (one * other).sqrt()
}

/// The Gini coefficient of the labels in the order of the values, as a share of
/// that in their own order: 1 ranks all amounts perfectly, 0 at random.
pub(super) fn normalised_gini(sample: &Sample<'_>, weights: &[f64]) -> f64 {
    let of = |order: &[usize], by: &[f64]| gini(sample.labels, order, by, weights);
    of(&sample.by_value, sample.values) / of(&sample.by_label, sample.labels)
}

/// One less twice the area under the Lorenz curve of the labels in this order;
/// ties share their labels evenly.
fn gini(labels: &[f64], order: &[usize], by: &[f64], weights: &[f64]) -> f64 {
    let (mut height, mut along, mut area) = (0.0, 0.0, 0.0);
    for tied in order.chunk_by(|&a, &b| by[a] == by[b]) {
        let (mut rows, mut sum) = (0.0, 0.0);
        for &i in tied {
            rows += weights[i];
            sum += weights[i] * labels[i];
        }
        area += (height + sum / 2.0) * rows;
        height += sum;
        along += rows;
    }
    1.0 - 2.0 * area / (height * along)
}

/// The mean unit deviance of the Tweedie family. A proper score for a mean:
/// lower is better, 0 is perfect. Jørgensen, *The Theory of Dispersion Models*.
pub(super) fn tweedie_deviance(sample: &Sample<'_>, weights: &[f64]) -> f64 {
    // A prediction of nothing for a customer with revenue is infinitely wrong.
    const LEAST: f64 = 0.01;
    // For a power of 1.5, all is in square roots.
    const _: () = assert!(TWEEDIE_POWER == 1.5);
    sample.mean(weights, |y, mu| {
        let (y, root) = (y.max(0.0), mu.max(LEAST).sqrt());
        4.0 * (y / root + root - 2.0 * y.sqrt())
    })
}

/// The rows from the lowest value up, equal ones in their own order.
fn ascending(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    order
}

fn ranks(order: &[usize], values: &[f64], weights: &[f64]) -> Vec<f64> {
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0.0;
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let here: f64 = tied.iter().map(|&i| weights[i]).sum();
        let rank = before + f64::midpoint(here, 1.0);
        for &i in tied {
            ranks[i] = rank;
        }
        before += here;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use smartcore::metrics::Metrics;
    use smartcore::metrics::auc::AUC;
    use smartcore::metrics::mean_absolute_error::MeanAbsoluteError;
    use smartcore::metrics::r2::R2;

    use super::super::split::{Draw, draw};
    use super::*;

    /// A metric with every row counted once.
    fn once(metric: Metric, labels: &[f64], values: &[f64]) -> f64 {
        metric(&Sample::new(labels, values), &vec![1.0; labels.len()])
    }

    fn close(found: f64, known: f64) {
        assert!((found - known).abs() < 1e-9, "{found}, not {known}");
    }

    // Labels, and scores with a tie across classes; the known answers are
    // scikit-learn's, or follow by hand.
    const Y: [f64; 6] = [0.0, 0.0, 1.0, 1.0, 1.0, 0.0];
    const S: [f64; 6] = [0.1, 0.4, 0.35, 0.8, 0.4, 0.2];

    #[test]
    fn auc_gives_half_to_ties() {
        close(once(auc, &Y, &S), (2.0 + 3.0 + 2.5) / 9.0);
        assert!(once(auc, &[1.0, 1.0], &[0.2, 0.3]).is_nan());
    }

    #[test]
    fn customers_who_score_alike_are_alike_in_the_lift_whatever_their_order() {
        let labels: Vec<f64> = (0..100).map(|i| f64::from(u8::from(i >= 80))).collect();
        close(once(top_decile_lift, &labels, &[0.3; 100]), 1.0);
        // The upper half by score has all who left, two of five.
        let scores: Vec<f64> = (0..100).map(|i| if i < 50 { 0.1 } else { 0.6 }).collect();
        close(once(top_decile_lift, &labels, &scores), 2.0);
        let turned: Vec<f64> = labels.iter().rev().copied().collect();
        let scores: Vec<f64> = scores.into_iter().rev().collect();
        close(once(top_decile_lift, &turned, &scores), 2.0);
    }

    #[test]
    fn average_precision_takes_ties_together() {
        close(
            once(average_precision, &Y, &S),
            1.0 / 3.0 + 1.0 / 3.0 * (2.0 / 3.0) + 1.0 / 3.0 * (3.0 / 4.0),
        );
    }

    #[test]
    fn log_loss_and_brier_of_two_rows() {
        close(
            once(log_loss, &[1.0, 0.0], &[0.8, 0.4]),
            -(0.8_f64.ln() + 0.6_f64.ln()) / 2.0,
        );
        assert!(once(log_loss, &[1.0], &[0.0]).is_finite());
        close(once(brier, &[1.0, 0.0], &[0.8, 0.4]), 0.1);
    }

    #[test]
    fn calibration_error_weighs_bins_by_their_rows() {
        // Bin .1: predicted .15, observed 0. Bin .9: predicted .95, observed .5 (two rows).
        close(
            once(calibration_error, &[0.0, 1.0, 0.0], &[0.15, 0.95, 0.95]),
            (0.15 + 0.9) / 3.0,
        );
        close(once(calibration_error, &[1.0], &[1.0]), 0.0);
    }

    #[test]
    fn lift_compares_the_top_tenth_with_all() {
        let scores: Vec<f64> = (0..20).map(f64::from).collect();
        let mut labels = vec![0.0; 20];
        for i in [19, 18, 3, 4] {
            labels[i] = 1.0;
        }
        close(once(top_decile_lift, &labels, &scores), 5.0);
    }

    #[test]
    fn regression_errors_of_four_rows() {
        let (y, v) = ([3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0]);
        close(once(r_squared, &y, &v), 1.0 - 1.5 / 29.1875);
        close(once(mean_absolute_error, &y, &v), 0.5);
        close(once(root_mean_squared_error, &y, &v), 0.375_f64.sqrt());
    }

    #[test]
    fn spearman_takes_mean_ranks() {
        close(once(spearman, &[1.0, 2.0, 3.0], &[1.0, 10.0, 100.0]), 1.0);
        close(once(spearman, &[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), -1.0);
        close(
            once(spearman, &[1.0, 2.0, 2.0, 4.0], &[1.0, 2.0, 3.0, 4.0]),
            0.9_f64.sqrt(),
        );
    }

    #[test]
    fn gini_is_one_in_perfect_order_and_zero_for_a_constant() {
        let y = [0.0, 1.0, 2.0, 5.0];
        close(once(normalised_gini, &y, &[0.1, 0.2, 0.3, 0.4]), 1.0);
        close(once(normalised_gini, &y, &[7.0; 4]), 0.0);
        close(once(normalised_gini, &y, &[4.0, 3.0, 2.0, 1.0]), -1.0);
        // One swap of the two largest, by hand: the area grows by (5 - 2)/8/4.
        close(
            once(normalised_gini, &y, &[1.0, 2.0, 4.0, 3.0]),
            1.0 - 2.0 * (3.0 / 8.0 / 4.0)
                / (1.0 - 2.0 * (0.0 + 0.5 / 8.0 + 2.0 / 8.0 + 5.5 / 8.0) / 4.0),
        );
    }

    #[test]
    fn tweedie_deviance_is_zero_only_for_the_truth() {
        close(once(tweedie_deviance, &[4.0], &[4.0]), 0.0);
        // y = 0: 2 mu^.5 / .5.
        close(once(tweedie_deviance, &[0.0], &[9.0]), 12.0);
        // y = 4, mu = 1: 2 (-4 * 2 + 4 * 2 + 2) = 4.
        close(once(tweedie_deviance, &[4.0], &[1.0]), 4.0);
        assert!(once(tweedie_deviance, &[4.0], &[0.0]).is_finite());
    }

    const EVERY: [Metric; 13] = [
        auc,
        average_precision,
        log_loss,
        brier,
        calibration_error,
        top_decile_lift,
        r_squared,
        mean_absolute_error,
        root_mean_squared_error,
        mean_error,
        spearman,
        normalised_gini,
        tweedie_deviance,
    ];

    /// Flags and probabilities with ties.
    fn drawn(rows: usize) -> (Vec<f64>, Vec<f64>) {
        let values: Vec<f64> = (0..rows)
            .map(|row| (20.0 * draw(1, row, Draw::Gap(0))).round() / 20.0)
            .collect();
        let flag = |(row, v): (usize, &f64)| f64::from(u8::from(draw(1, row, Draw::Gap(1)) < *v));
        let labels = values.iter().enumerate().map(flag).collect();
        (labels, values)
    }

    #[test]
    fn smartcore_finds_the_same() {
        let (labels, values) = drawn(500);
        close(
            once(auc, &labels, &values),
            AUC::new().get_score(&labels, &values),
        );
        close(
            once(r_squared, &labels, &values),
            R2::new().get_score(&labels, &values),
        );
        close(
            once(mean_absolute_error, &labels, &values),
            MeanAbsoluteError::new().get_score(&labels, &values),
        );
    }

    #[test]
    fn a_weight_of_three_is_three_rows() {
        let (labels, values) = drawn(90);
        let weights: Vec<f64> = (0..90_u32).map(|i| f64::from(i % 4)).collect();
        let repeated = |of: &[f64]| -> Vec<f64> {
            let rows = of.iter().zip(0_usize..);
            rows.flat_map(|(&x, i)| std::iter::repeat_n(x, i % 4))
                .collect()
        };
        for metric in EVERY {
            let weighted = metric(&Sample::new(&labels, &values), &weights);
            close(
                weighted,
                once(metric, &repeated(&labels), &repeated(&values)),
            );
        }
    }

    #[test]
    fn probabilities_that_are_right_err_as_much_as_chance_says() {
        let (labels, values) = drawn(4_000);
        let (mean, deviation) = chance_of_calibration_error(&values);
        let found = once(calibration_error, &labels, &values);
        assert!(
            (found - mean).abs() < 4.0 * deviation,
            "{found} {mean} {deviation}"
        );
        let worse: Vec<f64> = values.iter().map(|p| p * p).collect();
        assert!(once(calibration_error, &labels, &worse) > mean + 10.0 * deviation);
    }
}
