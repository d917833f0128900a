//! One value of a record batch as text, in JSON and in CSV.
//!
//! Invariant: what a spreadsheet would run as a formula is text in CSV. A text
//! that begins with `=`, `+`, `-`, `@`, a tab or a carriage return gets an
//! apostrophe before it; numbers are left alone, and so is every other format.

use std::io::Write as _;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float64Type, Int32Type, Int64Type, TimestampMicrosecondType, UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, StringArray,
    TimestampMicrosecondArray, UInt32Array, UInt64Array,
};
use arrow_schema::{DataType, TimeUnit};
use chrono::{DateTime, SecondsFormat};

/// A column, looked at once for all its rows.
pub enum Cells<'a> {
    Text(&'a StringArray),
    Integer(&'a Int32Array),
    Big(&'a Int64Array),
    Count(&'a UInt32Array),
    BigCount(&'a UInt64Array),
    Decimal(&'a Float64Array),
    Flag(&'a BooleanArray),
    Moment(&'a TimestampMicrosecondArray),
    /// The parts of a list, and where each row's begin.
    List(&'a [i32], Box<Cells<'a>>, &'a ArrayRef),
    /// Names, each as JSON, and their values.
    Struct(Vec<(Vec<u8>, Cells<'a>)>, &'a ArrayRef),
    /// A column without a value in it, whatever its type.
    Nothing,
}

/// A column of a type that nothing here has.
#[derive(Debug, thiserror::Error)]
#[error("values of the type {0} can't be written as text")]
pub struct UnknownType(DataType);

impl<'a> Cells<'a> {
    pub fn of(array: &'a ArrayRef) -> Result<Self, UnknownType> {
        Ok(match array.data_type() {
            DataType::Utf8 => Self::Text(array.as_string()),
            DataType::Int32 => Self::Integer(array.as_primitive::<Int32Type>()),
            DataType::Int64 => Self::Big(array.as_primitive::<Int64Type>()),
            DataType::UInt32 => Self::Count(array.as_primitive::<UInt32Type>()),
            DataType::UInt64 => Self::BigCount(array.as_primitive::<UInt64Type>()),
            DataType::Float64 => Self::Decimal(array.as_primitive::<Float64Type>()),
            DataType::Boolean => Self::Flag(array.as_boolean()),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                Self::Moment(array.as_primitive::<TimestampMicrosecondType>())
            }
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                let parts = Self::of(list.values())?;
                Self::List(list.value_offsets(), Box::new(parts), array)
            }
            DataType::Struct(fields) => {
                let columns = array.as_struct().columns();
                let named = fields.iter().zip(columns).map(|(field, column)| {
                    let mut name = Vec::new();
                    json_text(field.name(), &mut name);
                    Ok((name, Self::of(column)?))
                });
                Self::Struct(named.collect::<Result<_, _>>()?, array)
            }
            DataType::Null => Self::Nothing,
            other => return Err(UnknownType(other.clone())),
        })
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Text(a) => a.is_null(row),
            Self::Integer(a) => a.is_null(row),
            Self::Big(a) => a.is_null(row),
            Self::Count(a) => a.is_null(row),
            Self::BigCount(a) => a.is_null(row),
            Self::Decimal(a) => a.is_null(row) || !a.value(row).is_finite(),
            Self::Flag(a) => a.is_null(row),
            Self::Moment(a) => a.is_null(row),
            Self::List(_, _, a) | Self::Struct(_, a) => a.is_null(row),
            Self::Nothing => true,
        }
    }

    /// Appends the value as JSON.
    pub fn json(&self, row: usize, out: &mut Vec<u8>) {
        if self.is_null(row) {
            out.extend_from_slice(b"null");
            return;
        }
        match self {
            Self::Text(a) => json_text(a.value(row), out),
            Self::Moment(a) => {
                out.push(b'"');
                moment(a.value(row), out);
                out.push(b'"');
            }
            Self::List(offsets, parts, _) => {
                out.push(b'[');
                let mut first = true;
                for part in offsets[row]..offsets[row + 1] {
                    if !std::mem::take(&mut first) {
                        out.push(b',');
                    }
                    parts.json(usize::try_from(part).unwrap_or(0), out);
                }
                out.push(b']');
            }
            Self::Struct(fields, _) => {
                for (i, (name, value)) in fields.iter().enumerate() {
                    out.push(if i == 0 { b'{' } else { b',' });
                    out.extend_from_slice(name);
                    out.push(b':');
                    value.json(row, out);
                }
                out.push(b'}');
            }
            _ => self.plain(row, out),
        }
    }

    /// Appends the value as a cell of CSV; nothing where it is null.
    pub fn csv(&self, row: usize, out: &mut Vec<u8>) {
        if self.is_null(row) {
            return;
        }
        match self {
            Self::Text(a) => csv_text(a.value(row).as_bytes(), out),
            Self::Moment(a) => moment(a.value(row), out),
            Self::List(..) | Self::Struct(..) => {
                let mut json = Vec::new();
                self.json(row, &mut json);
                csv_text(&json, out);
            }
            _ => self.plain(row, out),
        }
    }

    /// What reads the same in JSON and in CSV.
    fn plain(&self, row: usize, out: &mut Vec<u8>) {
        // Writing to a vector can't fail.
        let _ = match self {
            Self::Integer(a) => serde_json::to_writer(out, &a.value(row)),
            Self::Big(a) => serde_json::to_writer(out, &a.value(row)),
            Self::Count(a) => serde_json::to_writer(out, &a.value(row)),
            Self::BigCount(a) => serde_json::to_writer(out, &a.value(row)),
            Self::Decimal(a) => serde_json::to_writer(out, &a.value(row)),
            Self::Flag(a) => serde_json::to_writer(out, &a.value(row)),
            _ => Ok(()),
        };
    }
}

/// Appends a text as a JSON string.
pub fn json_text(text: &str, out: &mut Vec<u8>) {
    // Writing to a vector can't fail.
    let _ = serde_json::to_writer(out, text);
}

/// Appends a text as a cell, quoted where it must be.
pub fn csv_text(text: &[u8], out: &mut Vec<u8>) {
    let formula = matches!(
        text.first(),
        Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r')
    );
    let quoted = text
        .iter()
        .any(|byte| matches!(byte, b'"' | b',' | b'\n' | b'\r'));
    if quoted {
        out.push(b'"');
    }
    if formula {
        out.push(b'\'');
    }
    if quoted {
        for &byte in text {
            if byte == b'"' {
                out.push(b'"');
            }
            out.push(byte);
        }
        out.push(b'"');
    } else {
        out.extend_from_slice(text);
    }
}

fn moment(micros: i64, out: &mut Vec<u8>) {
    if let Some(moment) = DateTime::from_timestamp_micros(micros) {
        let text = moment.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let _ = out.write_all(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(text: &str) -> String {
        let mut out = Vec::new();
        csv_text(text.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_formula_is_disarmed() {
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("@SUM(A1)"), "'@SUM(A1)");
        assert_eq!(cell("-x,y"), "\"'-x,y\"");
        assert_eq!(cell("\tx"), "'\tx");
        assert_eq!(cell("Los Angeles"), "Los Angeles");
    }

    #[test]
    fn a_cell_is_quoted_where_it_must_be() {
        assert_eq!(cell("a,b"), "\"a,b\"");
        assert_eq!(cell("a \"b\""), "\"a \"\"b\"\"\"");
        assert_eq!(cell("a\nb"), "\"a\nb\"");
        assert_eq!(cell(""), "");
    }
}
