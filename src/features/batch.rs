//! Customers from record batches.

use arrow_array::RecordBatch;

use super::profile::Profile;
use crate::schema::{COLUMNS, Kind, Values};

/// A batch that does not follow the schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the batch has no column {column} of the schema's type")]
pub struct BatchError {
    pub column: &'static str,
}

/// One column of a batch, read as a [`Profile`] reads it.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    kind: Kind,
    values: Values<'a>,
}

impl<'a> Column<'a> {
    /// The column with this index in the schema.
    ///
    /// # Errors
    /// If the batch has it not, or of another type.
    pub fn of(batch: &'a RecordBatch, index: usize) -> Result<Self, BatchError> {
        let column = &COLUMNS[index];
        let values = Values::in_batch(batch, index).ok_or(BatchError {
            column: column.name,
        })?;
        Ok(Self {
            kind: column.kind,
            values,
        })
    }

    /// The number in a row, as [`Profile::value`] has it: NaN where it is null,
    /// not finite, not one of the categories, or open text.
    #[must_use]
    pub fn number(&self, row: usize) -> f64 {
        let number = match self.values {
            Values::Text(_) => self.category(row),
            values => values.number(row),
        };
        number.unwrap_or(f64::NAN)
    }

    /// The text in a row.
    #[must_use]
    pub fn text(&self, row: usize) -> Option<&'a str> {
        self.values.text(row)
    }

    fn category(&self, row: usize) -> Option<f64> {
        self.kind.category(self.text(row)?).map(f64::from)
    }
}

/// The customers of a batch, in order.
///
/// # Errors
/// If the batch does not follow the schema.
pub fn profiles(batch: &RecordBatch) -> Result<impl Iterator<Item = Profile>, BatchError> {
    let columns = (0..COLUMNS.len())
        .map(|index| Column::of(batch, index))
        .collect::<Result<Vec<_>, _>>()?;
    Ok((0..batch.num_rows()).map(move |row| {
        let mut profile = Profile::new();
        for (index, column) in columns.iter().enumerate() {
            match COLUMNS[index].kind {
                Kind::Id | Kind::OpenCategory(_) => {
                    if let Some(text) = column.text(row) {
                        profile.set_text(index, text);
                    }
                }
                _ => profile.set(index, column.number(row)),
            }
        }
        profile
    }))
}
