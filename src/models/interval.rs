//! Prediction intervals that hold their promise: split conformal prediction
//! (Vovk et al. 2005; Romano et al. 2019 for the two separate tails).
//!
//! Customers whom no fit has seen say how far labels fall from their
//! predictions. Separately for bands of predicted value, since errors grow with
//! it, the fifth smallest and the fifth largest error of a hundred
//! bound the interval; for a new customer from the same population it then holds
//! the label with at least the promised probability, whatever the model's faults.

use serde::{Deserialize, Serialize};

use crate::schema::Range;

/// The share of labels that intervals are to hold.
pub(super) const LEVEL: f64 = 0.9;

/// One label in so many falls below the interval, and as many above.
const A_SIDE: usize = 20;

const BANDS: usize = 20;
/// Fewer rows would make the bounds of a band a matter of chance.
const ROWS_A_BAND: usize = 200;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Intervals {
    scale: Scale,
    /// The predicted value that each band but the first begins at.
    edges: Vec<f64>,
    /// The errors that bound each band.
    bands: Vec<Band>,
}

/// On what scale errors are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scale {
    Plain,
    /// The logarithm of one more than the amount.
    Log,
}

impl Scale {
    fn to(self, x: f64) -> f64 {
        match self {
            Self::Plain => x,
            Self::Log => x.max(0.0).ln_1p(),
        }
    }

    fn from(self, x: f64) -> f64 {
        match self {
            Self::Plain => x,
            Self::Log => x.exp_m1(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Band {
    lower: f64,
    upper: f64,
}

impl Intervals {
    /// The fewest rows that a bound on either side can be drawn from: one of
    /// twenty, the customer to come included.
    pub(super) const ROWS: usize = A_SIDE - 1;

    /// Sizes the intervals on rows that no candidate has seen. Nothing, if
    /// they are too few.
    pub(super) fn size(scale: Scale, labels: &[f64], values: &[f64]) -> Option<Self> {
        let mut rows: Vec<(f64, f64)> = labels
            .iter()
            .zip(values)
            .map(|(&y, &v)| (v, scale.to(y) - scale.to(v)))
            .collect();
        if rows.len() < Self::ROWS {
            return None;
        }
        rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let bands = (rows.len() / ROWS_A_BAND).clamp(1, BANDS);
        let cut = |band: usize| band * rows.len() / bands;
        Some(Self {
            scale,
            edges: (1..bands).map(|band| rows[cut(band)].0).collect(),
            bands: (0..bands)
                .map(|band| Band::of(rows[cut(band)..cut(band + 1)].iter().map(|r| r.1)))
                .collect(),
        })
    }

    pub(super) fn is_sound(&self) -> bool {
        self.bands.len() == self.edges.len() + 1
            && self.edges.is_sorted()
            && self.edges.iter().all(|e| e.is_finite())
            && self
                .bands
                .iter()
                .all(|b| b.lower.is_finite() && b.upper.is_finite())
    }

    /// The interval around a value, within what the target can be and never
    /// without the value itself.
    pub(super) fn around(&self, value: f64, range: Range) -> (f64, f64) {
        let band = self.bands[self.edges.partition_point(|&edge| edge <= value)];
        let centre = self.scale.to(value);
        let bound = |error: f64| self.scale.from(centre + error).clamp(range.min, range.max);
        (bound(band.lower).min(value), bound(band.upper).max(value))
    }
}

impl Band {
    /// Half of what the level leaves out falls to either side. The ranks are
    /// those of one row more, which stands for the customer to come.
    fn of(errors: impl Iterator<Item = f64>) -> Self {
        let mut errors: Vec<f64> = errors.collect();
        errors.sort_unstable_by(f64::total_cmp);
        let rank = ((errors.len() + 1) / A_SIDE).clamp(1, errors.len());
        Self {
            lower: errors[rank - 1],
            upper: errors[errors.len() - rank],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::split::{Draw, draw};
    use super::*;

    const ANY: Range = Range {
        min: 0.0,
        max: 1e12,
    };

    /// Values with errors that grow with them.
    fn rows(seed: u64, n: usize) -> (Vec<f64>, Vec<f64>) {
        let u = |row, k| draw(seed, row, Draw::Gap(k));
        let values: Vec<f64> = (0..n).map(|row| 10.0 + 90.0 * u(row, 0)).collect();
        let labels = values
            .iter()
            .enumerate()
            .map(|(row, v)| v * (0.5 + u(row, 1)))
            .collect();
        (labels, values)
    }

    #[test]
    fn holds_nine_labels_of_ten_at_every_size_of_value() {
        let (labels, values) = rows(1, 8_000);
        let intervals = Intervals::size(Scale::Plain, &labels, &values).unwrap();
        let (labels, values) = rows(2, 20_000);
        for low in [10.0, 40.0, 70.0] {
            let (mut held, mut all) = (0_u32, 0_u32);
            for (y, v) in labels
                .iter()
                .zip(&values)
                .filter(|(_, v)| (low..low + 30.0).contains(*v))
            {
                let (lower, upper) = intervals.around(*v, ANY);
                assert!(lower <= *v && *v <= upper);
                held += u32::from(lower <= *y && *y <= upper);
                all += 1;
            }
            let share = f64::from(held) / f64::from(all);
            assert!((0.88..0.93).contains(&share), "{share} from {low}");
        }
    }

    #[test]
    fn the_bounds_are_the_fifth_errors_of_a_hundred() {
        for (rows, rank) in [(19, 1), (39, 2), (98, 4), (99, 5), (199, 10)] {
            let band = Band::of((1..=rows).map(f64::from));
            assert_eq!(band.lower.to_bits(), f64::from(rank).to_bits(), "{rows}");
            let upper = f64::from(rows + 1 - rank);
            assert_eq!(band.upper.to_bits(), upper.to_bits(), "{rows}");
        }
        assert!((2.0 / 20.0 - (1.0 - LEVEL)).abs() < 1e-12);
    }

    #[test]
    fn keeps_within_what_the_target_can_be() {
        let (labels, values) = rows(3, 500);
        let share = Range { min: 0.0, max: 1.0 };
        let intervals = Intervals::size(Scale::Plain, &labels, &values).unwrap();
        let (lower, upper) = intervals.around(0.5, share);
        assert!(lower >= 0.0 && upper <= 1.0);
    }

    #[test]
    fn refuses_to_promise_on_too_few_rows() {
        let (labels, values) = rows(4, 18);
        assert_eq!(Intervals::size(Scale::Log, &labels, &values), None);
        let (labels, values) = rows(4, 19);
        assert!(
            Intervals::size(Scale::Log, &labels, &values)
                .unwrap()
                .is_sound()
        );
    }
}
