//! Reads a file to its end: a few blocks of rows at a time are turned into the
//! schema's columns on all threads, while the next ones are read.
//!
//! Rows come out in the file's order, whatever the number of threads.

use std::collections::VecDeque;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::{BooleanArray, RecordBatch};
use arrow_select::filter::filter_record_batch;
use rayon::prelude::*;

use super::coerce::{Coerced, Coercion};
use super::columns::matched;
use super::duplicates::{Seen, hashes};
use super::error::ImportError;
use super::mapping::Mapping;
use super::rejects::Reject;
use super::summary::{Summary, Tally};
use crate::cohort::files::{Chunk, FileMetadata, Limits, Source, TableError, TableReader};
use crate::schema::{column, invariants};

const ID: usize = column("customer_id");

/// Blocks that are in memory at once, at most.
const MOST_BLOCKS: usize = 16;

/// Customers of a file, in batches of the schema's columns.
pub struct Import {
    table: TableReader,
    coercion: Coercion,
    /// None where customers may stand more than once.
    seen: Option<Seen>,
    id_name: Option<String>,
    read: Vec<(Chunk, u64)>,
    rows: u64,
    ready: VecDeque<Imported>,
    failure: Option<ImportError>,
    ended: bool,
    summary: Summary,
    tally: Tally,
}

/// Some rows of a file.
pub type Imported = Coerced;

impl Import {
    /// Opens a CSV or Parquet file.
    ///
    /// # Errors
    /// Where the file is no table, has no known column, or the mapping does not
    /// fit it.
    pub fn open(path: &Path, mapping: &Mapping, limits: Limits) -> Result<Self, ImportError> {
        Self::of(&path.into(), mapping, limits)
    }

    /// Opens a table wherever it is.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn of(source: &Source, mapping: &Mapping, limits: Limits) -> Result<Self, ImportError> {
        let mut table = TableReader::open(source, limits)?;
        let data_type = |index| table.data_type(index).cloned();
        let matched = matched(table.columns(), data_type, mapping)?;
        let coercion = Coercion::new(table.columns().to_vec(), &matched, mapping);
        table.select(coercion.sources().iter().copied());
        let id_name = matched.targets.iter().find(|target| target.column == ID);
        Ok(Self {
            id_name: id_name.map(|target| target.name.clone()),
            summary: Summary {
                columns_found: matched.found,
                columns_ignored: matched.ignored,
                numbered: coercion.numbers_rows(),
                ..Summary::default()
            },
            table,
            coercion,
            seen: Some(Seen::default()),
            read: Vec::new(),
            rows: 0,
            ready: VecDeque::new(),
            failure: None,
            ended: false,
            tally: Tally::default(),
        })
    }

    /// Lets a customer stand more than once, as for a batch of predictions.
    #[must_use]
    pub fn allow_duplicates(mut self) -> Self {
        self.seen = None;
        self
    }

    /// What came of the rows so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut summary = self.summary.clone();
        self.tally.fill(&mut summary);
        summary
    }

    /// How the file was made, where this program's generator made it.
    #[must_use]
    pub fn metadata(&self) -> Option<&FileMetadata> {
        self.table.metadata()
    }

    /// The share of the file that is read, 0 to 1.
    #[must_use]
    pub fn progress(&self) -> f64 {
        self.table.progress()
    }

    /// Turns what was read into customers while more is read.
    fn advance(&mut self) {
        let chunks = std::mem::take(&mut self.read);
        let (table, coercion) = (&mut self.table, &self.coercion);
        let (names, selected) = (table.columns().to_vec(), table.selected().to_vec());
        let (before, ended) = (self.rows, self.ended);
        let (read, coerced) = rayon::join(
            || {
                if ended {
                    Ok((Vec::new(), before))
                } else {
                    read_ahead(table, before)
                }
            },
            || {
                let chunks = chunks.into_par_iter();
                let coerced = chunks
                    .map(|(chunk, before)| coercion.apply(&chunk.rows(&names, &selected), before));
                coerced.collect::<Vec<Coerced>>()
            },
        );
        match read {
            Ok((chunks, rows)) => {
                self.ended |= chunks.is_empty();
                self.read = chunks;
                self.rows = rows;
            }
            Err(error) => {
                self.failure = Some(error.into());
                self.ended = true;
            }
        }
        self.accept(coerced);
    }

    /// Takes the duplicates out, and counts.
    fn accept(&mut self, mut coerced: Vec<Coerced>) {
        for rows in &mut coerced {
            self.without_duplicates(rows);
            self.tally.accepted += rows.batch.num_rows() as u64;
            for reject in &rows.rejects {
                self.tally.reject(reject);
            }
        }
        let found = coerced
            .par_iter()
            .map(|rows| invariants::contradictions(&rows.batch));
        for found in found.collect::<Vec<_>>() {
            self.tally.violations(found);
        }
        self.ready.extend(coerced);
    }

    fn without_duplicates(&mut self, rows: &mut Coerced) {
        let (Some(seen), Some(name)) = (&mut self.seen, &self.id_name) else {
            return;
        };
        let hashes = hashes(rows.batch.column(ID).as_string());
        let new: Vec<bool> = hashes.into_iter().map(|hash| seen.insert(hash)).collect();
        if new.iter().all(|new| *new) {
            return;
        }
        let duplicates = new.iter().zip(&rows.lines).filter(|(new, _)| !**new);
        rows.rejects.extend(duplicates.map(|(_, line)| Reject {
            line: *line,
            column: Some(name.clone()),
            code: "duplicate_id",
            message: "an earlier row has the same customer".into(),
        }));
        rows.rejects.sort_by_key(|reject| reject.line);
        let mut keep = new.iter();
        rows.lines.retain(|_| keep.next().copied().unwrap_or(true));
        rows.batch = kept(&rows.batch, new);
    }
}

fn kept(batch: &RecordBatch, keep: Vec<bool>) -> RecordBatch {
    #[expect(clippy::expect_used, reason = "the mask has a bit for each row")]
    filter_record_batch(batch, &BooleanArray::from(keep)).expect("the mask fits the batch")
}

type Chunks = Vec<(Chunk, u64)>;

/// The next blocks, each with the number of the rows before it.
fn read_ahead(table: &mut TableReader, mut rows: u64) -> Result<(Chunks, u64), TableError> {
    let most = (2 * rayon::current_num_threads()).min(MOST_BLOCKS);
    let mut chunks = Vec::new();
    while chunks.len() < most {
        let Some(chunk) = table.next_chunk()? else {
            break;
        };
        let count = chunk.len();
        chunks.push((chunk, rows));
        rows += count;
    }
    Ok((chunks, rows))
}

impl Iterator for Import {
    type Item = Result<Imported, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(rows) = self.ready.pop_front() {
                return Some(Ok(rows));
            }
            if let Some(failure) = self.failure.take() {
                return Some(Err(failure));
            }
            if self.ended && self.read.is_empty() {
                return None;
            }
            self.advance();
        }
    }
}
