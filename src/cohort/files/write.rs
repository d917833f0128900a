//! Writes a cohort to a file.
//!
//! A file appears under its name only when it is complete: rows go to a
//! neighbouring `.partial` file, which is renamed at the end and removed where
//! there is none.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};

use super::metadata::FileMetadata;
use super::parquet_writer::ParquetWriter;
use crate::schema;

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
    /// Not begun: the first batch says which columns there are.
    Parquet(BufWriter<File>, FileMetadata),
    ParquetRows(Box<ParquetWriter>),
    Csv(Box<arrow_csv::Writer<BufWriter<File>>>),
}

impl CohortFile {
    /// Opens a file in the format that its extension names. A Parquet file
    /// keeps the metadata; a CSV file has no place for it.
    ///
    /// # Errors
    /// Where the extension is neither `.parquet` nor `.csv`, or the folder
    /// can't be written to.
    pub fn create(path: &Path, metadata: impl Into<FileMetadata>) -> Result<Self, FileError> {
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
            Writer::Parquet(buffered, metadata.into())
        } else {
            Writer::Csv(Box::new(arrow_csv::Writer::new(buffered)))
        };
        Ok(Self {
            target: path.to_owned(),
            partial,
            writer: Some(writer),
        })
    }

    /// Appends the rows of a batch. All batches have the columns of the first.
    ///
    /// # Errors
    /// Where the disk refuses them.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), FileError> {
        let written = match self.writer.take() {
            None => Ok(()),
            Some(writer) => writer.begun(&batch.schema()).and_then(|mut writer| {
                writer.write(batch)?;
                self.writer = Some(writer);
                Ok(())
            }),
        };
        written.map_err(|e| write_error(&self.target, e))
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// Where the disk refuses the last bytes.
    pub fn finish(mut self) -> Result<(), FileError> {
        let Some(writer) = self.writer.take() else {
            return Ok(());
        };
        writer
            .begun(&schema::arrow::schema())
            .and_then(Writer::finish)
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

impl Writer {
    /// The writer, once the columns are known.
    fn begun(self, schema: &SchemaRef) -> io::Result<Self> {
        match self {
            Self::Parquet(file, metadata) => {
                let writer = ParquetWriter::new(file, SchemaRef::clone(schema), &metadata)?;
                Ok(Self::ParquetRows(Box::new(writer)))
            }
            begun => Ok(begun),
        }
    }

    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        match self {
            Self::Parquet(..) => Ok(()),
            Self::ParquetRows(writer) => writer.write(batch),
            Self::Csv(writer) => writer.write(batch).map_err(arrow_io),
        }
    }

    fn finish(self) -> io::Result<BufWriter<File>> {
        match self {
            Self::Parquet(file, _) => Ok(file),
            Self::ParquetRows(writer) => writer.finish(),
            Self::Csv(writer) => Ok(writer.into_inner()),
        }
    }
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

fn arrow_io(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, source) => source,
        other => io::Error::other(other),
    }
}
