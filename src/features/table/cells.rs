//! The cells of one column, whatever type holds them.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int32Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanArray, Float32Array, Float64Array, Int32Array,
    Int64Array, PrimitiveArray, StringArray,
};
use arrow_cast::cast;
use arrow_schema::DataType;

use super::{BLOCK, Lane};
use crate::features::fault::{self, Fault};
use crate::features::profile::Profile;
use crate::schema::{COLUMNS, Kind};

/// A column as it is read. The types of the schema are read where they are,
/// others are turned into one of them first.
#[derive(Debug)]
pub(super) enum Cells {
    Integer(Int32Array),
    Big(Int64Array),
    Single(Float32Array),
    Decimal(Float64Array),
    Flag(BooleanArray),
    Text(StringArray),
    /// Moments of a type of their own, each of which is right.
    Moments,
    /// Of a type that holds no value of the column: only null is right.
    Foreign(ArrayRef),
    /// The table has the column twice, so that none of them is meant.
    Twice,
}

impl Cells {
    pub(super) fn of(column: usize, array: &ArrayRef) -> Self {
        let kind = COLUMNS[column].kind;
        let held = array.data_type();
        if !suits(column, held) {
            return Self::Foreign(array.clone());
        }
        let into = match held {
            _ if is_moment(held) => return Self::Moments,
            DataType::Utf8 => return Self::Text(array.as_string().clone()),
            _ if is_text(held) || kind == Kind::Id || *held == DataType::Null => DataType::Utf8,
            DataType::Int32 => return Self::Integer(array.as_primitive().clone()),
            DataType::Int64 => return Self::Big(array.as_primitive().clone()),
            DataType::Float32 => return Self::Single(array.as_primitive().clone()),
            DataType::Float64 => return Self::Decimal(array.as_primitive().clone()),
            DataType::Boolean => return Self::Flag(array.as_boolean().clone()),
            _ => DataType::Float64,
        };
        match cast(array, &into) {
            Ok(array) if into == DataType::Utf8 => Self::Text(array.as_string().clone()),
            Ok(array) => Self::Decimal(array.as_primitive().clone()),
            Err(_) => Self::Foreign(array.clone()),
        }
    }

    /// The number in a cell, NaN where it is missing; of a moment, its
    /// microseconds since 1970 where it came as text.
    pub(super) fn number(&self, column: usize, row: usize) -> Result<f64, Fault> {
        let number = match self {
            Self::Integer(a) if a.is_valid(row) => f64::from(a.value(row)),
            #[expect(
                clippy::cast_precision_loss,
                reason = "what passes 2^53 is no valid value"
            )]
            Self::Big(a) if a.is_valid(row) => a.value(row) as f64,
            Self::Single(a) if a.is_valid(row) => f64::from(a.value(row)),
            Self::Decimal(a) if a.is_valid(row) => a.value(row),
            Self::Flag(a) if a.is_valid(row) => f64::from(u8::from(a.value(row))),
            Self::Text(a) if a.is_valid(row) => return in_text(column, a.value(row)),
            Self::Foreign(a) if a.is_valid(row) => return Err(Fault::Type),
            Self::Twice => return Err(Fault::Duplicate),
            _ => f64::NAN,
        };
        checked(column, number)
    }

    /// The text in a cell; none where it is missing.
    pub(super) fn text(&self, row: usize) -> Result<Option<&str>, Fault> {
        match self {
            Self::Text(a) if a.is_valid(row) => Ok(Some(a.value(row)).filter(|t| !t.is_empty())),
            Self::Text(_) => Ok(None),
            Self::Foreign(a) if a.is_null(row) => Ok(None),
            Self::Twice => Err(Fault::Duplicate),
            _ => Err(Fault::Type),
        }
    }

    /// Reads a cell into a customer.
    pub(super) fn read_into(
        &self,
        profile: &mut Profile,
        column: usize,
        row: usize,
    ) -> Result<(), Fault> {
        match COLUMNS[column].kind {
            // A name of any type is right; it is repeated where it is text.
            Kind::Id => {
                if let Ok(Some(text)) = self.text(row) {
                    profile.set_text(column, text);
                }
            }
            Kind::OpenCategory(_) => {
                if let Some(text) = self.text(row)? {
                    profile.set_text(column, text);
                }
            }
            _ => profile.set(column, self.number(column, row)?),
        }
        Ok(())
    }

    /// Reads the numbers of these rows.
    pub(super) fn numbers(
        &self,
        column: usize,
        rows: Range<usize>,
        lane: &mut Lane,
        fault: &mut dyn FnMut(usize, Fault),
    ) {
        let sound = match self {
            Self::Integer(a) => all_sound::<Int32Type, _>(column, a, &rows, lane, f64::from),
            #[expect(
                clippy::cast_precision_loss,
                reason = "what passes 2^53 is no valid value"
            )]
            Self::Big(a) => all_sound::<Int64Type, _>(column, a, &rows, lane, |x| x as f64),
            Self::Single(a) => all_sound::<Float32Type, _>(column, a, &rows, lane, f64::from),
            Self::Decimal(a) => all_sound::<Float64Type, _>(column, a, &rows, lane, |x| x),
            _ => false,
        };
        if sound {
            return;
        }
        for (i, (place, row)) in lane.iter_mut().zip(rows).enumerate() {
            let read = self.number(column, row);
            #[expect(
                clippy::cast_possible_truncation,
                reason = "models read single precision, and valid numbers fit it"
            )]
            let number = read.map(|x| x as f32);
            *place = number.unwrap_or_else(|found| {
                fault(i, found);
                f32::NAN
            });
        }
    }

    /// Reads the texts of these rows.
    pub(super) fn texts<'a>(
        &'a self,
        rows: Range<usize>,
        out: &mut [Option<&'a str>; BLOCK],
        fault: &mut dyn FnMut(usize, Fault),
    ) {
        for (i, (out, row)) in out.iter_mut().zip(rows).enumerate() {
            *out = self.text(row).unwrap_or_else(|found| {
                fault(i, found);
                None
            });
        }
    }

    /// Looks at cells that no model reads.
    pub(super) fn check(
        &self,
        column: usize,
        rows: Range<usize>,
        fault: &mut dyn FnMut(usize, Fault),
    ) {
        for (i, row) in rows.enumerate() {
            if let Err(found) = self.number(column, row) {
                fault(i, found);
            }
        }
    }

    /// What stands in a cell that is not at fault.
    pub(super) fn shown(&self, column: usize, row: usize) -> Option<String> {
        if let (Self::Text(a), Kind::Category(_) | Kind::OpenCategory(_) | Kind::Id) =
            (self, COLUMNS[column].kind)
        {
            let text = a.is_valid(row).then(|| a.value(row).to_owned());
            return text.filter(|text| !text.is_empty());
        }
        let number = self.number(column, row).ok();
        let number = number.filter(|x| !x.is_nan())?;
        Some(if COLUMNS[column].kind == Kind::Flag {
            (number != 0.0).to_string()
        } else {
            number.to_string()
        })
    }
}

