//! Batches of customers that are hard on a store: every column, with nulls, the
//! extremes of each type, and text of all sorts.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use engagecast::schema::{COLUMNS, Kind, arrow};
use proptest::prelude::*;

const TEXTS: [&str; 8] = [
    "",
    "New York",
    "O'Brien \"Bob\", \\N",
    "São Paulo",
    "東京\t大阪\n京都",
    "🦀🦀",
    "null",
    " \u{1}\u{7f}\u{feff}",
];
const INTEGERS: [i32; 5] = [0, 1, -1, i32::MIN, i32::MAX];
const BIG: [i64; 5] = [0, 42, 9_007_199_254_740_993, i64::MIN, i64::MAX];
const DECIMALS: [f64; 7] = [
    0.0,
    0.1,
    -2.5,
    1.0 / 3.0,
    f64::MIN_POSITIVE,
    f64::MAX,
    5e-324,
];
/// The years 1, 1969, 1970, 2025 and 9999, each to the microsecond.
const MOMENTS: [i64; 5] = [
    -62_135_596_800_000_000,
    -1,
    0,
    1_761_004_800_123_456,
    253_402_300_799_999_999,
];

/// `rows` customers, numbered from `first`; no two numbers have the same id.
pub fn batch(first: usize, rows: usize) -> RecordBatch {
    let columns = (COLUMNS.iter().enumerate())
        .map(|(i, column)| varied(column.kind, i, first, rows))
        .collect();
    RecordBatch::try_new(arrow::schema(), columns).unwrap()
}

/// Values that differ from row to row and from column to column, some null.
fn varied(kind: Kind, column: usize, first: usize, rows: usize) -> ArrayRef {
    fn pick<T: Copy>(from: &[T], n: usize) -> Option<T> {
        // One row in nine, another one in each column, has no value.
        (!n.is_multiple_of(9)).then(|| from[n % from.len()])
    }
    let numbers = (first..first + rows).map(|row| row + column);
    match kind {
        Kind::Id => Arc::new(StringArray::from_iter_values(
            (first..first + rows).map(|row| format!("c-{row:07}")),
        )),
        Kind::Category(_) | Kind::OpenCategory(_) => {
            Arc::new(numbers.map(|n| pick(&TEXTS, n)).collect::<StringArray>())
        }
        Kind::Integer => Arc::new(numbers.map(|n| pick(&INTEGERS, n)).collect::<Int32Array>()),
        Kind::BigInteger => Arc::new(numbers.map(|n| pick(&BIG, n)).collect::<Int64Array>()),
        Kind::Decimal(_) => Arc::new(
            numbers
                .map(|n| pick(&DECIMALS, n))
                .collect::<Float64Array>(),
        ),
        Kind::Flag => Arc::new(
            numbers
                .map(|n| pick(&[true, false], n))
                .collect::<BooleanArray>(),
        ),
        Kind::Timestamp => Arc::new(
            numbers
                .map(|n| pick(&MOMENTS, n))
                .collect::<TimestampMicrosecondArray>()
                .with_timezone(engagecast::schema::arrow::UTC),
        ),
    }
}

/// The same batch with another column.
pub fn with_column(batch: &RecordBatch, column: usize, values: ArrayRef) -> RecordBatch {
    let mut columns = batch.columns().to_vec();
    columns[column] = values;
    RecordBatch::try_new(batch.schema(), columns).unwrap()
}

/// Any batch that a store takes.
pub fn any_batch() -> impl Strategy<Value = RecordBatch> {
    (0..40_usize).prop_flat_map(|rows| {
        let columns: Vec<_> = COLUMNS.iter().map(|c| any_column(c.kind, rows)).collect();
        columns.prop_map(|columns| RecordBatch::try_new(arrow::schema(), columns).unwrap())
    })
}

fn any_column(kind: Kind, rows: usize) -> BoxedStrategy<ArrayRef> {
    fn cells<S: Strategy>(cell: S, rows: usize) -> impl Strategy<Value = Vec<Option<S::Value>>> {
        prop::collection::vec(prop::option::of(cell), rows)
    }
    fn array<A: arrow_array::Array + 'static>(array: A) -> ArrayRef {
        Arc::new(array)
    }
    match kind {
        Kind::Id => Just(array(StringArray::from_iter_values(
            (0..rows).map(|row| format!("{row}")),
        )))
        .boxed(),
        Kind::Category(_) | Kind::OpenCategory(_) => cells("(?s).{0,6}", rows)
            .prop_map(|cells| {
                let without_nul = |text: String| text.replace('\0', "");
                let cells = cells.into_iter().map(|cell| cell.map(without_nul));
                array(cells.collect::<StringArray>())
            })
            .boxed(),
        Kind::Integer => cells(any::<i32>(), rows)
            .prop_map(|cells| array(Int32Array::from(cells)))
            .boxed(),
        Kind::BigInteger => cells(any::<i64>(), rows)
            .prop_map(|cells| array(Int64Array::from(cells)))
            .boxed(),
        // Not NaN, not infinite; SQLite has no negative zero.
        Kind::Decimal(_) => cells(any::<f64>().prop_map(|x| x + 0.0), rows)
            .prop_map(|cells| array(Float64Array::from(cells)))
            .boxed(),
        Kind::Flag => cells(any::<bool>(), rows)
            .prop_map(|cells| array(BooleanArray::from(cells)))
            .boxed(),
        Kind::Timestamp => cells(MOMENTS[0]..=MOMENTS[4], rows)
            .prop_map(|cells| {
                array(
                    TimestampMicrosecondArray::from(cells)
                        .with_timezone(engagecast::schema::arrow::UTC),
                )
            })
            .boxed(),
    }
}
