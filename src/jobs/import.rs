//! A file of a team's own customers, into the store: the same way for the
//! command line and for a job.
//!
//! A thread of its own reads the file while the database takes the customers.
//! They are stored whole or not at all; rows that are set aside are handed out
//! as they are met.

use std::sync::Arc;

use arrow_array::RecordBatch;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::{JoinError, spawn_blocking};
use uuid::Uuid;

use crate::cohort::{GENERATOR_VERSION, Import, ImportError, Imported, Reject, Summary};
use crate::facts::Facts;
use crate::store::{Cohort, NewCohort, Store, StoreError};

/// Pieces that wait to be stored.
const IN_FLIGHT: usize = 4;

/// What a file's customers will be called.
#[derive(Debug, Clone)]
pub struct NewImport {
    pub id: Uuid,
    pub name: String,
    /// What the file is called, for people.
    pub file: String,
    /// The mapping as it was given, or null.
    pub mapping: Value,
    pub created_at: DateTime<Utc>,
}

/// Why a file was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportFileError {
    #[error(transparent)]
    File(#[from] ImportError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the facts of the customers can't be stored: {0}")]
    Facts(#[from] serde_json::Error),
    #[error("a background task stopped: {0}")]
    Stopped(#[from] JoinError),
}

/// Some rows of a file.
pub struct Piece {
    /// Those that are fine, in the 72 columns.
    pub batch: RecordBatch,
    /// Those that were set aside.
    pub rejects: Vec<Reject>,
    /// The share of the file that is read, 0 to 1.
    pub progress: f64,
}

/// Reads a file to its end, or until `take` wants no more, and sums up what came
/// of its rows.
///
/// # Errors
/// Where the file can't be read to its end.
pub fn read_file(
    mut import: Import,
    take: &mut dyn FnMut(Piece) -> bool,
) -> Result<(Summary, Facts), ImportError> {
    let mut facts = Facts::default();
    while let Some(rows) = import.next() {
        let Imported { batch, rejects, .. } = rows?;
        facts.observe(&batch);
        let progress = import.progress();
        let piece = Piece {
            batch,
            rejects,
            progress,
        };
        if !take(piece) {
            break;
        }
    }
    Ok((import.summary(), facts))
}

/// Stores the customers of a file; none where it has not one that can be
/// imported. `hear` gets the rows that are set aside, and the share done.
///
/// # Errors
/// Where the file can't be read to its end, or the database fails: then nothing
/// is stored.
pub async fn import_file(
    store: &Store,
    new: NewImport,
    import: Import,
    hear: &mut (dyn FnMut(&[Reject], f64) + Send),
) -> Result<(Option<Cohort>, Summary), ImportFileError> {
    let mut writer = store.begin_cohort(&new_cohort(new)).await?;
    let (sender, mut pieces) = mpsc::channel::<Piece>(IN_FLIGHT);
    let sender = Arc::new(sender);
    let reader =
        spawn_blocking(move || read_file(import, &mut |piece| sender.blocking_send(piece).is_ok()));
    while let Some(piece) = pieces.recv().await {
        hear(&piece.rejects, piece.progress);
        if piece.batch.num_rows() > 0 {
            writer.write(&piece.batch).await?;
        }
    }
    let (summary, facts) = reader.await??;
    if summary.accepted == 0 {
        return Ok((None, summary));
    }
    let cohort = writer.finish(serde_json::to_value(facts)?).await?;
    Ok((Some(cohort), summary))
}

pub(super) fn new_cohort(new: NewImport) -> NewCohort {
    NewCohort {
        id: new.id,
        name: new.name,
        seed: None,
        generator_version: GENERATOR_VERSION.to_owned(),
        spec: json!({ "imported": new.file, "mapping": new.mapping }),
        created_at: new.created_at,
    }
}
