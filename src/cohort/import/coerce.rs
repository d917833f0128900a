//! From the columns of a file to those of the schema: each value is turned into
//! its column's type and held against its valid range, column by column; a row
//! with a value that can't be is set aside.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, PrimitiveBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, StringArray, new_null_array,
};
use arrow_schema::{DataType, TimeUnit};
use arrow_select::filter::filter_record_batch;

use super::columns::{Matched, Target};
use super::mapping::Mapping;
use super::numbers;
use super::rejects::Reject;
use super::values::{self, Fault};
use crate::cohort::files::Rows;
use crate::schema::{self, COLUMNS, Kind, column};

const ID: usize = column("customer_id");

/// How the columns of a file become those of the schema.
#[derive(Debug)]
pub struct Coercion {
    names: Vec<String>,
    targets: Vec<Target>,
    /// The columns of the file that are read, in its order.
    sources: Vec<usize>,
    nulls: Vec<String>,
}

/// Rows of the schema, and what could not be made one.
#[derive(Debug, Clone)]
pub struct Coerced {
    /// The 72 columns; those that the file has not are null.
    pub batch: RecordBatch,
    /// Where each row of the batch stands in the file.
    pub lines: Vec<u64>,
    /// In the order of the file; one for each row that is not in the batch.
    pub rejects: Vec<Reject>,
}

impl Coercion {
    pub(super) fn new(names: Vec<String>, matched: &Matched, mapping: &Mapping) -> Self {
        let mut sources: Vec<usize> = matched.targets.iter().map(|t| t.source).collect();
        sources.sort_unstable();
        sources.dedup();
        Self {
            names,
            targets: matched.targets.clone(),
            sources,
            nulls: mapping.nulls().to_vec(),
        }
    }

    /// The columns of the file that are read, in its order.
    #[must_use]
    pub fn sources(&self) -> &[usize] {
        &self.sources
    }

    /// Whether the file has no identifiers, so that its rows are numbered.
    #[must_use]
    pub fn numbers_rows(&self) -> bool {
        !self.targets.iter().any(|target| target.column == ID)
    }

    /// The rows of a file, of which [`sources`](Self::sources) were read and
    /// `before` rows went before.
    #[must_use]
    pub fn apply(&self, rows: &Rows, before: u64) -> Coerced {
        let mut faults = Faults::default();
        let count = rows.batch.num_rows();
        let arrays = COLUMNS.iter().enumerate().map(|(index, about)| {
            let target = self.targets.iter().position(|t| t.column == index);
            match target {
                Some(at) => self.array(at, rows, &mut faults),
                None if index == ID => row_numbers(rows, before),
                None => new_null_array(&schema::arrow::data_type(about.kind), count),
            }
        });
        let arrays: Vec<ArrayRef> = arrays.collect();
        let batch = good_rows(arrays, &faults, count);
        let good = |row: &usize| !faults.0.contains_key(row);
        let lines = (0..count).filter(good).map(|row| rows.lines[row]).collect();
        let mut rejects: Vec<Reject> = rows
            .bad
            .iter()
            .map(|bad| Reject::of(bad, &self.names))
            .collect();
        let at_fault = faults.0.iter();
        rejects.extend(at_fault.map(|(row, found)| self.reject(rows.lines[*row], found)));
        rejects.sort_by_key(|reject| reject.line);
        Coerced {
            batch,
            lines,
            rejects,
        }
    }

    /// One column, with what is wrong in it.
    fn array(&self, at: usize, rows: &Rows, faults: &mut Faults) -> ArrayRef {
        let target = &self.targets[at];
        // Each source is among the sorted sources.
        let slot = self.sources.binary_search(&target.source).unwrap_or(0);
        let mut found = Vec::new();
        let array = convert(target, &self.nulls, rows.batch.column(slot), &mut found);
        for (row, fault) in found {
            faults.0.entry(row).or_default().push((at, fault));
        }
        array
    }

