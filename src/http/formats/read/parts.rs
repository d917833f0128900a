//! A table in parts that can be worked on.
//!
//! A text of a dictionary, or of views, stands in any number of rows for the
//! bytes of one. Invariant: a part has few rows and, once each row has a copy of
//! its text, few bytes; or a single row.

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;

use crate::http::formats::rows::{Faults, Rows};

/// Most rows of a part.
const ROWS: usize = 8192;

/// Most bytes of text that is shared among the rows of a part.
const TEXT: usize = 4 << 20;

/// The parts of a table, in order.
pub struct Parts {
    rest: RecordBatch,
}

impl Parts {
    pub fn of(table: RecordBatch) -> Self {
        Self { rest: table }
    }
}

impl Iterator for Parts {
    type Item = Rows;

    fn next(&mut self) -> Option<Rows> {
        let left = self.rest.num_rows();
        if left == 0 {
            return None;
        }
        let mut part = self.rest.slice(0, left.min(ROWS));
        while part.num_rows() > 1 && shared_text(&part) > TEXT {
            part = part.slice(0, part.num_rows() / 2);
        }
        let taken = part.num_rows();
        self.rest = self.rest.slice(taken, left - taken);
        Some(Rows::Table(part, Faults::new()))
    }
}

/// Bytes of the texts that rows may share, counted for each row.
fn shared_text(table: &RecordBatch) -> usize {
    table.columns().iter().map(|column| shared(column)).sum()
}

fn shared(column: &dyn Array) -> usize {
    match column.data_type() {
        DataType::Utf8View => (0..column.len()).map(|row| length(column, row)).sum(),
        DataType::Dictionary(..) => {
            let dictionary = column.as_any_dictionary();
            let texts = dictionary.values();
            if texts.is_empty() {
                return 0;
            }
            let rows = dictionary.normalized_keys().into_iter().enumerate();
            rows.filter(|&(row, _)| column.is_valid(row))
                .map(|(_, text)| length(texts, text))
                .sum()
        }
        _ => 0,
    }
}

/// Bytes of a text, whatever type holds it.
fn length(texts: &dyn Array, at: usize) -> usize {
    if texts.is_null(at) {
        return 0;
    }
    match texts.data_type() {
        DataType::Utf8 => texts.as_string::<i32>().value(at).len(),
        DataType::LargeUtf8 => texts.as_string::<i64>().value(at).len(),
        DataType::Utf8View => texts.as_string_view().value(at).len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::Int32Type;
    use arrow_array::{ArrayRef, DictionaryArray, Int32Array, StringViewArray};

    use super::*;

    /// How many rows each part has, of a table with this column.
    fn parts(column: ArrayRef) -> Vec<usize> {
        let ages = Int32Array::from_iter_values((0..column.len()).map(|_| 30));
        let ages: ArrayRef = Arc::new(ages);
        let table = RecordBatch::try_from_iter([("age", ages), ("customer_id", column)]);
        let parts = Parts::of(table.unwrap());
        parts
            .map(|rows| rows.into_table().unwrap().0.num_rows())
            .collect()
    }

    #[test]
    fn rows_that_share_long_texts_are_few() {
        let long = "x".repeat(TEXT / 3);
        let shared: DictionaryArray<Int32Type> = (0..8).map(|_| long.as_str()).collect();
        assert_eq!(parts(Arc::new(shared)), [2, 3, 3]);
        let views = StringViewArray::from_iter_values((0..8).map(|_| &long));
        assert_eq!(parts(Arc::new(views)), [2, 3, 3]);
        let larger = "x".repeat(2 * TEXT);
        let shared: DictionaryArray<Int32Type> = (0..2).map(|_| larger.as_str()).collect();
        assert_eq!(parts(Arc::new(shared)), [1, 1]);
    }

    #[test]
    fn rows_of_short_texts_or_none_are_many() {
        let short: DictionaryArray<Int32Type> = (0..10_000)
            .map(|row| (row % 3 > 0).then_some("a"))
            .collect();
        assert_eq!(parts(Arc::new(short)), [8192, 1808]);
        let none: DictionaryArray<Int32Type> = (0..5).map(|_| None::<&str>).collect();
        assert_eq!(parts(Arc::new(none)), [5]);
    }
}