/// Reads numbers side by side as if all were right, which mostly they are, and
/// says whether they were.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "models read single precision, and valid numbers fit it"
)]
fn all_sound<T, F>(
    column: usize,
    array: &PrimitiveArray<T>,
    rows: &Range<usize>,
    lane: &mut Lane,
    number: F,
) -> bool
where
    T: ArrowPrimitiveType,
    F: Fn(T::Native) -> f64,
{
    let column = &COLUMNS[column];
    let valid = column.valid;
    let whole = matches!(column.kind, Kind::Integer | Kind::BigInteger | Kind::Flag)
        && T::DATA_TYPE.is_floating();
    let mut sound = array.null_count() == 0;
    for (place, &value) in lane.iter_mut().zip(&array.values()[rows.clone()]) {
        let x = number(value);
        *place = x as f32;
        sound &= valid.min <= x && x <= valid.max;
    }
    if whole {
        let values = &array.values()[rows.clone()];
        #[expect(clippy::float_cmp, reason = "whole or not")]
        let all = values.iter().all(|&v| number(v) as i64 as f64 == number(v));
        sound &= all;
    }
    sound
}

/// A number that may stand in the column, or none.
fn checked(column: usize, number: f64) -> Result<f64, Fault> {
    if !number.is_nan() {
        fault::check(column, number)?;
    }
    Ok(number)
}

/// What a text stands for; NaN where there is none.
fn in_text(column: usize, text: &str) -> Result<f64, Fault> {
    match COLUMNS[column].kind {
        _ if text.is_empty() => Ok(f64::NAN),
        Kind::Category(names) => category(names, text),
        Kind::Timestamp => fault::moment(text),
        _ => checked(column, number(column, text.trim())?),
    }
}

/// The index of a category.
fn category(names: &[&str], text: &str) -> Result<f64, Fault> {
    let found = names.iter().zip(0_u32..).find(|&(&name, _)| name == text);
    found.map_or(Err(Fault::Category), |(_, index)| Ok(f64::from(index)))
}

/// A number or a flag in text. `nan` is how some tools write what is missing.
fn number(column: usize, text: &str) -> Result<f64, Fault> {
    if text.is_empty() {
        return Ok(f64::NAN);
    }
    if COLUMNS[column].kind == Kind::Flag {
        for (name, value) in [("true", 1.0), ("false", 0.0)] {
            if text.eq_ignore_ascii_case(name) {
                return Ok(value);
            }
        }
    }
    text.parse().map_err(|_| Fault::Type)
}

/// Whether values of this type can be a column's.
pub(super) fn suits(column: usize, held: &DataType) -> bool {
    if is_text(held) || *held == DataType::Null {
        return true;
    }
    match COLUMNS[column].kind {
        Kind::Id => held.is_integer(),
        Kind::Category(_) | Kind::OpenCategory(_) => false,
        Kind::Integer | Kind::BigInteger | Kind::Decimal(_) => is_number(held),
        Kind::Flag => *held == DataType::Boolean || is_number(held),
        Kind::Timestamp => is_moment(held),
    }
}

fn is_moment(held: &DataType) -> bool {
    matches!(
        held,
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64
    )
}

fn is_text(held: &DataType) -> bool {
    // A dictionary of dictionaries is nothing that a tool writes.
    let held = match held {
        DataType::Dictionary(_, values) => values,
        plain => plain,
    };
    matches!(
        held,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

fn is_number(held: &DataType) -> bool {
    held.is_numeric() && !matches!(held, DataType::Dictionary(..))
}

// What is valid in a column fits single precision.
const _: () = {
    let mut i = 0;
    while i < COLUMNS.len() {
        assert!(COLUMNS[i].valid.max < 1e30 && COLUMNS[i].valid.min > -1e30);
        i += 1;
    }
};
