//! The columns of a batch by the type that the schema gives them.
//!
//! The one place where a [`Kind`] is matched to an Arrow array: whoever reads
//! values out of a batch reads them through [`Values`].

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};

use super::{COLUMNS, Kind};

/// One column of a batch.
#[derive(Debug, Clone, Copy)]
pub enum Values<'a> {
    Text(&'a StringArray),
    Integer(&'a Int32Array),
    Big(&'a Int64Array),
    Decimal(&'a Float64Array),
    Flag(&'a BooleanArray),
    Moment(&'a TimestampMicrosecondArray),
}

impl<'a> Values<'a> {
    /// The array of a column of this kind; none where it is of another type.
    #[must_use]
    pub fn of(kind: Kind, array: &'a dyn Array) -> Option<Self> {
        match kind {
            Kind::Id | Kind::Category(_) | Kind::OpenCategory(_) => {
                array.as_string_opt::<i32>().map(Self::Text)
            }
            Kind::Integer => array.as_primitive_opt::<Int32Type>().map(Self::Integer),
            Kind::BigInteger => array.as_primitive_opt::<Int64Type>().map(Self::Big),
            Kind::Decimal(_) => array.as_primitive_opt::<Float64Type>().map(Self::Decimal),
            Kind::Flag => array.as_boolean_opt().map(Self::Flag),
            Kind::Timestamp => array
                .as_primitive_opt::<TimestampMicrosecondType>()
                .map(Self::Moment),
        }
    }

    /// The column with this index in the schema; none where the batch has it
    /// not, or of another type.
    #[must_use]
    pub fn in_batch(batch: &'a RecordBatch, column: usize) -> Option<Self> {
        Self::of(COLUMNS[column].kind, batch.columns().get(column)?)
    }

    #[must_use]
    pub fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Text(array) => array.is_null(row),
            Self::Integer(array) => array.is_null(row),
            Self::Big(array) => array.is_null(row),
            Self::Decimal(array) => array.is_null(row),
            Self::Flag(array) => array.is_null(row),
            Self::Moment(array) => array.is_null(row),
        }
    }

    /// The number in a row: a flag is 0 or 1, a moment its microseconds since
    /// 1970. None where it is null, not finite, or text.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "what passes 2^53 is no valid value"
    )]
    pub fn number(&self, row: usize) -> Option<f64> {
        if self.is_null(row) {
            return None;
        }
        match self {
            Self::Integer(array) => Some(f64::from(array.value(row))),
            Self::Big(array) => Some(array.value(row) as f64),
            Self::Decimal(array) => Some(array.value(row)).filter(|x| x.is_finite()),
            Self::Flag(array) => Some(f64::from(u8::from(array.value(row)))),
            Self::Moment(array) => Some(array.value(row) as f64),
            Self::Text(_) => None,
        }
    }

    /// The text in a row; none where it is null, or no text.
    #[must_use]
    pub fn text(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::Text(array) if array.is_valid(row) => Some(array.value(row)),
            _ => None,
        }
    }
}

impl Kind {
    /// The place of a text in a closed list.
    #[must_use]
    pub fn category(self, text: &str) -> Option<u8> {
        let Self::Category(names) = self else {
            return None;
        };
        let mut codes = names.iter().zip(0_u8..);
        codes.find(|(name, _)| **name == text).map(|(_, code)| code)
    }
}
