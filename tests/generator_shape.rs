//! The generator against the specification's model: the distribution of every
//! column, and how columns rank together. Where the model's numbers come from
//! stands in `data/reference/README.md`.

use std::fs::File;

use arrow_array::RecordBatch;
use flate2::read::GzDecoder;
use rayon::prelude::*;
use serde::Deserialize;

use crate::support::generated::{hundred_thousand, numbers};

#[derive(Deserialize)]
struct Model {
    customers: u32,
    columns: Vec<Column>,
    /// Below the diagonal.
    spearman: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
    values: Vec<f64>,
    /// How many have at most each of the values.
    customers: Vec<u32>,
}

fn model() -> Model {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/reference/model.json.gz"
    );
    serde_json::from_reader(GzDecoder::new(File::open(path).unwrap())).unwrap()
}

#[expect(clippy::cast_precision_loss, reason = "a count of customers")]
fn count(n: usize) -> f64 {
    n as f64
}

/// Kolmogorov and Smirnov's distance between the customers and the model.
fn distance(batch: &RecordBatch, column: &Column, customers: f64) -> f64 {
    let mut sorted = numbers(batch, &column.name);
    sorted.sort_by(f64::total_cmp);
    let points = column.values.iter().zip(&column.customers);
    points.fold(0.0, |largest, (value, expected)| {
        // The model's values were rounded where they were written.
        let found = sorted.partition_point(|x| *x <= value + 1e-9);
        let off = count(found) / count(sorted.len()) - f64::from(*expected) / customers;
        f64::max(largest, off.abs())
    })
}

#[test]
fn every_column_has_the_distribution_of_the_specifications_model() {
    let (batch, model) = (hundred_thousand(), model());
    assert_eq!(model.columns.len(), 65);
    let customers = f64::from(model.customers);
    let mut distances: Vec<(f64, &str)> = model
        .columns
        .par_iter()
        .map(|c| (distance(batch, c, customers), c.name.as_str()))
        .collect();
    distances.sort_by(|a, b| b.0.total_cmp(&a.0));
    println!("largest distances: {:?}", &distances[..5]);
    assert!(distances[0].0 <= 0.012, "{:?}", &distances[..5]);
}

/// The mean rank of each value among all, centred and scaled to length 1.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    for ties in order.chunk_by(|a, b| values[*a].total_cmp(&values[*b]).is_eq()) {
        let middle = count(start) + count(ties.len() - 1) / 2.0 - count(values.len() - 1) / 2.0;
        for at in ties {
            ranks[*at] = middle;
        }
        start += ties.len();
    }
    let length = ranks.iter().map(|r| r * r).sum::<f64>().sqrt();
    ranks.iter().map(|r| r / length).collect()
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    // Eight at a time, since this loop is most of the test and not optimised.
    let eights = a.chunks_exact(8).zip(b.chunks_exact(8));
    let sum: f64 = eights
        .map(|(a, b)| {
            a[0] * b[0]
                + a[1] * b[1]
                + a[2] * b[2]
                + a[3] * b[3]
                + a[4] * b[4]
                + a[5] * b[5]
                + a[6] * b[6]
                + a[7] * b[7]
        })
        .sum();
    sum
}

#[test]
fn columns_rank_together_as_those_of_the_specifications_model() {
    let (batch, model) = (hundred_thousand(), model());
    assert_eq!(batch.num_rows() % 8, 0);
    let ranked: Vec<Vec<f64>> = model
        .columns
        .par_iter()
        .map(|c| ranks(&numbers(batch, &c.name)))
        .collect();
    let largest = (0..ranked.len())
        .into_par_iter()
        .flat_map_iter(|i| (0..i).map(move |j| (i, j)))
        .map(|(i, j)| {
            let off = product(&ranked[i], &ranked[j]) - model.spearman[i][j];
            (off.abs(), i, j)
        })
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let (off, i, j) = largest.unwrap();
    let pair = [&model.columns[i].name, &model.columns[j].name];
    println!("largest difference of rank correlations: {off} of {pair:?}");
    assert!(off <= 0.025, "{off} of {pair:?}");
}
