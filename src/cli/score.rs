//! `engagecast score`: predictions for the customers of a file, beside their own
//! columns in another.
//!
//! Rows stream through in blocks, scored by all threads and written in order, so
//! that a file may be larger than the memory. Invariant: the answer has every row
//! of the input, in its order; one that can't be answered says why.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use rayon::prelude::*;

use self::rows::scored;
use self::sheet::{Sheet, SheetError};
use self::summary::Summary;
use super::print;
use super::store::{location, open};
use crate::cohort::{Rows, TableError, TableReader, open_table};
use crate::config::{LogArgs, StoreArgs};
use crate::features::Recognised;
use crate::jobs::{StoredModelError, model_set};
use crate::models::score::Scoring;
use crate::models::{ArtifactError, Model, ModelSet, Target};
use crate::progress::Progress;
use crate::store::{Location, StoreError};

mod rows;
mod sheet;
mod summary;

/// The name of the model set that serves.
const ACTIVE: &str = "active";

/// Rows of a block; their reasons take as much room as fifty columns each.
const BLOCK_ROWS: usize = 8192;
const EXPLAINED_ROWS: usize = 512;

#[derive(Debug, clap::Args)]
pub struct ScoreArgs {
    /// Models to use: a file of a model set, or `active` for those that serve
    #[arg(long, value_name = "FILE", default_value = ACTIVE)]
    pub model: PathBuf,

    #[command(flatten)]
    pub store: StoreArgs,

    /// Customers: CSV (plain, gzip or zstd) or Parquet, with any of the 72 columns
    #[arg(long = "in", value_name = "FILE")]
    pub input: PathBuf,

    /// File to write, .parquet or .csv: the input's columns, then the answers
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,

    /// What to predict: targets with commas between them, or `all`
    #[arg(
        long,
        value_name = "TARGETS",
        default_value = "all",
        value_delimiter = ','
    )]
    pub targets: Vec<String>,

    /// How many of the strongest reasons to add to each prediction, 0 to 20
    #[arg(long, value_name = "K", default_value = "0", value_parser = clap::value_parser!(u8).range(0..=20))]
    pub explain: u8,

    #[command(flatten)]
    pub log: LogArgs,
}

