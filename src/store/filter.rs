//! Customers of one value in one column, as a page asks the database for them and an
//! export picks them out of what it streams.

use arrow_array::{BooleanArray, RecordBatch};
use arrow_select::filter::filter_record_batch;

use crate::schema::{self, COLUMNS, Kind, Values};

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
    pub(super) column: usize,
    pub(super) value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Flag(bool),
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

    /// The customers of a batch for whom all filters hold. A value that is not known
    /// is none, as in SQL.
    ///
    /// # Panics
    ///
    /// Never: a mask is made with a place for each row.
    #[must_use]
    pub fn keep(filters: &[Self], batch: &RecordBatch) -> RecordBatch {
        let hold = |row| filters.iter().all(|filter| filter.holds(batch, row));
        let keep: BooleanArray = (0..batch.num_rows()).map(|row| Some(hold(row))).collect();
        filter_record_batch(batch, &keep).expect("the mask is as long as the batch")
    }

    fn holds(&self, batch: &RecordBatch, row: usize) -> bool {
        let Some(values) = Values::in_batch(batch, self.column) else {
            return false;
        };
        match &self.value {
            Value::Text(text) => values.text(row) == Some(text),
            Value::Flag(flag) => values.number(row) == Some(f64::from(u8::from(*flag))),
        }
    }
}
