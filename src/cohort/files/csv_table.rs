//! A CSV file as a table whose columns are all text.

use std::io::Read;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema};

use super::error::TableError;
use super::limits::Limits;
use super::source::{CsvInput, Packing};
use super::split::{Block, SplitError, Splitter};
use super::table::{BadRow, RowFault, Rows};

/// A CSV file behind its header.
pub(super) struct CsvTable {
    splitter: Splitter<Box<dyn Read + Send>>,
    packing: Packing,
    limits: Limits,
    size: u64,
    read: Arc<std::sync::atomic::AtomicU64>,
}

impl CsvTable {
    /// Reads the header.
    pub(super) fn open(input: CsvInput, limits: Limits) -> Result<(Self, Vec<String>), TableError> {
        let mut table = Self {
            splitter: Splitter::new(input.text, limits.row_bytes),
            packing: input.packing,
            limits,
            size: input.size,
            read: input.read,
        };
        let header = table.splitter.header();
        let header = header.map_err(|e| table.error(e))?;
        let names = header.into_iter().map(String::from_utf8);
        let names: Result<Vec<String>, _> = names.collect();
        let names = names.map_err(|_| TableError::HeaderEncoding)?;
        Ok((table, names))
    }

    pub(super) fn next(
        &mut self,
        selected: &[usize],
        columns: usize,
        most_rows: usize,
    ) -> Result<Option<Block>, TableError> {
        let mut keep = vec![false; columns];
        for column in selected {
            keep[*column] = true;
        }
        let block = self.splitter.block(&keep, most_rows);
        block.map_err(|e| self.error(e))
    }

    #[expect(clippy::cast_precision_loss, reason = "a share of progress")]
    pub(super) fn progress(&self) -> f64 {
        self.read.load(Ordering::Relaxed) as f64 / self.size.max(1) as f64
    }

    fn error(&self, error: SplitError) -> TableError {
        match error {
            SplitError::Read(error) => self.packing.error(error, &self.limits),
            SplitError::Empty => TableError::Empty,
            SplitError::HeaderTooLong => TableError::HeaderTooLong(self.limits.row_bytes),
            SplitError::HeaderQuotes => TableError::HeaderQuotes,
        }
    }
}

/// The rows of a block as columns of text; those that are not UTF-8 are set
/// aside.
pub(super) fn rows(mut block: Block, names: &[String], selected: &[usize]) -> Rows {
    if std::str::from_utf8(&block.text).is_err() {
        set_broken_aside(&mut block, selected);
    }
    let width = selected.len();
    let arrays = columns(&block, width);
    let fields = selected.iter().map(|column| &names[*column]);
    let fields = fields.map(|name| Field::new(name, DataType::Utf8, true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let options = RecordBatchOptions::new().with_row_count(Some(block.lines.len()));
    #[expect(
        clippy::expect_used,
        reason = "as many arrays as fields, of their type and length"
    )]
    let batch = RecordBatch::try_new_with_options(schema, arrays, &options)
        .expect("the columns follow the schema");
    Rows {
        batch,
        lines: block.lines,
        bad: block.bad,
    }
}

/// The texts of a column, one after the other, and where each ends.
struct Gathered {
    text: Vec<u8>,
    ends: Vec<i32>,
}

/// The fields of each column. A few rows at a time, which stay in a processor's
/// cache while all columns take theirs.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a block is far below 2 GiB"
)]
fn columns(block: &Block, width: usize) -> Vec<ArrayRef> {
    const PART_ROWS: usize = 256;
    let rows = block.lines.len();
    let gathered = || {
        let mut ends = Vec::with_capacity(rows + 1);
        ends.push(0);
        let text = Vec::with_capacity(rows * 4);
        Gathered { text, ends }
    };
    let mut columns: Vec<Gathered> = (0..width).map(|_| gathered()).collect();
    for part in block.fields.chunks((width * PART_ROWS).max(1)) {
        for (slot, column) in columns.iter_mut().enumerate() {
            for field in part.iter().skip(slot).step_by(width) {
                let bytes = &block.text[field.start as usize..field.end as usize];
                column.text.extend_from_slice(bytes);
                column.ends.push(column.text.len() as i32);
            }
        }
    }
    columns.into_iter().map(array).collect()
}

fn array(column: Gathered) -> ArrayRef {
    let ends = OffsetBuffer::new(ScalarBuffer::from(column.ends));
    let text = Buffer::from_vec(column.text);
    #[expect(clippy::expect_used, reason = "rows with other text are set aside")]
    let array = StringArray::try_new(ends, text, None).expect("fields are UTF-8");
    Arc::new(array)
}

/// Takes out the rows that have a field which is not UTF-8.
fn set_broken_aside(block: &mut Block, selected: &[usize]) {
    let width = selected.len();
    if width == 0 {
        return;
    }
    let text = |field: &Range<u32>| &block.text[field.start as usize..field.end as usize];
    let mut fields = Vec::with_capacity(block.fields.len());
    let mut lines = Vec::with_capacity(block.lines.len());
    for (row, line) in block.fields.chunks_exact(width).zip(&block.lines) {
        let broken = row
            .iter()
            .position(|field| std::str::from_utf8(text(field)).is_err());
        match broken {
            None => {
                fields.extend_from_slice(row);
                lines.push(*line);
            }
            Some(slot) => block.bad.push(BadRow {
                line: *line,
                column: Some(selected[slot]),
                fault: RowFault::Encoding,
            }),
        }
    }
    block.bad.sort_by_key(|bad| bad.line);
    block.fields = fields;
    block.lines = lines;
}
