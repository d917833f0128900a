//! A Parquet file, which says at its end where everything is: it is read whole.

use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::malformed;
use crate::http::formats::columns;
use crate::http::formats::rows::{Faults, Rows};
use crate::http::problem::Problem;

/// Rows that are handed on at once.
const ROWS: usize = 8192;

pub fn read(
    body: Vec<u8>,
) -> Result<impl Iterator<Item = Result<Rows, Problem>> + Send + 'static, Problem> {
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(Bytes::from(body)).map_err(|_| broken())?;
    columns::check(builder.schema())?;
    let reader = builder
        .with_batch_size(ROWS)
        .build()
        .map_err(|_| broken())?;
    Ok(reader.map(|batch| {
        let batch = batch.map_err(|_| broken())?;
        Ok(Rows::Table(batch, Faults::new()))
    }))
}

fn broken() -> Problem {
    malformed("The body is not a Parquet file, or it is damaged.")
}
