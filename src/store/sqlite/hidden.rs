//! Customers of cohorts that are not listed: of those that were deleted, and of
//! loads that ended early.
//!
//! Invariant: a row is removed only by who holds the [`Claim`] to its cohort, and
//! only while that is not listed.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::File;
use super::claim::Claim;
use crate::store::StoreError;
use crate::store::id::Id;

/// Customers that are removed in one transaction, which others wait for.
const ROWS: u32 = 2000;
/// The pause between two such transactions.
const PAUSE: Duration = Duration::from_millis(5);

// Looks at one row a cohort, not at all of them.
const ORPHANS: &str = "WITH RECURSIVE found (id) AS (SELECT min(cohort_id) FROM customers UNION ALL \
        SELECT (SELECT min(cohort_id) FROM customers WHERE cohort_id > id) \
        FROM found WHERE id IS NOT NULL) \
    SELECT id FROM found \
    WHERE id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM cohorts WHERE cohorts.id = found.id) \
    AND NOT EXISTS (SELECT 1 FROM dropped_cohorts WHERE cohort_id = found.id)";
const NOTE: &str = "INSERT INTO dropped_cohorts (cohort_id, dropped_at) SELECT $1, $2 \
    WHERE NOT EXISTS (SELECT 1 FROM cohorts WHERE id = $1) ON CONFLICT (cohort_id) DO NOTHING";
const LISTED: &str = "SELECT EXISTS (SELECT 1 FROM cohorts WHERE id = $1)";
const REMOVE_ROWS: &str = "DELETE FROM customers WHERE rowid IN \
    (SELECT rowid FROM customers WHERE cohort_id = $1 LIMIT $2) \
    AND NOT EXISTS (SELECT 1 FROM cohorts WHERE id = $1)";
const REMOVE_REJECTS: &str = "DELETE FROM rejects WHERE cohort_id = $1 \
    AND NOT EXISTS (SELECT 1 FROM cohorts WHERE id = $1)";
const FORGET: &str = "DELETE FROM dropped_cohorts WHERE cohort_id = $1";

impl File {
    /// Whether a cohort is listed.
    pub(super) async fn lists(&self, cohort: Uuid) -> Result<bool, StoreError> {
        let listed = sqlx::query_scalar(LISTED).bind(Id(cohort));
        let listed = listed.fetch_one(self.pool()).await;
        listed.map_err(|e| self.error("read a cohort", &e))
    }

    /// Notes the cohorts that have customers, are not listed and have nobody who
    /// works on them, as deleted.
    pub(in crate::store) async fn note_orphans(&self, at: DateTime<Utc>) -> Result<(), StoreError> {
        let failed = |e: sqlx::Error| self.error("clear away leftovers", &e);
        let orphans: Vec<Id> = sqlx::query_scalar(ORPHANS)
            .fetch_all(self.pool())
            .await
            .map_err(failed)?;
        for orphan in orphans {
            let claim = Claim::take(self.folder(), orphan.0);
            let Some(_claim) = claim.map_err(|cause| self.folder_error(cause))? else {
                continue;
            };
            let _turn = self.turn().await;
            let note = sqlx::query(NOTE).bind(orphan).bind(at);
            note.execute(self.pool()).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Removes the customers of a deleted cohort, unless somebody works on them.
    pub(in crate::store) async fn remove_deleted(&self, cohort: Uuid) -> Result<(), StoreError> {
        let claim = Claim::take(self.folder(), cohort);
        match claim.map_err(|cause| self.folder_error(cause))? {
            Some(claim) => self.remove_hidden(cohort, &claim).await,
            None => Err(self.busy()),
        }
    }

    /// Removes the customers of a cohort that is not listed, some at a time.
    pub(super) async fn remove_hidden(
        &self,
        cohort: Uuid,
        _claim: &Claim,
    ) -> Result<(), StoreError> {
        let failed = |e: sqlx::Error| self.error("remove a deleted cohort", &e);
        loop {
            let turn = self.turn().await;
            let query = sqlx::query(REMOVE_ROWS).bind(Id(cohort)).bind(ROWS);
            let removed = query.execute(self.pool()).await.map_err(failed)?;
            drop(turn);
            if removed.rows_affected() < u64::from(ROWS) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        for statement in [REMOVE_REJECTS, FORGET] {
            let _turn = self.turn().await;
            let query = sqlx::query(statement).bind(Id(cohort));
            query.execute(self.pool()).await.map_err(failed)?;
        }
        Ok(())
    }
}
