//! Prediction intervals that hold their promise: split conformal prediction
//! (Vovk et al. 2005; Romano et al. 2019 for the two separate tails).
//!
//! Customers whom no fit has seen say how far labels fall from their
//! predictions. The fifth smallest and the fifth largest error of a hundred
//! bound the interval; for a new customer from the same population it then holds
//! the label with at least the promised probability, whatever the model's faults.
//!
//! Errors grow with the predicted value, and with what is not known of the
//! customer. So they are taken separately for groups of customers of whom about
//! as much is missing, by what the missing inputs usually contribute, and in each
//! group for bands of predicted value. The customers with gaps are the same ones
//! with inputs taken away.

use serde::{Deserialize, Serialize};

use crate::features::ColumnSet;
use crate::schema::{COLUMN_COUNT, Range};

/// The share of labels that intervals are to hold.
pub(super) const LEVEL: f64 = 0.9;

/// One label in so many falls below the interval, and as many above.
const A_SIDE: usize = 20;

const BANDS: usize = 20;
/// Fewer rows would make the bounds of a band a matter of chance.
const ROWS_A_BAND: usize = 200;

/// Groups of customers with gaps, beside the group of those without.
const GROUPS: usize = 6;
/// Fewer rows would make a group's bounds a matter of chance.
const ROWS_A_GROUP: usize = 400;

/// A customer of whom less than this is missing counts as complete.
const COMPLETE: f64 = 0.01;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Intervals {
    scale: Scale,
    /// The share of all contributions that each column usually makes.
    importance: Vec<f64>,
    /// By how much is missing, least first.
    groups: Vec<Group>,
}

/// Customers of whom about as much is missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Group {
    /// The share missing that the group begins at.
    from: f64,
    /// The predicted value that each band but the first begins at.
    edges: Vec<f64>,
    /// The errors that bound each band.
    bands: Vec<Band>,
}

/// A row that sizes the intervals.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sized {
    pub label: f64,
    pub value: f64,
    pub missing: ColumnSet,
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
    /// they are too few. `importance` is the share of all contributions that
    /// each column usually makes.
    pub(super) fn size(scale: Scale, importance: Vec<f64>, rows: &[Sized]) -> Option<Self> {
        let mut rows: Vec<(f64, Error)> = rows
            .iter()
            .map(|row| {
                let error = scale.to(row.label) - scale.to(row.value);
                (share(&importance, row.missing), (row.value, error))
            })
            .collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        let complete = rows.partition_point(|row| row.0 < COMPLETE);
        let (complete, gapped) = rows.split_at(complete);
        let cuts = (gapped.len() / ROWS_A_GROUP).clamp(1, GROUPS);
        // Customers who lack the same are of one group, whichever comes first.
        let cut = |i: usize| {
            let lacking = gapped.get(i * gapped.len() / cuts).map(|row| row.0);
            lacking.map_or(gapped.len(), |lacking| {
                gapped.partition_point(|row| row.0 < lacking)
            })
        };
        let parts = (0..cuts).map(|i| &gapped[cut(i)..cut(i + 1)]);
        let mut groups: Vec<Group> = std::iter::once(complete)
            .chain(parts)
            .filter_map(Group::of)
            .collect();
        // Whoever has fewer gaps than any group gets the first.
        groups.first_mut()?.from = 0.0;
        Some(Self {
            scale,
            importance,
            groups,
        })
    }

    pub(super) fn is_sound(&self) -> bool {
        self.importance.len() == COLUMN_COUNT
            && self.importance.iter().all(|i| i.is_finite())
            && !self.groups.is_empty()
            && self.groups.is_sorted_by(|a, b| a.from <= b.from)
            && self.groups.iter().all(Group::is_sound)
    }

    /// The interval around a value that was predicted without these inputs,
    /// within what the target can be and never without the value itself.
    pub(super) fn around(&self, value: f64, missing: ColumnSet, range: Range) -> (f64, f64) {
        let missing = share(&self.importance, missing);
        let after = self.groups.partition_point(|group| group.from <= missing);
        let band = self.groups[after.saturating_sub(1)].band(value);
        let centre = self.scale.to(value);
        let bound = |error: f64| self.scale.from(centre + error).clamp(range.min, range.max);
        (bound(band.lower).min(value), bound(band.upper).max(value))
    }
}

