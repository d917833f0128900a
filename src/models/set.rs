//! The models that serve together.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::artifact::envelope::Kind;
use super::card::Origin;
use super::{ArtifactError, Model, NoInputs, NotApplicable, Prediction, Target};
use crate::features::Profile;

const SET: Kind = Kind {
    magic: *b"ENGCMSET",
    format: 2,
    name: "model set",
};

#[derive(Serialize, Deserialize)]
struct Header {
    version: String,
    cohort_id: Option<Uuid>,
    created_at: DateTime<Utc>,
    /// The length of each model in bytes.
    models: Vec<usize>,
    /// What the bytes of each model leave blank on its card. Not in format 1,
    /// whose models have it themselves.
    #[serde(default)]
    origins: Vec<Origin>,
}

/// Why a target has no prediction for a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoPrediction {
    #[error(transparent)]
    NotApplicable(#[from] NotApplicable),
    #[error(transparent)]
    NoInputs(#[from] NoInputs),
}

/// One version of the service's models, swapped as a whole.
#[derive(Debug)]
pub struct ModelSet {
    pub version: String,
    pub cohort_id: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    pub models: Vec<Model>,
}

impl ModelSet {
    /// Models of one training. The version names the second and a digest of the
    /// models, their cards included.
    #[must_use]
    pub fn new(cohort_id: Option<Uuid>, created_at: DateTime<Utc>, models: Vec<Model>) -> Self {
        let mut digest = Sha256::new();
        for model in &models {
            digest.update(model.to_bytes());
            let origin = model.card().origin();
            digest.update(origin.trained_at.timestamp_micros().to_le_bytes());
            digest.update(origin.cohort_id.unwrap_or_default());
            digest.update(origin.cohort_name);
        }
        let digest = digest.finalize();
        let short = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        Self {
            version: format!("{}-{short:08x}", created_at.format("%Y%m%dT%H%M%SZ")),
            cohort_id,
            created_at,
            models,
        }
    }

    /// The model for a target, if it was trained.
    #[must_use]
    pub fn get(&self, target: Target) -> Option<&Model> {
        self.models.iter().find(|model| model.target() == target)
    }

    /// All predictions for a customer, read once.
    pub fn predict_all<'a>(
        &'a self,
        profile: &'a Profile,
    ) -> impl Iterator<Item = (&'a Model, Result<Prediction, NoPrediction>)> {
        self.models.iter().map(move |model| {
            let prediction = (model.applies(profile).map_err(NoPrediction::from))
                .and_then(|()| Ok(model.predict(profile)?));
            (model, prediction)
        })
    }

    /// The set as one string of bytes, for [`Self::from_bytes`]: the same for
    /// the same models.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let models: Vec<Vec<u8>> = self.models.iter().map(Model::to_bytes).collect();
        let header = Header {
            version: self.version.clone(),
            cohort_id: self.cohort_id,
            created_at: self.created_at,
            models: models.iter().map(Vec::len).collect(),
            origins: self.models.iter().map(|m| m.card().origin()).collect(),
        };
        SET.seal(&header, |bytes| {
            for model in &models {
                bytes.extend_from_slice(model);
            }
        })
    }

    /// Reads what [`Self::to_bytes`] wrote, in this version or an older one.
    ///
    /// # Errors
    /// If a newer version wrote it or one of its models, or it is damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ArtifactError> {
        let (header, mut body): (Header, _) = SET.open(bytes)?;
        let mut models: Vec<Model> = Vec::new();
        let mut origins = header.origins.into_iter();
        for length in header.models {
            let mut model = Model::from_bytes(body.take(length)?)?;
            if let Some(origin) = origins.next() {
                model = model.with_origin(origin);
            }
            if models.iter().any(|known| known.target() == model.target()) {
                return Err(SET.corrupt("it has two models for one target"));
            }
            models.push(model);
        }
        if !body.is_empty() {
            return Err(SET.corrupt("it goes on after its last model"));
        }
        Ok(Self {
            version: header.version,
            cohort_id: header.cohort_id,
            created_at: header.created_at,
            models,
        })
    }
}
