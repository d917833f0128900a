//! Writes a cohort while its rows are being made.
//!
//! A task of its own owns the connection and takes batches from a short queue:
//! making rows and storing them overlap, at most a few batches are in memory, and
//! a writer that is dropped at any moment, even in the middle of a call, closes
//! the queue, upon which the task rolls back, or removes what nobody has seen.

use arrow_array::RecordBatch;
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{Backend, Cohort, NewCohort, Reject, StoreError, check, rejects};

/// Batches that may wait while one is being sent.
const QUEUE: usize = 2;

/// What the task is told; a queue that closes without `Finish` means that nothing is to stay.
pub(super) enum Message {
    Rows(RecordBatch),
    Finish(Box<Ending>),
}

/// What becomes visible together with a cohort.
pub(super) struct Ending {
    pub facts: Value,
    pub job: Option<JobEnding>,
    pub rejects: Vec<Reject>,
}

/// The end of the job that makes a cohort.
#[derive(Debug, Clone, PartialEq)]
pub struct JobEnding {
    pub job: Uuid,
    pub owner: Uuid,
    /// What the job made.
    pub result: Value,
    pub at: DateTime<Utc>,
}

pub(super) type Queue = Receiver<Message>;

/// What becomes of a cohort: nothing, where it wasn't finished.
pub(super) type Outcome = Result<Option<Cohort>, StoreError>;

/// Takes the customers of one cohort; see
/// [`Store::begin_cohort`](super::Store::begin_cohort).
#[must_use = "a cohort that isn't finished is not stored"]
#[derive(Debug)]
pub struct CohortWriter {
    queue: Sender<Message>,
    /// None once its outcome was told.
    task: Option<JoinHandle<Outcome>>,
    place: String,
}

impl CohortWriter {
    pub(super) async fn begin(backend: &Backend, new: NewCohort) -> Result<Self, StoreError> {
        let (sender, queue) = channel(QUEUE);
        let (task, place) = match backend {
            Backend::Postgres(server) => {
                let load = server.begin_load(new).await?;
                (tokio::spawn(load.run(queue)), server.place().to_owned())
            }
            Backend::Sqlite(file) => {
                let load = file.begin_load(new).await?;
                (tokio::spawn(load.run(queue)), file.place().to_owned())
            }
        };
        Ok(Self {
            queue: sender,
            task: Some(task),
            place,
        })
    }

    /// Adds customers, in the columns of [`schema::arrow`](crate::schema::arrow).
    ///
    /// Waits while the database is slower than the caller. A database error may
    /// show at a later call than the one whose rows it is about.
    ///
    /// # Errors
    /// [`StoreError::Unstorable`] for values that a database can't hold, with
    /// nothing of the batch written; else where the database fails: then the
    /// cohort is lost.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<(), StoreError> {
        check::batch(batch)?;
        if self.queue.send(Message::Rows(batch.clone())).await.is_ok() {
            return Ok(());
        }
        Err(self.failure().await)
    }

    /// Makes the cohort visible, whole, with its facts. A call that is given up
    /// may still do so.
    ///
    /// # Errors
    /// [`StoreError::DuplicateCustomer`]; [`StoreError::Unstorable`] facts; else
    /// where the database fails. In each case nothing is left of the cohort.
    pub async fn finish(self, facts: Value) -> Result<Cohort, StoreError> {
        self.end(Ending {
            facts,
            job: None,
            rejects: Vec::new(),
        })
        .await
    }

    /// The same, with the rows of a file that were set aside.
    ///
    /// # Errors
    /// As for [`CohortWriter::finish`].
    pub async fn finish_import(
        self,
        facts: Value,
        rejects: Vec<Reject>,
    ) -> Result<Cohort, StoreError> {
        rejects::check(&rejects)?;
        self.end(Ending {
            facts,
            job: None,
            rejects,
        })
        .await
    }

    /// The same, and in the same transaction the end of the job that made the
    /// cohort, and what the job set aside.
    ///
    /// # Errors
    /// [`StoreError::LostJob`] where the job is not its owner's any more, or was
    /// asked to stop; else as for [`CohortWriter::finish`].
    pub async fn finish_job(
        self,
        facts: Value,
        rejects: Vec<Reject>,
        job: JobEnding,
    ) -> Result<Cohort, StoreError> {
        check::json("the job's result", &job.result)?;
        rejects::check(&rejects)?;
        self.end(Ending {
            facts,
            job: Some(job),
            rejects,
        })
        .await
    }

    async fn end(mut self, ending: Ending) -> Result<Cohort, StoreError> {
        check::json("the cohort's facts", &ending.facts)?;
        let job = ending.job.as_ref().map(|job| job.job);
        if self
            .queue
            .send(Message::Finish(Box::new(ending)))
            .await
            .is_err()
        {
            return Err(self.failure().await);
        }
        match (self.outcome().await, job) {
            (Ok(Some(cohort)), _) => Ok(cohort),
            (Ok(None), _) => Err(self.stopped()),
            (Err(StoreError::LostJob(_)), Some(job)) => Err(StoreError::LostJob(job)),
            (Err(e), _) => Err(e),
        }
    }

    /// Why the task ended early.
    async fn failure(&mut self) -> StoreError {
        self.outcome().await.err().unwrap_or_else(|| self.stopped())
    }

    async fn outcome(&mut self) -> Outcome {
        match self.task.take() {
            Some(task) => task.await.unwrap_or(Ok(None)),
            None => Ok(None),
        }
    }

    fn stopped(&self) -> StoreError {
        StoreError::Failed {
            place: self.place.clone(),
            doing: "store the cohort",
            reason: "its writing has stopped already".into(),
        }
    }
}
