//! The guard against inputs that give the label away.
//!
//! The definitions of the targets leave out what is known to leak; a team's own
//! data may leak where nobody thought of it, such as a column that is only
//! filled in for customers who have left. So each input is asked how well it
//! alone foretells the label, in whatever shape: its values are put into bins
//! (missing is a bin, and each category), the bins learn the label's mean on one
//! half of the training rows and foretell the other half.

use super::TrainError;
use super::data::Data;
use super::metrics::{Sample, auc, spearman};
use super::target::Outcome;
use crate::schema::COLUMNS;

/// An input that alone does better than this has seen the label: the area under
/// the ROC curve of a yes or no, the rank correlation of a number.
///
/// The best single inputs of generated customers have 0.85 and 0.78, the least
/// of the known leaks 0.93.
pub const LIMIT: f64 = 0.92;

/// More rows would tell it no better.
const ROWS: usize = 20_000;

const BINS: usize = 64;

/// Asks every input.
pub(super) fn guard(data: &Data) -> Result<(), TrainError> {
    let width = data.width();
    // A file may be in the order of its labels.
    let every = data.train.labels.len().div_ceil(ROWS).max(1);
    let labels: Vec<f64> = data.train.labels.iter().copied().step_by(every).collect();
    let columns: Vec<usize> = data.encoder.column_of_places().collect();
    let mut at = 0;
    for places in columns.chunk_by(|a, b| a == b) {
        let range = at..at + places.len();
        at = range.end;
        let matrix = data.train.matrix.chunks_exact(width).step_by(every);
        let bins = bins(matrix.map(|row| &row[range.clone()]));
        let score = alone(data.outcome, &bins, &labels);
        if score > LIMIT {
            return Err(TrainError::Leak {
                column: COLUMNS[places[0]].name,
                target: data.target.name(),
                score: format!("{score:.3}"),
            });
        }
    }
    Ok(())
}

/// The bin of each row: of a number, its place among all; of a category, the
/// place that is set.
fn bins<'a>(rows: impl Iterator<Item = &'a [f32]>) -> Vec<usize> {
    let number = |places: &[f32]| match places {
        [number] => *number,
        one_hot => {
            let set = one_hot.iter().zip(0_u16..).find(|(x, _)| **x != 0.0);
            set.map_or(
                f32::NAN,
                |(x, place)| {
                    if x.is_nan() { *x } else { f32::from(place) }
                },
            )
        }
    };
    let numbers: Vec<f32> = rows.map(number).collect();
    // Few rows a bin would foretell by heart, or nothing.
    let bins = (numbers.len() / 20).clamp(2, BINS);
    let mut sorted: Vec<f32> = numbers.iter().copied().filter(|x| !x.is_nan()).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let mut edges: Vec<f32> = (1..bins)
        .filter_map(|bin| sorted.get(bin * sorted.len() / bins).copied())
        .collect();
    edges.dedup();
    let bin = |x: &f32| {
        if x.is_nan() {
            BINS
        } else {
            edges.partition_point(|edge| edge <= x)
        }
    };
    numbers.iter().map(bin).collect()
}

/// How well the bins foretell the labels of the half that they have not seen.
#[expect(clippy::cast_precision_loss, reason = "counts of rows")]
fn alone(outcome: Outcome, bins: &[usize], labels: &[f64]) -> f64 {
    let mean = labels.iter().sum::<f64>() / labels.len() as f64;
    // A few rows of the overall mean keep rare bins from foretelling by heart.
    let mut learnt = [[(2.0 * mean, 2.0); BINS + 1]; 2];
    for (row, (&bin, label)) in bins.iter().zip(labels).enumerate() {
        let (sum, rows) = &mut learnt[row % 2][bin];
        *sum += label;
        *rows += 1.0;
    }
    let foretold: Vec<f64> = bins
        .iter()
        .enumerate()
        .map(|(row, &bin)| {
            let (sum, rows) = learnt[1 - row % 2][bin];
            sum / rows
        })
        .collect();
    let sample = Sample::new(labels, &foretold);
    let once = vec![1.0; labels.len()];
    match outcome {
        Outcome::Binary => auc(&sample, &once),
        _ => spearman(&sample, &once),
    }
}

#[cfg(test)]
mod tests {
    use super::super::split::{Draw, draw};
    use super::*;

    fn u(row: usize, k: usize) -> f64 {
        draw(5, row, Draw::Gap(k))
    }

    #[expect(clippy::cast_possible_truncation, reason = "any number will do")]
    fn score(outcome: Outcome, of: impl Fn(usize) -> (f64, f64)) -> f64 {
        let rows: Vec<(f64, f64)> = (0..3000).map(of).collect();
        let values: Vec<[f32; 1]> = rows.iter().map(|r| [r.0 as f32]).collect();
        let labels: Vec<f64> = rows.iter().map(|r| r.1).collect();
        let bins = bins(values.iter().map(|v| &v[..]));
        alone(outcome, &bins, &labels)
    }

    const SCORE: Outcome = Outcome::Score {
        unit: "",
        least: 0.0,
        most: 1.0,
    };

    #[test]
    fn an_input_that_knows_nothing_scores_as_chance() {
        let found = score(Outcome::Binary, |row| (u(row, 0), u(row, 1).round()));
        assert!((found - 0.5).abs() < 0.05, "{found}");
        let found = score(SCORE, |row| (u(row, 0), u(row, 1)));
        assert!(found.abs() < 0.1, "{found}");
    }

    #[test]
    fn a_copy_of_the_label_is_found_whichever_way_it_runs() {
        for copy in [|y: f64| y, |y: f64| 1.0 - y, |y: f64| (7.0 * y).exp()] {
            let found = score(SCORE, |row| (copy(u(row, 0)), u(row, 0)));
            assert!(found > LIMIT, "{found}");
        }
    }

    #[test]
    fn a_column_that_is_filled_in_afterwards_is_found_by_its_gaps() {
        let found = score(Outcome::Binary, |row| {
            let label = u(row, 0).round();
            let value = if label == 0.0 { f64::NAN } else { u(row, 1) };
            (value, label)
        });
        assert!(found > LIMIT, "{found}");
    }
}
