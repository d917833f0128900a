//! Where a value stands among those of the hold-out.

use serde::{Deserialize, Serialize};

/// How many steps the stored quantiles have: a tenth of a percent each.
const STEPS: usize = 1000;

/// The quantiles of the hold-out's predictions, lowest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Placement {
    quantiles: Vec<f64>,
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows")]
impl Placement {
    /// Of at least one value.
    pub(super) fn of(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        let steps = STEPS.min(values.len().max(2) - 1);
        let quantiles = (0..=steps)
            .map(|step| quantile(&values, step as f64 / steps as f64))
            .collect();
        Self { quantiles }
    }

    pub(super) fn is_sound(&self) -> bool {
        self.quantiles.len() > 1
            && self.quantiles.iter().all(|q| q.is_finite())
            && self.quantiles.is_sorted()
    }

    /// The value that this share of the hold-out stays below.
    pub(super) fn at(&self, share: f64) -> f64 {
        quantile(&self.quantiles, share)
    }

    /// The share of the hold-out below the value, in percent; of equal ones, half.
    pub(super) fn percentile(&self, value: f64) -> f64 {
        let steps = (self.quantiles.len() - 1) as f64;
        let below = self.quantiles.partition_point(|&q| q < value);
        let up_to = self.quantiles.partition_point(|&q| q <= value);
        let at = if below < up_to {
            (below + up_to - 1) as f64 / 2.0
        } else if below == 0 {
            0.0
        } else if let Some(&above) = self.quantiles.get(below) {
            let under = self.quantiles[below - 1];
            (below - 1) as f64 + (value - under) / (above - under)
        } else {
            steps
        };
        100.0 * at / steps
    }
}

/// A quantile of sorted values, between two of them by straight line.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place among the values, from 0 to their count"
)]
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let under = at.floor() as usize;
    let above = (under + 1).min(sorted.len() - 1);
    let part = at - at.floor();
    let (under, above) = (sorted[under], sorted[above]);
    // Rounded, it may lie beyond both, and quantiles of equal values fall.
    (under * (1.0 - part) + above * part).max(under).min(above)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_a_value_among_the_others() {
        let placement = Placement::of((0..=100).map(f64::from).collect());
        for (value, percentile) in [
            (-5.0, 0.0),
            (0.0, 0.0),
            (25.5, 25.5),
            (100.0, 100.0),
            (1e9, 100.0),
        ] {
            let found = placement.percentile(value);
            assert!((found - percentile).abs() < 1e-9, "{value}: {found}");
        }
        assert!((placement.at(0.8) - 80.0).abs() < 1e-9);
    }

    #[test]
    fn equal_values_stand_in_their_middle() {
        let placement = Placement::of(vec![1.0; 50]);
        assert!((placement.percentile(1.0) - 50.0).abs() < 1e-9);
        assert!(placement.percentile(0.9).abs() < 1e-9);
        assert!((placement.percentile(1.1) - 100.0).abs() < 1e-9);
        assert!(Placement::of(vec![3.0]).is_sound());
    }

    #[test]
    fn quantiles_of_equal_values_do_not_fall() {
        for value in (1..500).map(|i| f64::from(i) / 997.0) {
            let mut values = vec![value; 2_500];
            values.extend([value / 2.0, value * 2.0]);
            assert!(Placement::of(values).is_sound(), "{value}");
        }
    }

    #[test]
    fn many_values_are_kept_as_their_quantiles() {
        let placement = Placement::of((0..50_000).map(f64::from).collect());
        assert_eq!(placement.quantiles.len(), STEPS + 1);
        assert!((placement.percentile(12_345.0) - 24.69).abs() < 0.01);
    }
}
