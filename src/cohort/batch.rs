//! From drawn numbers to Arrow: a block of rows as a `RecordBatch` of the
//! schema.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use arrow_array::builder::StringBuilder;
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch,
    TimestampMicrosecondArray,
};
use chrono::DateTime;

use super::block::Block;
use crate::schema::{self, COLUMNS, Kind, SNAPSHOT};

/// All rows of a block. It is taken apart, so that numbers need not be copied.
#[expect(
    clippy::expect_used,
    reason = "the arrays are built from the schema that they are checked against"
)]
pub fn record_batch(mut block: Block) -> RecordBatch {
    block.drop_latent();
    let columns = (0..COLUMNS.len()).map(|i| array(&mut block, i)).collect();
    RecordBatch::try_new(schema::arrow::schema(), columns).expect("columns follow the schema")
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "integer columns hold whole numbers in their type's range"
)]
fn array(block: &mut Block, column: usize) -> ArrayRef {
    let values = block.take(column);
    match COLUMNS[column].kind {
        Kind::Id => ids(block),
        Kind::Category(names) | Kind::OpenCategory(names) => categories(&values, names),
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
            TimestampMicrosecondArray::from_value(*SNAPSHOT_MICROS, block.rows())
                .with_timezone(schema::arrow::UTC),
        ),
    }
}

/// `C0000001` for the first row, at least seven digits.
fn ids(block: &Block) -> ArrayRef {
    let mut ids = StringBuilder::with_capacity(block.rows(), block.rows() * 8);
    for number in block.first()..block.first() + block.rows() as u64 {
        // Writing to a string builder can't fail.
        let _ = write!(ids, "C{:07}", number + 1);
        ids.append_value("");
    }
    Arc::new(ids.finish())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a category's code is its index in a short list"
)]
fn categories(codes: &[f64], names: &[&str]) -> ArrayRef {
    let mut texts = StringBuilder::with_capacity(codes.len(), codes.len() * 8);
    for code in codes {
        texts.append_value(names[*code as usize]);
    }
    Arc::new(texts.finish())
}

static SNAPSHOT_MICROS: LazyLock<i64> = LazyLock::new(|| {
    DateTime::parse_from_rfc3339(SNAPSHOT).map_or(0, |moment| moment.timestamp_micros())
});
