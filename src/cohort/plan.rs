//! What to generate, and the running of all stages over it.
//!
//! From 2,000 to 200,000 customers the constants are solved on the cohort
//! itself; a larger one is calibrated on its first 200,000 rows and then drawn
//! window by window in bounded memory; a smaller one uses the constants of the
//! default population, or of a pilot of its own, since so few rows can't be
//! calibrated on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use rayon::prelude::*;

use super::batch::record_batch;
use super::block::{BLOCK_ROWS, Block};
use super::check;
use super::constants::Constants;
use super::draft::Draft;
use super::missing::Mask;
use super::pilot;
use super::spec::CohortSpec;
use super::truth::schema_with_truth;
use super::unreachable::Unreachable;
use crate::schema;

use super::{churn, dating, engagement, identity, premium, revenue, social};

pub const MAX_CUSTOMERS: u64 = 1_000_000_000;
/// Seeds are stored as 64-bit signed integers.
pub const MAX_SEED: u64 = i64::MAX as u64;

const FEWEST_TO_CALIBRATE: u64 = 2_000;
/// The most that constants are solved on.
pub(super) const MOST_AT_ONCE: u64 = 200_000;

/// How many fills a calibrating draft makes, for its progress.
const FILLS: u64 = 169;

/// What was asked for can't be generated.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PlanError {
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
    /// Solved on so many other customers of the population: the statistics
    /// wander about the targets.
    OnPilot(u64),
    /// Those of the default population, likewise.
    Defaults,
}

/// How many customers to draw, from which population and seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    customers: u64,
    seed: u64,
    spec: Arc<CohortSpec>,
    truth: bool,
}

impl Plan {
    /// Customers of the default population.
    ///
    /// # Errors
    /// Where a number is out of its range.
    pub fn new(customers: u64, seed: u64) -> Result<Self, PlanError> {
        if customers == 0 || customers > MAX_CUSTOMERS {
            return Err(PlanError::Customers);
        }
        if seed > MAX_SEED {
            return Err(PlanError::Seed);
        }
        Ok(Self::of(customers, seed, CohortSpec::default()))
    }

    pub(super) fn of(customers: u64, seed: u64, spec: CohortSpec) -> Self {
        Self {
            customers,
            seed,
            spec: Arc::new(spec),
            truth: false,
        }
    }

    /// Customers of another population.
    #[must_use]
    pub fn with_spec(self, spec: CohortSpec) -> Self {
        let spec = Arc::new(spec);
        Self { spec, ..self }
    }

    /// With the columns of [`truth_fields`](super::truth_fields) after the 72, or without.
    #[must_use]
    pub fn with_truth(self, truth: bool) -> Self {
        Self { truth, ..self }
    }

    #[must_use]
    pub fn spec(&self) -> &CohortSpec {
        &self.spec
    }

