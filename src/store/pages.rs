//! Some customers of a cohort at a time, in the order of their ids, and only those
//! of certain categories if one likes.

use arrow_array::RecordBatch;
use sqlx::QueryBuilder;
use uuid::Uuid;

use super::columns::{BatchBuilder, decode_row};
use super::id::Id;
use super::{LONG, Store, StoreError, check, on_either};
use crate::schema::{self, COLUMNS, Kind};

/// Why customers can't be filtered so. No message repeats the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error("is not a column of a customer")]
    UnknownColumn,
    #[error("can't be filtered by: only columns of categories and of true and false can")]
    NotFilterable,
    #[error("must be one of {0}")]
    UnknownValue(String),
}

/// Customers of one value in one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// The column's place in the schema.
    column: usize,
    value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    Flag(bool),
}

/// Which customers are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// All of them hold.
    pub filters: Vec<Filter>,
    /// The last `customer_id` of the page before.
    pub after: Option<String>,
    pub limit: u32,
}

impl Filter {
    /// A filter as it is written: a column's name and a value.
    ///
    /// # Errors
    /// Where there is no such column, or it is not of categories, or has other
    /// ones.
    pub fn parse(column: &str, value: &str) -> Result<Self, FilterError> {
        let column = schema::find(column).ok_or(FilterError::UnknownColumn)?;
        let value = match COLUMNS[column].kind {
            Kind::Category(names) if !names.contains(&value) => {
                return Err(FilterError::UnknownValue(names.join(", ")));
            }
            Kind::Category(_) | Kind::OpenCategory(_) => Value::Text(value.to_owned()),
            Kind::Flag => Value::Flag(match value {
                "true" | "1" => true,
                "false" | "0" => false,
                _ => return Err(FilterError::UnknownValue("true, false".into())),
            }),
            _ => return Err(FilterError::NotFilterable),
        };
        Ok(Self { column, value })
    }
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
