//! Cohorts as files: Parquet for tools, CSV for people.
//!
//! A file appears under its name only when it is complete: rows go to a
//! neighbouring `.partial` file, which is renamed at the end and removed where
//! there is none.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::{GENERATOR_VERSION, Plan};

/// Rows of a Parquet row group: large enough for scans, small enough to skip.
const ROW_GROUP_ROWS: usize = 131_072;
const ZSTD_LEVEL: i32 = 3;

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("{0}: unknown extension, expected .parquet or .csv")]
    Extension(String),
    #[error("{path} can't be written: {source}")]
    Write { path: String, source: io::Error },
}

/// A file that a cohort is being written to.
pub struct CohortFile {
    target: PathBuf,
    partial: PathBuf,
    writer: Option<Writer>,
}

enum Writer {
    Parquet(Box<ArrowWriter<BufWriter<File>>>),
    Csv(Box<arrow_csv::Writer<BufWriter<File>>>),
}

impl CohortFile {
    /// Opens a file in the format that its extension names.
    ///
    /// # Errors
    /// Where the extension is neither `.parquet` nor `.csv`, or the folder
    /// can't be written to.
    pub fn create(path: &Path, plan: &Plan) -> Result<Self, FileError> {
        let extension = path.extension().map(OsStr::to_ascii_lowercase);
        let is_parquet = match extension.as_ref().and_then(|e| e.to_str()) {
            Some("parquet") => true,
            Some("csv") => false,
            _ => return Err(FileError::Extension(path.display().to_string())),
        };
        let partial = partial_name(path);
        let file = File::create(&partial).map_err(|e| write_error(path, e))?;
        let buffered = BufWriter::with_capacity(1 << 20, file);
        let writer = if is_parquet {
            let writer = parquet_writer(buffered, plan);
            Writer::Parquet(Box::new(
                writer.map_err(|e| write_error(path, parquet_io(e)))?,
            ))
        } else {
            Writer::Csv(Box::new(arrow_csv::Writer::new(buffered)))
        };
        Ok(Self {
            target: path.to_owned(),
            partial,
            writer: Some(writer),
        })
    }

    /// Appends the rows of a batch.
    ///
    /// # Errors
    /// Where the disk refuses them.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), FileError> {
        let written = match &mut self.writer {
            Some(Writer::Parquet(writer)) => writer.write(batch).map_err(parquet_io),
            Some(Writer::Csv(writer)) => writer.write(batch).map_err(arrow_io),
            None => Ok(()),
        };
        written.map_err(|e| write_error(&self.target, e))
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// Where the disk refuses the last bytes.
    pub fn finish(mut self) -> Result<(), FileError> {
        let ended = match self.writer.take() {
            Some(Writer::Parquet(writer)) => writer.into_inner().map_err(parquet_io),
            Some(Writer::Csv(writer)) => Ok(writer.into_inner()),
            None => return Ok(()),
        };
        ended
            .and_then(|mut file| {
                file.flush()?;
                file.get_ref().sync_all()
            })
            .and_then(|()| fs::rename(&self.partial, &self.target))
            .map_err(|e| write_error(&self.target, e))
    }
}

impl Drop for CohortFile {
    fn drop(&mut self) {
        // Nothing is left to remove after a finish; a failure has no one to hear it.
        let _ = fs::remove_file(&self.partial);
    }
}

fn parquet_writer(
    file: BufWriter<File>,
    plan: &Plan,
) -> Result<ArrowWriter<BufWriter<File>>, ParquetError> {
    let facts = [
        ("engagecast.generator_version", GENERATOR_VERSION.to_owned()),
        ("engagecast.customers", plan.customers().to_string()),
        ("engagecast.seed", plan.seed().to_string()),
    ];
    let facts = facts.map(|(key, value)| KeyValue::new(key.to_owned(), value));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_created_by(format!("engagecast {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(facts.to_vec()))
        .build();
    ArrowWriter::try_new(file, plan.schema(), Some(properties))
}

/// Where the rows go until the file is complete.
#[must_use]
pub fn partial_name(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".partial");
    name.into()
}

fn write_error(path: &Path, source: io::Error) -> FileError {
    FileError::Write {
        path: path.display().to_string(),
        source,
    }
}

fn parquet_io(error: ParquetError) -> io::Error {
    io::Error::other(error)
}

fn arrow_io(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, source) => source,
        other => io::Error::other(other),
    }
}
