//! What asks for a job. It is kept in the database, and any process takes it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Service;
use super::generate::{default_name, to_json};
use crate::cohort::Plan;
use crate::models::ChosenThresholds;
use crate::store::{IdempotentCall, Job, JobKind, NewJob, Store, StoreError};
use crate::traces::{self, Link};

/// Where a job's input says which request asked for it.
const TRACE: &str = "trace";

/// The request that asked for a job, as a trace has it; none where it is not
/// recorded.
pub(super) fn origin(job: &Job) -> Option<Link> {
    let trace = &job.input[TRACE];
    Link::read(trace["parent"].as_str()?, trace["state"].as_str()?)
}

/// A file to be imported: a complete upload.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportRequest {
    pub upload: Uuid,
    /// What the cohort is to be called.
    pub name: String,
    /// What the file was called, if that is known.
    pub file: Option<String>,
    /// How the file's columns become ours; null where they are the same.
    pub mapping: Value,
}

/// Which models are to be trained, as the job keeps it; an earlier version's job
/// says less.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrainingRequest {
    /// Names of targets; none stands for all of them.
    pub targets: Vec<String>,
    /// Names of columns that no model is to read.
    pub exclude: Vec<String>,
    /// Where tiers are to begin.
    pub thresholds: ChosenThresholds,
}

impl Service {
    /// A cohort to be generated; its id is the job's `cohort_id`.
    #[must_use]
    pub fn generating(&self, plan: &Plan, name: Option<String>) -> NewJob {
        let mut input = to_json(plan);
        input["name"] = json!(name.unwrap_or_else(|| default_name(plan)));
        self.new_job(JobKind::Generate, input, Uuid::now_v7())
    }

    /// A file to be imported; the cohort's id is the job's `cohort_id`. The upload
    /// is removed when the job is done.
    #[must_use]
    pub fn importing(&self, new: &ImportRequest) -> NewJob {
        let input = json!({
            "upload": new.upload,
            "name": new.name,
            "file": new.file,
            "mapping": new.mapping,
        });
        self.new_job(JobKind::Import, input, Uuid::now_v7())
    }

    /// Models to be trained on a cohort. The version of the set is in the job's
    /// result.
    ///
    /// # Errors
    /// [`StoreError::UnknownCohort`]; else where the database fails.
    pub async fn training(
        &self,
        store: &Store,
        cohort: Uuid,
        asked: &TrainingRequest,
    ) -> Result<NewJob, StoreError> {
        if !store.cohort_exists(cohort).await? {
            return Err(StoreError::UnknownCohort(cohort));
        }
        Ok(self.new_job(JobKind::Train, json!(asked), cohort))
    }

    fn new_job(&self, kind: JobKind, mut input: Value, cohort: Uuid) -> NewJob {
        if let Some(asked) = traces::here() {
            input[TRACE] = json!({ "parent": asked.parent(), "state": asked.state() });
        }
        NewJob {
            id: Uuid::now_v7(),
            kind,
            input,
            cohort_id: Some(cohort),
            created_at: (self.clock)(),
        }
    }

    /// Asks for a job; what a call with a key of its own is answered is kept with
    /// it, both or neither.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn submit(
        &self,
        store: &Store,
        new: &NewJob,
        answered: Option<(IdempotentCall<'_>, &Value)>,
    ) -> Result<(), StoreError> {
        store.enqueue_job(new, answered).await?;
        self.new_jobs.notify_one();
        Ok(())
    }
}