/// The predicted value, and the error on the scale of the intervals.
type Error = (f64, f64);

/// How much of what the inputs usually contribute is missing.
fn share(importance: &[f64], missing: ColumnSet) -> f64 {
    missing.iter().map(|column| importance[column]).sum()
}

impl Group {
    /// Nothing, if the rows are too few.
    fn of(rows: &[(f64, Error)]) -> Option<Self> {
        if rows.len() < Intervals::ROWS {
            return None;
        }
        let mut errors: Vec<Error> = rows.iter().map(|row| row.1).collect();
        errors.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let bands = (errors.len() / ROWS_A_BAND).clamp(1, BANDS);
        let cut = |band: usize| band * errors.len() / bands;
        Some(Self {
            from: rows[0].0,
            edges: (1..bands).map(|band| errors[cut(band)].0).collect(),
            bands: (0..bands)
                .map(|band| Band::of(errors[cut(band)..cut(band + 1)].iter().map(|e| e.1)))
                .collect(),
        })
    }

    fn is_sound(&self) -> bool {
        self.from.is_finite()
            && self.bands.len() == self.edges.len() + 1
            && self.edges.is_sorted()
            && self.edges.iter().all(|e| e.is_finite())
            && self
                .bands
                .iter()
                .all(|b| b.lower.is_finite() && b.upper.is_finite())
    }

    fn band(&self, value: f64) -> Band {
        self.bands[self.edges.partition_point(|&edge| edge <= value)]
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

    /// Rows of complete customers, or of customers without some columns.
    fn sized(labels: &[f64], values: &[f64], missing: &[usize]) -> Vec<Sized> {
        let missing: ColumnSet = missing.iter().copied().collect();
        let row = |(&label, &value)| Sized {
            label,
            value,
            missing,
        };
        labels.iter().zip(values).map(row).collect()
    }

    fn size(scale: Scale, labels: &[f64], values: &[f64]) -> Option<Intervals> {
        Intervals::size(scale, even(), &sized(labels, values, &[]))
    }

    /// All columns contribute alike.
    fn even() -> Vec<f64> {
        vec![1.0 / 72.0; COLUMN_COUNT]
    }

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
        let intervals = size(Scale::Plain, &labels, &values).unwrap();
        let (labels, values) = rows(2, 20_000);
        for low in [10.0, 40.0, 70.0] {
            let (mut held, mut all) = (0_u32, 0_u32);
            for (y, v) in labels
                .iter()
                .zip(&values)
                .filter(|(_, v)| (low..low + 30.0).contains(*v))
            {
                let (lower, upper) = intervals.around(*v, ColumnSet::default(), ANY);
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
        let intervals = size(Scale::Plain, &labels, &values).unwrap();
        let (lower, upper) = intervals.around(0.5, ColumnSet::default(), share);
        assert!(lower >= 0.0 && upper <= 1.0);
    }

    #[test]
    fn refuses_to_promise_on_too_few_rows() {
        let (labels, values) = rows(4, 18);
        assert_eq!(size(Scale::Log, &labels, &values), None);
        let (labels, values) = rows(4, 19);
        assert!(size(Scale::Log, &labels, &values).unwrap().is_sound());
    }

    #[test]
    fn widens_with_what_is_missing() {
        // Without half of the columns the labels are off by three times as much.
        let (labels, values) = rows(5, 6_000);
        let half: Vec<usize> = (0..36).collect();
        let far: Vec<f64> = labels
            .iter()
            .zip(&values)
            .map(|(y, v)| v + 3.0 * (y - v))
            .collect();
        let mut all = sized(&labels, &values, &[]);
        all.extend(sized(&far, &values, &half));
        let intervals = Intervals::size(Scale::Plain, even(), &all).unwrap();
        let held = |labels: &[f64], missing: &[usize]| {
            let rows = sized(labels, &values, missing);
            let held = rows.iter().filter(|row| {
                let any = Range {
                    min: -1e12,
                    max: 1e12,
                };
                let (lower, upper) = intervals.around(row.value, row.missing, any);
                (lower..=upper).contains(&row.label)
            });
            held.count()
        };
        for found in [held(&labels, &[]), held(&far, &half)] {
            assert!((5_350..5_500).contains(&found), "{found} of 6000");
        }
        assert!(held(&far, &[]) < 4_000);
    }
}
