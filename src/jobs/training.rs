//! Training all targets, and models as the store keeps them.

use std::sync::Arc;

use arrow_array::RecordBatch;
use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::first_start::FirstStartError;
use super::status::{Phase, Status};
use crate::models::{self, Model, ModelSet, Source, Target};
use crate::store::{Cohort, NewModelSet, StoredModel, StoredModelSet};

/// Trains every target, one after the other.
pub(super) async fn train(
    status: &Status,
    cohort: &Cohort,
    rows: Vec<RecordBatch>,
    at: DateTime<Utc>,
) -> Result<ModelSet, FirstStartError> {
    status.enter(Phase::Training);
    let rows: Arc<[RecordBatch]> = rows.into();
    let source = Arc::new(Source {
        cohort_id: Some(cohort.id),
        cohort_name: cohort.name.clone(),
        customers: cohort.customers.unsigned_abs(),
        generator_version: Some(cohort.generator_version.clone()),
        seed: cohort.seed,
    });
    let mut trained = Vec::with_capacity(Target::ALL.len());
    for &target in Target::ALL {
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
