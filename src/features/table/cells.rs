//! The cells of one column, whatever type holds them.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int32Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float32Array, Float64Array, Int32Array, Int64Array, StringArray,
};
use arrow_cast::cast;
use arrow_schema::DataType;

use super::{BLOCK, Lane};
use crate::features::fault::{self, Fault};
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
    /// Of a type that holds no value of the column: only null is right.
    Foreign(ArrayRef),
    /// The table has the column twice, so that none of them is meant.
    Twice,
}

impl Cells {
    pub(super) fn of(column: usize, array: &ArrayRef) -> Self {
        let kind = COLUMNS[column].kind;
        let text = matches!(
            kind,
            Kind::Id | Kind::Category(_) | Kind::OpenCategory(_) | Kind::Timestamp
        );
        let into = match array.data_type() {
            DataType::Int32 if !text => return Self::Integer(array.as_primitive().clone()),
            DataType::Int64 if !text => return Self::Big(array.as_primitive().clone()),
            DataType::Float32 if !text => return Self::Single(array.as_primitive().clone()),
            DataType::Float64 if !text => return Self::Decimal(array.as_primitive().clone()),
            DataType::Boolean if kind == Kind::Flag => {
                return Self::Flag(array.as_boolean().clone());
            }
            DataType::Utf8 => return Self::Text(array.as_string().clone()),
            held if is_text(held) => DataType::Utf8,
            held if held.is_integer() && kind == Kind::Id => DataType::Utf8,
            held if is_number(held) && !text => DataType::Float64,
            DataType::Null => DataType::Utf8,
            _ => return Self::Foreign(array.clone()),
        };
        match cast(array, &into) {
            Ok(array) if into == DataType::Utf8 => Self::Text(array.as_string().clone()),
            Ok(array) => Self::Decimal(array.as_primitive().clone()),
            Err(_) => Self::Foreign(array.clone()),
        }
    }

    /// Reads the numbers of these rows.
    pub(super) fn numbers(
        &self,
        column: usize,
        rows: Range<usize>,
        lane: &mut Lane,
        fault: &mut dyn FnMut(usize, Fault),
    ) {
        let sink = Sink {
            column,
            first: rows.start,
            lane,
            fault,
        };
        match self {
            Self::Integer(a) => sink.numbers::<Int32Type, _>(a, rows, f64::from),
            #[expect(
                clippy::cast_precision_loss,
                reason = "what passes 2^53 is no valid value"
            )]
            Self::Big(a) => sink.numbers::<Int64Type, _>(a, rows, |x| x as f64),
            Self::Single(a) => sink.numbers::<Float32Type, _>(a, rows, f64::from),
            Self::Decimal(a) => sink.numbers::<Float64Type, _>(a, rows, |x| x),
            Self::Flag(a) => sink.each(a, rows, |row| Ok(f64::from(u8::from(a.value(row))))),
            Self::Text(a) => match COLUMNS[column].kind {
                Kind::Category(names) => sink.each(a, rows, |row| category(names, a.value(row))),
                _ => sink.each(a, rows, |row| number(column, a.value(row))),
            },
            Self::Foreign(a) => sink.each(a, rows, |_| Err(Fault::Type)),
            Self::Twice => sink.twice(rows.len()),
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
            *out = match self {
                Self::Text(a) if a.is_valid(row) => Some(a.value(row)).filter(|t| !t.is_empty()),
                Self::Text(_) => None,
                Self::Foreign(a) if a.is_null(row) => None,
                Self::Twice => {
                    fault(i, Fault::Duplicate);
                    None
                }
                _ => {
                    fault(i, Fault::Type);
                    None
                }
            };
        }
    }

    /// What stands in a cell that is not at fault.
    pub(super) fn shown(&self, column: usize, row: usize) -> Option<String> {
        let number = match self {
            Self::Integer(a) => a.is_valid(row).then(|| f64::from(a.value(row))),
            #[expect(
                clippy::cast_precision_loss,
                reason = "what passes 2^53 is no valid value"
            )]
            Self::Big(a) => a.is_valid(row).then(|| a.value(row) as f64),
            Self::Single(a) => a.is_valid(row).then(|| f64::from(a.value(row))),
            Self::Decimal(a) => a.is_valid(row).then(|| a.value(row)),
            Self::Flag(a) => a.is_valid(row).then(|| f64::from(u8::from(a.value(row)))),
            Self::Text(a) if a.is_valid(row) && !a.value(row).is_empty() => {
                match COLUMNS[column].kind {
                    Kind::Category(_) | Kind::OpenCategory(_) | Kind::Id => {
                        return Some(a.value(row).to_owned());
                    }
                    _ => self::number(column, a.value(row)).ok(),
                }
            }
            Self::Text(_) | Self::Foreign(_) | Self::Twice => None,
        };
        let number = number.filter(|x| !x.is_nan())?;
        Some(if COLUMNS[column].kind == Kind::Flag {
            (number != 0.0).to_string()
        } else {
            number.to_string()
        })
    }
}

/// Where the numbers of a block's rows go.
struct Sink<'a> {
    column: usize,
    first: usize,
    lane: &'a mut Lane,
    fault: &'a mut dyn FnMut(usize, Fault),
}

impl Sink<'_> {
    /// Numbers side by side: first as if all were right, which mostly they are.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "models read single precision, and valid numbers fit it"
    )]
    fn numbers<T, F>(self, array: &arrow_array::PrimitiveArray<T>, rows: Range<usize>, number: F)
    where
        T: arrow_array::ArrowPrimitiveType,
        F: Fn(T::Native) -> f64,
    {
        let column = &COLUMNS[self.column];
        let valid = column.valid;
        let whole = matches!(column.kind, Kind::Integer | Kind::BigInteger | Kind::Flag)
            && T::DATA_TYPE.is_floating();
        let mut sound = array.null_count() == 0;
        for (place, &value) in self.lane.iter_mut().zip(&array.values()[rows.clone()]) {
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
        if !sound {
            self.each(array, rows, |row| Ok(number(array.value(row))));
        }
    }

    /// Cells one by one.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "models read single precision, and valid numbers fit it"
    )]
    fn each(
        self,
        array: &dyn Array,
        rows: Range<usize>,
        number: impl Fn(usize) -> Result<f64, Fault>,
    ) {
        for row in rows {
            let i = row - self.first;
            let read = if array.is_null(row) {
                Ok(f64::NAN)
            } else {
                number(row)
            };
            let checked = read.and_then(|x| match COLUMNS[self.column].kind {
                Kind::Category(_) => Ok(x),
                _ if x.is_nan() => Ok(x),
                _ => fault::check(self.column, x).map(|()| x),
            });
            self.lane[i] = match checked {
                Ok(x) => x as f32,
                Err(fault) => {
                    (self.fault)(i, fault);
                    f32::NAN
                }
            };
        }
    }

    fn twice(self, rows: usize) {
        self.lane.fill(f32::NAN);
        (0..rows).for_each(|row| (self.fault)(row, Fault::Duplicate));
    }
}

/// The index of a category; missing where there is no text.
fn category(names: &[&str], text: &str) -> Result<f64, Fault> {
    if text.is_empty() {
        return Ok(f64::NAN);
    }
    let found = names.iter().zip(0_u32..).find(|&(&name, _)| name == text);
    found.map_or(Err(Fault::Category), |(_, index)| Ok(f64::from(index)))
}

/// A number or a flag in text; missing where there is no text.
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

fn is_text(held: &DataType) -> bool {
    match held {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
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
