//! Training all targets, and models as the store keeps them.

use arrow_array::RecordBatch;
use chrono::{DateTime, Utc};
use tokio::task::spawn_blocking;

use super::first_start::FirstStartError;
use super::status::{Phase, Status};
use super::teach::{Cores, teach};
use crate::models::{Model, ModelSet, Source, Target};
use crate::store::{Cohort, NewModelSet, StoredModel, StoredModelSet};

/// Trains every target. One that the cohort does not suffice for is left out.
pub(super) async fn train(
    status: &Status,
    cohort: &Cohort,
    rows: Vec<RecordBatch>,
    at: DateTime<Utc>,
) -> Result<ModelSet, FirstStartError> {
    status.enter(Phase::Training);
    let source = source(cohort);
    let targets = Target::ALL.to_vec();
    let report = |share| status.advance(share);
    let trained = teach(rows, source, targets, at, Cores::All, &report, &|| false).await?;
    for left_out in &trained.left_out {
        tracing::warn!("no model is trained for {left_out}");
    }
    Ok(ModelSet::new(Some(cohort.id), at, trained.models))
}

/// What stands on the cards of models of a stored cohort.
fn source(cohort: &Cohort) -> Source {
    Source {
        cohort_id: Some(cohort.id),
        cohort_name: cohort.name.clone(),
        customers: cohort.customers.unsigned_abs(),
        generator_version: Some(cohort.generator_version.clone()),
        seed: cohort.seed,
    }
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
