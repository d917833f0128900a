//! Why a job did not come to its end.

use serde_json::{Value, json};

use super::first_start::FirstStartError;
use super::teach::TeachError;
use crate::store::StoreError;

/// Why a job failed, for whoever asked for it. It repeats no value of a customer
/// and says nothing of the inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobProblem {
    /// For programs.
    pub code: String,
    /// For people.
    pub detail: String,
}

impl JobProblem {
    pub fn new(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            detail: detail.into(),
        }
    }

    /// A failure of our own: its cause is logged.
    pub(super) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a job failed");
        Self::new(
            "internal",
            "Something went wrong on our side; the log has the cause.",
        )
    }

    /// As it is kept with the job.
    pub(super) fn to_json(&self) -> Value {
        json!({ "code": self.code, "detail": self.detail })
    }
}

/// What keeps a job from its end.
#[derive(Debug)]
pub(super) enum Failure {
    /// What was asked for can't be done.
    Problem(JobProblem),
    /// The database: it may be back in a moment.
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::UnknownCohort(_) => Self::Problem(JobProblem::new(
                "unknown-cohort",
                "The cohort is not there.",
            )),
            StoreError::DuplicateCustomer => Self::Problem(JobProblem::new(
                "duplicate-customer",
                "A customer_id stands twice in the cohort.",
            )),
            error => Self::Store(error),
        }
    }
}

impl From<JobProblem> for Failure {
    fn from(problem: JobProblem) -> Self {
        Self::Problem(problem)
    }
}

impl From<FirstStartError> for Failure {
    fn from(error: FirstStartError) -> Self {
        match error {
            FirstStartError::Store(error) => error.into(),
            FirstStartError::Teach(TeachError::Train(error)) => {
                Self::Problem(JobProblem::new("untrainable", error.to_string()))
            }
            FirstStartError::Plan(error) => {
                Self::Problem(JobProblem::new("invalid-spec", error.to_string()))
            }
            FirstStartError::Unreachable(error) => {
                Self::Problem(JobProblem::new("unreachable-targets", error.to_string()))
            }
            error => Self::Problem(JobProblem::internal(&error)),
        }
    }
}

impl From<tokio::task::JoinError> for Failure {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Problem(JobProblem::internal(&error))
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Problem(JobProblem::internal(&error))
    }
}
