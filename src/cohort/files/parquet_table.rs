//! A Parquet file as a table. Texts are read as views of their pages, so that a
//! short page which stands for much text stays short.

use std::fs::File;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::ChunkReader;

use super::error::TableError;
use super::limits::Limits;
use super::metadata::FileMetadata;
use super::pages;
use super::source::Source;

/// About as much of a block is decoded at once, however wide its rows are.
const BLOCK_BYTES: u64 = 32 << 20;

/// A Parquet file, its rows before or within reading.
pub(super) struct ParquetTable {
    pub metadata: Option<FileMetadata>,
    /// What the file says that its columns are.
    declared: Arc<Schema>,
    schema: Arc<Schema>,
    rows: u64,
    state: State,
}

enum State {
    Opened(Builder),
    Reading(ParquetRecordBatchReader),
    Ended,
}

enum Builder {
    File(ParquetRecordBatchReaderBuilder<File>),
    Bytes(ParquetRecordBatchReaderBuilder<Bytes>),
}

impl ParquetTable {
    /// Reads what the file says of itself.
    pub(super) fn open(source: &Source, limits: Limits) -> Result<(Self, Vec<String>), TableError> {
        match source {
            Source::File(path) => {
                let file = File::open(path).map_err(TableError::Open)?;
                Self::over(file, limits, Builder::File)
            }
            Source::Bytes(bytes) => Self::over(bytes.clone(), limits, Builder::Bytes),
        }
    }

    fn over<R: ChunkReader + 'static>(
        file: R,
        limits: Limits,
        wrap: fn(ParquetRecordBatchReaderBuilder<R>) -> Builder,
    ) -> Result<(Self, Vec<String>), TableError> {
        let (declared, loaded) = describe_parquet(&file, limits)?;
        let about = loaded.metadata();
        let metadata = about.file_metadata().key_value_metadata();
        let metadata = metadata.and_then(|pairs| FileMetadata::from_pairs(pairs));
        let rows = rows(about);
        let schema = Arc::clone(loaded.schema());
        let names = schema.fields().iter().map(|f| f.name().clone()).collect();
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, loaded);
        let table = Self {
            metadata,
            declared,
            schema,
            rows,
            state: State::Opened(wrap(builder)),
        };
        Ok((table, names))
    }

    pub(super) fn data_type(&self, column: usize) -> Option<&DataType> {
        self.schema.fields().get(column).map(|f| f.data_type())
    }

    pub(super) fn declared_type(&self, column: usize) -> Option<&DataType> {
        self.declared.fields().get(column).map(|f| f.data_type())
    }

    #[expect(clippy::cast_precision_loss, reason = "a share of progress")]
    pub(super) fn progress(&self, read: u64) -> f64 {
        read as f64 / self.rows.max(1) as f64
    }

    pub(super) fn next(
        &mut self,
        selected: &[usize],
        most_rows: usize,
    ) -> Result<Option<RecordBatch>, TableError> {
        let mut reader = match std::mem::replace(&mut self.state, State::Ended) {
            State::Opened(Builder::File(builder)) => begin(builder, selected, most_rows)?,
            State::Opened(Builder::Bytes(builder)) => begin(builder, selected, most_rows)?,
            State::Reading(reader) => reader,
            State::Ended => return Ok(None),
        };
        let batch = guarded(|| reader.next().transpose().map_err(ParquetError::from))?;
        if batch.is_some() {
            self.state = State::Reading(reader);
        }
        Ok(batch)
    }
}

fn begin<R: ChunkReader + 'static>(
    builder: ParquetRecordBatchReaderBuilder<R>,
    selected: &[usize],
    most_rows: usize,
) -> Result<ParquetRecordBatchReader, TableError> {
    let fitting = BLOCK_BYTES / row_bytes(builder.metadata());
    let rows = usize::try_from(fitting).map_or(most_rows, |fitting| fitting.clamp(1, most_rows));
    let mask = ProjectionMask::roots(builder.parquet_schema(), selected.iter().copied());
    guarded(|| builder.with_projection(mask).with_batch_size(rows).build())
}

