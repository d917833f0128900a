//! Model sets: the models that were trained together, as bytes, with their cards;
//! one of the sets is active.

use chrono::{DateTime, SubsecRound, Utc};
use serde_json::Value;
use sqlx::types::Json;
use tokio::time::timeout;
use uuid::Uuid;

use super::claims::end_job;
use super::id::Id;
use super::{Backend, JobEnding, LONG, Store, StoreError, change, check, on_either};

/// A model of a set.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredModel {
    /// What it predicts, such as `churn`; unique in its set.
    pub target: String,
    /// The model as bytes; the store doesn't look inside.
    pub artifact: Vec<u8>,
    pub card: Value,
}

/// A model set that is kept; read back, its models are by the name of their target.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredModelSet {
    /// Unique.
    pub version: String,
    /// What the models were trained on.
    pub cohort_id: Option<Uuid>,
    /// Kept to the microsecond.
    pub created_at: DateTime<Utc>,
    pub models: Vec<StoredModel>,
}

/// What a list says of a model set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSetSummary {
    pub version: String,
    pub cohort_id: Option<Uuid>,
    pub created_at: DateTime<Utc>,
    /// What its models predict, in the order of the names.
    pub targets: Vec<String>,
    /// Whether it is the one that predictions are made with.
    pub active: bool,
}

type SummaryRow = (String, Option<Id>, DateTime<Utc>, bool, String);

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
const ONE: &str = "SELECT s.version, s.cohort_id, s.created_at, m.target, m.artifact, m.card \
    FROM model_sets s JOIN models m ON m.version = s.version \
    WHERE s.version = $1 ORDER BY m.target";
const ACTIVE_VERSION: &str = "SELECT version FROM active_model_set";
const CARD: &str = "SELECT card FROM models WHERE version = $1 AND target = $2";

macro_rules! page {
    ($condition:literal) => {
        concat!(
            "SELECT s.version, s.cohort_id, s.created_at, a.version IS NOT NULL, m.target \
             FROM (SELECT version, cohort_id, created_at FROM model_sets ",
            $condition,
            " ORDER BY created_at DESC, version DESC LIMIT $1) s \
             JOIN models m ON m.version = s.version \
             LEFT JOIN active_model_set a ON a.version = s.version \
             ORDER BY s.created_at DESC, s.version DESC, m.target"
        )
    };
}

