//! A table of any columns as the 72 of the schema: found by their names, turned
//! into the schema's types, each value held against its column.
//!
//! What is wrong with the table as a whole (a name that is no column's, a type
//! that can't be one's) is a problem; what is wrong with a value is the fault of
//! its row. Invariant: whatever is read here is judged alike, with the same
//! words. A table that is answered as a table is judged by `features::Table`,
//! which is more lenient with empty text and with spaces in it.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch,
    RecordBatchOptions, StringArray, TimestampMicrosecondArray, new_null_array,
};
use arrow_cast::{CastOptions, can_cast_types, cast_with_options};
use arrow_schema::{ArrowError, DataType, SchemaRef, TimeUnit};
use chrono::DateTime;

use super::rows::{Faults, nullable_schema};
use crate::features::{Fault, FieldError, check_number, unknown_column};
use crate::http::problem::{FieldProblem, Kind as ProblemKind, Problem};
use crate::schema::{self, COLUMN_COUNT, COLUMNS, Kind};

/// The way from a table's columns to the schema's.
pub struct Conform {
    /// Where each of the schema's columns stands in the table.
    places: [Option<usize>; COLUMN_COUNT],
}

impl Conform {
    /// # Errors
    /// All columns that are not the schema's, that stand twice, or that are of
    /// a type that the schema's can't come from.
    pub fn new(table: &SchemaRef) -> Result<Self, Problem> {
        let mut places = [None; COLUMN_COUNT];
        let mut faults = Vec::new();
        for (place, field) in table.fields().iter().enumerate() {
            match schema::find(field.name()) {
                None => faults.push(FieldProblem::from(unknown_column(field.name()))),
                Some(column) if places[column].is_some() => {
                    faults.push(Fault::Duplicate.of(column).into());
                }
                Some(column) if !convertible(field.data_type(), column) => {
                    faults.push(Fault::Type.of(column).into());
                }
                Some(column) => places[column] = Some(place),
            }
            if faults.len() > COLUMN_COUNT {
                break;
            }
        }
        if table.fields().is_empty() {
            faults.push(FieldProblem::new(
                "",
                "no_columns",
                "the table has no columns",
            ));
        }
        if faults.is_empty() {
            Ok(Self { places })
        } else {
            Err(Problem::fields(ProblemKind::InvalidTable, faults))
        }
    }

    /// The table's rows in the schema's columns. What is wrong in a row at fault
    /// is null.
    ///
    /// # Errors
    /// If the batch is not of the table.
    pub fn rows(&self, table: &RecordBatch) -> Result<(RecordBatch, Faults), ArrowError> {
        let mut faults = Faults::new();
        let rows = table.num_rows();
        let columns = (0..COLUMN_COUNT).map(|column| {
            if let Some(place) = self.places[column] {
                return converted(table.column(place), column, &mut faults);
            }
            let kind = schema::arrow::data_type(COLUMNS[column].kind);
            Ok(new_null_array(&kind, rows))
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(nullable_schema(), columns, &options)?;
        Ok((batch, faults))
    }
}

fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

fn is_number(kind: &DataType) -> bool {
    kind.is_numeric() && !matches!(kind, DataType::Decimal256(..))
}

/// Whether a column's values can come from values of this type.
fn convertible(from: &DataType, column: usize) -> bool {
    if is_text(from) || *from == DataType::Null {
        return true;
    }
    match COLUMNS[column].kind {
        Kind::Id | Kind::OpenCategory(_) => from.is_integer(),
        Kind::Category(_) => false,
        Kind::Integer | Kind::BigInteger | Kind::Decimal(_) => is_number(from),
        Kind::Flag => *from == DataType::Boolean || is_number(from),
        Kind::Timestamp => {
            matches!(
                from,
                DataType::Timestamp(..) | DataType::Date32 | DataType::Date64
            ) && can_cast_types(from, &moment_type())
        }
    }
}

fn moment_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(schema::arrow::UTC.into()))
}

fn cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    if array.data_type() == to {
        return Ok(Arc::clone(array));
    }
    // A value that does not fit becomes null, and is told from one that was.
    let options = CastOptions {
        safe: true,
        ..CastOptions::default()
    };
    cast_with_options(array, to, &options)
}

