//! From an empty database to models that serve.
//!
//! Each step is stored whole or not at all, and a start looks for what is there
//! before it makes anything: so a start that was killed is finished by the
//! next, and the second start only reads. Invariant: what serves was trained on
//! a complete cohort and is stored.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Service;
use super::customers::{FEWEST_CUSTOMERS, generate, read};
use super::status::{Database, Phase, Status};
use super::training::{load, stored, train};
use crate::cohort::{PlanError, Unreachable};
use crate::models::{ArtifactError, ModelSet, Target, TrainError};
use crate::store::{Location, Store, StoreError, StoredModelSet};

/// What a first start makes.
#[derive(Debug, Clone, Copy)]
pub struct FirstStart {
    pub customers: u64,
    pub seed: u64,
    /// The present, for what is stored with it.
    pub clock: fn() -> DateTime<Utc>,
}

/// Why the service can't start.
#[derive(Debug, thiserror::Error)]
pub enum FirstStartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("can't generate the first customers: {0}")]
    Plan(#[from] PlanError),
    #[error("can't generate the first customers: {0}")]
    Unreachable(#[from] Unreachable),
    #[error(
        "{0} customers are too few to train on: start with at least {FEWEST_CUSTOMERS} (--customers)"
    )]
    TooFew(u64),
    #[error("can't train {0}: {1}")]
    Train(&'static str, TrainError),
    #[error("the stored model {target} of set {version} can't serve: {error}")]
    Artifact {
        version: String,
        target: String,
        error: ArtifactError,
    },
    #[error("the facts of the first customers can't be stored: {0}")]
    Facts(#[from] serde_json::Error),
    #[error("a background task stopped: {0}")]
    Stopped(#[from] tokio::task::JoinError),
}

/// Opens the store, makes what is missing in it, and puts the models up.
///
/// # Errors
/// Where the database can't be opened or read, holds what this version can't
/// serve, or a step fails.
pub async fn bootstrap(
    service: &Service,
    location: &Location,
    wait: Duration,
    first: FirstStart,
) -> Result<(), FirstStartError> {
    let status = &service.status;
    let waiting = |error: &StoreError| {
        if status.now().phase != Phase::WaitingForDatabase {
            tracing::warn!("waiting for the database: {error}");
            status.enter(Phase::WaitingForDatabase);
            status.database(Database::Unavailable);
        }
    };
    let store = Store::open(location, wait, &waiting).await?;
    status.database(Database::Ok);
    let store = service.store.get_or_init(|| store);

    let set = match complete_set(store).await? {
        Some(stored) => {
            tracing::info!(
                "serving the models of the store; --customers and --seed are for the first start"
            );
            load(stored).await?
        }
        None => make(store, status, first).await?,
    };
    service.models.store(Some(Arc::new(set)));
    status.enter(Phase::Serving);
    Ok(())
}

/// The active set, if it has a model of every target: one of an earlier version
/// may know fewer.
async fn complete_set(store: &Store) -> Result<Option<StoredModelSet>, FirstStartError> {
    let set = store.active_model_set().await?;
    let has = |set: &StoredModelSet, target: &Target| {
        let mut models = set.models.iter();
        models.any(|model| model.target == target.name())
    };
    Ok(set.filter(|set| Target::ALL.iter().all(|target| has(set, target))))
}

/// Makes the first cohort and its models, alone among the processes that share
/// the database.
async fn make(
    store: &Store,
    status: &Status,
    first: FirstStart,
) -> Result<ModelSet, FirstStartError> {
    status.enter(Phase::WaitingForPeer);
    let lock = store.bootstrap_lock().await?;
    if let Some(stored) = complete_set(store).await? {
        return load(stored).await;
    }
    let (cohort, rows) = match store.latest_cohort().await? {
        Some(cohort) => {
            status.enter(Phase::Reading);
            let rows = read(store, status, &cohort).await?;
            (cohort, rows)
        }
        None => generate(store, status, first).await?,
    };
    let set = train(status, &cohort, rows, (first.clock)()).await?;
    status.enter(Phase::Saving);
    store.save_model_set(&stored(&set)?, true).await?;
    lock.release().await;
    Ok(set)
}
