//! `engagecast import`: a team's own customers from a file into the store.
//!
//! The summary goes to standard output. It is a success where at least one
//! customer was imported; rows that were set aside are counted by their reasons,
//! and listed in a file where one is named.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use chrono::Utc;
use uuid::Uuid;

use super::mapping::{MapError, mapping};
use super::print;
use super::store::open;
use crate::cohort::{Import, ImportError, Limits, Mapping, Reject, RejectsFile, Summary};
use crate::config::{LogArgs, StoreArgs};
use crate::jobs::{ImportFileError, NewImport, import_file, read_file};
use crate::progress::Progress;
use crate::store::StoreError;

#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// CSV (plain, gzip or zstd) or Parquet file, told by its content
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// TOML file that says which column is which, in what units and words
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,

    /// Name of the cohort; by default that of the file
    #[arg(long)]
    pub name: Option<String>,

    /// CSV file for the rows that are set aside: line, column, code and message
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,

    /// Read and check the whole file, and store nothing
    #[arg(long)]
    pub dry_run: bool,

    #[command(flatten)]
    pub store: StoreArgs,

    #[command(flatten)]
    pub log: LogArgs,
}

/// Why no customers were imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportCommandError {
    #[error("{}: {error}", file.display())]
    File { file: PathBuf, error: ImportError },
    #[error(transparent)]
    Map(#[from] MapError),
    #[error("{} can't be written: {error}", file.display())]
    Rejects { file: PathBuf, error: io::Error },
    #[error("{}: it has column names and no rows: nothing was imported", .0.display())]
    NoRows(PathBuf),
    #[error("{}: none of its rows can be imported: see the reasons above", .0.display())]
    NoneGood(PathBuf),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Failed(ImportFileError),
    #[error("can't print: {0}")]
    Print(#[from] io::Error),
}

/// Runs `engagecast import`.
///
/// # Errors
/// Where the file or its mapping can't be used, the database fails, or no row
/// of the file can be imported.
pub async fn import(args: &ImportArgs) -> Result<(), ImportCommandError> {
    let file_error = |error| ImportCommandError::File {
        file: args.file.clone(),
        error,
    };
    let mapping = mapping(args.map.as_deref())?;
    let import = Import::open(&args.file, &mapping, Limits::default()).map_err(file_error)?;
    let mut rejects = Rejects::to(args.rejects.as_deref())?;
    let mut progress = Progress::begin("importing customers");
    let mut hear = |found: &[Reject], share| {
        rejects.add(found);
        progress.set(share);
    };
    let summary = if args.dry_run {
        let read = tokio::task::block_in_place(|| {
            read_file(import, &mut |piece| {
                hear(&piece.rejects, piece.progress);
                true
            })
        });
        let (summary, _) = read.map_err(file_error)?;
        Outcome::Checked(summary)
    } else {
        let store = open(&args.store).await?;
        let imported = import_file(&store, new_file(args, &mapping), import, &mut hear).await;
        let (cohort, summary) = imported.map_err(|error| match error {
            ImportFileError::File(error) => file_error(error),
            ImportFileError::Store(error) => error.into(),
            other => ImportCommandError::Failed(other),
        })?;
        store.close().await;
        Outcome::Stored(cohort.map(|cohort| (cohort.id, cohort.name)), summary)
    };
    drop(progress);
    rejects.finish()?;
    print(&summary.text(args.rejects.as_deref()))?;
    match summary.summary() {
        summary if summary.read == 0 => Err(ImportCommandError::NoRows(args.file.clone())),
        summary if summary.accepted == 0 => Err(ImportCommandError::NoneGood(args.file.clone())),
        _ => Ok(()),
    }
}

fn new_file(args: &ImportArgs, mapping: &Mapping) -> NewImport {
    let file = args.file.file_name().unwrap_or(args.file.as_os_str());
    let file = file.to_string_lossy().into_owned();
    NewImport {
        id: Uuid::now_v7(),
        name: args.name.clone().unwrap_or_else(|| file.clone()),
        file,
        mapping: mapping.to_json().clone(),
        created_at: Utc::now(),
    }
}

/// Where rejects go.
struct Rejects {
    file: Option<(PathBuf, RejectsFile)>,
    failed: Option<io::Error>,
}

impl Rejects {
    fn to(path: Option<&Path>) -> Result<Self, ImportCommandError> {
        let file = path.map(|path| match RejectsFile::create(path) {
            Ok(file) => Ok((path.to_owned(), file)),
            Err(error) => Err(ImportCommandError::Rejects {
                file: path.to_owned(),
                error,
            }),
        });
        Ok(Self {
            file: file.transpose()?,
            failed: None,
        })
    }

    /// Writes until it fails, which is said at the end: the rows count.
    fn add(&mut self, rejects: &[Reject]) {
        if let (Some((_, file)), None) = (&mut self.file, &self.failed) {
            self.failed = rejects
                .iter()
                .try_for_each(|reject| file.write(reject))
                .err();
        }
    }

    fn finish(self) -> Result<(), ImportCommandError> {
        let Some((path, file)) = self.file else {
            return Ok(());
        };
        let ended = self.failed.map_or_else(|| file.finish(), Err);
        ended.map_err(|error| ImportCommandError::Rejects { file: path, error })
    }
}

/// What came of it.
enum Outcome {
    Checked(Summary),
    Stored(Option<(Uuid, String)>, Summary),
}

impl Outcome {
    fn summary(&self) -> &Summary {
        match self {
            Self::Checked(summary) | Self::Stored(_, summary) => summary,
        }
    }

    fn text(&self, rejects: Option<&Path>) -> String {
        let mut text = describe(self.summary(), rejects);
        // Writing to a string can't fail.
        let _ = match self {
            Self::Stored(Some((id, name)), _) => writeln!(text, "stored as {name:?}, cohort {id}"),
            Self::Stored(None, _) => writeln!(text, "nothing was stored"),
            Self::Checked(_) => writeln!(text, "nothing was stored: this was a dry run"),
        };
        text
    }
}

/// The summary for a person.
fn describe(summary: &Summary, rejects: Option<&Path>) -> String {
    let mut text = format!(
        "rows      {} read = {} accepted + {} rejected\n",
        summary.read, summary.accepted, summary.rejected
    );
    for reason in &summary.reasons {
        let column = reason.column.as_deref().unwrap_or("the row");
        let _ = writeln!(
            text,
            "  {:>9} rejected: {column}, {}",
            reason.rows, reason.code
        );
    }
    if let (Some(path), true) = (rejects, summary.rejected > 0) {
        let _ = writeln!(text, "  listed in {}", path.display());
    }
    let _ = writeln!(
        text,
        "columns   {} of 72 found",
        summary.columns_found.len()
    );
    if summary.numbered {
        text.push_str("  there is no customer_id: customers are called row-1, row-2 and so on\n");
    }
    ignored(summary, &mut text);
    for warning in &summary.invariant_warnings {
        let _ = writeln!(
            text,
            "warning   in {} rows it does not hold that {}",
            warning.rows, warning.invariant
        );
    }
    text
}

fn ignored(summary: &Summary, text: &mut String) {
    const SHOWN: usize = 20;
    for column in summary.columns_ignored.iter().take(SHOWN) {
        let nearest = column.nearest.map(|name| format!("; did you mean {name}?"));
        let nearest = nearest.unwrap_or_default();
        let _ = writeln!(text, "  ignored: {:?}{nearest}", column.name);
    }
    let more = summary.columns_ignored.len().saturating_sub(SHOWN);
    if more > 0 {
        let _ = writeln!(text, "  and {more} more columns");
    }
}