/// Writes a model set in one transaction of either database.
macro_rules! save {
    ($pool:expr, $set:expr, $activate:expr, $job:expr) => {
        async {
            let mut transaction = $pool.begin().await?;
            if let Some(job) = $job {
                end_job!(transaction, job).await?;
            }
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
        set: &StoredModelSet,
        activate: bool,
    ) -> Result<(), StoreError> {
        self.save_models(set, activate, None).await
    }

    /// Keeps a model set, and in the same transaction ends the job that trained it.
    ///
    /// # Errors
    /// [`StoreError::LostJob`] where the job is not its owner's any more, or was
    /// asked to stop; else as for [`Store::save_model_set`].
    pub async fn save_model_set_of_job(
        &self,
        set: &StoredModelSet,
        job: &JobEnding,
    ) -> Result<(), StoreError> {
        check::json("the job's result", &job.result)?;
        self.save_models(set, false, Some(job)).await
    }

    async fn save_models(
        &self,
        set: &StoredModelSet,
        activate: bool,
        job: Option<&JobEnding>,
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
        let doing = "store the models";
        let meaning = |e: &sqlx::Error| match (e, job) {
            (sqlx::Error::RowNotFound, Some(job)) => Some(StoreError::LostJob(job.job)),
            (sqlx::Error::Database(e), _) if e.is_unique_violation() => {
                Some(StoreError::DuplicateModelSet(set.version.clone()))
            }
            _ => None,
        };
        let _turn = self.turn().await;
        match &self.backend {
            Backend::Postgres(server) => {
                let saved = timeout(LONG, save!(server.pool(), set, activate, job)).await;
                let saved = saved.map_err(|_| server.silent())?;
                saved.map_err(|e| meaning(&e).unwrap_or_else(|| server.error(doing, &e)))
            }
            Backend::Sqlite(file) => save!(file.pool(), set, activate, job)
                .await
                .map_err(|e| meaning(&e).unwrap_or_else(|| file.error(doing, &e))),
        }
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
        let changed = change!(
            self,
            "activate the models",
            sqlx::query(ACTIVATE)
                .bind(version)
                .bind(at.trunc_subsecs(6))
        )?;
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
        let rows: Vec<Row> = on_either!(self, "read the active models", within LONG, pool =>
            sqlx::query_as(ACTIVE).fetch_all(pool))?;
        Ok(StoredModelSet::from_rows(rows))
    }

    /// The version of the active model set.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn active_version(&self) -> Result<Option<String>, StoreError> {
        on_either!(self, "look for the active models", pool =>
            sqlx::query_scalar(ACTIVE_VERSION).fetch_optional(pool))
    }

    /// A model set, with the bytes of all its models.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn model_set(&self, version: &str) -> Result<Option<StoredModelSet>, StoreError> {
        check::text("the model set's version", version)?;
        let rows: Vec<Row> = on_either!(self, "read a model set", within LONG, pool =>
            sqlx::query_as(ONE).bind(version).fetch_all(pool))?;
        Ok(StoredModelSet::from_rows(rows))
    }

    /// The card of one model of a set.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn model_card(
        &self,
        version: &str,
        target: &str,
    ) -> Result<Option<Value>, StoreError> {
        check::text("the model set's version", version)?;
        check::text("the model's target", target)?;
        let card: Option<Json<Value>> = on_either!(self, "read a model card", pool =>
            sqlx::query_scalar(CARD).bind(version).bind(target).fetch_optional(pool))?;
        Ok(card.map(|card| card.0))
    }

    /// A model set without its models.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn model_set_summary(
        &self,
        version: &str,
    ) -> Result<Option<ModelSetSummary>, StoreError> {
        check::text("the model set's version", version)?;
        let rows: Vec<SummaryRow> = on_either!(self, "look for a model set", pool =>
            sqlx::query_as(page!("WHERE version = $2"))
                .bind(1_i64)
                .bind(version)
                .fetch_all(pool))?;
        Ok(ModelSetSummary::from_rows(rows).pop())
    }

    /// Model sets, the newest first, without their models; the next page begins
    /// after the moment and the version of the last one.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn model_sets(
        &self,
        after: Option<(DateTime<Utc>, &str)>,
        limit: u32,
    ) -> Result<Vec<ModelSetSummary>, StoreError> {
        let limit = i64::from(limit);
        let rows: Vec<SummaryRow> = match after {
            None => on_either!(self, "list the model sets", pool =>
                sqlx::query_as(page!("")).bind(limit).fetch_all(pool))?,
            Some((at, version)) => {
                check::text("the cursor", version)?;
                on_either!(self, "list the model sets", pool =>
                    sqlx::query_as(page!("WHERE (created_at, version) < ($2, $3)"))
                        .bind(limit)
                        .bind(at)
                        .bind(version)
                        .fetch_all(pool))?
            }
        };
        Ok(ModelSetSummary::from_rows(rows))
    }
}

impl ModelSetSummary {
    fn from_rows(rows: Vec<SummaryRow>) -> Vec<Self> {
        let mut sets: Vec<ModelSetSummary> = Vec::new();
        for (version, cohort_id, created_at, active, target) in rows {
            match sets.last_mut() {
                Some(set) if set.version == version => set.targets.push(target),
                _ => sets.push(ModelSetSummary {
                    version,
                    cohort_id: cohort_id.map(|id| id.0),
                    created_at,
                    targets: vec![target],
                    active,
                }),
            }
        }
        sets
    }
}

impl StoredModelSet {
    /// None where there are no rows: a set has at least one model.
    fn from_rows(rows: Vec<Row>) -> Option<Self> {
        let mut found: Option<Self> = None;
        for (version, cohort_id, created_at, target, artifact, card) in rows {
            let set = found.get_or_insert_with(|| Self {
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
        found
    }
}
