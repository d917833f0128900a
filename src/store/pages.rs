//! Some customers of a cohort at a time, in the order of their ids, and only those
//! for whom some filters hold if one likes.

use arrow_array::RecordBatch;
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::columns::{BatchBuilder, decode_row};
use super::filter::{Filter, Value};
use super::id::Id;
use super::{LONG, Store, StoreError, check, on_either};
use crate::schema::COLUMNS;

/// Which customers are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// All of them hold.
    pub filters: Vec<Filter>,
    /// The last `customer_id` of the page before.
    pub after: Option<String>,
    pub limit: u32,
}

impl Store {
    /// A page of customers, in the order of their ids as the database sorts them:
    /// the next one begins after the last id of this one.
    ///
    /// # Errors
    /// [`StoreError::UnknownCohort`]; else where the database fails.
    pub async fn customers_page(
        &self,
        cohort: Uuid,
        wanted: &Wanted,
    ) -> Result<RecordBatch, StoreError> {
        let doing = "read some customers";
        for filter in &wanted.filters {
            if let Value::Text(text) = &filter.value {
                check::text("the filter", text)?;
            }
        }
        check::text("the cursor", wanted.after.as_deref().unwrap_or_default())?;
        if !self.cohort_exists(cohort).await? {
            return Err(StoreError::UnknownCohort(cohort));
        }
        let columns = COLUMNS.map(|c| c.name).join(", ");
        let begin = format!("SELECT {columns} FROM customers WHERE cohort_id = ");
        let mut batch = on_either!(self, doing, within LONG, pool => async {
            let mut query = QueryBuilder::new(begin);
            query.push_bind(Id(cohort));
            if let Some(after) = &wanted.after {
                query.push(" AND customer_id > ").push_bind(after);
            }
            for filter in &wanted.filters {
                query.push(format!(" AND {} = ", COLUMNS[filter.column].name));
                match &filter.value {
                    Value::Text(text) => query.push_bind(text),
                    Value::Flag(flag) => query.push_bind(flag),
                };
            }
            query.push(" ORDER BY customer_id LIMIT ").push_bind(i64::from(wanted.limit));
            let mut batch = BatchBuilder::new();
            for row in query.build().fetch_all(pool).await? {
                decode_row!(row, batch)?;
            }
            Ok(batch)
        })?;
        // Its customers go after its row does: a page of a cohort that is still
        // listed is whole.
        if !self.cohort_exists(cohort).await? {
            return Err(StoreError::UnknownCohort(cohort));
        }
        batch.finish().map_err(|reason| StoreError::Failed {
            place: self.place().to_owned(),
            doing,
            reason,
        })
    }
}
