//! Reads a cohort in pages, each a query of its own: no reader holds up the
//! writing of the log back into the file.

use arrow_array::RecordBatch;
use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

use super::File;
use crate::schema::COLUMNS;
use crate::store::columns::{BatchBuilder, decode_row};
use crate::store::id::Id;
use crate::store::reader::Batches;
use crate::store::{BATCH_ROWS, StoreError};

impl File {
    /// Sends the `customers` customers of a cohort to `batches`, until all are sent
    /// or nobody takes them. Where the cohort is deleted in the meantime, that is
    /// the last thing sent: what came before is not taken for all of it.
    pub(in crate::store) async fn read(self, cohort: Uuid, customers: i64, batches: Batches) {
        let (mut after, mut left) = (i64::MIN, customers);
        while left > 0 {
            let page = match self.page(cohort, after).await {
                Ok(Some((batch, last))) => {
                    after = last;
                    left -= i64::try_from(batch.num_rows()).unwrap_or(left);
                    Ok(batch)
                }
                Ok(None) => Err(StoreError::UnknownCohort(cohort)),
                Err(error) => Err(error),
            };
            let failed = page.is_err();
            if batches.send(page).await.is_err() || failed {
                return;
            }
        }
    }

    /// The customers after a rowid, and the last one's rowid.
    async fn page(
        &self,
        cohort: Uuid,
        after: i64,
    ) -> Result<Option<(RecordBatch, i64)>, StoreError> {
        let failed = |e: sqlx::Error| self.error("read the customers", &e);
        let undecodable = |reason| StoreError::Failed {
            place: self.place.clone(),
            doing: "read the customers",
            reason,
        };
        let mut page = sqlx::query(AssertSqlSafe(select()))
            .bind(Id(cohort))
            .bind(after)
            .fetch(&self.pool);
        let mut batch = BatchBuilder::new();
        let mut last = after;
        while let Some(row) = page.try_next().await.map_err(failed)? {
            decode_row!(row, batch).map_err(failed)?;
            last = row.try_get(COLUMNS.len()).map_err(failed)?;
        }
        if batch.rows == 0 {
            return Ok(None);
        }
        Ok(Some((batch.finish().map_err(undecodable)?, last)))
    }
}

fn select() -> String {
    let columns = COLUMNS.map(|c| c.name).join(", ");
    format!(
        "SELECT {columns}, rowid FROM customers \
         WHERE cohort_id = $1 AND rowid > $2 ORDER BY rowid LIMIT {BATCH_ROWS}"
    )
}
