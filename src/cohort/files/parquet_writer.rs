//! Writes Parquet, a column a task: encoding and packing are most of the work,
//! and columns know nothing of each other.

use std::fs::File;
use std::io::{self, BufWriter};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use rayon::prelude::*;

use super::metadata::FileMetadata;
use crate::schema::{COLUMNS, Kind};

/// Rows of a row group: large enough for scans and for dictionaries to pay,
/// small enough to be skipped or read by several workers.
const ROW_GROUP_ROWS: usize = 262_144;
/// Rows that are encoded at once.
const WINDOW_ROWS: usize = 32_768;
/// Rows of a page at most: each page is packed by a packer of its own, which has
/// to be set up.
const PAGE_ROWS: usize = 131_072;
/// Rows that a column is given at once.
const STEP_ROWS: usize = 8_192;
const ZSTD_LEVEL: i32 = 3;

/// A Parquet file that is being written.
pub(super) struct ParquetWriter {
    file: SerializedFileWriter<BufWriter<File>>,
    factory: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    group: Option<Group>,
    groups: usize,
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
}

/// The row group that is being written.
struct Group {
    columns: Vec<ArrowColumnWriter>,
    rows: usize,
}

impl ParquetWriter {
    pub(super) fn new(
        file: BufWriter<File>,
        schema: SchemaRef,
        metadata: &FileMetadata,
    ) -> io::Result<Self> {
        let properties = properties(metadata).map_err(to_io)?;
        let writer = ArrowWriter::try_new(file, SchemaRef::clone(&schema), Some(properties));
        let parts = writer.and_then(ArrowWriter::into_serialized_writer);
        let (file, factory) = parts.map_err(to_io)?;
        Ok(Self {
            file,
            factory,
            schema,
            group: None,
            groups: 0,
            waiting: Vec::new(),
            waiting_rows: 0,
        })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let mut batch = batch.clone();
        while batch.num_rows() > 0 {
            let room = WINDOW_ROWS - self.waiting_rows;
            let rows = room.min(batch.num_rows());
            self.waiting.push(batch.slice(0, rows));
            self.waiting_rows += rows;
            batch = batch.slice(rows, batch.num_rows() - rows);
            if self.waiting_rows == WINDOW_ROWS {
                self.encode().map_err(to_io)?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<BufWriter<File>> {
        let ended = self.encode().and_then(|()| self.end_group());
        ended.and_then(|()| self.file.into_inner()).map_err(to_io)
    }

    /// Encodes the waiting rows, all columns at once. Windows divide a row group.
    fn encode(&mut self) -> Result<(), ParquetError> {
        const { assert!(ROW_GROUP_ROWS.is_multiple_of(WINDOW_ROWS)) };
        if self.waiting.is_empty() {
            return Ok(());
        }
        let group = match &mut self.group {
            Some(group) => group,
            empty => empty.insert(Group {
                columns: self.factory.create_column_writers(self.groups)?,
                rows: 0,
            }),
        };
        let batches = std::mem::take(&mut self.waiting);
        let fields = self.schema.fields();
        let columns = group.columns.par_iter_mut().enumerate();
        columns.try_for_each(|(index, writer)| {
            for batch in &batches {
                for leaf in compute_leaves(&fields[index], batch.column(index))? {
                    writer.write(&leaf)?;
                }
            }
            Ok::<_, ParquetError>(())
        })?;
        group.rows += std::mem::take(&mut self.waiting_rows);
        if group.rows == ROW_GROUP_ROWS {
            self.end_group()?;
        }
        Ok(())
    }

    fn end_group(&mut self) -> Result<(), ParquetError> {
        let Some(group) = self.group.take() else {
            return Ok(());
        };
        let chunks = group.columns.into_par_iter().map(ArrowColumnWriter::close);
        let chunks: Vec<ArrowColumnChunk> = chunks.collect::<Result<_, _>>()?;
        let mut row_group = self.file.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut row_group)?;
        }
        row_group.close()?;
        self.groups += 1;
        Ok(())
    }
}

fn properties(metadata: &FileMetadata) -> Result<WriterProperties, ParquetError> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(STEP_ROWS)
        // Row groups are skipped by them; those of pages would find nothing in
        // rows that are in no order.
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by(format!("engagecast {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(metadata.to_pairs()));
    // Identifiers all differ, and begin like the one before.
    for column in COLUMNS.iter().filter(|c| c.kind == Kind::Id) {
        let path = ColumnPath::from(column.name);
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BYTE_ARRAY);
    }
    Ok(properties.build())
}

fn to_io(error: ParquetError) -> io::Error {
    io::Error::other(error)
}
