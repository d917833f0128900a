//! The file that scored rows are written to. It appears under its name only when
//! it is complete.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowTimestampType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::arrow::{ArrowWriter, add_encoded_arrow_schema_to_metadata};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::cohort::partial_name;
use crate::models::score::reasons_as_text;

/// Rows of a Parquet row group, unless they take more room than this.
const ROW_GROUP_ROWS: usize = 131_072;
const ROW_GROUP_BYTES: usize = 64 << 20;

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    #[error("{0}: unknown extension, expected .parquet or .csv")]
    Extension(String),
    #[error("CSV has no form for what the column {0} holds: write .parquet")]
    Nested(String),
    #[error("{path} can't be written: {source}")]
    Write { path: String, source: io::Error },
}

pub(super) struct Sheet {
    target: PathBuf,
    partial: PathBuf,
    writer: Option<Writer>,
}

enum Writer {
    Parquet(Box<ArrowWriter<BufWriter<File>>>),
    Csv(Box<arrow_csv::Writer<BufWriter<File>>>),
}

impl Sheet {
    /// For rows of this schema. Parquet says of them that they are as `declared`,
    /// which differs in how texts are held, not in what they are.
    pub(super) fn create(
        path: &Path,
        schema: &SchemaRef,
        declared: &Schema,
    ) -> Result<Self, SheetError> {
        let extension = path.extension().map(OsStr::to_ascii_lowercase);
        let is_parquet = match extension.as_ref().and_then(|e| e.to_str()) {
            Some("parquet") => true,
            Some("csv") => false,
            _ => return Err(SheetError::Extension(path.display().to_string())),
        };
        // Reasons are written as text.
        let is_ours = |field: &Field| field.name().starts_with("predicted_");
        let mut fields = schema.fields().iter();
        let nested = fields.find(|field| field.data_type().is_nested() && !is_ours(field));
        if let (false, Some(field)) = (is_parquet, nested) {
            return Err(SheetError::Nested(field.name().clone()));
        }
        let partial = partial_name(path);
        let begun = File::create(&partial).and_then(|file| {
            let file = BufWriter::with_capacity(1 << 20, file);
            let mut writer = if is_parquet {
                Writer::Parquet(Box::new(parquet(file, schema, declared)?))
            } else {
                Writer::Csv(Box::new(arrow_csv::Writer::new(file)))
            };
            // So that a table without rows has its header too.
            writer.write(&RecordBatch::new_empty(SchemaRef::clone(schema)))?;
            Ok(writer)
        });
        let mut sheet = Self {
            target: path.to_owned(),
            partial,
            writer: None,
        };
        sheet.writer = Some(begun.map_err(|e| sheet.error(e))?);
        Ok(sheet)
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), SheetError> {
        let written = match &mut self.writer {
            Some(writer) => writer.write(batch),
            None => Ok(()),
        };
        written.map_err(|e| self.error(e))
    }

    pub(super) fn finish(mut self) -> Result<(), SheetError> {
        let ended = match self.writer.take() {
            Some(Writer::Parquet(writer)) => writer.into_inner().map_err(io::Error::other),
            Some(Writer::Csv(writer)) => Ok(writer.into_inner()),
            None => return Ok(()),
        };
        ended
            .and_then(|mut file| {
                file.flush()?;
                file.get_ref().sync_all()
            })
            .and_then(|()| fs::rename(&self.partial, &self.target))
            .map_err(|e| self.error(e))
    }

    fn error(&self, source: io::Error) -> SheetError {
        SheetError::Write {
            path: self.target.display().to_string(),
            source,
        }
    }
}

impl Drop for Sheet {
    fn drop(&mut self) {
        // Nothing is left to remove after a finish; a failure has no one to hear it.
        let _ = fs::remove_file(&self.partial);
    }
}

impl Writer {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        match self {
            Self::Parquet(writer) => writer.write(batch).map_err(io::Error::other),
            Self::Csv(writer) => {
                let written = writer.write(&reasons_as_text(&at_offset(batch)));
                written.map_err(io::Error::other)
            }
        }
    }
}

/// The same moments with the offset of UTC, since the CSV writer knows no zones by
/// their names.
fn at_offset(batch: &RecordBatch) -> RecordBatch {
    let moved = |column: &ArrayRef| match column.data_type() {
        DataType::Timestamp(unit, Some(_)) => match unit {
            TimeUnit::Second => offset::<TimestampSecondType>(column),
            TimeUnit::Millisecond => offset::<TimestampMillisecondType>(column),
            TimeUnit::Microsecond => offset::<TimestampMicrosecondType>(column),
            TimeUnit::Nanosecond => offset::<TimestampNanosecondType>(column),
        },
        _ => Arc::clone(column),
    };
    let columns: Vec<ArrayRef> = batch.columns().iter().map(moved).collect();
    let schema = batch.schema();
    let fields = schema.fields().iter().zip(&columns);
    let fields = fields
        .map(|(field, column)| Field::clone(field).with_data_type(column.data_type().clone()));
    let schema = Schema::new(fields.collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), columns).unwrap_or_else(|_| batch.clone())
}

fn offset<T: ArrowTimestampType>(column: &ArrayRef) -> ArrayRef {
    Arc::new(column.as_primitive::<T>().clone().with_timezone("+00:00"))
}

fn parquet(
    file: BufWriter<File>,
    schema: &SchemaRef,
    declared: &Schema,
) -> io::Result<ArrowWriter<BufWriter<File>>> {
    let level = ZstdLevel::try_new(3).map_err(io::Error::other)?;
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .set_created_by(format!("engagecast {}", env!("CARGO_PKG_VERSION")))
        .build();
    // Texts are written from views, which many readers don't know as a type.
    add_encoded_arrow_schema_to_metadata(declared, &mut properties);
    let options = ArrowWriterOptions::new()
        .with_properties(properties)
        .with_skip_arrow_metadata(true);
    ArrowWriter::try_new_with_options(file, SchemaRef::clone(schema), options)
        .map_err(io::Error::other)
}
