//! Model sets: the models that were trained together, as bytes, with their cards;
//! one of the sets is active.

use chrono::{DateTime, SubsecRound, Utc};
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::id::Id;
use super::{Backend, Store, StoreError, check, on_either};

/// A model set to be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct NewModelSet {
    /// Unique.
    pub version: String,
    /// What the models were trained on.
    pub cohort_id: Option<Uuid>,
    /// Kept to the microsecond.
    pub created_at: DateTime<Utc>,
    pub models: Vec<StoredModel>,
}

/// A model of a set.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredModel {
    /// What it predicts, such as `churn`; unique in its set.
    pub target: String,
    /// The model as bytes; the store doesn't look inside.
    pub artifact: Vec<u8>,
    pub card: Value,
}

/// A model set that is kept, with its models by the name of their target.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredModelSet {
    pub version: String,
    pub cohort_id: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    pub models: Vec<StoredModel>,
}

type Row = (
    String,
    Option<Id>,
    DateTime<Utc>,
    String,
    Vec<u8>,
    Json<Value>,
);

const INSERT_SET: &str =
    "INSERT INTO model_sets (version, cohort_id, created_at) VALUES ($1, $2, $3)";
const INSERT_MODEL: &str =
    "INSERT INTO models (version, target, artifact, card) VALUES ($1, $2, $3, $4)";
const ACTIVATE: &str = "INSERT INTO active_model_set (only_row, version, activated_at) \
    SELECT true, version, $2 FROM model_sets WHERE version = $1 \
    ON CONFLICT (only_row) DO UPDATE \
    SET version = excluded.version, activated_at = excluded.activated_at";
// One statement, so that the set and its models are seen as of one moment.
const ACTIVE: &str = "SELECT s.version, s.cohort_id, s.created_at, m.target, m.artifact, m.card \
    FROM active_model_set a \
    JOIN model_sets s ON s.version = a.version \
    JOIN models m ON m.version = s.version \
    ORDER BY m.target";

/// Writes a model set in one transaction of either database.
macro_rules! save {
    ($pool:expr, $set:expr, $activate:expr) => {
        async {
            let mut transaction = $pool.begin().await?;
            sqlx::query(INSERT_SET)
                .bind(&$set.version)
                .bind($set.cohort_id.map(Id))
                .bind($set.created_at.trunc_subsecs(6))
                .execute(&mut *transaction)
                .await?;
            for model in &$set.models {
                sqlx::query(INSERT_MODEL)
                    .bind(&$set.version)
                    .bind(&model.target)
                    .bind(&model.artifact)
                    .bind(Json(&model.card))
                    .execute(&mut *transaction)
                    .await?;
            }
            if $activate {
                sqlx::query(ACTIVATE)
                    .bind(&$set.version)
                    .bind($set.created_at.trunc_subsecs(6))
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await
        }
    };
}

impl Store {
    /// Keeps a model set, whole, and makes it the active one if `activate`.
    ///
    /// # Errors
    /// [`StoreError::DuplicateModelSet`] where its version is taken;
    /// [`StoreError::Unstorable`] for one without models; else where the
    /// database fails. In each case nothing is changed.
    pub async fn save_model_set(
        &self,
        set: &NewModelSet,
        activate: bool,
    ) -> Result<(), StoreError> {
        if set.models.is_empty() {
            return Err(StoreError::unstorable("a model set", "it has no models"));
        }
        check::text("the model set's version", &set.version)?;
        for (i, model) in set.models.iter().enumerate() {
            if set.models[..i].iter().any(|m| m.target == model.target) {
                return Err(StoreError::unstorable(
                    "a model set",
                    "it has two models for one target",
                ));
            }
            check::text("the model's target", &model.target)?;
            check::json("the model's card", &model.card)?;
        }
        let duplicate = |e: &sqlx::Error| {
            e.as_database_error()
                .is_some_and(sqlx::error::DatabaseError::is_unique_violation)
        };
        let doing = "store the models";
        match &self.backend {
            Backend::Postgres(server) => (save!(server.pool(), set, activate).await)
                .map_err(|e| (duplicate(&e), server.error(doing, &e))),
            Backend::Sqlite(file) => (save!(file.pool(), set, activate).await)
                .map_err(|e| (duplicate(&e), file.error(doing, &e))),
        }
        .map_err(|(duplicate, error)| {
            if duplicate {
                StoreError::DuplicateModelSet(set.version.clone())
            } else {
                error
            }
        })
    }

    /// Makes a model set the active one, in place of the former.
    ///
    /// # Errors
    /// [`StoreError::UnknownModelSet`]; else where the database fails.
    pub async fn activate_model_set(
        &self,
        version: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        check::text("the model set's version", version)?;
        let changed = on_either!(self, "activate the models", pool => async {
            let query = sqlx::query(ACTIVATE).bind(version).bind(at.trunc_subsecs(6));
            query.execute(pool).await.map(|done| done.rows_affected())
        })?;
        match changed {
            0 => Err(StoreError::UnknownModelSet(version.to_owned())),
            _ => Ok(()),
        }
    }

    /// The active model set, with the bytes of all its models.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn active_model_set(&self) -> Result<Option<StoredModelSet>, StoreError> {
        let rows: Vec<Row> = on_either!(self, "read the active models", pool =>
            sqlx::query_as(ACTIVE).fetch_all(pool))?;
        let mut active: Option<StoredModelSet> = None;
        for (version, cohort_id, created_at, target, artifact, card) in rows {
            let set = active.get_or_insert_with(|| StoredModelSet {
                version,
                cohort_id: cohort_id.map(|id| id.0),
                created_at,
                models: Vec::new(),
            });
            set.models.push(StoredModel {
                target,
                artifact,
                card: card.0,
            });
        }
        Ok(active)
    }
}
