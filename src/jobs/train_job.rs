//! The job that trains models on a stored cohort, and keeps them.

use serde_json::json;

use super::failure::Failure;
use super::runner::Running;
use super::stored::stored;
use super::training::{RunTrain, TrainInput, run_train};

/// The job: trains what its input asks for. The set is kept, not activated.
pub(super) async fn run(running: &Running<'_>) -> Result<(), Failure> {
    let job = running.job;
    let input = TrainInput {
        cohort_id: job.cohort_id.unwrap_or_default(),
        asked: serde_json::from_value(job.input.clone())?,
        at: job.created_at,
    };
    let progress = |phase, share| running.control.report(phase, share);
    let cancelled = || running.control.is_stopped();
    let RunTrain { set, left_out } =
        run_train(running.store, &input, &progress, &cancelled).await?;
    running.control.report("saving", 0.0);
    let left_out = left_out.iter();
    let left_out: Vec<_> = left_out
        .map(|it| json!({ "target": it.target.name(), "why": it.why.to_string() }))
        .collect();
    let result = json!({ "version": set.version, "left_out": left_out });
    running
        .store
        .save_model_set_of_job(&stored(&set)?, &running.ending(result))
        .await?;
    Ok(())
}
