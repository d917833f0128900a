//! The list of cohorts: a cohort is in it once all of its customers are stored.

use chrono::{DateTime, SubsecRound, Utc};
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::id::Id;
use super::{After, CohortWriter, Customers, LONG, Store, StoreError, check, on_either};

/// A cohort that is about to be written.
#[derive(Debug, Clone)]
pub struct NewCohort {
    pub id: Uuid,
    /// What a person calls it; need not be unique.
    pub name: String,
    /// Seed of the random draws, up to 2⁶³ − 1; none for imported customers.
    pub seed: Option<u64>,
    pub generator_version: String,
    /// What was asked for.
    pub spec: Value,
    /// Kept to the microsecond.
    pub created_at: DateTime<Utc>,
}

/// A complete cohort.
#[derive(Debug, Clone, PartialEq)]
pub struct Cohort {
    pub id: Uuid,
    pub name: String,
    pub seed: Option<u64>,
    /// How many customers it has.
    pub customers: i64,
    pub generator_version: String,
    pub spec: Value,
    /// Aggregates of all its customers.
    pub facts: Value,
    pub created_at: DateTime<Utc>,
}

type Row = (
    Id,
    String,
    Option<i64>,
    i64,
    String,
    Json<Value>,
    Json<Value>,
    DateTime<Utc>,
);

const LATEST: &str = "SELECT id, name, seed, customers, generator_version, spec, facts, created_at \
                      FROM cohorts ORDER BY created_at DESC, id DESC LIMIT 1";
const ONE: &str = "SELECT id, name, seed, customers, generator_version, spec, facts, created_at \
                   FROM cohorts WHERE id = $1";
const PAGE: &str = "SELECT id, name, seed, customers, generator_version, spec, facts, created_at \
                    FROM cohorts ORDER BY created_at DESC, id DESC LIMIT $1";
const PAGE_AFTER: &str = "SELECT id, name, seed, customers, generator_version, spec, facts, \
                          created_at FROM cohorts WHERE (created_at, id) < ($2, $3) \
                          ORDER BY created_at DESC, id DESC LIMIT $1";
const LATEST_ID: &str = "SELECT id FROM cohorts ORDER BY created_at DESC, id DESC LIMIT 1";
const SIZE: &str = "SELECT customers FROM cohorts WHERE id = $1";
pub(super) const INSERT: &str = "INSERT INTO cohorts \
    (id, name, seed, customers, generator_version, spec, facts, created_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

impl Store {
    /// Begins to write a cohort: nothing of it can be seen before
    /// [`CohortWriter::finish`], and nothing is left of it without.
    ///
    /// # Errors
    /// [`StoreError::Unstorable`] for a seed or a text that a database can't
    /// hold; else where the database fails.
    pub async fn begin_cohort(&self, new: &NewCohort) -> Result<CohortWriter, StoreError> {
        check::text("the cohort's name", &new.name)?;
        check::text("the generator's version", &new.generator_version)?;
        check::json("the cohort's spec", &new.spec)?;
        if new.seed.is_some_and(|seed| i64::try_from(seed).is_err()) {
            return Err(StoreError::unstorable("the seed", "it is above 2^63 - 1"));
        }
        CohortWriter::begin(&self.backend, new.clone()).await
    }

