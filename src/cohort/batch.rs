//! From drawn numbers to Arrow: a block of rows as a `RecordBatch` of the
//! schema.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch,
    TimestampMicrosecondArray,
};
use arrow_schema::SchemaRef;

use super::block::Block;
use super::spec::CohortSpec;
use super::variables::TRUTH;
use crate::schema::{self, COLUMN_COUNT, COLUMNS, Kind};

/// All rows of a block, with the truth columns where the schema has them. The
/// block is taken apart, so that numbers need not be copied.
#[expect(
    clippy::expect_used,
    reason = "the arrays are built from the schema that they are checked against"
)]
pub fn record_batch(mut block: Block, spec: &CohortSpec, schema: SchemaRef) -> RecordBatch {
    block.drop_latent();
    let truth = schema.fields().len() - COLUMN_COUNT;
    let columns = (0..COLUMN_COUNT).map(|i| array(&mut block, i, spec));
    let mut columns: Vec<ArrayRef> = columns.collect();
    columns.extend((TRUTH..TRUTH + truth).map(|variable| known(block.take(variable))));
    RecordBatch::try_new(schema, columns).expect("columns follow the schema")
}

/// Numbers, of which NaN is none.
fn known(values: Vec<f64>) -> ArrayRef {
    let values = values.into_iter().map(|v| (!v.is_nan()).then_some(v));
    Arc::new(values.collect::<Float64Array>())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "integer columns hold whole numbers in their type's range"
)]
fn array(block: &mut Block, column: usize, spec: &CohortSpec) -> ArrayRef {
    let values = block.take(column);
    match COLUMNS[column].kind {
        Kind::Id => ids(block),
        Kind::Category(names) => categories(&values, names),
        // The only open one is the location, whose names the spec gives.
        Kind::OpenCategory(_) => categories(&values, &spec.mixes().places),
        Kind::Integer => Arc::new(Int32Array::from_iter_values(
            values.iter().map(|v| *v as i32),
        )),
        Kind::BigInteger => Arc::new(Int64Array::from_iter_values(
            values.iter().map(|v| *v as i64),
        )),
        Kind::Decimal(_) => Arc::new(Float64Array::from(values)),
        Kind::Flag => {
            let flags: BooleanArray = values.iter().map(|v| Some(*v > 0.0)).collect();
            Arc::new(flags)
        }
        Kind::Timestamp => Arc::new(
            TimestampMicrosecondArray::from_value(spec.snapshot().timestamp_micros(), block.rows())
                .with_timezone(schema::arrow::UTC),
        ),
    }
}

/// `C0000001` for the first row, at least seven digits.
fn ids(block: &Block) -> ArrayRef {
    let mut ids = StringBuilder::with_capacity(block.rows(), block.rows() * 9);
    for row in block.first()..block.first() + block.rows() as u64 {
        let mut text = *b"C000000000000000";
        let mut from = text.len();
        let mut number = row + 1;
        while number > 0 {
            from -= 1;
            text[from] = b'0' + (number % 10) as u8;
            number /= 10;
        }
        let from = from.min(text.len() - 7) - 1;
        text[from] = b'C';
        // Digits and a letter are always text.
        ids.append_value(std::str::from_utf8(&text[from..]).unwrap_or_default());
    }
    Arc::new(ids.finish())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a category's code is its index in a short list"
)]
fn categories(codes: &[f64], names: &[impl AsRef<str>]) -> ArrayRef {
    let mut texts = StringBuilder::with_capacity(codes.len(), codes.len() * 8);
    for code in codes {
        texts.append_value(names[*code as usize].as_ref());
    }
    Arc::new(texts.finish())
}