/// Runs the decoder. What it says of a damaged file becomes one error; so does
/// a panic, since a file is not trusted.
fn guarded<T>(decode: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, TableError> {
    let damaged = |reason: String| TableError::Damaged {
        what: "its Parquet can't be decoded",
        reason,
    };
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode)) {
        Ok(Ok(decoded)) => Ok(decoded),
        Ok(Err(error)) if reason(&error).contains("Disabled feature") => Err(TableError::Format {
            what: "Parquet packed with a codec that is not built in",
            remedy: "write it with zstd, snappy, gzip or lz4",
        }),
        Ok(Err(error)) => Err(damaged(reason(&error))),
        Err(_) => Err(damaged("the decoder gave up".into())),
    }
}

fn reason(error: &ParquetError) -> String {
    let inner = match error {
        ParquetError::External(inner) => inner.to_string(),
        other => other.to_string(),
    };
    inner.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a file says of itself: the types that it declares, and how it is read,
/// its texts as views. What is read of it, by anybody, stays within limits:
/// neither its columns nor a page of them say that they unpack to more.
///
/// # Errors
/// Where they do, or what it says can't be read.
pub fn describe_parquet(
    file: &impl ChunkReader,
    limits: Limits,
) -> Result<(Arc<Schema>, ArrowReaderMetadata), TableError> {
    let (declared, loaded) = guarded(|| {
        pages::check_footer(file)?;
        let plain = ArrowReaderMetadata::load(file, ArrowReaderOptions::new())?;
        let schema = Arc::new(with_views(plain.schema()));
        let options = ArrowReaderOptions::new().with_schema(schema);
        let loaded = ArrowReaderMetadata::try_new(Arc::clone(plain.metadata()), options)?;
        Ok((Arc::clone(plain.schema()), loaded))
    })?;
    check_size(loaded.metadata(), file.len(), limits)?;
    guarded(|| pages::check(file, loaded.metadata()))?;
    Ok((declared, loaded))
}

/// Whether the columns unpack to no more than is allowed, as the file itself
/// says; a page holds what it says or is an error. A row counts as a byte at
/// least: a few can say that nothing stands in any number of them.
fn check_size(about: &ParquetMetaData, size: u64, limits: Limits) -> Result<(), TableError> {
    let unpacked = unpacked(about).max(rows(about));
    if limits.allow(size, unpacked) {
        Ok(())
    } else {
        Err(TableError::TooLarge {
            unpacked_bytes: limits.unpacked_bytes,
            unpacked_ratio: limits.unpacked_ratio,
        })
    }
}

/// What the columns unpack to, as the file says.
fn unpacked(about: &ParquetMetaData) -> u64 {
    let groups = about.row_groups().iter();
    let columns = groups.flat_map(RowGroupMetaData::columns);
    let sizes = columns.map(|c| u64::try_from(c.uncompressed_size()).unwrap_or(u64::MAX));
    sizes.fold(0, u64::saturating_add)
}

/// The same of a row, at least 1.
fn row_bytes(about: &ParquetMetaData) -> u64 {
    (unpacked(about) / rows(about).max(1)).max(1)
}

fn rows(about: &ParquetMetaData) -> u64 {
    u64::try_from(about.file_metadata().num_rows()).unwrap_or(0)
}

/// The schema with every kind of text as a view.
fn with_views(schema: &Schema) -> Schema {
    let fields = schema.fields().iter().map(|field| {
        let view = view(field.data_type());
        Field::clone(field).with_data_type(view)
    });
    Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone())
}

fn view(of: &DataType) -> DataType {
    match of {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::Dictionary(_, value) => match view(value) {
            text @ (DataType::Utf8View | DataType::BinaryView) => text,
            _ => of.clone(),
        },
        other => other.clone(),
    }
}
