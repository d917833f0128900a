//! A Parquet file, which says at its end where everything is: it is read whole.

use arrow_array::RecordBatch;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::malformed;
use super::parts::Parts;
use crate::cohort::{Limits, TableError, describe_parquet};
use crate::http::formats::columns;
use crate::http::formats::rows::Rows;
use crate::http::panics;
use crate::http::problem::Problem;

/// Rows that are decoded at once.
const ROWS: usize = 8192;

pub fn read(
    body: Vec<u8>,
) -> Result<impl Iterator<Item = Result<Rows, Problem>> + Send + 'static, Problem> {
    let body = Bytes::from(body);
    let (_, about) = describe_parquet(&body, Limits::default()).map_err(|error| match error {
        TableError::TooLarge { .. } => {
            malformed("The Parquet in the body unpacks to more than is allowed: send it in parts.")
        }
        _ => broken(),
    })?;
    columns::check(about.schema())?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(body, about);
    let mut reader = Some(unless_broken(|| builder.with_batch_size(ROWS).build())?);
    let tables = std::iter::from_fn(move || table(&mut reader));
    Ok(tables.flat_map(|table| {
        let (parts, broken) = match table {
            Ok(table) => (Some(Parts::of(table)), None),
            Err(problem) => (None, Some(Err(problem))),
        };
        parts.into_iter().flatten().map(Ok).chain(broken)
    }))
}

/// The next rows of the file.
fn table(reader: &mut Option<ParquetRecordBatchReader>) -> Option<Result<RecordBatch, Problem>> {
    let next = unless_broken(|| reader.as_mut().and_then(Iterator::next).transpose());
    if !matches!(next, Ok(Some(_))) {
        // What failed once is not asked again.
        *reader = None;
    }
    next.transpose()
}

/// What the reader reads: a file that lies about its places makes it fail, or panic.
fn unless_broken<T, E>(read: impl FnOnce() -> Result<T, E>) -> Result<T, Problem> {
    let read = panics::catch(read).map_err(|_| broken())?;
    read.map_err(|_| broken())
}

fn broken() -> Problem {
    malformed("The body is not a Parquet file, or it is damaged.")
}
