//! Customers from record batches.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};

use super::profile::Profile;
use crate::schema::{COLUMNS, Kind};

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

#[derive(Debug, Clone, Copy)]
enum Values<'a> {
    Text(&'a StringArray),
    Integer(&'a Int32Array),
    Big(&'a Int64Array),
    Decimal(&'a Float64Array),
    Flag(&'a BooleanArray),
    Timestamp(&'a TimestampMicrosecondArray),
}

impl<'a> Column<'a> {
    /// The column with this index in the schema.
    ///
    /// # Errors
    /// If the batch has it not, or of another type.
    pub fn of(batch: &'a RecordBatch, index: usize) -> Result<Self, BatchError> {
        let column = &COLUMNS[index];
        let array = batch.columns().get(index);
        let values = array.and_then(|array| match column.kind {
            Kind::Id | Kind::Category(_) | Kind::OpenCategory(_) => {
                array.as_string_opt::<i32>().map(Values::Text)
            }
            Kind::Integer => array.as_primitive_opt::<Int32Type>().map(Values::Integer),
            Kind::BigInteger => array.as_primitive_opt::<Int64Type>().map(Values::Big),
            Kind::Decimal(_) => array.as_primitive_opt::<Float64Type>().map(Values::Decimal),
            Kind::Flag => array.as_boolean_opt().map(Values::Flag),
            Kind::Timestamp => array
                .as_primitive_opt::<TimestampMicrosecondType>()
                .map(Values::Timestamp),
        });
        Ok(Self {
            kind: column.kind,
            values: values.ok_or(BatchError {
                column: column.name,
            })?,
        })
    }

    /// The number in a row, as [`Profile::value`] has it: NaN where it is null,
    /// not finite, not one of the categories, or open text.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "what passes 2^53 is no valid value"
    )]
    pub fn number(&self, row: usize) -> f64 {
        match self.values {
            Values::Integer(a) if a.is_valid(row) => f64::from(a.value(row)),
            Values::Big(a) if a.is_valid(row) => a.value(row) as f64,
            Values::Decimal(a) if a.is_valid(row) && a.value(row).is_finite() => a.value(row),
            Values::Flag(a) if a.is_valid(row) => f64::from(u8::from(a.value(row))),
            Values::Timestamp(a) if a.is_valid(row) => a.value(row) as f64,
            Values::Text(_) => self.category(row),
            _ => f64::NAN,
        }
    }

    /// The text in a row.
    #[must_use]
    pub fn text(&self, row: usize) -> Option<&'a str> {
        match self.values {
            Values::Text(a) if a.is_valid(row) => Some(a.value(row)),
            _ => None,
        }
    }

    fn category(&self, row: usize) -> f64 {
        let (Kind::Category(names), Some(text)) = (self.kind, self.text(row)) else {
            return f64::NAN;
        };
        names
            .iter()
            .zip(0_u32..)
            .find(|&(&name, _)| name == text)
            .map_or(f64::NAN, |(_, index)| f64::from(index))
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
