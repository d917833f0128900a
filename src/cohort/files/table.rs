//! Any table, read in blocks of rows: the columns as they are in the file.

use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::DataType;

use super::csv_table::CsvTable;
use super::error::TableError;
use super::limits::Limits;
use super::metadata::FileMetadata;
use super::parquet_table::ParquetTable;
use super::source::{Opened, Source, open};
use super::split::Block;

/// Rows of a block.
pub(super) const BLOCK_ROWS: usize = 8192;

/// Opens a table: CSV (plain, gzip or zstd) or Parquet, told by its content.
///
/// # Errors
/// Where the file can't be read, or is no table.
pub fn open_table(path: &Path) -> Result<TableReader, TableError> {
    TableReader::open(&path.into(), Limits::default())
}

/// Why a row of a file is no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFault {
    /// It has another number of fields than the header.
    FieldCount { found: usize, expected: usize },
    /// It is longer than a row may be.
    TooLong,
    /// A quote in it is not closed.
    UnclosedQuote,
    /// Text follows a closing quote.
    Quotes,
    /// A field is not UTF-8.
    Encoding,
}

/// A row that is set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// The line it begins on, the header's being the first.
    pub line: u64,
    /// The column at fault, as an index into [`TableReader::columns`].
    pub column: Option<usize>,
    pub fault: RowFault,
}

impl BadRow {
    pub(super) fn new(line: u64, fault: RowFault) -> Self {
        Self {
            line,
            column: None,
            fault,
        }
    }
}

/// Some rows of a table.
#[derive(Debug, Clone)]
pub struct Rows {
    /// The selected columns, all of them text where the file is CSV.
    pub batch: RecordBatch,
    /// Where each row of the batch begins: its line in a CSV file, its number,
    /// from 1, in a Parquet file.
    pub lines: Vec<u64>,
    pub bad: Vec<BadRow>,
}

impl Rows {
    /// Rows that come one after the other, `before` of them before these.
    #[must_use]
    pub fn of(batch: RecordBatch, before: u64) -> Self {
        Self {
            lines: (before + 1..).take(batch.num_rows()).collect(),
            batch,
            bad: Vec::new(),
        }
    }
}

/// Rows as they were read, before the work that needs no order.
pub(in crate::cohort) enum Chunk {
    Csv(Block),
    Parquet(RecordBatch, u64),
}

/// Reads a table block by block.
pub struct TableReader {
    columns: Vec<String>,
    selected: Vec<usize>,
    kind: Kind,
    limits: Limits,
    block_rows: usize,
    rows: u64,
}

enum Kind {
    Csv(Box<CsvTable>),
    Parquet(Box<ParquetTable>),
}

impl TableReader {
    /// Opens a table within limits.
    ///
    /// # Errors
    /// Where the file can't be read, or is no table, or passes a limit already.
    pub fn open(source: &Source, limits: Limits) -> Result<Self, TableError> {
        let (kind, columns) = match open(source, limits)? {
            Opened::Csv(input) => {
                let (table, columns) = CsvTable::open(input, limits)?;
                (Kind::Csv(Box::new(table)), columns)
            }
            Opened::Parquet => {
                let (table, columns) = ParquetTable::open(source, limits)?;
                (Kind::Parquet(Box::new(table)), columns)
            }
        };
        if columns.len() > limits.columns {
            return Err(TableError::TooManyColumns(limits.columns));
        }
        Ok(Self {
            selected: (0..columns.len()).collect(),
            columns,
            kind,
            limits,
            block_rows: BLOCK_ROWS,
            rows: 0,
        })
    }

    /// The names of the file's columns.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The Arrow type of a column as it is read; none where the file has but text.
    #[must_use]
    pub fn data_type(&self, column: usize) -> Option<&DataType> {
        match &self.kind {
            Kind::Csv(_) => None,
            Kind::Parquet(table) => table.data_type(column),
        }
    }

    /// The same as the file says it: texts are read as views, whatever they are
    /// in the file.
    #[must_use]
    pub fn declared_type(&self, column: usize) -> Option<&DataType> {
        match &self.kind {
            Kind::Csv(_) => None,
            Kind::Parquet(table) => table.declared_type(column),
        }
    }

    /// How the file was made, where this program's generator made it.
    #[must_use]
    pub fn metadata(&self) -> Option<&FileMetadata> {
        match &self.kind {
            Kind::Csv(_) => None,
            Kind::Parquet(table) => table.metadata.as_ref(),
        }
    }

    /// Reads at most so many rows at a time. For before the first row.
    #[must_use]
    pub fn in_blocks_of(mut self, rows: usize) -> Self {
        self.block_rows = rows.clamp(1, BLOCK_ROWS);
        self
    }

    /// Reads these columns alone, in the file's order. For before the first row.
    pub fn select(&mut self, columns: impl IntoIterator<Item = usize>) {
        self.selected = columns
            .into_iter()
            .filter(|c| *c < self.columns.len())
            .collect();
        self.selected.sort_unstable();
        self.selected.dedup();
    }

    /// The columns that are read, in the order of the batches.
    #[must_use]
    pub fn selected(&self) -> &[usize] {
        &self.selected
    }

    /// The share of the file that is read, 0 to 1.
    #[must_use]
    pub fn progress(&self) -> f64 {
        match &self.kind {
            Kind::Csv(table) => table.progress(),
            Kind::Parquet(table) => table.progress(self.rows),
        }
    }

    /// The next rows, as far as they must be read one after the other.
    pub(in crate::cohort) fn next_chunk(&mut self) -> Result<Option<Chunk>, TableError> {
        let chunk = match &mut self.kind {
            Kind::Csv(table) => table
                .next(&self.selected, self.columns.len(), self.block_rows)?
                .map(Chunk::Csv),
            Kind::Parquet(table) => {
                let batch = table.next(&self.selected, self.block_rows)?;
                batch.map(|batch| Chunk::Parquet(batch, self.rows))
            }
        };
        self.rows += chunk.as_ref().map_or(0, Chunk::len);
        if self.rows > self.limits.rows {
            return Err(TableError::TooManyRows(self.limits.rows));
        }
        Ok(chunk)
    }
}

impl Chunk {
    /// How many rows these are, those that are none counted in.
    pub(in crate::cohort) fn len(&self) -> u64 {
        match self {
            Self::Csv(block) => (block.lines.len() + block.bad.len()) as u64,
            Self::Parquet(batch, _) => batch.num_rows() as u64,
        }
    }

    /// The rest of the work of reading these rows.
    pub(in crate::cohort) fn rows(self, names: &[String], selected: &[usize]) -> Rows {
        match self {
            Self::Csv(block) => super::csv_table::rows(block, names, selected),
            Self::Parquet(batch, before) => Rows::of(batch, before),
        }
    }
}

impl Iterator for TableReader {
    type Item = Result<Rows, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        let chunk = self.next_chunk().transpose()?;
        Some(chunk.map(|chunk| chunk.rows(&self.columns, &self.selected)))
    }
}