    fn reject(&self, line: u64, found: &[(usize, Fault)]) -> Reject {
        const NAMED: usize = 5;
        let (first, fault) = found[0];
        let target = &self.targets[first];
        let about = COLUMNS[target.column].name;
        let mut message = fault.message(target.column);
        if target.name != about {
            message = format!("{about} {message}");
        }
        let others = &found[1..];
        if !others.is_empty() {
            let names = others.iter().take(NAMED);
            let names: Vec<&str> = names
                .map(|(at, _)| self.targets[*at].name.as_str())
                .collect();
            message = format!("{message}; also at fault: {}", names.join(", "));
            if others.len() > NAMED {
                message = format!("{message} and {} more", others.len() - NAMED);
            }
        }
        Reject {
            line,
            column: Some(target.name.clone()),
            code: fault.code(),
            message,
        }
    }
}

/// What is wrong in which rows, by target.
#[derive(Default)]
struct Faults(BTreeMap<usize, Vec<(usize, Fault)>>);

fn good_rows(arrays: Vec<ArrayRef>, faults: &Faults, count: usize) -> RecordBatch {
    let arrays = arrays.into_iter().enumerate().map(|(index, array)| {
        // A fault leaves a null, which an identifier can't be: its row goes anyway.
        if index == ID {
            without_nulls(array.as_string())
        } else {
            array
        }
    });
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    let schema = schema::arrow::schema();
    #[expect(
        clippy::expect_used,
        reason = "the arrays are built by the schema's kinds"
    )]
    let batch = RecordBatch::try_new_with_options(schema, arrays.collect(), &options)
        .expect("columns follow the schema");
    if faults.0.is_empty() {
        return batch;
    }
    let keep: BooleanArray = (0..count)
        .map(|row| Some(!faults.0.contains_key(&row)))
        .collect();
    #[expect(clippy::expect_used, reason = "the mask has a bit for each row")]
    filter_record_batch(&batch, &keep).expect("the mask fits the batch")
}

fn without_nulls(ids: &StringArray) -> ArrayRef {
    if ids.null_count() == 0 {
        return Arc::new(ids.clone());
    }
    let ids = ids.iter().map(Option::unwrap_or_default);
    Arc::new(StringArray::from_iter_values(ids))
}

/// `row-1` for the first row of a file, those that are set aside counted in.
fn row_numbers(rows: &Rows, before: u64) -> ArrayRef {
    let mut bad = rows.bad.iter().map(|bad| bad.line).peekable();
    let mut number = before;
    let ids = rows.lines.iter().map(|line| {
        while bad.next_if(|bad| bad < line).is_some() {
            number += 1;
        }
        number += 1;
        format!("row-{number}")
    });
    Arc::new(StringArray::from_iter_values(ids))
}

type Found = Vec<(usize, Fault)>;

/// One column of a file as a column of the schema.
fn convert(target: &Target, nulls: &[String], array: &ArrayRef, found: &mut Found) -> ArrayRef {
    let kind = COLUMNS[target.column].kind;
    let texts = Texts {
        target,
        nulls,
        kind,
    };
    match array.data_type() {
        DataType::Utf8 => texts.convert(array.as_string::<i32>().iter(), found),
        DataType::LargeUtf8 => texts.convert(array.as_string::<i64>().iter(), found),
        DataType::Utf8View => texts.convert(array.as_string_view().iter(), found),
        DataType::BinaryView => {
            let bytes = array.as_binary_view();
            for (row, bytes) in bytes.iter().enumerate() {
                if bytes.is_some_and(|bytes| std::str::from_utf8(bytes).is_err()) {
                    found.push((row, Fault::Encoding));
                }
            }
            let text = |bytes| std::str::from_utf8(bytes).ok();
            texts.convert(bytes.iter().map(|bytes| bytes.and_then(text)), found)
        }
        DataType::Dictionary(_, value) => {
            let value = match value.as_ref() {
                DataType::Utf8 | DataType::LargeUtf8 => &DataType::Utf8View,
                other => other,
            };
            convert(target, nulls, &cast(array, value), found)
        }
        DataType::Null => new_null_array(&schema::arrow::data_type(kind), array.len()),
        _ if !target.words.is_empty() || is_text(kind) => {
            let text = as_text(array);
            texts.convert(text.as_string::<i32>().iter(), found)
        }
        DataType::Boolean => Arc::clone(array),
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => moments(array, found),
        _ => from_numbers(target, kind, array, found),
    }
}

