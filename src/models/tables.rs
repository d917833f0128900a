//! The tables of a card: what the hold-out shows of the model that serves, tenth
//! by tenth and at each threshold, and which inputs it leans on.

use super::card::{Confusion, Decile, Importance, Thresholds};
use super::contender::Contender;
use super::data::Data;
use super::metrics::Sample;
use crate::features::MAX_WIDTH;
use crate::schema::{COLUMN_COUNT, COLUMNS};

/// Rows that contributions are averaged over: more would tell it no better.
const ROWS: usize = 300;

/// The hold-out in tenths, highest prediction first.
#[expect(clippy::cast_precision_loss, reason = "counts of rows")]
pub(super) fn deciles(labels: &[f64], values: &[f64]) -> Vec<Decile> {
    let sample = Sample::new(labels, values);
    let order: Vec<usize> = sample.descending().collect();
    let labels = &sample.labels_without_ties();
    let mean = |of: &[f64], rows: &[usize]| {
        rows.iter().map(|&i| of[i]).sum::<f64>() / rows.len().max(1) as f64
    };
    let overall = mean(labels, &order);
    let cut = |tenth: usize| tenth * order.len() / 10;
    (0..10)
        .map(|tenth| {
            let rows = &order[cut(tenth)..cut(tenth + 1)];
            let observed = mean(labels, rows);
            Decile {
                customers: rows.len(),
                mean_predicted: mean(values, rows),
                mean_observed: observed,
                lift: observed / overall,
            }
        })
        .collect()
}

/// What each threshold finds.
pub(super) fn confusion(thresholds: Thresholds, labels: &[f64], values: &[f64]) -> Vec<Confusion> {
    let at = |tier: &str, threshold: f64| {
        let count = |positive: bool, found: bool| {
            let rows = labels.iter().zip(values);
            let wanted =
                |(y, p): &(&f64, &f64)| (**y != 0.0) == positive && (**p >= threshold) == found;
            rows.filter(wanted).count()
        };
        Confusion {
            tier: tier.to_owned(),
            threshold,
            true_positives: count(true, true),
            false_positives: count(false, true),
            false_negatives: count(true, false),
            true_negatives: count(false, false),
        }
    };
    vec![at("high", thresholds.high), at("medium", thresholds.low)]
}

/// The share of all contributions that each column makes on average, by column.
pub(super) fn shares(data: &Data, serving: &Contender) -> Vec<f64> {
    let mut sizes = vec![0.0; COLUMN_COUNT];
    let columns: Vec<usize> = data.encoder.column_of_places().collect();
    // Over the whole of it: a file may be in some order.
    let every = data.train.labels.len().div_ceil(ROWS).max(1);
    let rows = data.train.matrix.chunks_exact(data.width());
    for row in rows.step_by(every) {
        let mut places = [0.0; MAX_WIDTH];
        serving.scorer.contributions(row, &mut places);
        let mut of_columns = [0.0; COLUMN_COUNT];
        for (&column, place) in columns.iter().zip(places) {
            of_columns[column] += place;
        }
        for (size, contribution) in sizes.iter_mut().zip(of_columns) {
            *size += contribution.abs();
        }
    }
    let all: f64 = sizes.iter().sum();
    if all > 0.0 {
        for size in &mut sizes {
            *size /= all;
        }
    }
    sizes
}

/// The inputs by their share, largest first.
pub(super) fn importance(data: &Data, shares: &[f64]) -> Vec<Importance> {
    let mut importance: Vec<Importance> = data
        .encoder
        .columns()
        .iter()
        .map(|column| Importance {
            column: COLUMNS[column].name.to_owned(),
            share: shares[column],
        })
        .collect();
    importance.sort_by(|a, b| b.share.total_cmp(&a.share));
    importance
}