    /// The schema of the batches.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        if self.truth {
            schema_with_truth()
        } else {
            schema::arrow::schema()
        }
    }

    /// The same customers with nothing missing, which the statistics are of.
    #[must_use]
    pub fn before_masking(&self) -> Self {
        let spec = self.spec.without_gaps();
        self.clone().with_spec(spec)
    }

    /// What takes out of the customers what is missing.
    #[must_use]
    pub fn mask(&self) -> Mask {
        Mask::new(self.seed, self.spec.missing())
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
            ..FEWEST_TO_CALIBRATE if self.spec.is_default_population() => Calibration::Defaults,
            ..FEWEST_TO_CALIBRATE => Calibration::OnPilot(MOST_AT_ONCE),
            FEWEST_TO_CALIBRATE..=MOST_AT_ONCE => Calibration::OnItself,
            _ => Calibration::OnFirstRows(MOST_AT_ONCE),
        }
    }

    /// The customers in order, a few thousand a batch; `progress` hears the
    /// share done, 0 to 1. Dropping the batches ends the work.
    ///
    /// # Errors
    /// Where the population can't have what its spec asks for.
    pub fn generate<'a>(
        &self,
        progress: &'a (dyn Fn(f64) + Sync),
    ) -> Result<Batches<'a>, Unreachable> {
        let (ready, constants) = match self.calibration() {
            Calibration::Defaults => (Vec::new(), Constants::default()),
            Calibration::OnPilot(_) => (Vec::new(), pilot::constants(&self.spec, progress)?),
            Calibration::OnItself => self.calibrate(self.customers, progress)?,
            Calibration::OnFirstRows(rows) => self.calibrate(rows, progress)?,
        };
        Ok(self.from(ready, constants, progress))
    }

    /// The batches that are ready, and what follows them with constants given.
    fn from<'a>(
        &self,
        mut ready: Vec<RecordBatch>,
        constants: Constants,
        progress: &'a (dyn Fn(f64) + Sync),
    ) -> Batches<'a> {
        let mask = self.mask();
        let mut next_row = 0;
        for batch in &mut ready {
            let rows = batch.num_rows() as u64;
            *batch = mask.apply(batch.clone(), next_row);
            next_row += rows;
        }
        Batches {
            plan: self.clone(),
            constants,
            mask,
            ready: ready.into_iter(),
            next_row,
            progress,
        }
    }

    /// The first `rows` customers, before masking, and the constants solved on them.
    pub(super) fn calibrate(
        &self,
        rows: u64,
        progress: &(dyn Fn(f64) + Sync),
    ) -> Result<(Vec<RecordBatch>, Constants), Unreachable> {
        let part = share(rows, self.customers).min(1.0);
        let fills = AtomicU64::new(0);
        let count = || {
            let done = fills.fetch_add(1, Ordering::Relaxed);
            progress(part * share(done, FILLS).min(1.0));
        };
        let mut draft =
            Draft::calibrating(&self.spec, self.seed, rows, &count).with_truth(self.truth);
        // On a worker, so that each of the many passes need not be handed to one.
        rayon::scope(|_| draw_all(&mut draft));
        let mut unreached = draft.unreached();
        let (blocks, constants) = draft.finish();
        let batches: Vec<RecordBatch> = blocks
            .into_par_iter()
            .map(|block| self.record_batch(block))
            .collect();
        if unreached.is_empty() && !self.spec.is_default_population() {
            unreached = check::out_of_reach(
                &Self {
                    customers: rows,
                    ..self.clone()
                },
                &batches,
            );
        }
        // So few customers may miss by chance what their population can have, which
        // the default one can, and of another a pilot tells.
        if !unreached.is_empty() && rows < MOST_AT_ONCE {
            if !self.spec.is_default_population() {
                pilot::constants(&self.spec, &|_| ())?;
            }
            unreached.clear();
        }
        if unreached.is_empty() {
            Ok((batches, constants))
        } else {
            Err(Unreachable(unreached))
        }
    }

    fn record_batch(&self, block: Block) -> RecordBatch {
        record_batch(block, &self.spec, self.schema())
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
    mask: Mask,
    ready: std::vec::IntoIter<RecordBatch>,
    next_row: u64,
    progress: &'a (dyn Fn(f64) + Sync),
}

impl Batches<'_> {
    /// Draws the next blocks, two a thread.
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
            .map(|first| self.draw_rows(first, block.min(end - first)))
            .collect();
        drawn.into_iter().flatten().collect()
    }

    /// Customers `first` to `first + rows`, of one block.
    fn draw_rows(&self, first: u64, rows: u64) -> Vec<RecordBatch> {
        let (plan, constants) = (&self.plan, self.constants.clone());
        let mut draft = Draft::with_constants(&plan.spec, plan.seed, first, rows, constants)
            .with_truth(plan.truth);
        draw_all(&mut draft);
        let (blocks, _) = draft.finish();
        blocks
            .into_iter()
            .map(|block| self.mask.apply(plan.record_batch(block), first))
            .collect()
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

#[cfg(test)]
mod tests {
    use arrow_select::concat::concat_batches;

    use super::*;

    #[test]
    fn with_the_same_constants_a_cohort_is_the_beginning_of_a_larger_one() {
        let first = |customers, rows| {
            let plan = Plan::new(customers, 5).unwrap();
            let batches = plan.from(Vec::new(), Constants::default(), &|_| {});
            let mut taken = Vec::new();
            for batch in batches {
                taken.push(batch);
                if taken.iter().map(RecordBatch::num_rows).sum::<usize>() >= rows {
                    break;
                }
            }
            concat_batches(&plan.schema(), &taken)
                .unwrap()
                .slice(0, rows)
        };
        assert_eq!(first(2_000, 1_000), first(2_000_000, 1_000));
        // Beyond one block, whose number of rows is another in the two cohorts.
        assert_eq!(first(6_000, 6_000), first(2_000_000, 6_000));
    }
}