fn is_text(kind: Kind) -> bool {
    matches!(kind, Kind::Id | Kind::Category(_) | Kind::OpenCategory(_))
}

/// Where a cast fails for a whole column, which the types that are let in do
/// not, nothing is known of it.
fn cast(array: &ArrayRef, to: &DataType) -> ArrayRef {
    arrow_cast::cast(array, to).unwrap_or_else(|_| new_null_array(to, array.len()))
}

/// Numbers and flags as a person would write them.
fn as_text(array: &ArrayRef) -> ArrayRef {
    if !matches!(
        array.data_type(),
        DataType::Float16 | DataType::Float32 | DataType::Float64
    ) {
        return cast(array, &DataType::Utf8);
    }
    let numbers = cast(array, &DataType::Float64);
    let texts = numbers
        .as_primitive::<Float64Type>()
        .iter()
        .map(|x| x.map(|x| x.to_string()));
    Arc::new(texts.collect::<StringArray>())
}

/// Columns of numbers.
fn from_numbers(target: &Target, kind: Kind, array: &ArrayRef, found: &mut Found) -> ArrayRef {
    let numbers = cast(array, &DataType::Float64);
    // What is not a number is how many programs write a gap.
    let numbers = numbers.as_primitive::<Float64Type>().iter();
    let numbers = numbers.map(|x| x.filter(|x| !x.is_nan()));
    match kind {
        Kind::Flag => flags(numbers.map(|x| x.map(flag_of)), found),
        _ => of_kind(target, kind, numbers.map(|x| x.map(Ok)), found),
    }
}

#[expect(clippy::float_cmp, reason = "a flag is exactly 0 or 1")]
fn flag_of(x: f64) -> Result<bool, Fault> {
    if x == 1.0 || x == 0.0 {
        Ok(x == 1.0)
    } else {
        Err(Fault::Type)
    }
}

/// Columns of moments.
fn moments(array: &ArrayRef, found: &mut Found) -> ArrayRef {
    let utc = Some(schema::arrow::UTC.into());
    let micros = cast(array, &DataType::Timestamp(TimeUnit::Microsecond, utc));
    let micros = micros.as_primitive::<TimestampMicrosecondType>();
    let moments = (0..array.len()).map(|row| {
        array.is_valid(row).then(|| {
            // What microseconds can't hold becomes null.
            let micros = micros.is_valid(row).then(|| micros.value(row));
            micros
                .ok_or(Fault::Timestamp)
                .and_then(values::check_moment)
        })
    });
    timestamps(moments, found)
}

/// Columns of text.
struct Texts<'a> {
    target: &'a Target,
    nulls: &'a [String],
    kind: Kind,
}

impl Texts<'_> {
    fn convert<'t>(
        &self,
        texts: impl Iterator<Item = Option<&'t str>>,
        found: &mut Found,
    ) -> ArrayRef {
        let nulls = self.nulls;
        let present = texts.map(|text| values::present(text?, nulls));
        if self.target.words.is_empty() {
            return self.of_present(present, found);
        }
        let words = &self.target.words;
        let meant: Vec<Option<&str>> = present
            .map(|text| {
                let text = text?;
                let meant = words.get(text).map_or(text, String::as_str);
                (!meant.is_empty()).then_some(meant)
            })
            .collect();
        self.of_present(meant.into_iter(), found)
    }

    fn of_present<'t>(
        &self,
        texts: impl Iterator<Item = Option<&'t str>>,
        found: &mut Found,
    ) -> ArrayRef {
        match self.kind {
            Kind::Id => {
                let ids = texts.map(|text| Some(text.ok_or(Fault::Missing).and_then(values::free)));
                strings(ids, found)
            }
            Kind::OpenCategory(_) => strings(texts.map(|t| t.map(values::free)), found),
            Kind::Category(names) => {
                strings(texts.map(|t| t.map(|t| values::category(names, t))), found)
            }
            Kind::Flag => flags(texts.map(|t| t.map(values::flag)), found),
            Kind::Timestamp if self.target.unit.is_none() => {
                timestamps(texts.map(|t| t.map(values::moment)), found)
            }
            kind => {
                let number = |text| numbers::number(text).ok_or(Fault::Type);
                of_kind(self.target, kind, texts.map(|t| t.map(number)), found)
            }
        }
    }
}

