//! Customers that were read, with what is wrong with some of them.
//!
//! They are profiles where they came as JSON, and a table where they came as
//! columns; either becomes the other. Invariant: a row at fault keeps its
//! place, so that answers come in the order of what was sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch,
    RecordBatchOptions, StringArray, TimestampMicrosecondArray,
};
use arrow_schema::{ArrowError, Field, Schema, SchemaRef};

use crate::features::{FieldError, Profile, Shown, Table};
use crate::schema::{self, COLUMNS, Kind};

/// What is wrong with each row at fault, by its place.
pub type Faults = BTreeMap<usize, Vec<FieldError>>;

/// Some customers, in the order they were sent.
pub enum Rows {
    Profiles(Vec<Profile>, Faults),
    /// Any columns of customers, as they came; the faults are those of rows as a
    /// whole, and values are not looked at yet.
    Table(RecordBatch, Faults),
}

/// The 72 columns, of which any may be null: a client need not name a customer.
fn nullable_schema() -> SchemaRef {
    static SCHEMA: std::sync::LazyLock<SchemaRef> = std::sync::LazyLock::new(|| {
        let fields = schema::arrow::schema();
        let fields = fields.fields().iter();
        let nullable = fields.map(|field| Field::clone(field).with_nullable(true));
        Arc::new(Schema::new(nullable.collect::<Vec<_>>()))
    });
    Arc::clone(&SCHEMA)
}

impl Rows {
    /// The customers one by one, with all their faults.
    pub fn into_profiles(self) -> (Vec<Profile>, Faults) {
        match self {
            Self::Profiles(profiles, faults) => (profiles, faults),
            Self::Table(table, mut faults) => {
                let (profiles, found) = Table::of(&table).profiles();
                for (row, fault) in found {
                    faults.entry(row).or_default().push(fault);
                }
                (profiles, faults)
            }
        }
    }

    /// The customers as a table, whose values are not looked at.
    pub fn into_table(self) -> Result<(RecordBatch, Faults), ArrowError> {
        match self {
            Self::Profiles(profiles, faults) => Ok((batch(&profiles)?, faults)),
            Self::Table(table, faults) => Ok((table, faults)),
        }
    }
}

/// The last customer's own name.
pub fn last_id(batch: &RecordBatch) -> Option<String> {
    let ids = batch.column_by_name("customer_id")?;
    let ids = ids.as_string_opt::<i32>()?;
    let last = ids.len().checked_sub(1)?;
    Some(ids.value(last).to_owned())
}

/// Profiles as columns.
fn batch(profiles: &[Profile]) -> Result<RecordBatch, ArrowError> {
    let columns = (0..COLUMNS.len()).map(|column| array(profiles, column));
    let options = RecordBatchOptions::new().with_row_count(Some(profiles.len()));
    RecordBatch::try_new_with_options(nullable_schema(), columns.collect(), &options)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a profile holds whole numbers in their column's range"
)]
fn array(profiles: &[Profile], column: usize) -> ArrayRef {
    let texts = || {
        profiles.iter().map(|profile| match profile.shown(column) {
            Shown::Text(text) => Some(text),
            _ => None,
        })
    };
    let numbers = || {
        let values = profiles.iter().map(|profile| profile.value(column));
        values.map(|value| (!value.is_nan()).then_some(value))
    };
    match COLUMNS[column].kind {
        Kind::Id | Kind::Category(_) | Kind::OpenCategory(_) => {
            Arc::new(texts().collect::<StringArray>())
        }
        Kind::Integer => Arc::new(
            numbers()
                .map(|v| v.map(|v| v as i32))
                .collect::<Int32Array>(),
        ),
        Kind::BigInteger => Arc::new(
            numbers()
                .map(|v| v.map(|v| v as i64))
                .collect::<Int64Array>(),
        ),
        Kind::Decimal(_) => Arc::new(numbers().collect::<Float64Array>()),
        Kind::Flag => Arc::new(
            numbers()
                .map(|v| v.map(|v| v > 0.0))
                .collect::<BooleanArray>(),
        ),
        Kind::Timestamp => {
            let moments = numbers().map(|v| v.map(|v| v as i64));
            let moments = moments.collect::<TimestampMicrosecondArray>();
            Arc::new(moments.with_timezone(schema::arrow::UTC))
        }
    }
}