    /// The most recent cohort.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn latest_cohort(&self) -> Result<Option<Cohort>, StoreError> {
        let row: Option<Row> = on_either!(self, "read the latest cohort", pool =>
            sqlx::query_as(LATEST).fetch_optional(pool))?;
        Ok(row.map(Cohort::from_row))
    }

    /// The id of the most recent cohort.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn latest_cohort_id(&self) -> Result<Option<Uuid>, StoreError> {
        let id: Option<Id> = on_either!(self, "read the latest cohort", pool =>
            sqlx::query_scalar(LATEST_ID).fetch_optional(pool))?;
        Ok(id.map(|id| id.0))
    }

    /// One cohort.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn cohort(&self, id: Uuid) -> Result<Option<Cohort>, StoreError> {
        let row: Option<Row> = on_either!(self, "read a cohort", pool =>
            sqlx::query_as(ONE).bind(Id(id)).fetch_optional(pool))?;
        Ok(row.map(Cohort::from_row))
    }

    /// Cohorts, the newest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn cohorts(
        &self,
        after: Option<After>,
        limit: u32,
    ) -> Result<Vec<Cohort>, StoreError> {
        let rows: Vec<Row> = match after {
            None => on_either!(self, "list the cohorts", within LONG, pool =>
                sqlx::query_as(PAGE).bind(i64::from(limit)).fetch_all(pool))?,
            Some(after) => on_either!(self, "list the cohorts", within LONG, pool =>
                sqlx::query_as(PAGE_AFTER)
                    .bind(i64::from(limit))
                    .bind(after.at)
                    .bind(Id(after.id))
                    .fetch_all(pool))?,
        };
        Ok(rows.into_iter().map(Cohort::from_row).collect())
    }

    /// Whether a cohort is there, complete and not deleted.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn cohort_exists(&self, id: Uuid) -> Result<bool, StoreError> {
        let size: Option<i64> = on_either!(self, "read a cohort", pool =>
            sqlx::query_scalar(SIZE).bind(Id(id)).fetch_optional(pool))?;
        Ok(size.is_some())
    }

    /// The customers of a cohort, in the order they were written.
    ///
    /// # Errors
    /// [`StoreError::UnknownCohort`]; else where the database fails.
    pub async fn customers(&self, cohort: Uuid) -> Result<Customers, StoreError> {
        let size: Option<i64> = on_either!(self, "read a cohort", pool =>
            sqlx::query_scalar(SIZE).bind(Id(cohort)).fetch_optional(pool))?;
        let customers = size.ok_or(StoreError::UnknownCohort(cohort))?;
        Customers::open(&self.backend, cohort, customers).await
    }
}

impl Cohort {
    fn from_row(row: Row) -> Self {
        let (id, name, seed, customers, generator_version, spec, facts, created_at) = row;
        Self {
            id: id.0,
            name,
            seed: seed.and_then(|seed| u64::try_from(seed).ok()),
            customers,
            generator_version,
            spec: spec.0,
            facts: facts.0,
            created_at,
        }
    }

    /// What `new` is once it has all its customers.
    pub(super) fn complete(new: NewCohort, customers: i64, facts: Value) -> Self {
        Self {
            id: new.id,
            name: new.name,
            seed: new.seed,
            customers,
            generator_version: new.generator_version,
            spec: new.spec,
            facts,
            created_at: new.created_at.trunc_subsecs(6),
        }
    }
}

/// Lists a cohort with an open transaction of either database, and with it ends
/// the job that made it and keeps what was set aside. A job that is not its
/// owner's any more is `RowNotFound`: then nothing of this may be committed.
macro_rules! list_cohort {
    ($connection:expr, $cohort:expr, $ending:expr) => {
        async {
            use crate::store::id::Id;
            use sqlx::types::Json;
            if let Some(job) = &$ending.job {
                crate::store::claims::end_job!($connection, job).await?;
            }
            let rejects = &$ending.rejects;
            crate::store::rejects::insert_rejects!($connection, $cohort.id, 1_i64, rejects).await?;
            sqlx::query(crate::store::cohorts::INSERT)
                .bind(Id($cohort.id))
                .bind(&$cohort.name)
                .bind($cohort.seed.and_then(|seed| i64::try_from(seed).ok()))
                .bind($cohort.customers)
                .bind(&$cohort.generator_version)
                .bind(Json(&$cohort.spec))
                .bind(Json(&$cohort.facts))
                .bind($cohort.created_at)
                .execute(&mut *$connection)
                .await?;
            Ok::<(), sqlx::Error>(())
        }
    };
}
pub(super) use list_cohort;
