//! Rows of an import that were set aside, with the reason and without a value.

use sqlx::QueryBuilder;
use uuid::Uuid;

use super::id::Id;
use super::{LONG, Store, StoreError, changing, check, on_either};

/// One fault of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Where the row began in the file, from 1.
    pub line: u64,
    /// The column at fault; none where it is the row as a whole.
    pub column: Option<String>,
    /// The fault, for programs.
    pub code: String,
    /// The fault, for people.
    pub message: String,
}

type Row = (i64, i64, Option<String>, String, String);

const PAGE: &str = "SELECT number, line, column_name, code, message FROM rejects \
    WHERE cohort_id = $1 AND number > $2 ORDER BY number LIMIT $3";

/// As many as fit the arguments of a statement in either database.
pub(super) const ROWS: usize = 1000;

/// Writes rejects with an open connection to either database, numbered from
/// `first`.
macro_rules! insert_rejects {
    ($connection:expr, $cohort:expr, $first:expr, $rejects:expr) => {
        async {
            let mut number = $first;
            for rows in $rejects.chunks(crate::store::rejects::ROWS) {
                let mut insert = sqlx::QueryBuilder::new(
                    "INSERT INTO rejects (cohort_id, number, line, column_name, code, message) ",
                );
                insert.push_values(rows, |mut row, reject: &crate::store::Reject| {
                    row.push_bind(crate::store::id::Id($cohort))
                        .push_bind(number)
                        .push_bind(i64::try_from(reject.line).unwrap_or(i64::MAX))
                        .push_bind(&reject.column)
                        .push_bind(&reject.code)
                        .push_bind(&reject.message);
                    number += 1;
                });
                insert.build().execute(&mut *$connection).await?;
            }
            Ok::<(), sqlx::Error>(())
        }
    };
}
pub(super) use insert_rejects;

/// Whether both databases can hold them.
pub(super) fn check(rejects: &[Reject]) -> Result<(), StoreError> {
    rejects.iter().try_for_each(|reject| {
        check::text(
            "a reject's column",
            reject.column.as_deref().unwrap_or_default(),
        )?;
        check::text("a reject's code", &reject.code)?;
        check::text("a reject's message", &reject.message)
    })
}

impl Store {
    /// Keeps the rejects of an import that ends without a cohort, in place of any
    /// that were kept before.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn save_rejects(&self, cohort: Uuid, rejects: &[Reject]) -> Result<(), StoreError> {
        check(rejects)?;
        changing!(self, "store the rejects", within LONG, pool => async {
            let mut transaction = pool.begin().await?;
            let mut clear = QueryBuilder::new("DELETE FROM rejects WHERE cohort_id = ");
            clear.push_bind(Id(cohort));
            clear.build().execute(&mut *transaction).await?;
            insert_rejects!(transaction, cohort, 1_i64, rejects).await?;
            transaction.commit().await
        })
    }

    /// The rejects of an import after a number (0: from the first), each with its
    /// number.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn rejects(
        &self,
        cohort: Uuid,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Reject)>, StoreError> {
        let rows: Vec<Row> = on_either!(self, "list the rejects", pool => sqlx::query_as(PAGE)
            .bind(Id(cohort))
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(pool))?;
        let rejects = rows
            .into_iter()
            .map(|(number, line, column, code, message)| {
                let line = line.unsigned_abs();
                let reject = Reject {
                    line,
                    column,
                    code,
                    message,
                };
                (number, reject)
            });
        Ok(rejects.collect())
    }
}
