//! A Parquet file, which says at its end where everything is: it is read whole.

use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::malformed;
use crate::cohort::{Limits, TableError, check_parquet};
use crate::http::formats::columns;
use crate::http::formats::rows::{Faults, Rows};
use crate::http::panics;
use crate::http::problem::Problem;

/// Rows that are handed on at once.
const ROWS: usize = 8192;

pub fn read(
    body: Vec<u8>,
) -> Result<impl Iterator<Item = Result<Rows, Problem>> + Send + 'static, Problem> {
    let body = Bytes::from(body);
    let builder = unless_broken(|| ParquetRecordBatchReaderBuilder::try_new(body.clone()))?;
    check_parquet(&body, builder.metadata(), Limits::default()).map_err(|error| match error {
        TableError::TooLarge { .. } => {
            malformed("The Parquet in the body unpacks to more than is allowed: send it in parts.")
        }
        _ => broken(),
    })?;
    columns::check(builder.schema())?;
    let mut reader = Some(unless_broken(|| builder.with_batch_size(ROWS).build())?);
    Ok(std::iter::from_fn(move || {
        let next = unless_broken(|| reader.as_mut().and_then(Iterator::next).transpose());
        if !matches!(next, Ok(Some(_))) {
            // What failed once is not asked again.
            reader = None;
        }
        let rows = |batch| Rows::Table(batch, Faults::new());
        next.map(|batch| batch.map(rows)).transpose()
    }))
}

/// What the reader reads: a file that lies about its places makes it fail, or panic.
fn unless_broken<T, E>(read: impl FnOnce() -> Result<T, E>) -> Result<T, Problem> {
    let read = panics::catch(read).map_err(|_| broken())?;
    read.map_err(|_| broken())
}

fn broken() -> Problem {
    malformed("The body is not a Parquet file, or it is damaged.")
}
