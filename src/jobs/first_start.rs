//! From an empty database to models that serve.
//!
//! Each step is stored whole or not at all, and a start looks for what is there
//! before it makes anything: so a start that was killed is finished by the
//! next, and the second start only reads. Invariant: what serves was trained on
//! a complete cohort and is stored.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::to_value;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::Service;
use super::cache::ModelCache;
use super::customers::{FEWEST_CUSTOMERS, Kept, Sample, read};
use super::generate::{default_name, generate, to_json};
use super::keys::KeysError;
use super::status::{Database, Pending, Phase, Status};
use super::stored::{StoredModelError, load, stored};
use super::teach::TeachError;
use super::training::train;
use crate::cohort::{GENERATOR_VERSION, Plan, PlanError, Unreachable};
use crate::models::{LeftOut, ModelSet, Target};
use crate::store::{BootstrapLock, Cohort, Location, NewCohort, Store, StoreError, StoredModelSet};

/// How long one waits for a peer before one looks whether it is done, and says so.
const PEER_LOOK: Duration = Duration::from_secs(5);
/// A peer that makes the first models for longer than this is stuck.
const PEER: Duration = Duration::from_hours(1);
/// The pause before a database that is away is tried again.
const PAUSE: Duration = Duration::from_millis(500);
/// The same where it is there, but refuses.
const LONG_PAUSE: Duration = Duration::from_secs(10);

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
    #[error(transparent)]
    Keys(KeysError),
    #[error("can't generate the first customers: {0}")]
    Plan(#[from] PlanError),
    #[error("can't generate the first customers: {0}")]
    Unreachable(#[from] Unreachable),
    #[error(
        "{0} customers are too few to train on: start with at least {FEWEST_CUSTOMERS} (--customers)"
    )]
    TooFew(u64),
    #[error("can't train {0}")]
    LeftOut(LeftOut),
    #[error(transparent)]
    Teach(#[from] TeachError),
    #[error(transparent)]
    Stored(#[from] StoredModelError),
    #[error("the facts of the first customers can't be stored: {0}")]
    Facts(#[from] serde_json::Error),
    #[error("a background task stopped: {0}")]
    Stopped(#[from] tokio::task::JoinError),
    #[error(
        "another process has been making the first models for an hour: end it, or start with its --database-url once it is done"
    )]
    Peer,
}

impl From<KeysError> for FirstStartError {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::Store(error) => Self::Store(error),
            KeysError::None => Self::Keys(error),
        }
    }
}

impl FirstStartError {
    /// Whether the same may well succeed once the database is back.
    fn is_passing(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_passing())
    }
}

/// Opens the store, makes what is missing in it, and puts the models up.
///
/// Where the database is away and `cache` has models, those serve at once, and the
/// rest is done when it is back, whenever that is.
///
/// # Errors
/// Where the database can't be opened or read, holds what this version can't
/// serve, or a step fails. Not while models of the cache serve.
pub async fn bootstrap<'a>(
    service: &'a Service,
    location: &Location,
    wait: Duration,
    first: FirstStart,
    cache: Option<&ModelCache>,
) -> Result<&'a Store, FirstStartError> {
    let (store, from_cache) = open(service, location, wait, cache).await?;
    service.status.database(Database::Ok);
    let store = service.store.get_or_init(|| store);
    loop {
        match put_up(service, store, wait, first, cache).await {
            Err(error) if from_cache => {
                tracing::error!(%error, "can't take over the models of the database");
                service.status.enter(Phase::Serving);
                sleep(LONG_PAUSE).await;
            }
            done => {
                done?;
                service.status.from_cache(false);
                service.status.enter(Phase::Serving);
                return Ok(store);
            }
        }
    }
}

/// The store, and whether models of the cache serve meanwhile.
async fn open(
    service: &Service,
    location: &Location,
    wait: Duration,
    cache: Option<&ModelCache>,
) -> Result<(Store, bool), FirstStartError> {
    let status = &service.status;
    let away = match Store::open(location, Duration::ZERO, &|_| ()).await {
        Err(error) if error.is_passing() => error,
        opened => return Ok((opened?, false)),
    };
    if let Some(set) = cached(cache).await {
        tracing::warn!(
            version = set.version,
            "{away}: the models of the data folder serve until it is back"
        );
        service.keys.use_copy().await;
        service.serve(set);
        status.from_cache(true);
        status.database(Database::Unavailable);
        status.enter(Phase::Serving);
        loop {
            match Store::open(location, Duration::MAX, &|_| ()).await {
                Ok(store) => return Ok((store, true)),
                Err(error) => tracing::error!(%error, "the database can't be used"),
            }
            sleep(LONG_PAUSE).await;
        }
    }
    let waiting = |error: &StoreError| {
        if status.now().phase != Phase::WaitingForDatabase {
            let seconds = wait.as_secs();
            tracing::warn!("waiting for the database, for {seconds} s at most: {error}");
            status.enter(Phase::WaitingForDatabase);
            status.database(Database::Unavailable);
        }
    };
    waiting(&away);
    Ok((Store::open(location, wait, &waiting).await?, false))
}

/// The models of the cache, if they can serve.
async fn cached(cache: Option<&ModelCache>) -> Option<ModelSet> {
    let stored = complete(cache?.read().await?)?;
    load(stored).await.ok()
}

