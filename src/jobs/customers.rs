//! The customers that models are trained on, read from the store.

use arrow_array::RecordBatch;

use super::first_start::FirstStartError;
use super::generate::share;
use crate::store::{Cohort, Store};

/// Rows that are trained on. More rows barely better a model, and cost memory.
const TRAINING_ROWS: u64 = 200_000;

/// The fewest customers that a first start is worth: every model needs five
/// hundred whom it is for, and date conversion is for half of all.
pub(super) const FEWEST_CUSTOMERS: u64 = 1_200;

/// Keeps every so manieth batch, so that at most the training rows are kept
/// and they are spread over the cohort.
pub(super) struct Sample {
    every: u64,
    seen: u64,
    rows: u64,
    kept: Vec<Kept>,
}

/// Some customers of a cohort that follow each other.
pub(super) struct Kept {
    /// Where the first of them stands in the cohort.
    pub first: u64,
    pub batch: RecordBatch,
}

impl Sample {
    pub(super) fn of(customers: u64) -> Self {
        Self {
            every: customers.div_ceil(TRAINING_ROWS).max(1),
            seen: 0,
            rows: 0,
            kept: Vec::new(),
        }
    }

    pub(super) fn offer(&mut self, batch: &RecordBatch) {
        if self.seen.is_multiple_of(self.every) {
            self.kept.push(Kept {
                first: self.rows,
                batch: batch.clone(),
            });
        }
        self.seen += 1;
        self.rows += batch.num_rows() as u64;
    }

    pub(super) fn kept(self) -> Vec<Kept> {
        self.kept
    }
}

/// Reads a stored cohort's training rows; `report` hears the share done, 0 to 1.
pub(super) async fn read(
    store: &Store,
    cohort: &Cohort,
    report: &(dyn Fn(f64) + Sync),
) -> Result<Vec<Kept>, FirstStartError> {
    let customers = cohort.customers.unsigned_abs();
    let mut sample = Sample::of(customers);
    let mut rows = 0;
    let mut batches = store.customers(cohort.id).await?;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        rows += batch.num_rows() as u64;
        report(share(rows, customers));
        sample.offer(&batch);
    }
    Ok(sample.kept())
}
