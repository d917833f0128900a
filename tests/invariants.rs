//! What holds between the columns of a customer, judged where all of them are
//! known.

use std::sync::Arc;

use arrow_array::{Array, Float64Array, RecordBatch};
use engagecast::schema::invariants::{Violations, contradictions, masked_violations, violations};
use engagecast::schema::{COLUMNS, find};

use crate::facts::customers;
use crate::support::batches::with_column;

fn named(violations: &Violations) -> Vec<(String, u64)> {
    let named = violations
        .iter()
        .map(|(name, rows)| (name.to_owned(), rows));
    named.collect()
}

/// The same customers, a number column changed where it is known.
fn changed(batch: &RecordBatch, column: &str, change: impl Fn(f64) -> f64) -> (RecordBatch, usize) {
    let column = find(column).unwrap();
    let values = batch.column(column).as_any();
    let values = values.downcast_ref::<Float64Array>().unwrap();
    let changed: Float64Array = values.iter().map(|x| x.map(&change)).collect();
    let known = values.len() - values.null_count();
    (with_column(batch, column, Arc::new(changed)), known)
}

#[test]
fn generated_customers_with_gaps_break_nothing_that_can_be_judged() {
    let batch = customers();
    assert!(batch.columns().iter().skip(1).any(|c| c.null_count() > 0));
    assert_eq!(named(&masked_violations(&batch)), []);
    assert_eq!(named(&contradictions(&batch)), []);
}

#[test]
fn gaps_are_violations_where_none_may_be() {
    let batch = customers();
    let found = named(&violations(&batch));
    let gaps = (0..COLUMNS.len()).filter(|&i| batch.column(i).null_count() > 0);
    assert_eq!(found.len(), gaps.count());
    let live = ("live_streams_watched_week is not null".to_owned(), 300);
    assert!(found.contains(&live), "{found:?}");
}

#[test]
fn a_contradiction_counts_in_rows_where_all_of_its_columns_are_known() {
    let (batch, known) = changed(&customers(), "total_revenue_month_usd", |x| x + 0.01);
    let found = named(&contradictions(&batch));
    let revenue = found
        .iter()
        .find(|(name, _)| name.starts_with("total revenue"));
    let rows = usize::try_from(revenue.unwrap().1).unwrap();
    // Some of those who have a revenue lack one of its parts.
    assert!(rows > 150 && rows < known, "{rows} of {known}");
}

#[test]
fn other_prices_and_ranges_than_the_generators_contradict_nothing() {
    let (batch, _) = changed(&customers(), "monthly_subscription_usd", |x| 2.0 * x);
    let names = |v: &Violations| {
        named(v)
            .into_iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>()
    };
    let price = "the subscription is the price of the tier".to_owned();
    assert!(!names(&contradictions(&batch)).contains(&price));
    assert!(names(&masked_violations(&batch)).contains(&price));
}