/// A column of numbers, by its kind: in its unit, and in its valid range.
#[expect(
    clippy::cast_possible_truncation,
    reason = "whole numbers within the range of their type"
)]
fn of_kind(
    target: &Target,
    kind: Kind,
    numbers: impl Iterator<Item = Option<Result<f64, Fault>>>,
    found: &mut Found,
) -> ArrayRef {
    let whole = kind != Kind::Timestamp && !matches!(kind, Kind::Decimal(_));
    let valid = |x: f64| {
        let x = match target.unit {
            None => x,
            Some(unit) if whole => (unit.scale * x + unit.offset).round_ties_even(),
            Some(unit) => unit.scale * x + unit.offset,
        };
        values::check(target.column, x)
    };
    let valid = |number: Option<Result<f64, Fault>>| number.map(|x| x.and_then(valid));
    match kind {
        Kind::Integer => {
            let whole = numbers.map(|x| valid(x).map(|x| x.map(|x| x as i32)));
            Arc::new(primitive::<Int32Type>(whole, found))
        }
        Kind::BigInteger => {
            let whole = numbers.map(|x| valid(x).map(|x| x.map(|x| x as i64)));
            Arc::new(primitive::<Int64Type>(whole, found))
        }
        Kind::Timestamp => {
            let turned = |x: f64| target.unit.map_or(x, |unit| unit.scale * x + unit.offset);
            let micros =
                numbers.map(|x| x.map(|x| x.and_then(|x| values::check_moment(turned(x) as i64))));
            timestamps(micros, found)
        }
        _ => Arc::new(primitive::<Float64Type>(numbers.map(valid), found)),
    }
}

fn primitive<T: ArrowPrimitiveType>(
    values: impl Iterator<Item = Option<Result<T::Native, Fault>>>,
    found: &mut Found,
) -> arrow_array::PrimitiveArray<T> {
    let mut builder = PrimitiveBuilder::<T>::with_capacity(values.size_hint().0);
    each(values, found, |value| builder.append_option(value));
    builder.finish()
}

fn timestamps(
    moments: impl Iterator<Item = Option<Result<i64, Fault>>>,
    found: &mut Found,
) -> ArrayRef {
    let moments = primitive::<TimestampMicrosecondType>(moments, found);
    Arc::new(moments.with_timezone(schema::arrow::UTC))
}

fn flags(values: impl Iterator<Item = Option<Result<bool, Fault>>>, found: &mut Found) -> ArrayRef {
    let mut builder = BooleanBuilder::with_capacity(values.size_hint().0);
    each(values, found, |value| builder.append_option(value));
    Arc::new(builder.finish())
}

fn strings<'t>(
    values: impl Iterator<Item = Option<Result<&'t str, Fault>>>,
    found: &mut Found,
) -> ArrayRef {
    let rows = values.size_hint().0;
    let mut builder = StringBuilder::with_capacity(rows, rows * 8);
    each(values, found, |value| builder.append_option(value));
    Arc::new(builder.finish())
}

/// Hands on each value, none for one that can't be, whose fault is kept.
fn each<T>(
    values: impl Iterator<Item = Option<Result<T, Fault>>>,
    found: &mut Found,
    mut append: impl FnMut(Option<T>),
) {
    for (row, value) in values.enumerate() {
        append(match value {
            Some(Ok(value)) => Some(value),
            None => None,
            Some(Err(fault)) => {
                found.push((row, fault));
                None
            }
        });
    }
}
