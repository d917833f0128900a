//! `engagecast report`: the executive report of a stored cohort, into a file.

use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::store::open;
use super::whole_file;
use crate::config::{LogArgs, ReportArgs, StoreArgs};
use crate::models::Card;
use crate::report::{self, RenderError, Settings, SettingsFault};
use crate::store::{Cohort, Store, StoreError};

#[derive(Debug, clap::Args)]
pub struct ReportCommandArgs {
    /// Id of the cohort, or latest
    #[arg(long, value_name = "ID", default_value = "latest")]
    pub cohort: String,

    /// File to write: .pdf, or .json for the text with its facts
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,

    #[command(flatten)]
    pub report: ReportArgs,

    #[command(flatten)]
    pub store: StoreArgs,

    #[command(flatten)]
    pub log: LogArgs,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error(transparent)]
    Settings(#[from] SettingsFault),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "there is no complete cohort yet: `engagecast import FILE` stores customers of your own, and the first `engagecast serve` generates some"
    )]
    NoCohort,
    #[error("--cohort must be the id of a complete cohort, or latest")]
    UnknownCohort,
    #[error("{}: a report is a .pdf or a .json file", .0.display())]
    Form(PathBuf),
    #[error("the facts of the cohort can't be read: {0}")]
    Facts(serde_json::Error),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("{} can't be written: {error}", file.display())]
    Write { file: PathBuf, error: io::Error },
}

/// Runs `engagecast report`.
///
/// # Errors
/// Where there is no such cohort, or the database or the file fails.
pub async fn report(args: &ReportCommandArgs) -> Result<(), ReportError> {
    let form = Form::of(&args.out)?;
    let asked = &args.report;
    let customers = asked.customers.as_deref();
    let settings = Settings::of(&asked.locale, &asked.currency, customers, &asked.assume)?;
    let store = open(&args.store).await?;
    let cohort = cohort(&store, &args.cohort).await?;
    let set = store.active_model_set().await?;
    store.close().await;
    let version = set.as_ref().map(|set| set.version.clone());
    let models = set.map_or_else(Vec::new, |set| set.models);
    // A card of another version has nothing to say here.
    let cards: Vec<Card> = models
        .into_iter()
        .filter_map(|model| serde_json::from_value(model.card).ok())
        .collect();
    let cards: Vec<&Card> = cards.iter().collect();
    let told = report::of_cohort(&cohort, version.as_deref(), &cards, &settings);
    let told = told.map_err(ReportError::Facts)?;
    let bytes = match form {
        Form::Json => serde_json::to_vec_pretty(&told).map_err(ReportError::Facts)?,
        Form::Pdf => report::pdf(&told.document, cohort.id.to_string())?,
    };
    whole_file::write(&args.out, &bytes).map_err(|error| ReportError::Write {
        file: args.out.clone(),
        error,
    })
}

#[derive(Debug, Clone, Copy)]
enum Form {
    Pdf,
    Json,
}

impl Form {
    fn of(file: &Path) -> Result<Self, ReportError> {
        match file.extension().and_then(|e| e.to_str()) {
            Some("pdf") => Ok(Self::Pdf),
            Some("json") => Ok(Self::Json),
            _ => Err(ReportError::Form(file.to_owned())),
        }
    }
}

async fn cohort(store: &Store, name: &str) -> Result<Cohort, ReportError> {
    if name == "latest" {
        let latest = store.latest_cohort().await?;
        return latest.ok_or(ReportError::NoCohort);
    }
    let id = Uuid::parse_str(name).map_err(|_| ReportError::UnknownCohort)?;
    let found = store.cohort(id).await?;
    found.ok_or(ReportError::UnknownCohort)
}
