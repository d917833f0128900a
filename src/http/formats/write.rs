//! Record batches as bytes of a format, piece by piece.
//!
//! Invariant: what is held is one batch, or one row group of Parquet; the bytes
//! are complete only once [`Encoder::finish`] has given the last.

use std::mem::take;

use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::Format;
use super::cells::{self, Cells, UnknownType};

/// Rows of a Parquet row group; it is held until it is full.
const ROW_GROUP_ROWS: usize = 65_536;
const ZSTD_LEVEL: i32 = 3;

/// Why rows can't be written.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    #[error(transparent)]
    Type(#[from] UnknownType),
    #[error("Parquet: {0}")]
    Parquet(#[from] ParquetError),
    #[error("Arrow: {0}")]
    Arrow(#[from] ArrowError),
}

/// Writes the batches of one schema.
pub struct Encoder(Kind);

enum Kind {
    Json {
        list: &'static str,
        begun: bool,
        rows: Rows,
    },
    Ndjson(Rows),
    Csv {
        begun: bool,
        schema: SchemaRef,
    },
    Parquet(Box<ArrowWriter<Vec<u8>>>),
    Arrow(Box<StreamWriter<Vec<u8>>>),
}

impl Encoder {
    /// `list` is what the list of rows is called in JSON.
    pub fn new(
        format: Format,
        schema: &SchemaRef,
        list: &'static str,
    ) -> Result<Self, EncodeError> {
        Ok(Self(match format {
            Format::Json => Kind::Json {
                list,
                begun: false,
                rows: Rows::new(schema),
            },
            Format::Ndjson => Kind::Ndjson(Rows::new(schema)),
            Format::Csv => Kind::Csv {
                begun: false,
                schema: SchemaRef::clone(schema),
            },
            Format::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
                    .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
                    .set_created_by(format!("engagecast {}", env!("CARGO_PKG_VERSION")))
                    .build();
                let schema = SchemaRef::clone(schema);
                let writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties))?;
                Kind::Parquet(Box::new(writer))
            }
            Format::Arrow => Kind::Arrow(Box::new(StreamWriter::try_new(Vec::new(), schema)?)),
        }))
    }

    /// Appends the rows of a batch, as far as they can be told yet.
    pub fn write(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match &mut self.0 {
            Kind::Json { list, begun, rows } => {
                if !std::mem::replace(begun, true) {
                    json_head(list, out);
                }
                rows.write(batch, b"", b",", out)?;
            }
            Kind::Ndjson(rows) => rows.write(batch, b"\n", b"", out)?,
            Kind::Csv { begun, schema } => {
                if !std::mem::replace(begun, true) {
                    csv_head(schema, out);
                }
                csv_rows(batch, out)?;
            }
            Kind::Parquet(writer) => {
                writer.write(batch)?;
                out.append(writer.inner_mut());
            }
            Kind::Arrow(writer) => {
                writer.write(batch)?;
                out.append(writer.get_mut());
            }
        }
        Ok(())
    }

    /// Appends what completes the rows.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self.0 {
            Kind::Json { list, begun, .. } => {
                if !begun {
                    json_head(list, out);
                }
                out.extend_from_slice(b"]}");
            }
            Kind::Ndjson(_) => (),
            Kind::Csv { begun, schema } => {
                if !begun {
                    csv_head(&schema, out);
                }
            }
            Kind::Parquet(writer) => out.append(&mut writer.into_inner()?),
            Kind::Arrow(mut writer) => {
                writer.finish()?;
                out.append(&mut take(writer.get_mut()));
            }
        }
        Ok(())
    }
}

/// Rows as JSON objects; the names of the columns are escaped once.
pub struct Rows {
    names: Vec<Vec<u8>>,
    begun: bool,
}

impl Rows {
    pub fn new(schema: &SchemaRef) -> Self {
        let name = |(i, field): (usize, &std::sync::Arc<arrow_schema::Field>)| {
            let mut name = vec![if i == 0 { b'{' } else { b',' }];
            cells::json_text(field.name(), &mut name);
            name.push(b':');
            name
        };
        Self {
            names: schema.fields().iter().enumerate().map(name).collect(),
            begun: false,
        }
    }

    /// Appends an object a row, `after` each and `between` two.
    pub fn write(
        &mut self,
        batch: &RecordBatch,
        after: &[u8],
        between: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), UnknownType> {
        let columns = columns(batch)?;
        for row in 0..batch.num_rows() {
            if std::mem::replace(&mut self.begun, true) {
                out.extend_from_slice(between);
            }
            for (name, column) in self.names.iter().zip(&columns) {
                out.extend_from_slice(name);
                column.json(row, out);
            }
            out.push(b'}');
            out.extend_from_slice(after);
        }
        Ok(())
    }
}

fn columns(batch: &RecordBatch) -> Result<Vec<Cells<'_>>, UnknownType> {
    batch.columns().iter().map(Cells::of).collect()
}

fn json_head(list: &str, out: &mut Vec<u8>) {
    out.push(b'{');
    cells::json_text(list, out);
    out.extend_from_slice(b":[");
}

fn csv_head(schema: &SchemaRef, out: &mut Vec<u8>) {
    for (i, field) in schema.fields().iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        cells::csv_text(field.name().as_bytes(), out);
    }
    out.extend_from_slice(b"\r\n");
}

fn csv_rows(batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), UnknownType> {
    let columns = columns(batch)?;
    for row in 0..batch.num_rows() {
        for (i, column) in columns.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            column.csv(row, out);
        }
        out.extend_from_slice(b"\r\n");
    }
    Ok(())
}
