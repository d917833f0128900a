//! The models that serve together.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Model, Target};

/// One version of the service's models, swapped as a whole.
#[derive(Debug)]
pub struct ModelSet {
    pub version: String,
    pub cohort_id: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    pub models: Vec<Model>,
}

impl ModelSet {
    /// Models of one training. The version names the second and a digest of
    /// the models, cards included.
    #[must_use]
    pub fn new(cohort_id: Option<Uuid>, created_at: DateTime<Utc>, models: Vec<Model>) -> Self {
        let mut digest = Sha256::new();
        for model in &models {
            digest.update(model.to_bytes());
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
}
