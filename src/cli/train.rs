//! `engagecast train`: models of a team's own customers, from a file, and their
//! cards.
//!
//! The cards go to standard output, in Markdown. Any subset of the columns will
//! do, with gaps; a target whose label is not there is left out and said so.

use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use arrow_array::RecordBatch;
use chrono::Utc;

use super::mapping::{MapError, mapping};
use super::{print, whole_file};
use crate::cohort::{Import, ImportError, Limits};
use crate::config::LogArgs;
use crate::features::{ColumnSet, unknown_column};
use crate::models::{
    ChosenThresholds, LeftOut, Lesson, ModelSet, Source, Target, Thresholds, TrainError, Watch,
};
use crate::progress::Progress;
use crate::schema;

#[derive(Debug, clap::Args)]
pub struct TrainArgs {
    /// CSV (plain, gzip or zstd) or Parquet file of customers
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,

    /// TOML file that says which column is which, in what units and words
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,

    /// What to predict, comma-separated; by default all that the file suffices for
    #[arg(long, value_delimiter = ',', value_name = "NAMES", value_parser = target)]
    pub targets: Vec<Target>,

    /// Columns that no model is to read, comma-separated
    #[arg(long, value_delimiter = ',', value_name = "COLUMNS", value_parser = column)]
    pub exclude: Vec<usize>,

    /// Where tiers of a probability begin, as TARGET=LOW:HIGH, comma-separated; by
    /// default at the upper half and the upper fifth of the hold-out
    #[arg(long, value_delimiter = ',', value_name = "TIERS", value_parser = tiers)]
    pub thresholds: Vec<(Target, Thresholds)>,

    /// File to keep the models in, for `engagecast score`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Seed of the split and of the training; by default that of the file, if the
    /// generator made it
    #[arg(long)]
    pub seed: Option<u64>,

    #[command(flatten)]
    pub log: LogArgs,
}

fn target(name: &str) -> Result<Target, String> {
    Target::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = Target::ALL.iter().map(|target| target.name()).collect();
        format!("must be one of {}", names.join(", "))
    })
}

fn column(name: &str) -> Result<usize, String> {
    schema::find(name).ok_or_else(|| unknown_column(name).message)
}

/// `churn=0.4:0.7`: tiers that begin at these probabilities.
fn tiers(text: &str) -> Result<(Target, Thresholds), String> {
    let form = "must be TARGET=LOW:HIGH, such as churn=0.4:0.7";
    let (name, at) = text.split_once('=').ok_or(form)?;
    let (low, high) = at.split_once(':').ok_or(form)?;
    let number = |text: &str| text.trim().parse::<f64>().map_err(|_| form);
    let (low, high) = (number(low)?, number(high)?);
    let (target, at) = (target(name.trim())?, Thresholds { high, low });
    if !target.is_binary() {
        return Err(format!("{target} is an amount, which has no tiers"));
    }
    if !at.are_sound() {
        return Err("LOW and HIGH must be from 0 to 1, HIGH not below LOW".to_owned());
    }
    Ok((target, at))
}

/// Why no models came of a file, or fewer than were asked for.
#[derive(Debug, thiserror::Error)]
pub enum TrainCommandError {
    #[error("{}: {error}", file.display())]
    File { file: PathBuf, error: ImportError },
    #[error(transparent)]
    Map(#[from] MapError),
    #[error("{} can't be written: {error}", file.display())]
    Out { file: PathBuf, error: io::Error },
    #[error("--thresholds has {0}, which --targets has not: name it there too")]
    Untrained(Target),
    #[error(transparent)]
    Train(#[from] TrainError),
    #[error("not trained: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    LeftOut(Vec<LeftOut>),
    #[error("can't print: {0}")]
    Print(#[from] io::Error),
}

/// Runs `engagecast train`.
///
/// # Errors
/// Where the file can't be read or the models can't be written, nothing can be
/// learnt, or a target that was asked for by name can't.
pub fn train(args: &TrainArgs) -> Result<(), TrainCommandError> {
    let named = !args.targets.is_empty();
    let targets = if named { &args.targets } else { Target::ALL };
    let thresholds: ChosenThresholds = args.thresholds.iter().copied().collect();
    if let Some(&target) = thresholds.keys().find(|t| !targets.contains(t)) {
        return Err(TrainCommandError::Untrained(target));
    }
    let (cohort, source) = read(args)?;
    let progress = Mutex::new(Progress::begin("training models"));
    let tell = |share: f64| {
        if let Ok(mut progress) = progress.lock() {
            progress.set(share);
        }
    };
    let mut lesson = Lesson::new(&cohort, &source, Utc::now());
    lesson.without = args.exclude.iter().copied().collect::<ColumnSet>();
    lesson.thresholds = &thresholds;
    let trained = lesson.train_all(targets, &Watch::progress(&tell))?;
    drop(progress);
    let left_out = trained.left_out;
    let is_empty = trained.models.is_empty();
    let set = ModelSet::new(None, lesson.trained_at, trained.models);
    // Saved before they are shown: a terminal that is gone costs no training.
    if let (Some(out), false) = (&args.out, is_empty) {
        whole_file::write(out, &set.to_bytes()).map_err(|error| TrainCommandError::Out {
            file: out.clone(),
            error,
        })?;
    }
    show(&set, &left_out)?;
    if is_empty || (named && !left_out.is_empty()) {
        return Err(TrainCommandError::LeftOut(left_out));
    }
    Ok(())
}

fn show(set: &ModelSet, left_out: &[LeftOut]) -> io::Result<()> {
    for model in set.models() {
        print(&model.card().to_markdown())?;
    }
    for target in left_out {
        print(&format!("Left out: {target}.\n"))?;
    }
    Ok(())
}

/// The file's customers, and what is to stand on the cards of them.
fn read(args: &TrainArgs) -> Result<(Vec<RecordBatch>, Source), TrainCommandError> {
    let file_error = |error| TrainCommandError::File {
        file: args.data.clone(),
        error,
    };
    let mapping = mapping(args.map.as_deref())?;
    // A customer may stand more than once: observed at several moments.
    let mut import = Import::open(&args.data, &mapping, Limits::default())
        .map_err(file_error)?
        .allow_duplicates();
    let mut progress = Progress::begin("reading customers");
    let mut cohort = Vec::new();
    while let Some(rows) = import.next() {
        cohort.push(rows.map_err(file_error)?.batch);
        progress.set(import.progress());
    }
    drop(progress);
    let summary = import.summary();
    if summary.rejected > 0 {
        tracing::warn!(
            "{} of {} rows can't be read and are left out: `engagecast import --dry-run` says why",
            summary.rejected,
            summary.read
        );
    }
    let metadata = import.metadata();
    let name = args.data.file_name().unwrap_or(args.data.as_os_str());
    let source = Source {
        cohort_id: None,
        cohort_name: name.to_string_lossy().into_owned(),
        customers: summary.accepted,
        generator_version: metadata.map(|m| m.generator_version.clone()),
        seed: args.seed.or_else(|| metadata.map(|m| m.seed)),
    };
    Ok((cohort, source))
}
