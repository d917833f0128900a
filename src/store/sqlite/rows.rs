//! Rows of customers as the arguments of an `INSERT`.

use std::ops::Range;
use std::sync::Arc;

use chrono::DateTime;
use sqlx::Arguments;
use sqlx::error::BoxDynError;
use sqlx::sqlite::SqliteArguments;
use uuid::Uuid;

use crate::schema::{COLUMN_COUNT, COLUMNS};
use crate::store::columns::Values;

/// As many as fit the 32,766 arguments that a statement can have.
pub(super) const ROWS: usize = 32_766 / COLUMN_COUNT;

/// The statement that inserts so many customers of a cohort.
///
/// Its arguments have no numbers: finding a numbered one among so many takes
/// SQLite longer than storing it. Hence the cohort stands in the text.
pub(super) fn insert(cohort: Uuid, rows: usize) -> Arc<str> {
    let columns = COLUMNS.map(|c| c.name).join(", ");
    let row = format!("('{cohort}'{})", ", ?".repeat(COLUMN_COUNT));
    let rows = vec![row; rows].join(", ");
    format!("INSERT INTO customers (cohort_id, {columns}) VALUES {rows}").into()
}

/// The arguments for some rows of a batch. SQLite has no negative zero: it comes
/// back as zero.
pub(super) fn arguments(
    columns: &[Values],
    rows: Range<usize>,
) -> Result<SqliteArguments, BoxDynError> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(rows.len() * COLUMN_COUNT, 0);
    for row in rows {
        for column in columns {
            if column.is_null(row) {
                arguments.add(None::<i64>)?;
                continue;
            }
            match column {
                Values::Text(array) => arguments.add(array.value(row))?,
                Values::Integer(array) => arguments.add(array.value(row))?,
                Values::Big(array) => arguments.add(array.value(row))?,
                Values::Decimal(array) => arguments.add(array.value(row))?,
                Values::Flag(array) => arguments.add(array.value(row))?,
                // What is out of range was refused before.
                Values::Moment(array) => {
                    arguments.add(DateTime::from_timestamp_micros(array.value(row)))?;
                }
            }
        }
    }
    Ok(arguments)
}
