//! The models that serve together.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::artifact::envelope::Kind;
use super::card::Origin;
use super::{ArtifactError, Explanation, Model, NoInputs, NotApplicable, Prediction, Target};
use crate::features::{MAX_WIDTH, Profile, SharedEncoder};

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
    models: Vec<Model>,
    /// A customer's row for all of them.
    encoder: SharedEncoder,
}

/// What a target says of a customer, with the reasons asked for.
pub type Answer<'a> = Result<(Prediction, Option<Explanation<'a>>), NoPrediction>;

/// By the names of their targets, as the store has them: a report lists them in
/// the same order before a restart and after it.
fn sort(models: &mut [Model]) {
    models.sort_by_key(|model| model.target().name());
}

impl ModelSet {
    /// Models that were kept under this version.
    #[must_use]
    pub fn of_version(
        version: String,
        cohort_id: Option<Uuid>,
        created_at: DateTime<Utc>,
        mut models: Vec<Model>,
    ) -> Self {
        sort(&mut models);
        Self {
            version,
            cohort_id,
            created_at,
            encoder: SharedEncoder::of(models.iter().map(|model| &model.encoder)),
            models,
        }
    }

    /// Models of one training. The version names the second and a digest of the
    /// models, their cards included.
    #[must_use]
    pub fn new(cohort_id: Option<Uuid>, created_at: DateTime<Utc>, mut models: Vec<Model>) -> Self {
        sort(&mut models);
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
        let version = format!("{}-{short:08x}", created_at.format("%Y%m%dT%H%M%SZ"));
        Self::of_version(version, cohort_id, created_at, models)
    }

    #[must_use]
    pub fn into_models(self) -> Vec<Model> {
        self.models
    }

    #[must_use]
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// The model for a target, if it was trained.
    #[must_use]
    pub fn get(&self, target: Target) -> Option<&Model> {
        self.models.iter().find(|model| model.target() == target)
    }

    /// All predictions for a customer, who is encoded once, each with its
    /// `strongest` reasons where any are asked for. They are those of each model
    /// alone, to the bit.
    pub fn predict_all<'a>(
        &'a self,
        profile: &'a Profile,
        strongest: usize,
    ) -> impl Iterator<Item = (&'a Model, Answer<'a>)> {
        self.with_rows(profile, move |model, row| {
            model.answer_to_row(row, profile, strongest)
        })
    }

    /// The same for a customer who asks to be answered: each answer is counted,
    /// as [`Model::serve`] does.
    pub fn serve_all<'a>(
        &'a self,
        profile: &'a Profile,
        strongest: usize,
    ) -> impl Iterator<Item = (&'a Model, Answer<'a>)> {
        self.with_rows(profile, move |model, row| {
            model.serve_row(row, profile, strongest)
        })
    }

    /// What is made of each model and its part of the customer's row.
    fn with_rows<'a, T>(
        &'a self,
        profile: &Profile,
        make: impl Fn(&'a Model, &[f32]) -> T + 'a,
    ) -> impl Iterator<Item = (&'a Model, T)> {
        let shared = self.encoder.encode(profile);
        self.models.iter().enumerate().map(move |(i, model)| {
            let mut buffer = [0.0; MAX_WIDTH];
            (model, make(model, shared.of(i, &mut buffer)))
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
        Ok(Self::of_version(
            header.version,
            header.cohort_id,
            header.created_at,
            models,
        ))
    }
}
