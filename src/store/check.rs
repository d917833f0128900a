//! Refuses what one of the databases can't hold, before any of it is sent: both
//! then take the same data, and the message names the column.
//!
//! Postgres text has no U+0000, SQLite reads NaN as null, and neither needs a
//! moment outside the years 1 to 9999.

use arrow_array::{Array, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use serde_json::Value;

use super::StoreError;
use super::columns::{Values, values};
use crate::schema::{COLUMNS, MOMENTS};

const NUL: &str = "it has the character U+0000 in it, which a database can't hold";

/// Whether both databases can hold all of a batch.
pub(super) fn batch(batch: &RecordBatch) -> Result<(), StoreError> {
    for (column, values) in COLUMNS.iter().zip(values(batch)?) {
        let problem = match values {
            Values::Text(array) if has_nul(array) => Some(NUL),
            Values::Decimal(array) if !all_finite(array) => {
                Some("it has a number that is not finite")
            }
            Values::Moment(array) if !all_moments(array) => {
                Some("it has a moment outside the years 1 to 9999")
            }
            _ => None,
        };
        if let Some(why) = problem {
            let what = format!("the column {}", column.name);
            return Err(StoreError::unstorable(what, why));
        }
    }
    if batch.column(0).null_count() > 0 {
        return Err(StoreError::unstorable(
            "a customer",
            "it has no customer_id",
        ));
    }
    Ok(())
}

/// Whether both databases can hold a text.
pub(super) fn text(what: &str, text: &str) -> Result<(), StoreError> {
    if text.contains('\0') {
        return Err(StoreError::unstorable(what, NUL));
    }
    Ok(())
}

/// Whether both databases can hold a JSON document.
pub(super) fn json(what: &str, value: &Value) -> Result<(), StoreError> {
    match value {
        Value::String(s) => text(what, s),
        Value::Array(items) => items.iter().try_for_each(|item| json(what, item)),
        Value::Object(fields) => fields.iter().try_for_each(|(name, item)| {
            text(what, name)?;
            json(what, item)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

// Slots of null rows may hold anything, so they are looked at one by one only
// where the quick look over the whole buffer finds something.

fn has_nul(array: &StringArray) -> bool {
    array.value_data().contains(&0) && array.iter().flatten().any(|text| text.contains('\0'))
}

fn all_finite(array: &Float64Array) -> bool {
    array.values().iter().all(|x| x.is_finite()) || array.iter().flatten().all(f64::is_finite)
}

fn all_moments(array: &TimestampMicrosecondArray) -> bool {
    array
        .iter()
        .flatten()
        .all(|moment| MOMENTS.contains(&moment))
}
