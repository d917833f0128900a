//! What to generate, and the running of all stages over it.
//!
//! From 2,000 to 200,000 customers the constants are solved on the cohort
//! itself; a larger one is calibrated on its first 200,000 rows and then drawn
//! window by window in bounded memory; a smaller one uses the constants of the
//! default population, since so few rows can't be calibrated on.

use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::RecordBatch;
use rayon::prelude::*;

use super::batch::record_batch;
use super::block::BLOCK_ROWS;
use super::constants::Constants;
use super::draft::Draft;
use super::{churn, dating, engagement, identity, premium, revenue, social};

pub const MAX_CUSTOMERS: u64 = 1_000_000_000;
/// Seeds are stored as 64-bit signed integers.
pub const MAX_SEED: u64 = i64::MAX as u64;

const FEWEST_TO_CALIBRATE: u64 = 2_000;
const MOST_AT_ONCE: u64 = 200_000;

/// How many fills a calibrating draft makes, for its progress.
const FILLS: u64 = 169;

/// What was asked for can't be generated.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SpecError {
    #[error("customers: expected an integer from 1 to {MAX_CUSTOMERS}")]
    Customers,
    #[error("seed: expected an integer from 0 to {MAX_SEED}")]
    Seed,
}

/// Where the constants of a cohort come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calibration {
    /// Solved on the very customers that come out: their statistics meet the targets.
    OnItself,
    /// Solved on so many rows, which are the cohort's first.
    OnFirstRows(u64),
    /// Those of the default population: the statistics wander about the targets.
    Defaults,
}

/// How many customers to draw, from which seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    customers: u64,
    seed: u64,
}

impl Plan {
    /// # Errors
    /// Where a number is out of its range.
    pub fn new(customers: u64, seed: u64) -> Result<Self, SpecError> {
        if customers == 0 || customers > MAX_CUSTOMERS {
            return Err(SpecError::Customers);
        }
        if seed > MAX_SEED {
            return Err(SpecError::Seed);
        }
        Ok(Self { customers, seed })
    }

    #[must_use]
    pub fn customers(&self) -> u64 {
        self.customers
    }

    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Where the constants come from.
    #[must_use]
    pub fn calibration(&self) -> Calibration {
        match self.customers {
            ..FEWEST_TO_CALIBRATE => Calibration::Defaults,
            FEWEST_TO_CALIBRATE..=MOST_AT_ONCE => Calibration::OnItself,
            _ => Calibration::OnFirstRows(MOST_AT_ONCE),
        }
    }

    /// The customers in order, a few thousand a batch; `progress` hears the
    /// share done, 0 to 1.
    pub fn generate<'a>(&self, progress: &'a (dyn Fn(f64) + Sync)) -> Batches<'a> {
        let (ready, constants, next_row) = match self.calibration() {
            Calibration::Defaults => (Vec::new(), Constants::default(), 0),
            Calibration::OnItself => self.calibrate(self.customers, progress),
            Calibration::OnFirstRows(rows) => self.calibrate(rows, progress),
        };
        Batches {
            plan: *self,
            constants,
            ready: ready.into_iter(),
            next_row,
            progress,
        }
    }

    /// The first `rows` customers, the constants solved on them, and the row
    /// to go on from.
    fn calibrate(
        &self,
        rows: u64,
        progress: &(dyn Fn(f64) + Sync),
    ) -> (Vec<RecordBatch>, Constants, u64) {
        let part = share(rows, self.customers);
        let fills = AtomicU64::new(0);
        let count = || {
            let done = fills.fetch_add(1, Ordering::Relaxed);
            progress(part * share(done, FILLS).min(1.0));
        };
        let mut draft = Draft::calibrating(self.seed, rows, &count);
        draw_all(&mut draft);
        let (blocks, constants) = draft.finish();
        let batches = blocks.into_par_iter().map(record_batch).collect();
        (batches, constants, rows)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share of progress")]
fn share(done: u64, all: u64) -> f64 {
    done as f64 / all as f64
}

fn draw_all(draft: &mut Draft) {
    identity::draw(draft);
    social::draw(draft);
    dating::draw(draft);
    engagement::draw(draft);
    premium::draw(draft);
    churn::draw(draft);
    revenue::draw(draft);
}

/// The customers of a plan, batch by batch.
pub struct Batches<'a> {
    plan: Plan,
    constants: Constants,
    ready: std::vec::IntoIter<RecordBatch>,
    next_row: u64,
    progress: &'a (dyn Fn(f64) + Sync),
}

impl Batches<'_> {
    /// Draws the next blocks, one a thread.
    fn draw_window(&self) -> Vec<RecordBatch> {
        let block = BLOCK_ROWS as u64;
        let window = block * rayon::current_num_threads() as u64 * 2;
        let end = self
            .plan
            .customers
            .min(self.next_row.saturating_add(window));
        let starts: Vec<u64> = (self.next_row..end).step_by(BLOCK_ROWS).collect();
        let drawn: Vec<Vec<RecordBatch>> = starts
            .into_par_iter()
            .map(|first| {
                let rows = block.min(end - first);
                let constants = self.constants.clone();
                let mut draft = Draft::with_constants(self.plan.seed, first, rows, constants);
                draw_all(&mut draft);
                let (blocks, _) = draft.finish();
                blocks.into_iter().map(record_batch).collect()
            })
            .collect();
        drawn.into_iter().flatten().collect()
    }
}

impl Iterator for Batches<'_> {
    type Item = RecordBatch;

    fn next(&mut self) -> Option<RecordBatch> {
        if let Some(batch) = self.ready.next() {
            return Some(batch);
        }
        if self.next_row >= self.plan.customers {
            (self.progress)(1.0);
            return None;
        }
        let window = self.draw_window();
        self.next_row += window.iter().map(|b| b.num_rows() as u64).sum::<u64>();
        (self.progress)(share(self.next_row, self.plan.customers));
        self.ready = window.into_iter();
        self.ready.next()
    }
}
