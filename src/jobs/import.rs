//! A file of a team's own customers, into the store: the same way for the
//! command line and for a job.
//!
//! A thread of its own reads the file while the database takes the customers.
//! They are stored whole or not at all; rows that are set aside are handed out
//! as they are met.

use arrow_array::RecordBatch;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};
use uuid::Uuid;

use crate::cohort::{GENERATOR_VERSION, Import, ImportError, Imported, Reject, Summary};
use crate::facts::Facts;
use crate::models::segments::Observer;
use crate::store::{self, Cohort, CohortWriter, NewCohort, Store, StoreError};

/// Rows set aside that are kept one by one; beyond that they are only counted.
const MOST_REJECTS: usize = 10_000;
/// Pieces that wait to be stored.
const IN_FLIGHT: usize = 4;

/// Segments of imported customers are found from it: the same file, the same segments.
const SEGMENTS_SEED: u64 = 1;

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
    let mut observer = Observer::of_file(SEGMENTS_SEED);
    while let Some(rows) = import.next() {
        let Imported { batch, rejects, .. } = rows?;
        observer.observe(&batch);
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
    Ok((import.summary(), observer.finish()))
}

/// A file that was read into a cohort, which is not finished.
pub(super) struct Received {
    pub writer: CohortWriter,
    /// Rows that were set aside, the first of them.
    pub rejects: Vec<store::Reject>,
    pub read: JoinHandle<Result<(Summary, Facts), ImportError>>,
}

/// Reads a file into a cohort. `hear` gets the rows that are set aside, and the
/// share done.
pub(super) async fn receive(
    store: &Store,
    new: NewImport,
    import: Import,
    hear: &mut (dyn FnMut(&[Reject], f64) + Send),
) -> Result<Received, StoreError> {
    let mut writer = store.begin_cohort(&new_cohort(new)).await?;
    let (sender, mut pieces) = mpsc::channel::<Piece>(IN_FLIGHT);
    let read =
        spawn_blocking(move || read_file(import, &mut |piece| sender.blocking_send(piece).is_ok()));
    let mut rejects = Vec::new();
    while let Some(piece) = pieces.recv().await {
        hear(&piece.rejects, piece.progress);
        let room = MOST_REJECTS - rejects.len();
        rejects.extend(piece.rejects.into_iter().take(room).map(kept));
        if piece.batch.num_rows() > 0 {
            writer.write(&piece.batch).await?;
        }
    }
    Ok(Received {
        writer,
        rejects,
        read,
    })
}

/// Stores the customers of a file, and what was set aside; nothing where it has
/// no row that can be imported. `hear` gets the rows that are set aside, and the
/// share done.
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
    let received = receive(store, new, import, hear).await?;
    let (summary, facts) = received.read.await??;
    if summary.accepted == 0 {
        return Ok((None, summary));
    }
    let facts = serde_json::to_value(facts)?;
    let cohort = received
        .writer
        .finish_import(facts, received.rejects)
        .await?;
    Ok((Some(cohort), summary))
}

fn kept(reject: Reject) -> store::Reject {
    store::Reject {
        line: reject.line,
        column: reject.column,
        code: reject.code.to_owned(),
        message: reject.message,
    }
}

fn new_cohort(new: NewImport) -> NewCohort {
    NewCohort {
        id: new.id,
        name: new.name,
        seed: None,
        generator_version: GENERATOR_VERSION.to_owned(),
        spec: json!({ "imported": new.file, "mapping": new.mapping }),
        created_at: new.created_at,
    }
}
