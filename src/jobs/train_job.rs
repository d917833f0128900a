//! The job that trains models on a stored cohort, and keeps them.

use serde_json::json;

use super::failure::Failure;
use super::runner::Running;
use super::training::{TrainInput, run_train, stored};

/// The job: trains what its input asks for. The set is kept, not activated.
pub(super) async fn run(running: &Running<'_>) -> Result<(), Failure> {
    let job = running.job;
    let input = TrainInput {
        cohort_id: job.cohort_id.unwrap_or_default(),
        targets: serde_json::from_value(job.input["targets"].clone())?,
        at: job.created_at,
    };
    let progress = |phase, share| running.control.report(phase, share);
    let cancelled = || running.control.is_stopped();
    let set = run_train(running.store, &input, &progress, &cancelled).await?;
    running.control.report("saving", 0.0);
    let result = json!({ "version": set.version });
    running
        .store
        .save_model_set_of_job(&stored(&set)?, &running.ending(result))
        .await?;
    Ok(())
}
