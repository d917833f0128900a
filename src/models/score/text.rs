//! Reasons as text, for formats that have no lists.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, ListArray, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use serde_json::{Value, json};

/// The same answers with each list of reasons as JSON text.
///
/// # Panics
/// Never: the columns keep their length.
#[must_use]
pub fn reasons_as_text(batch: &RecordBatch) -> RecordBatch {
    let schema = batch.schema();
    let (fields, columns): (Vec<Arc<Field>>, Vec<ArrayRef>) = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| match as_reasons(column) {
            Some(list) => {
                let field = Field::new(field.name(), DataType::Utf8, true);
                (Arc::new(field), Arc::new(texts(list)) as ArrayRef)
            }
            None => (Arc::clone(field), Arc::clone(column)),
        })
        .unzip();
    let schema = Schema::new_with_metadata(fields, schema.metadata().clone());
    RecordBatch::try_new(Arc::new(schema), columns).expect("as many rows as before")
}

/// The column, if it holds what [`super::Scoring`] writes as reasons.
fn as_reasons(column: &ArrayRef) -> Option<&ListArray> {
    let list = column.as_list_opt::<i32>()?;
    let reasons = list.values().as_struct_opt()?;
    let held = [DataType::Utf8, DataType::Utf8, DataType::Float64];
    let is_ours = reasons.column_names() == ["feature", "value", "contribution"]
        && reasons.columns().iter().map(Array::data_type).eq(&held);
    is_ours.then_some(list)
}

fn texts(list: &ListArray) -> StringArray {
    let reasons = list.values().as_struct();
    let [feature, value] = [0, 1].map(|i| reasons.column(i).as_string::<i32>());
    let contribution = reasons.column(2).as_primitive::<Float64Type>();
    let text = |row: usize| {
        let range = list.value_offsets()[row]..list.value_offsets()[row + 1];
        let reason = |i: i32| {
            let i = usize::try_from(i).unwrap_or(0);
            json!({
                "feature": feature.value(i),
                "value": value.is_valid(i).then(|| value.value(i)),
                "contribution": contribution.value(i),
            })
        };
        Value::Array(range.map(reason).collect()).to_string()
    };
    (0..list.len())
        .map(|row| list.is_valid(row).then(|| text(row)))
        .collect()
}
