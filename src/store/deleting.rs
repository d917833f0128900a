//! Deleting a cohort: it is gone for every reader at once, whatever its size.
//!
//! Its row in the list of cohorts goes in one short transaction, and with it all
//! that can be asked of it. Its customers are removed after that: in Postgres by
//! dropping its partition, which waits for those who are reading and does not
//! make others wait; in SQLite some thousand rows at a time.

use chrono::{DateTime, SubsecRound, Utc};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::id::Id;
use super::postgres::partition;
use super::{Backend, LONG, Store, StoreError, changing, on_either, postgres};

const HIDE: &str = "DELETE FROM cohorts WHERE id = $1";
const HIDE_UNUSED: &str = "DELETE FROM cohorts WHERE id = $1 AND NOT EXISTS \
    (SELECT 1 FROM jobs WHERE cohort_id = $1 AND state IN ('queued', 'running'))";
const NOTE: &str = "INSERT INTO dropped_cohorts (cohort_id, dropped_at) VALUES ($1, $2) \
    ON CONFLICT (cohort_id) DO NOTHING";
const NOTED: &str = "SELECT cohort_id FROM dropped_cohorts ORDER BY dropped_at";
const REMOVE_REJECTS: &str = "DELETE FROM rejects WHERE cohort_id = $1";
const FORGET: &str = "DELETE FROM dropped_cohorts WHERE cohort_id = $1";

impl Store {
    /// Deletes a cohort: it is gone when this returns; false where there was none.
    /// The models that were trained on it stay.
    ///
    /// # Errors
    /// Where the database fails; then the cohort is still there.
    pub async fn delete_cohort(&self, id: Uuid, at: DateTime<Utc>) -> Result<bool, StoreError> {
        self.delete(HIDE, id, at).await
    }

    /// The same for a cohort that no job needs: false where one does.
    pub(super) async fn delete_unused_cohort(
        &self,
        id: Uuid,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        self.delete(HIDE_UNUSED, id, at).await
    }

    async fn delete(
        &self,
        hide: &'static str,
        id: Uuid,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let deleted = changing!(self, "delete a cohort", pool => async {
            let mut transaction = pool.begin().await?;
            let hidden = sqlx::query(hide).bind(Id(id)).execute(&mut *transaction).await?;
            if hidden.rows_affected() == 0 {
                return Ok(false);
            }
            let note = sqlx::query(NOTE).bind(Id(id)).bind(at.trunc_subsecs(6));
            note.execute(&mut *transaction).await?;
            transaction.commit().await.map(|()| true)
        })?;
        if deleted {
            let store = self.clone();
            tokio::spawn(async move {
                // Whoever sweeps tries again.
                if let Err(error) = store.remove_customers(id).await {
                    tracing::debug!(%error, "a deleted cohort is removed later");
                }
            });
        }
        Ok(deleted)
    }

    /// Removes the customers of deleted cohorts, as far as nobody reads them.
    pub(super) async fn remove_deleted(&self) -> Result<(), StoreError> {
        let cohorts: Vec<Id> = on_either!(self, "list deleted cohorts", pool =>
            sqlx::query_scalar(NOTED).fetch_all(pool))?;
        for cohort in cohorts {
            match self.remove_customers(cohort.0).await {
                Ok(()) | Err(StoreError::Busy { .. }) => (),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn remove_customers(&self, cohort: Uuid) -> Result<(), StoreError> {
        match &self.backend {
            Backend::Postgres(server) => drop_partition(server, cohort).await,
            Backend::Sqlite(file) => file.remove_deleted(cohort).await,
        }
    }
}

/// Drops a partition, if the locks that it takes are to be had almost at once:
/// others who want to read any cohort would queue behind it.
async fn drop_partition(server: &postgres::Server, cohort: Uuid) -> Result<(), StoreError> {
    let drop = format!(
        "SET LOCAL lock_timeout = '20ms'; DROP TABLE IF EXISTS {}; RESET lock_timeout",
        partition(cohort)
    );
    let dropping = async {
        let mut transaction = server.pool().begin().await?;
        sqlx::raw_sql(AssertSqlSafe(drop))
            .execute(&mut *transaction)
            .await?;
        for statement in [REMOVE_REJECTS, FORGET] {
            let query = sqlx::query(statement).bind(Id(cohort));
            query.execute(&mut *transaction).await?;
        }
        transaction.commit().await
    };
    match tokio::time::timeout(LONG, dropping).await {
        Ok(done) => done.map_err(|e: sqlx::Error| server.error("remove a deleted cohort", &e)),
        Err(_) => Err(server.silent()),
    }
}