/// Puts the models of the store up, and makes them first where there are none. A
/// database that goes away meanwhile is waited for.
async fn put_up(
    service: &Service,
    store: &Store,
    wait: Duration,
    first: FirstStart,
    cache: Option<&ModelCache>,
) -> Result<(), FirstStartError> {
    let mut away_since = None;
    let stored = loop {
        // Nothing is made for a service that must not serve.
        let found = match service.take_keys(store).await {
            Ok(()) => find_or_make(store, &service.status, first).await,
            Err(error) => Err(error.into()),
        };
        let error = match found {
            Ok(found) => break found,
            Err(error) => error,
        };
        let since = *away_since.get_or_insert_with(Instant::now);
        if !error.is_passing() || since.elapsed() > wait {
            return Err(error);
        }
        tracing::warn!("waiting for the database: {error}");
        service.status.enter(Phase::WaitingForDatabase);
        service.status.database(Database::Unavailable);
        loop {
            if store.ping().await.is_ok() {
                service.status.database(Database::Ok);
                away_since = None;
                break;
            }
            if since.elapsed() > wait {
                break;
            }
            sleep(PAUSE).await;
        }
    };
    let kept = cache.map(|cache| cache.keep(&stored));
    let set = load(stored).await?;
    // Whoever is ready has kept them, however soon it is stopped.
    if let Some(kept) = kept {
        kept.await;
    }
    service.serve(set);
    Ok(())
}

async fn find_or_make(
    store: &Store,
    status: &Status,
    first: FirstStart,
) -> Result<StoredModelSet, FirstStartError> {
    match complete_set(store).await? {
        Some(stored) => {
            tracing::info!(
                "serving the models of the store; --customers and --seed are for the first start"
            );
            Ok(stored)
        }
        None => make(store, status, first).await,
    }
}

/// The active set, if it has a model of every target: one of an earlier version
/// may know fewer.
async fn complete_set(store: &Store) -> Result<Option<StoredModelSet>, FirstStartError> {
    Ok(store.active_model_set().await?.and_then(complete))
}

fn complete(set: StoredModelSet) -> Option<StoredModelSet> {
    let has = |target: &Target| set.models.iter().any(|model| model.target == target.name());
    Target::ALL.iter().all(has).then_some(set)
}

/// Makes the first cohort and its models, alone among the processes that share
/// the database.
async fn make(
    store: &Store,
    status: &Status,
    first: FirstStart,
) -> Result<StoredModelSet, FirstStartError> {
    status.enter(Phase::WaitingForPeer);
    let lock = match lock(store).await? {
        Alone::With(lock) => lock,
        Alone::Done(stored) => return Ok(stored),
    };
    if let Some(stored) = complete_set(store).await? {
        return Ok(stored);
    }
    // One that was imported may lack the labels that a first start needs.
    let latest = store.latest_cohort().await?;
    let (cohort, rows) = match latest.filter(|cohort| cohort.seed.is_some()) {
        Some(cohort) => {
            status.enter(Phase::Reading);
            let rows = read(store, &cohort, &|share| status.advance(share)).await?;
            (cohort, rows)
        }
        None => first_cohort(store, status, first).await?,
    };
    status.enter(Phase::Training);
    let at = (first.clock)();
    let report = |share| status.advance(share);
    let trained = train(&cohort, rows, at, &report).await?;
    let set = ModelSet::new(Some(cohort.id), at, trained);
    status.enter(Phase::Saving);
    let new = stored(&set)?;
    store.save_model_set(&new, true).await?;
    lock.release().await;
    Ok(new)
}

/// Being the one who makes the first models, or finding that a peer has.
enum Alone {
    With(BootstrapLock),
    Done(StoredModelSet),
}

async fn lock(store: &Store) -> Result<Alone, FirstStartError> {
    let begun = Instant::now();
    while begun.elapsed() < PEER {
        if let Some(lock) = store.bootstrap_lock(PEER_LOOK).await? {
            return Ok(Alone::With(lock));
        }
        if let Some(stored) = complete_set(store).await? {
            return Ok(Alone::Done(stored));
        }
        let seconds = begun.elapsed().as_secs();
        tracing::info!("waiting for another process that makes the first models: {seconds} s");
    }
    Err(FirstStartError::Peer)
}

/// Generates the first customers into the store.
async fn first_cohort(
    store: &Store,
    status: &Status,
    first: FirstStart,
) -> Result<(Cohort, Vec<Kept>), FirstStartError> {
    if first.customers < FEWEST_CUSTOMERS {
        return Err(FirstStartError::TooFew(first.customers));
    }
    let plan = Plan::new(first.customers, first.seed)?;
    let new = NewCohort {
        id: Uuid::now_v7(),
        name: default_name(&plan),
        seed: Some(first.seed),
        generator_version: GENERATOR_VERSION.to_owned(),
        spec: to_json(&plan),
        created_at: (first.clock)(),
    };
    status.enter(Phase::Generating);
    status.generating(Some(Pending {
        id: new.id,
        name: new.name.clone(),
        customers: first.customers,
        seed: first.seed,
        generator_version: GENERATOR_VERSION,
        created_at: new.created_at,
    }));
    let mut sample = Sample::of(first.customers);
    let report = |share| status.advance(share);
    let mut keep = |batch: &_| sample.offer(batch);
    let generated = generate(store, plan, &new, &report, &mut keep).await;
    let cohort = match generated {
        Ok((writer, facts)) => writer.finish(to_value(facts)?).await.map_err(Into::into),
        Err(error) => Err(error),
    };
    status.generating(None);
    Ok((cohort?, sample.kept()))
}
