//! Asking for a job. It is kept in the database, and any process takes it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Service;
use super::generate::{default_name, to_json};
use crate::cohort::Plan;
use crate::models::ChosenThresholds;
use crate::store::{Job, JobKind, NewJob, Store, StoreError};
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
    /// Asks for a cohort to be generated; its id is the job's `cohort_id`.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn submit_generate(
        &self,
        store: &Store,
        plan: &Plan,
        name: Option<String>,
    ) -> Result<Job, StoreError> {
        let mut input = to_json(plan);
        input["name"] = json!(name.unwrap_or_else(|| default_name(plan)));
        self.submit(store, JobKind::Generate, input, Uuid::now_v7())
            .await
    }

    /// Asks for a file to be imported; the cohort's id is the job's `cohort_id`.
    /// The upload is removed when the job is done.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn submit_import(
        &self,
        store: &Store,
        new: ImportRequest,
    ) -> Result<Job, StoreError> {
        let input = json!({
            "upload": new.upload,
            "name": new.name,
            "file": new.file,
            "mapping": new.mapping,
        });
        self.submit(store, JobKind::Import, input, Uuid::now_v7())
            .await
    }

    /// Asks for models to be trained on a cohort. The version of the set is in the
    /// job's result.
    ///
    /// # Errors
    /// [`StoreError::UnknownCohort`]; else where the database fails.
    pub async fn submit_train(
        &self,
        store: &Store,
        cohort: Uuid,
        asked: &TrainingRequest,
    ) -> Result<Job, StoreError> {
        if !store.cohort_exists(cohort).await? {
            return Err(StoreError::UnknownCohort(cohort));
        }
        self.submit(store, JobKind::Train, json!(asked), cohort)
            .await
    }

    async fn submit(
        &self,
        store: &Store,
        kind: JobKind,
        mut input: Value,
        cohort: Uuid,
    ) -> Result<Job, StoreError> {
        if let Some(asked) = traces::here() {
            input[TRACE] = json!({ "parent": asked.parent(), "state": asked.state() });
        }
        let new = NewJob {
            id: Uuid::now_v7(),
            kind,
            input,
            cohort_id: Some(cohort),
            created_at: (self.clock)(),
        };
        let job = store.enqueue_job(&new).await?;
        self.new_jobs.notify_one();
        Ok(job)
    }
}
