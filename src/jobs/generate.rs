//! Generating customers into the store.
//!
//! A thread of its own draws them while the database takes them: a few batches
//! are in memory, and the thread ends when nobody takes any more.

use arrow_array::RecordBatch;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::failure::{Failure, JobProblem};
use super::first_start::FirstStartError;
use super::runner::Running;
use crate::cohort::{CohortSpec, GENERATOR_VERSION, Plan};
use crate::facts::Facts;
use crate::models::segments::Observer;
use crate::store::{CohortWriter, NewCohort, Store};

/// Batches that wait to be stored.
const IN_FLIGHT: usize = 4;

/// What a plan's cohort is called where nobody names it.
pub(super) fn default_name(plan: &Plan) -> String {
    format!("synthetic-{}-{}", plan.customers(), plan.seed())
}

/// A plan as it is kept with its cohort, and in its job.
pub(super) fn to_json(plan: &Plan) -> Value {
    json!({
        "customers": plan.customers(),
        "seed": plan.seed(),
        "spec": plan.spec().to_json(),
    })
}

pub(super) fn from_json(spec: &Value) -> Result<Plan, Failure> {
    let invalid = |why: String| JobProblem::new("invalid-spec", why);
    let number = |name: &str| spec[name].as_u64().unwrap_or_default();
    let plan =
        Plan::new(number("customers"), number("seed")).map_err(|e| invalid(e.to_string()))?;
    let population = match &spec["spec"] {
        Value::Null => CohortSpec::default(),
        given => CohortSpec::from_json(given).map_err(|e| invalid(e.to_string()))?,
    };
    Ok(plan.with_spec(population))
}

/// Generates a cohort into the store, up to the moment where it becomes visible.
///
/// `report` hears the share done, 0 to 1; `keep` sees each batch.
pub(super) async fn generate(
    store: &Store,
    plan: Plan,
    new: &NewCohort,
    report: &(dyn Fn(f64) + Sync),
    keep: &mut (dyn FnMut(&RecordBatch) + Send),
) -> Result<(CohortWriter, Facts), FirstStartError> {
    let customers = plan.customers();
    let mut writer = store.begin_cohort(new).await?;
    let (sender, mut batches) = mpsc::channel(IN_FLIGHT);
    let generator = spawn_blocking(move || produce(&plan, &sender));
    let mut written = 0;
    while let Some(event) = batches.recv().await {
        match event {
            // Generating and storing overlap; each is half of the progress.
            Event::Generated(share) => report(share / 2.0),
            Event::Batch(batch) => {
                writer.write(&batch).await?;
                written += batch.num_rows() as u64;
                report(0.5 + share(written, customers) / 2.0);
                keep(&batch);
            }
        }
    }
    let facts = generator.await??;
    Ok((writer, facts))
}

/// What the generator tells.
enum Event {
    /// The share that is generated.
    Generated(f64),
    Batch(RecordBatch),
}

/// Generates until all is sent, or nobody listens any more.
fn produce(plan: &Plan, sender: &mpsc::Sender<Event>) -> Result<Facts, FirstStartError> {
    // A full queue is told the next share.
    let report = |share| drop(sender.try_send(Event::Generated(share)));
    let mut observer = Observer::new(plan.seed());
    for batch in plan.generate(&report)? {
        observer.observe(&batch);
        if sender.blocking_send(Event::Batch(batch)).is_err() {
            break;
        }
    }
    Ok(observer.finish())
}

/// The job: generates what its input asks for.
pub(super) async fn run(running: &Running<'_>) -> Result<(), Failure> {
    let job = running.job;
    let plan = from_json(&job.input)?;
    let new = NewCohort {
        id: job.cohort_id.unwrap_or(job.id),
        name: job.input["name"].as_str().unwrap_or_default().to_owned(),
        seed: Some(plan.seed()),
        generator_version: GENERATOR_VERSION.to_owned(),
        spec: to_json(&plan),
        created_at: job.created_at,
    };
    let report = |share| running.control.report("generating", share);
    report(0.0);
    let (writer, facts) = generate(running.store, plan, &new, &report, &mut |_| ()).await?;
    running.control.report("saving", 0.0);
    let result = json!({ "cohort_id": new.id, "customers": job.input["customers"] });
    let facts = serde_json::to_value(facts)?;
    writer
        .finish_job(facts, Vec::new(), running.ending(result))
        .await?;
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a share is shown, not counted")]
pub(super) fn share(done: u64, all: u64) -> f64 {
    done as f64 / all.max(1) as f64
}
