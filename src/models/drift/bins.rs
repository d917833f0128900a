//! The bins that training freezes, and who fell into them.
//!
//! A number is cut at quantiles of the training rows into at most [`BINS`]
//! parts, at whole values only: a value that many share is in one bin, alone if
//! it is common enough. A category has a bin for each name, a flag or an ordered
//! category one for each of its values. The first bin of every column is for
//! those without a value.

use serde::{Deserialize, Serialize};

use crate::features::{Encoder, Holds, Place};
use crate::models::data::Data;

/// The most parts that a number is cut into.
pub(super) const BINS: usize = 10;
/// The most parts that predicted values are cut into.
const SCORE_BINS: usize = 20;
/// The bin of those without a value.
pub(super) const MISSING: usize = 0;
/// Edges are found on so many rows, evenly spaced; all rows are counted.
const LOOKED_AT: usize = 10_000;
/// The fewest of the rows looked at that a bin at the end has.
const FEWEST: usize = 5;

/// The bins of all inputs and of the predicted value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::models) struct Reference {
    pub(super) inputs: Vec<Bins>,
    pub(super) score: Bins,
}

/// The bins of one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::models) struct Bins {
    /// Its name; empty for the predicted value.
    pub(super) column: String,
    pub(super) cut: Cut,
    /// How many training rows fell into each bin, the missing first.
    pub(super) counts: Vec<u64>,
}

/// What makes one bin another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Cut {
    /// A bin begins at each edge, another lies below all of them.
    At(Vec<f32>),
    /// A bin for each name, in the order of the places, and perhaps one for all
    /// other names.
    Names { names: Vec<String>, other: bool },
}

impl Cut {
    /// How many bins there are, that of the missing included.
    fn bins(&self) -> usize {
        match self {
            Self::At(edges) => edges.len() + 2,
            Self::Names { names, other } => names.len() + usize::from(*other) + 1,
        }
    }
}

impl Reference {
    /// Of the training rows, and of the values predicted for the hold-out.
    pub(in crate::models) fn of(data: &Data, predicted: &[f64]) -> Self {
        let width = data.width();
        let matrix = &data.train.matrix;
        let places = data.encoder.places();
        let mut at = 0;
        let inputs = places.chunk_by(|one, other| one.column == other.column);
        let inputs = inputs.map(|places| {
            let first = at;
            at += places.len();
            let cut = cut_of(places, || {
                let rows = matrix.len() / width;
                let step = rows.div_ceil(LOOKED_AT).max(1);
                let looked_at = matrix.chunks_exact(width).step_by(step);
                looked_at.map(|row| row[first]).collect()
            });
            let rows = matrix.chunks_exact(width);
            let rows = rows.map(|row| &row[first..first + places.len()]);
            Bins::counting(places[0].column, cut, rows)
        });
        let inputs = inputs.collect();
        let predicted: Vec<f32> = predicted.iter().map(|&value| single(value)).collect();
        let cut = Cut::At(edges(predicted.clone(), SCORE_BINS));
        let score = Bins::counting("", cut, predicted.chunks_exact(1));
        Self { inputs, score }
    }

    /// How many bins there are in all.
    pub(super) fn width(&self) -> usize {
        let inputs = self.inputs.iter().map(|bins| bins.counts.len());
        inputs.sum::<usize>() + self.score.counts.len()
    }

    /// Whether the bins are those of this encoder, and can be counted into.
    pub(in crate::models) fn is_sound(&self, encoder: &Encoder) -> bool {
        let places = encoder.places();
        let inputs = places.chunk_by(|one, other| one.column == other.column);
        self.inputs.len() == inputs.clone().count()
            && inputs
                .zip(&self.inputs)
                .all(|(places, bins)| bins.is_of(places) && bins.is_sound(BINS))
            && matches!(self.score.cut, Cut::At(_))
            && self.score.column.is_empty()
            && self.score.is_sound(SCORE_BINS)
    }
}