/// A table's column as the schema's, and the faults of its values.
fn converted(array: &ArrayRef, column: usize, faults: &mut Faults) -> Result<ArrayRef, ArrowError> {
    let mut wrong = |row: usize, fault: FieldError| faults.entry(row).or_default().push(fault);
    let text = is_text(array.data_type());
    match COLUMNS[column].kind {
        Kind::Id | Kind::OpenCategory(_) => cast(array, &DataType::Utf8),
        Kind::Category(names) => {
            let array = cast(array, &DataType::Utf8)?;
            let texts = array.as_string::<i32>();
            let mut all_known = true;
            for (row, text) in texts.iter().enumerate() {
                if text.is_some_and(|text| !names.contains(&text)) {
                    all_known = false;
                    wrong(row, Fault::Category.of(column));
                }
            }
            if all_known {
                return Ok(array);
            }
            let known = texts.iter().map(|t| t.filter(|t| names.contains(t)));
            Ok(Arc::new(known.collect::<StringArray>()))
        }
        Kind::Timestamp if text => {
            let array = cast(array, &DataType::Utf8)?;
            let read = |(row, text): (usize, Option<&str>)| {
                let read = text.map(DateTime::parse_from_rfc3339)?;
                if read.is_err() {
                    wrong(row, Fault::Timestamp.of(column));
                }
                read.ok().map(|moment| moment.timestamp_micros())
            };
            let texts = array.as_string::<i32>().iter().enumerate();
            let moments = texts.map(read).collect::<TimestampMicrosecondArray>();
            Ok(Arc::new(moments.with_timezone(schema::arrow::UTC)))
        }
        Kind::Timestamp => {
            let moments = cast(array, &moment_type())?;
            let moments = moments.as_primitive::<TimestampMicrosecondType>();
            for row in 0..array.len() {
                if array.is_valid(row) && moments.is_null(row) {
                    wrong(row, Fault::Timestamp.of(column));
                }
            }
            Ok(Arc::new(moments.clone()))
        }
        Kind::Flag if *array.data_type() == DataType::Boolean => Ok(Arc::clone(array)),
        _ => {
            let numbers = if text {
                read_numbers(&cast(array, &DataType::Utf8)?, column, &mut wrong)
            } else {
                cast(array, &DataType::Float64)?
            };
            Ok(checked(
                numbers.as_primitive::<Float64Type>(),
                column,
                &mut wrong,
            ))
        }
    }
}

/// Numbers, and flags as numbers, out of text.
fn read_numbers(
    texts: &ArrayRef,
    column: usize,
    wrong: &mut impl FnMut(usize, FieldError),
) -> ArrayRef {
    let flag = COLUMNS[column].kind == Kind::Flag;
    let read = |(row, text): (usize, Option<&str>)| {
        let text = text?;
        if flag && text.eq_ignore_ascii_case("true") {
            return Some(1.0);
        }
        if flag && text.eq_ignore_ascii_case("false") {
            return Some(0.0);
        }
        // Rust reads `inf` and `nan` too, which no column holds.
        let number = text.trim().parse::<f64>().ok();
        let spelt = text.bytes().any(|byte| byte.is_ascii_digit());
        let number = number.filter(|_| spelt);
        if number.is_none() {
            wrong(row, Fault::Type.of(column));
        }
        number
    };
    let texts = texts.as_string::<i32>().iter().enumerate();
    Arc::new(texts.map(read).collect::<Float64Array>())
}

/// Numbers in their column's type; what the column can't hold is null, and its
/// row at fault. NaN is how some tools write a missing number.
fn checked(
    numbers: &Float64Array,
    column: usize,
    wrong: &mut impl FnMut(usize, FieldError),
) -> ArrayRef {
    let values = numbers.iter().enumerate().map(|(row, number)| {
        let number = number.filter(|number| !number.is_nan())?;
        match check_number(column, number) {
            Ok(()) => Some(number),
            Err(fault) => {
                wrong(row, fault.of(column));
                None
            }
        }
    });
    in_type_of(column, values)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "whole numbers within the column's valid range"
)]
fn in_type_of(column: usize, values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    match COLUMNS[column].kind {
        Kind::Integer => Arc::new(values.map(|v| v.map(|v| v as i32)).collect::<Int32Array>()),
        Kind::BigInteger => Arc::new(values.map(|v| v.map(|v| v as i64)).collect::<Int64Array>()),
        Kind::Flag => Arc::new(values.map(|v| v.map(|v| v > 0.0)).collect::<BooleanArray>()),
        _ => Arc::new(values.collect::<Float64Array>()),
    }
}
