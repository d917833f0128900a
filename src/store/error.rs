//! What can go wrong with the database, each as one line that says what to do.
//!
//! No message has a password or a URL in it: a place is named by its host and
//! port.

use std::io;
use std::path::PathBuf;

use thiserror::Error;
use uuid::Uuid;

/// Why the store can't do what it was asked for.
#[derive(Debug, Error)]
pub enum StoreError {
    #[error("the data folder {} can't be used: {cause}", folder.display())]
    Folder { folder: PathBuf, cause: io::Error },

    #[error("the database file {} can't be read and written: {reason}", file.display())]
    Access { file: PathBuf, reason: String },

    #[error(
        "the database file {} is damaged or is no SQLite database ({reason}): restore it from a backup, or move it away to start anew",
        file.display()
    )]
    Corrupt { file: PathBuf, reason: String },

    #[error(
        "the database URL is malformed: {reason}; its form is postgres://user:password@host:port/database"
    )]
    MalformedUrl { reason: &'static str },

    #[error("{place} refused the user {user:?}: {reason}")]
    Refused {
        place: String,
        user: String,
        reason: String,
    },

    #[error(
        "{place} has no database {database:?}: create it, or name another one in the database URL"
    )]
    UnknownDatabase { place: String, database: String },

    /// Worth trying again: the only error that is waited out.
    #[error("{place} can't be reached: {reason}")]
    Unreachable { place: String, reason: String },

    #[error("no encrypted connection to {place}: {reason}")]
    Tls { place: String, reason: String },

    #[error(
        "{place} was migrated by a newer version of this program (schema {found}, this one knows {supported}): start that version"
    )]
    NewerSchema {
        place: String,
        found: i64,
        supported: i64,
    },

    #[error(
        "{place} has a schema {version} that is not the one of this program: it was made by a version that was never released"
    )]
    OtherSchema { place: String, version: i64 },

    #[error("{place} is busy with the writing of another process or job: try again")]
    Busy { place: String },

    #[error("{what} can't be stored: {why}")]
    Unstorable { what: String, why: String },

    #[error("a customer_id stands twice in the cohort")]
    DuplicateCustomer,

    #[error("a model set {0:?} exists already")]
    DuplicateModelSet(String),

    #[error("the job {0} is no longer this process's: another one has it, or it was cancelled")]
    LostJob(Uuid),

    #[error("there is no upload {0}, or it is complete already")]
    UnknownUpload(Uuid),

    #[error("there is no cohort {0}")]
    UnknownCohort(Uuid),

    #[error("there is no model set {0:?}")]
    UnknownModelSet(String),

    #[error("{place} failed to {doing}: {reason}")]
    Failed {
        place: String,
        doing: &'static str,
        reason: String,
    },
}

impl StoreError {
    /// Whether the database is away, and may come back by itself.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    /// Whether the same may well succeed a moment later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Busy { .. })
    }

    pub(super) fn unstorable(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Unstorable {
            what: what.into(),
            why: why.into(),
        }
    }
}

/// A driver's message on one line.
pub(super) fn one_line(message: &impl ToString) -> String {
    let message = message.to_string();
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
