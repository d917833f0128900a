//! Models as the store keeps them, and back: the one place where the two meet.
//!
//! A model's bytes are the same whenever it is trained; the moment and the cohort
//! stand on the card that is stored beside them.

use tokio::task::spawn_blocking;

use super::first_start::FirstStartError;
use crate::models::{ArtifactError, Model, ModelSet, Origin};
use crate::store::{StoredModel, StoredModelSet};

/// A stored model that this version can't read.
#[derive(Debug, thiserror::Error)]
#[error("the stored model {target} of set {version} can't serve: {error}")]
pub struct StoredModelError {
    version: String,
    target: String,
    error: ArtifactError,
}

/// The models as bytes, with their cards.
pub(super) fn stored(set: &ModelSet) -> Result<StoredModelSet, serde_json::Error> {
    let models = set.models().iter().map(|model| {
        Ok(StoredModel {
            target: model.target().name().to_owned(),
            artifact: model.to_bytes(),
            card: serde_json::to_value(model.card())?,
        })
    });
    Ok(StoredModelSet {
        version: set.version.clone(),
        cohort_id: set.cohort_id,
        created_at: set.created_at,
        models: models.collect::<Result<_, serde_json::Error>>()?,
    })
}

/// Stored bytes as models.
///
/// # Errors
/// Where one of them is damaged, or of a newer version.
pub fn model_set(stored: StoredModelSet) -> Result<ModelSet, StoredModelError> {
    let models = stored.models.iter().map(|kept| {
        let model = Model::from_bytes(&kept.artifact).map_err(|error| StoredModelError {
            version: stored.version.clone(),
            target: kept.target.clone(),
            error,
        })?;
        Ok(match Origin::of_stored(&kept.card) {
            Some(origin) => model.with_origin(origin),
            None => model,
        })
    });
    let models = models.collect::<Result<_, StoredModelError>>()?;
    Ok(ModelSet::of_version(
        stored.version,
        stored.cohort_id,
        stored.created_at,
        models,
    ))
}

/// The same, off the async threads.
pub(super) async fn load(stored: StoredModelSet) -> Result<ModelSet, FirstStartError> {
    Ok(spawn_blocking(move || model_set(stored)).await??)
}
