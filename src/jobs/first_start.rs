//! From an empty database to models that serve.
//!
//! Each step is stored whole or not at all, and a start looks for what is there
//! before it makes anything: so a start that was killed is finished by the
//! next, and the second start only reads. Invariant: what serves was trained on
//! a complete cohort and is stored.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use chrono::{DateTime, Utc};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::status::{Database, Pending, Phase};
use super::{Service, Status};
use crate::cohort::{self, Plan, SpecError};
use crate::facts::Facts;
use crate::models::{self, ArtifactError, Model, ModelSet, Source, Target, TrainError};
use crate::store::{
    Cohort, Location, NewCohort, NewModelSet, Store, StoreError, StoredModel, StoredModelSet,
};

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
    Spec(#[from] SpecError),
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

/// Rows that are trained on. More rows barely better a model, and cost memory.
const TRAINING_ROWS: u64 = 200_000;

/// The fewest customers that a first start is worth: training leaves a part of
/// them out to judge the models on.
const FEWEST_CUSTOMERS: u64 = 1_000;

/// Batches that wait to be stored.
const IN_FLIGHT: usize = 4;

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

    let set = match store.active_model_set().await? {
        Some(stored) => load(stored).await?,
        None => make(store, status, first).await?,
    };
    service.models.store(Some(Arc::new(set)));
    status.enter(Phase::Serving);
    Ok(())
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
    if let Some(stored) = store.active_model_set().await? {
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

/// Keeps every so manieth batch, so that at most the training rows are kept
/// and they are spread over the cohort.
struct Sample {
    every: u64,
    seen: u64,
    kept: Vec<RecordBatch>,
}

impl Sample {
    fn of(customers: u64) -> Self {
        Self {
            every: customers.div_ceil(TRAINING_ROWS).max(1),
            seen: 0,
            kept: Vec::new(),
        }
    }

    fn offer(&mut self, batch: RecordBatch) {
        if self.seen.is_multiple_of(self.every) {
            self.kept.push(batch);
        }
        self.seen += 1;
    }
}

/// Generates the first customers into the store.
async fn generate(
    store: &Store,
    status: &Status,
    first: FirstStart,
) -> Result<(Cohort, Vec<RecordBatch>), FirstStartError> {
    if first.customers < FEWEST_CUSTOMERS {
        return Err(FirstStartError::TooFew(first.customers));
    }
    let pending = Pending {
        id: Uuid::now_v7(),
        name: format!("synthetic-{}-{}", first.customers, first.seed),
        customers: first.customers,
        seed: first.seed,
        generator_version: cohort::GENERATOR_VERSION,
        created_at: (first.clock)(),
    };
    status.enter(Phase::Generating);
    status.generating(Some(pending.clone()));
    let mut writer = store.begin_cohort(&new_cohort(&pending)).await?;

    let (sender, mut batches) = mpsc::channel(IN_FLIGHT);
    let generator = spawn_blocking(move || produce(first, &sender));
    let mut sample = Sample::of(first.customers);
    let mut written = 0;
    while let Some(event) = batches.recv().await {
        match event {
            // Generating and storing overlap; each is half of the progress.
            Event::Generated(share) => status.advance(share / 2.0),
            Event::Batch(batch) => {
                writer.write(&batch).await?;
                written += batch.num_rows() as u64;
                status.advance(0.5 + share(written, first.customers) / 2.0);
                sample.offer(batch);
            }
        }
    }
    let facts = generator.await??;
    let cohort = writer.finish(serde_json::to_value(facts)?).await?;
    status.generating(None);
    Ok((cohort, sample.kept))
}

/// What the generator tells.
enum Event {
    /// The share that is generated.
    Generated(f64),
    Batch(RecordBatch),
}

/// Generates until all is sent, or nobody listens any more.
fn produce(first: FirstStart, sender: &mpsc::Sender<Event>) -> Result<Facts, SpecError> {
    let plan = Plan::new(first.customers, first.seed)?;
    // A full queue is told the next share.
    let report = |share| drop(sender.try_send(Event::Generated(share)));
    let mut facts = Facts::default();
    for batch in plan.generate(&report) {
        facts.observe(&batch);
        if sender.blocking_send(Event::Batch(batch)).is_err() {
            break;
        }
    }
    Ok(facts)
}

fn new_cohort(pending: &Pending) -> NewCohort {
    NewCohort {
        id: pending.id,
        name: pending.name.clone(),
        seed: Some(pending.seed),
        generator_version: pending.generator_version.to_owned(),
        spec: serde_json::json!({ "customers": pending.customers, "seed": pending.seed }),
        created_at: pending.created_at,
    }
}

/// Reads a stored cohort's training rows.
async fn read(
    store: &Store,
    status: &Status,
    cohort: &Cohort,
) -> Result<Vec<RecordBatch>, FirstStartError> {
    let customers = cohort.customers.unsigned_abs();
    let mut sample = Sample::of(customers);
    let mut rows = 0;
    let mut batches = store.customers(cohort.id).await?;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        rows += batch.num_rows() as u64;
        status.advance(share(rows, customers));
        sample.offer(batch);
    }
    Ok(sample.kept)
}

/// Trains every target, one after the other.
async fn train(
    status: &Status,
    cohort: &Cohort,
    rows: Vec<RecordBatch>,
    at: DateTime<Utc>,
) -> Result<ModelSet, FirstStartError> {
    status.enter(Phase::Training);
    let rows: Arc<[RecordBatch]> = rows.into();
    let source = Arc::new(Source {
        cohort_id: cohort.id,
        cohort_name: cohort.name.clone(),
        customers: cohort.customers.unsigned_abs(),
        generator_version: cohort.generator_version.clone(),
        seed: cohort.seed,
    });
    let mut trained = Vec::with_capacity(Target::ALL.len());
    for &target in Target::ALL {
        let (rows, source) = (Arc::clone(&rows), Arc::clone(&source));
        let (reporter, mut reports) = tokio::sync::watch::channel(0.0);
        let work = spawn_blocking(move || {
            models::train(&rows, target, &source, at, &|share| {
                reporter.send_replace(share);
            })
        });
        while reports.changed().await.is_ok() {
            let share = *reports.borrow_and_update();
            let done = f64::from(u32::try_from(trained.len()).unwrap_or(0));
            let all = f64::from(u32::try_from(Target::ALL.len()).unwrap_or(1));
            status.advance((done + share) / all);
        }
        let model: Model = work
            .await?
            .map_err(|error| FirstStartError::Train(target.name(), error))?;
        trained.push(model);
    }
    Ok(ModelSet::new(Some(cohort.id), at, trained))
}

fn stored(set: &ModelSet) -> Result<NewModelSet, FirstStartError> {
    let models = set
        .models
        .iter()
        .map(|model| {
            Ok(StoredModel {
                target: model.target().name().to_owned(),
                artifact: model.to_bytes(),
                card: serde_json::to_value(model.card())?,
            })
        })
        .collect::<Result<_, serde_json::Error>>()?;
    Ok(NewModelSet {
        version: set.version.clone(),
        cohort_id: set.cohort_id,
        created_at: set.created_at,
        models,
    })
}

/// Turns stored bytes into models, off the async threads.
async fn load(stored: StoredModelSet) -> Result<ModelSet, FirstStartError> {
    spawn_blocking(move || {
        let models = stored
            .models
            .iter()
            .map(|model| {
                Model::from_bytes(&model.artifact).map_err(|error| FirstStartError::Artifact {
                    version: stored.version.clone(),
                    target: model.target.clone(),
                    error,
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(ModelSet {
            version: stored.version,
            cohort_id: stored.cohort_id,
            created_at: stored.created_at,
            models,
        })
    })
    .await?
}

#[expect(clippy::cast_precision_loss, reason = "a share is shown, not counted")]
fn share(done: u64, all: u64) -> f64 {
    done as f64 / all.max(1) as f64
}