/// Why a file was not scored.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    #[error("can't print: {0}")]
    Print(#[from] io::Error),
    #[error("{path} can't be read: {source}")]
    Model { path: String, source: io::Error },
    #[error("{path}: {source}")]
    Artifact { path: String, source: ArtifactError },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Stored(#[from] StoredModelError),
    #[error(
        "no models are active yet: let `engagecast serve` train some, or name a file with --model"
    )]
    NoneActive,
    #[error("{asked} is no target of these models; they have {known}")]
    Target { asked: String, known: String },
    #[error("{path}: {source}")]
    Input { path: String, source: TableError },
    #[error("{path} has a column {column} already, which the answer would write")]
    Column { path: String, column: String },
    #[error("--out is the file that is read: name another")]
    SameFile,
    #[error(transparent)]
    Sheet(#[from] SheetError),
    #[error("the rows can't be put together: {0}")]
    Rows(#[from] ArrowError),
}

/// Runs `engagecast score`.
///
/// # Errors
/// Where the models or the input can't be read, or the output can't be written.
/// A row at fault is none.
pub fn score(args: &ScoreArgs) -> Result<(), ScoreError> {
    if is_same(&args.input, &args.out) {
        return Err(ScoreError::SameFile);
    }
    let set = models(args)?;
    let targets = targets(&set, &args.targets)?;
    let scoring = Scoring::new(&set, &targets, usize::from(args.explain)).prefixed();
    let path = args.input.display().to_string();
    let input = |source| ScoreError::Input {
        path: path.clone(),
        source,
    };
    let block = match args.explain {
        0 => BLOCK_ROWS,
        _ => EXPLAINED_ROWS,
    };
    let mut reader = (open_table(&args.input).map_err(input)?).in_blocks_of(block);
    // As many blocks at a time as keep every thread busy.
    let blocks = 2 * rayon::current_num_threads();
    let read = own(&reader, TableReader::data_type);
    let schema = columns(&path, &read, &scoring)?;
    let declared = columns(&path, &own(&reader, TableReader::declared_type), &scoring)?;
    let mut sheet = Sheet::create(&args.out, &schema, &declared)?;
    let mut summary = Summary::new(&targets, Recognised::of(&read));
    let mut progress = Progress::begin("scoring customers");
    let mut ready = Vec::new();
    loop {
        let blocks: Vec<Rows> = (&mut reader)
            .take(blocks)
            .collect::<Result<_, _>>()
            .map_err(input)?;
        progress.set(reader.progress());
        let (written, answers) = rayon::join(
            || ready.iter().try_for_each(|batch| sheet.write(batch)),
            || {
                let blocks = blocks.par_iter();
                let answers = blocks.map(|rows| scored(&scoring, rows, &schema));
                answers.collect::<Result<Vec<_>, _>>()
            },
        );
        written?;
        ready = answers?;
        for batch in &ready {
            summary.add(batch);
        }
        if ready.is_empty() {
            break;
        }
    }
    sheet.finish()?;
    drop(progress);
    print(&summary.to_string())?;
    Ok(())
}

fn is_same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

fn models(args: &ScoreArgs) -> Result<ModelSet, ScoreError> {
    if args.model.as_os_str() == ACTIVE {
        return active(&args.store);
    }
    let path = args.model.display().to_string();
    let bytes = std::fs::read(&args.model).map_err(|source| ScoreError::Model {
        path: path.clone(),
        source,
    })?;
    ModelSet::from_bytes(&bytes).map_err(|source| ScoreError::Artifact { path, source })
}

/// The models that serve, from the database.
fn active(args: &StoreArgs) -> Result<ModelSet, ScoreError> {
    // Asking for models is no reason to make a folder.
    if matches!(location(args), Location::Sqlite { .. }) && !args.data_dir.is_dir() {
        return Err(ScoreError::NoneActive);
    }
    let stored = tokio::runtime::Runtime::new()?.block_on(async {
        let store = open(args).await?;
        let stored = store.active_model_set().await;
        store.close().await;
        stored
    })?;
    Ok(model_set(stored.ok_or(ScoreError::NoneActive)?)?)
}

/// The targets asked for, in the order of the models.
fn targets(set: &ModelSet, asked: &[String]) -> Result<Vec<Target>, ScoreError> {
    let known: Vec<Target> = set.models().iter().map(Model::target).collect();
    if asked == ["all"] {
        return Ok(known);
    }
    let names: Vec<&str> = known.iter().map(|target| target.name()).collect();
    match asked.iter().find(|name| !names.contains(&name.trim())) {
        Some(name) => Err(ScoreError::Target {
            asked: name.trim().to_owned(),
            known: names.join(", "),
        }),
        None => Ok((known.into_iter())
            .filter(|target| asked.iter().any(|name| name.trim() == target.name()))
            .collect()),
    }
}

/// The input's own columns, of these types.
fn own(reader: &TableReader, held: impl Fn(&TableReader, usize) -> Option<&DataType>) -> Schema {
    let field = |(i, name): (usize, &String)| {
        let held = held(reader, i).unwrap_or(&DataType::Utf8);
        Field::new(name, held.clone(), true)
    };
    let columns = reader.columns().iter().enumerate();
    Schema::new(columns.map(field).collect::<Vec<_>>())
}

/// The columns of the output: the input's own, then the answers.
fn columns(path: &str, own: &Schema, scoring: &Scoring<'_>) -> Result<SchemaRef, ScoreError> {
    let answers = scoring.schema();
    // The first is the customer's name, which is the input's own.
    let answers = &answers.fields()[1..];
    if let Some(twice) = answers
        .iter()
        .find(|f| own.field_with_name(f.name()).is_ok())
    {
        return Err(ScoreError::Column {
            path: path.to_owned(),
            column: twice.name().clone(),
        });
    }
    let fields = own.fields().iter().chain(answers).cloned();
    Ok(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
}
