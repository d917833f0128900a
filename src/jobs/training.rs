//! Training all targets, and models as the store keeps them.

use std::sync::Arc;

use arrow_array::RecordBatch;
use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::customers::read;
use super::failure::{Failure, JobProblem};
use super::first_start::FirstStartError;
use crate::models::{self, Model, ModelSet, Source, Target};
use crate::store::{Cohort, NewModelSet, Store, StoreError, StoredModel, StoredModelSet};

/// What a job trains.
pub(super) struct TrainInput {
    pub cohort_id: Uuid,
    /// Names of targets; none stands for all of them.
    pub targets: Vec<String>,
    /// The moment that the models are marked with: the same for a job that is
    /// begun again.
    pub at: DateTime<Utc>,
}

/// Trains models on a stored cohort. Targets that are not asked for are taken from
/// the active set, so that what is made can be activated.
///
/// `progress` hears the phase and how much of it is done; `cancelled` tells
/// whether the models are still wanted.
pub(super) async fn run_train(
    store: &Store,
    input: &TrainInput,
    progress: &(dyn Fn(&'static str, f64) + Sync),
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<ModelSet, Failure> {
    progress("reading", 0.0);
    let cohort = store.cohort(input.cohort_id).await?;
    let cohort = cohort.ok_or(StoreError::UnknownCohort(input.cohort_id))?;
    let wanted = |target: &&Target| {
        input.targets.is_empty() || input.targets.iter().any(|name| name == target.name())
    };
    let wanted: Vec<Target> = Target::ALL.iter().filter(wanted).copied().collect();
    if wanted.is_empty() {
        return Err(JobProblem::new("unknown-target", "No target has such a name.").into());
    }
    let rows = read(store, &cohort, &|share| progress("reading", share)).await?;
    let report = |share| progress("training", share);
    let mut trained = train(&cohort, rows, &wanted, input.at, &report, cancelled).await?;
    if wanted.len() < Target::ALL.len()
        && let Some(active) = store.active_model_set().await?
    {
        let others = load(active).await?.models.into_iter();
        trained.extend(others.filter(|model| !wanted.contains(&model.target())));
    }
    Ok(ModelSet::new(Some(cohort.id), input.at, trained))
}

/// Trains targets, one after the other.
pub(super) async fn train(
    cohort: &Cohort,
    rows: Vec<RecordBatch>,
    targets: &[Target],
    at: DateTime<Utc>,
    report: &(dyn Fn(f64) + Sync),
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<Model>, FirstStartError> {
    let rows: Arc<[RecordBatch]> = rows.into();
    let source = Arc::new(Source {
        cohort_id: Some(cohort.id),
        cohort_name: cohort.name.clone(),
        customers: cohort.customers.unsigned_abs(),
        generator_version: Some(cohort.generator_version.clone()),
        seed: cohort.seed,
    });
    let mut trained = Vec::with_capacity(targets.len());
    for &target in targets {
        // Whoever cancels does not wait for what this returns.
        if cancelled() {
            break;
        }
        let (rows, source) = (Arc::clone(&rows), Arc::clone(&source));
        let (reporter, mut reports) = watch::channel(0.0);
        let work = spawn_blocking(move || {
            models::train(&rows, target, &source, at, &|share| {
                reporter.send_replace(share);
            })
        });
        while reports.changed().await.is_ok() {
            let share = *reports.borrow_and_update();
            let done = f64::from(u32::try_from(trained.len()).unwrap_or(0));
            let all = f64::from(u32::try_from(targets.len()).unwrap_or(1));
            report((done + share) / all);
        }
        let model: Model = work
            .await?
            .map_err(|error| FirstStartError::Train(target.name(), error))?;
        trained.push(model);
    }
    Ok(trained)
}

/// The models as bytes, with their cards.
pub(super) fn stored(set: &ModelSet) -> Result<NewModelSet, FirstStartError> {
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
pub(super) async fn load(stored: StoredModelSet) -> Result<ModelSet, FirstStartError> {
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