impl Bins {
    fn counting<'a>(column: &str, cut: Cut, rows: impl Iterator<Item = &'a [f32]>) -> Self {
        let mut counts = vec![0; cut.bins()];
        for row in rows {
            let bin = match &cut {
                Cut::At(_) if row[0].is_nan() => MISSING,
                Cut::At(edges) => 1 + edges.partition_point(|&edge| edge <= row[0]),
                Cut::Names { .. } => named(row),
            };
            counts[bin] += 1;
        }
        Self {
            column: column.to_owned(),
            cut,
            counts,
        }
    }

    fn is_of(&self, places: &[Place]) -> bool {
        places[0].column == self.column
            && match &places[0].holds {
                Holds::Number => matches!(self.cut, Cut::At(_)),
                _ => self.cut == cut_of(places, Vec::new),
            }
    }

    fn is_sound(&self, most: usize) -> bool {
        // Sums of them, and of those of many processes, must not overflow.
        const MANY: u64 = 1 << 53;
        let edges = match &self.cut {
            Cut::At(edges) => edges.as_slice(),
            Cut::Names { .. } => &[],
        };
        edges.len() < most
            && edges.iter().all(|edge| edge.is_finite())
            && edges.windows(2).all(|pair| pair[0] < pair[1])
            && self.counts.len() == self.cut.bins()
            && self.counts.iter().all(|&count| count <= MANY)
    }
}

/// The bin of an encoded category: the first place that is 1, from 1 on. NaN
/// is no place.
pub(super) fn named(places: &[f32]) -> usize {
    let found = places.iter().position(|&place| place > 0.5);
    found.map_or(MISSING, |place| place + 1)
}

/// Where a column is cut, whose places these are.
fn cut_of(places: &[Place], values: impl FnOnce() -> Vec<f32>) -> Cut {
    // Between the codes of categories, of which there are few.
    let between = |codes: u8| Cut::At((1..codes).map(|code| f32::from(code) - 0.5).collect());
    match &places[0].holds {
        Holds::Number => Cut::At(edges(values(), BINS)),
        Holds::Flag => between(2),
        Holds::Ordinal { categories } => {
            between(u8::try_from(categories.len().min(BINS)).unwrap_or(u8::MAX))
        }
        Holds::Category { .. } | Holds::AnyOther => {
            let names = places.iter().filter_map(|place| match &place.holds {
                Holds::Category { category } => Some(category.clone()),
                _ => None,
            });
            Cut::Names {
                names: names.collect(),
                other: matches!(places[places.len() - 1].holds, Holds::AnyOther),
            }
        }
    }
}

/// Cuts values into parts of about the same size: a part ends with the value
/// that fills it.
fn edges(mut values: Vec<f32>, parts: usize) -> Vec<f32> {
    values.retain(|value| value.is_finite());
    values.sort_unstable_by(f32::total_cmp);
    let full = values.len().div_ceil(parts).max(1);
    let mut edges = Vec::new();
    let mut begun = 0;
    for at in 1..values.len() {
        let is_another_value = values[at - 1] < values[at];
        if is_another_value && at - begun >= full && values.len() - at >= FEWEST {
            edges.push(values[at]);
            begun = at;
        }
    }
    edges.truncate(parts - 1);
    edges
}

/// A predicted value as bins take it.
#[expect(clippy::cast_possible_truncation, reason = "bins are not that narrow")]
pub(super) fn single(value: f64) -> f32 {
    (value as f32).clamp(f32::MIN, f32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_values_are_cut_into_tenths() {
        let values: Vec<f32> = (0_u16..1000).map(f32::from).collect();
        let tenths: Vec<f32> = (1_u16..10).map(|i| f32::from(100 * i)).collect();
        assert_eq!(edges(values, BINS), tenths);
    }

    #[test]
    fn a_value_that_most_share_has_a_bin_of_its_own() {
        let mut values = vec![0.0; 970];
        values.extend((1_u16..=30).map(f32::from));
        assert_eq!(edges(values, BINS), [1.0]);
        assert!(edges(vec![3.0; 50], BINS).is_empty());
        assert!(edges(vec![f32::NAN; 50], BINS).is_empty());
        assert!(edges(Vec::new(), BINS).is_empty());
    }

    #[test]
    fn the_first_bin_is_for_the_missing() {
        let rows = [f32::NAN, 1.0, 4.9, 5.0, 9.0];
        let cut = Cut::At(vec![5.0]);
        let bins = Bins::counting("age", cut, rows.chunks_exact(1));
        assert_eq!(bins.counts, [1, 2, 2]);
        let (none, second) = ([f32::NAN, f32::NAN], [0.0, 1.0]);
        assert_eq!((named(&none), named(&second)), (MISSING, 2));
    }
}
