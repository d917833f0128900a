//! A generated cohort that several tests look at: drawn once.

use std::sync::LazyLock;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use arrow_select::concat::concat_batches;
use engagecast::cohort::Plan;
use engagecast::schema;

/// All customers of a plan.
pub fn drawn(plan: &Plan) -> RecordBatch {
    let batches: Vec<_> = plan.generate(&|_| {}).unwrap().collect();
    concat_batches(&plan.schema(), &batches).unwrap()
}

/// 100,000 customers of the default population, seed 1.
pub fn hundred_thousand() -> &'static RecordBatch {
    static COHORT: LazyLock<RecordBatch> = LazyLock::new(|| drawn(&Plan::new(100_000, 1).unwrap()));
    &COHORT
}

/// A column of numbers or flags; what is missing is NaN.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
pub fn numbers(batch: &RecordBatch, name: &str) -> Vec<f64> {
    let column = batch.column_by_name(name).unwrap();
    let values: Vec<f64> = match column.data_type() {
        DataType::Int32 => {
            let values = column.as_primitive::<Int32Type>();
            values.values().iter().map(|v| f64::from(*v)).collect()
        }
        DataType::Int64 => {
            let values = column.as_primitive::<Int64Type>();
            values.values().iter().map(|v| *v as f64).collect()
        }
        DataType::Boolean => {
            let flags = column.as_boolean().iter();
            flags
                .map(|v| f64::from(u8::from(v == Some(true))))
                .collect()
        }
        _ => column.as_primitive::<Float64Type>().values().to_vec(),
    };
    let missing = |(at, value)| if column.is_null(at) { f64::NAN } else { value };
    values.into_iter().enumerate().map(missing).collect()
}

/// A column of text; what is missing is empty.
pub fn texts(batch: &RecordBatch, name: &str) -> Vec<String> {
    let column = batch.column(schema::find(name).unwrap());
    let texts = column.as_string::<i32>().iter();
    texts.map(|t| t.unwrap_or_default().to_owned()).collect()
}
