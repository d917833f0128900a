//! `engagecast generate`: synthetic customers into a file, or their statistics
//! held against what is promised.

use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use super::print;
use crate::cohort::{Check, CohortFile, FileError, Plan, SpecError};
use crate::config::{self, CohortArgs, LogArgs};
use crate::progress::Progress;

// The settings know no other room, so they state the generator's limits again.
const _: () = assert!(config::MAX_CUSTOMERS == crate::cohort::MAX_CUSTOMERS);
const _: () = assert!(config::MAX_SEED == crate::cohort::MAX_SEED);

#[derive(Debug, clap::Args)]
pub struct GenerateArgs {
    #[command(flatten)]
    pub cohort: CohortArgs,

    /// File to write, .parquet or .csv
    #[arg(long, value_name = "FILE", required_unless_present = "check")]
    pub out: Option<PathBuf>,

    /// Print every published statistic, its target and what was achieved; fails if one is off
    #[arg(long)]
    pub check: bool,

    #[command(flatten)]
    pub log: LogArgs,
}

/// Why a cohort was not generated, or is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    #[error("can't print: {0}")]
    Print(#[from] io::Error),
    #[error(transparent)]
    Spec(#[from] SpecError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the cohort is not what it should be: see what is marked in capitals above")]
    Check,
}

/// Runs `engagecast generate`.
///
/// # Errors
/// Where the file can't be written, or the check finds something off.
pub fn generate(args: &GenerateArgs) -> Result<(), GenerateError> {
    let plan = Plan::new(args.cohort.customers, args.cohort.seed)?;
    let mut file = match &args.out {
        Some(path) => Some(CohortFile::create(path, &plan)?),
        None => None,
    };
    let mut check = args.check.then(|| Check::new(plan));
    let progress = Mutex::new(Progress::begin("generating customers"));
    let report = |share: f64| {
        if let Ok(mut progress) = progress.lock() {
            progress.set(share);
        }
    };
    for batch in plan.generate(&report) {
        if let Some(file) = &mut file {
            file.write(&batch)?;
        }
        if let Some(check) = &mut check {
            check.observe(&batch);
        }
    }
    if let Some(file) = file {
        file.finish()?;
    }
    drop(progress);
    check.map_or(Ok(()), judge)
}

/// Prints what a check found.
fn judge(check: Check) -> Result<(), GenerateError> {
    let report = check.finish();
    print(&format!("{report}\n"))?;
    if report.passes() {
        Ok(())
    } else {
        Err(GenerateError::Check)
    }
}
