//! `engagecast generate`: synthetic customers into a file, or their statistics
//! held against what is promised.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::print;
use crate::cohort::{
    Check, CohortFile, CohortSpec, FileError, Plan, PlanError, SpecFault, SpecFaults, Unreachable,
};
use crate::config::{self, CohortArgs, LogArgs};
use crate::progress::Progress;

// The settings know no other room, so they state the generator's limits again.
const _: () = assert!(config::MAX_CUSTOMERS == crate::cohort::MAX_CUSTOMERS);
const _: () = assert!(config::MAX_SEED == crate::cohort::MAX_SEED);

#[derive(Debug, clap::Args)]
pub struct GenerateArgs {
    #[command(flatten)]
    pub cohort: CohortArgs,

    /// Population to draw from, a .toml or .json file; docs/dataset.md says what it may hold
    #[arg(long, value_name = "FILE")]
    pub spec: Option<PathBuf>,

    /// Add what is true behind each target as columns truth_*
    #[arg(long)]
    pub with_truth: bool,

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
    Plan(#[from] PlanError),
    #[error("{path}: {source}")]
    ReadSpec { path: String, source: io::Error },
    #[error("{0}: unknown extension, expected .toml or .json")]
    SpecExtension(String),
    #[error("{path}: {faults}")]
    Spec { path: String, faults: SpecFaults },
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
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
    let mut plan = Plan::new(args.cohort.customers, args.cohort.seed)?.with_truth(args.with_truth);
    if let Some(path) = &args.spec {
        plan = plan.with_spec(read_spec(path)?);
    }
    let mut file = match &args.out {
        Some(path) => Some(CohortFile::create(path, &plan)?),
        None => None,
    };
    let mut check = args.check.then(|| Check::new(&plan));
    let progress = Mutex::new(Progress::begin("generating customers"));
    let report = |share: f64| {
        if let Ok(mut progress) = progress.lock() {
            progress.set(share);
        }
    };
    // The check is of complete customers; the file gets what is left of them.
    let mask = plan.mask();
    let mut row = 0;
    for batch in plan.before_masking().generate(&report)? {
        if let Some(check) = &mut check {
            check.observe(&batch);
        }
        let rows = batch.num_rows() as u64;
        if let Some(file) = &mut file {
            file.write(&mask.apply(batch, row))?;
        }
        row += rows;
    }
    if let Some(file) = file {
        file.finish()?;
    }
    drop(progress);
    check.map_or(Ok(()), judge)
}

/// A population from a file, in the format that its extension names.
fn read_spec(path: &Path) -> Result<CohortSpec, GenerateError> {
    let name = || path.display().to_string();
    let extension = path.extension().map(std::ffi::OsStr::to_ascii_lowercase);
    let is_toml = match extension.as_ref().and_then(|e| e.to_str()) {
        Some("toml") => true,
        Some("json") => false,
        _ => return Err(GenerateError::SpecExtension(name())),
    };
    let text = fs::read_to_string(path).map_err(|source| GenerateError::ReadSpec {
        path: name(),
        source,
    })?;
    let spec = if is_toml {
        CohortSpec::from_toml(&text)
    } else {
        match serde_json::from_str(&text) {
            Ok(spec) => CohortSpec::from_json(&spec),
            Err(error) => Err(SpecFaults(vec![SpecFault {
                field: format!("line {}", error.line()),
                message: error.to_string(),
            }])),
        }
    };
    spec.map_err(|faults| GenerateError::Spec {
        path: name(),
        faults,
    })
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
