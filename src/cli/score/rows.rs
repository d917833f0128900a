//! Rows of the input and their answers, side by side.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, StringArray, UInt64Array};
use arrow_schema::{ArrowError, SchemaRef};
use arrow_select::take::take;

use crate::cohort::{RowFault, Rows};
use crate::models::score::Scoring;

/// The rows with their answers. A row that could not be read is there too, with
/// nothing but what is wrong with it.
pub(super) fn scored(
    scoring: &Scoring<'_>,
    rows: &Rows,
    schema: &SchemaRef,
) -> Result<RecordBatch, ArrowError> {
    let answers = scoring.score(&rows.batch);
    let mut columns: Vec<ArrayRef> = rows.batch.columns().to_vec();
    columns.extend_from_slice(&answers.columns()[1..]);
    if !rows.bad.is_empty() {
        columns = with_bad_rows(rows, &columns)?;
    }
    let count = rows.batch.num_rows() + rows.bad.len();
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    RecordBatch::try_new_with_options(SchemaRef::clone(schema), columns, &options)
}

/// The columns with an empty row for each that could not be read, where it
/// stands in the file; the last column tells of it.
fn with_bad_rows(rows: &Rows, columns: &[ArrayRef]) -> Result<Vec<ArrayRef>, ArrowError> {
    let good = rows
        .lines
        .iter()
        .zip(0..)
        .map(|(&line, row)| (line, Ok(row)));
    let bad = rows.bad.iter().map(|bad| (bad.line, Err(bad.fault)));
    let mut order: Vec<(u64, Result<u64, RowFault>)> = good.chain(bad).collect();
    order.sort_by_key(|(line, _)| *line);
    let indices: UInt64Array = order.iter().map(|(_, row)| row.ok()).collect();
    let mut columns = columns
        .iter()
        .map(|column| take(column, &indices, None))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(errors) = columns.pop() {
        let known = errors.as_string::<i32>();
        let errors = order.iter().enumerate().map(|(i, (line, row))| match row {
            Ok(_) => known.is_valid(i).then(|| known.value(i).to_owned()),
            Err(fault) => Some(format!("line {line}: {}", text(*fault))),
        });
        columns.push(std::sync::Arc::new(errors.collect::<StringArray>()));
    }
    Ok(columns)
}

fn text(fault: RowFault) -> String {
    match fault {
        RowFault::FieldCount { found, expected } => {
            format!("the row has {found} fields, the header {expected}")
        }
        RowFault::TooLong => "the row is too long".into(),
        RowFault::UnclosedQuote => "a quote is not closed".into(),
        RowFault::Quotes => "text follows a closing quote".into(),
        RowFault::Encoding => "a field is not UTF-8".into(),
    }
}
