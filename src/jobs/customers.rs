//! The customers that models are trained on: generated into the store by a
//! first start, or read from it.

use arrow_array::RecordBatch;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::first_start::{FirstStart, FirstStartError};
use super::status::{Pending, Phase, Status};
use crate::cohort::{GENERATOR_VERSION, Plan};
use crate::facts::Facts;
use crate::store::{Cohort, NewCohort, Store};

/// Rows that are trained on. More rows barely better a model, and cost memory.
const TRAINING_ROWS: u64 = 200_000;

/// The fewest customers that a first start is worth: training leaves a part of
/// them out to judge the models on.
pub(super) const FEWEST_CUSTOMERS: u64 = 1_000;

/// Batches that wait to be stored.
const IN_FLIGHT: usize = 4;

/// Keeps every so manieth batch, so that at most the training rows are kept
/// and they are spread over the cohort.
struct Sample {
    every: u64,
    seen: u64,
    kept: Vec<RecordBatch>,
}

impl Sample {
    fn of(customers: u64) -> Self {
        Self {
            every: customers.div_ceil(TRAINING_ROWS).max(1),
            seen: 0,
            kept: Vec::new(),
        }
    }

    fn offer(&mut self, batch: RecordBatch) {
        if self.seen.is_multiple_of(self.every) {
            self.kept.push(batch);
        }
        self.seen += 1;
    }
}

/// Generates the first customers into the store.
pub(super) async fn generate(
    store: &Store,
    status: &Status,
    first: FirstStart,
) -> Result<(Cohort, Vec<RecordBatch>), FirstStartError> {
    if first.customers < FEWEST_CUSTOMERS {
        return Err(FirstStartError::TooFew(first.customers));
    }
    let pending = Pending {
        id: Uuid::now_v7(),
        name: format!("synthetic-{}-{}", first.customers, first.seed),
        customers: first.customers,
        seed: first.seed,
        generator_version: GENERATOR_VERSION,
        created_at: (first.clock)(),
    };
    status.enter(Phase::Generating);
    status.generating(Some(pending.clone()));
    let mut writer = store.begin_cohort(&new_cohort(&pending)).await?;

    let (sender, mut batches) = mpsc::channel(IN_FLIGHT);
    let generator = spawn_blocking(move || produce(first, &sender));
    let mut sample = Sample::of(first.customers);
    let mut written = 0;
    while let Some(event) = batches.recv().await {
        match event {
            // Generating and storing overlap; each is half of the progress.
            Event::Generated(share) => status.advance(share / 2.0),
            Event::Batch(batch) => {
                writer.write(&batch).await?;
                written += batch.num_rows() as u64;
                status.advance(0.5 + share(written, first.customers) / 2.0);
                sample.offer(batch);
            }
        }
    }
    let facts = generator.await??;
    let cohort = writer.finish(serde_json::to_value(facts)?).await?;
    status.generating(None);
    Ok((cohort, sample.kept))
}

/// What the generator tells.
enum Event {
    /// The share that is generated.
    Generated(f64),
    Batch(RecordBatch),
}

/// Generates until all is sent, or nobody listens any more.
fn produce(first: FirstStart, sender: &mpsc::Sender<Event>) -> Result<Facts, FirstStartError> {
    let plan = Plan::new(first.customers, first.seed)?;
    // A full queue is told the next share.
    let report = |share| drop(sender.try_send(Event::Generated(share)));
    let mut facts = Facts::default();
    for batch in plan.generate(&report)? {
        facts.observe(&batch);
        if sender.blocking_send(Event::Batch(batch)).is_err() {
            break;
        }
    }
    Ok(facts)
}

fn new_cohort(pending: &Pending) -> NewCohort {
    NewCohort {
        id: pending.id,
        name: pending.name.clone(),
        seed: Some(pending.seed),
        generator_version: pending.generator_version.to_owned(),
        spec: serde_json::json!({ "customers": pending.customers, "seed": pending.seed }),
        created_at: pending.created_at,
    }
}

/// Reads a stored cohort's training rows.
pub(super) async fn read(
    store: &Store,
    status: &Status,
    cohort: &Cohort,
) -> Result<Vec<RecordBatch>, FirstStartError> {
    let customers = cohort.customers.unsigned_abs();
    let mut sample = Sample::of(customers);
    let mut rows = 0;
    let mut batches = store.customers(cohort.id).await?;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        rows += batch.num_rows() as u64;
        status.advance(share(rows, customers));
        sample.offer(batch);
    }
    Ok(sample.kept)
}

#[expect(clippy::cast_precision_loss, reason = "a share is shown, not counted")]
fn share(done: u64, all: u64) -> f64 {
    done as f64 / all.max(1) as f64
}
