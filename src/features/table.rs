//! Customers from any table: whichever of the columns it has, by name, in any
//! order and of any type that can hold them.
//!
//! A [`Table`] looks a batch over once; [`Table::read`] then turns a block of its
//! rows into numbers, column by column, and notes the cells that are no value of
//! their column; [`Table::profiles`] turns its rows into customers. Null, NaN and
//! empty text are missing, and a number in text may have spaces around it.
//! Invariant: both judge a cell alike, and a cell that is no fault reads as
//! [`Profile`] reads the same value from JSON.

use arrow_array::{RecordBatch, StringArray};
use arrow_schema::Schema;

use self::cells::Cells;
use super::fault::{self, Fault, FieldError};
use super::names;
use super::profile::{ColumnSet, Profile};
use crate::schema::{COLUMN_COUNT, COLUMNS, Kind, column};

mod cells;

/// How many rows are read at a time: their numbers fit the nearest caches.
pub const BLOCK: usize = 128;

/// A number for each row of a block.
pub type Lane = [f32; BLOCK];

const CUSTOMER_ID: usize = column("customer_id");

/// The columns of a batch that are a customer's.
#[derive(Debug)]
pub struct Table {
    rows: usize,
    columns: Vec<(usize, Cells)>,
}

/// Rows of a table as models read them: a number for each column, NaN where it
/// is missing, a closed category by its index in the schema's list.
#[derive(Debug)]
pub struct Block<'a> {
    len: usize,
    /// By column.
    numbers: Vec<Lane>,
    locations: [Option<&'a str>; BLOCK],
    /// By row.
    faults: Vec<CellFault>,
    is_at_fault: [bool; BLOCK],
}

/// A cell that is no value of its column.
#[derive(Debug, Clone, Copy)]
struct CellFault {
    row: usize,
    column: usize,
    fault: Fault,
}

/// What the columns of a file are to the models.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recognised {
    pub columns: ColumnSet,
    /// Columns of other names, with the one that each nearly has.
    pub others: Vec<(String, Option<&'static str>)>,
}

impl Recognised {
    #[must_use]
    pub fn of(schema: &Schema) -> Self {
        let mut found = Self::default();
        for field in schema.fields() {
            if let Some(column) = names::find(field.name(), 0) {
                found.columns.insert(column);
            } else {
                let nearest = names::nearest(field.name());
                found.others.push((field.name().clone(), nearest));
            }
        }
        found
    }
}

/// What is wrong with the columns of a table that must have a customer's alone:
/// a name that is no column's or stands twice, a type that holds no value of its
/// column. At most one fault more than there are columns.
#[must_use]
pub fn unfit_columns(schema: &Schema) -> Vec<FieldError> {
    let mut seen = ColumnSet::default();
    let fault = |field: &arrow_schema::FieldRef| match names::find(field.name(), 0) {
        None => Some(fault::unknown(field.name())),
        Some(column) if !seen.insert(column) => Some(Fault::Duplicate.of(column)),
        Some(column) if !cells::suits(column, field.data_type()) => Some(Fault::Type.of(column)),
        Some(_) => None,
    };
    let faults = schema.fields().iter().filter_map(fault);
    faults.take(COLUMN_COUNT + 1).collect()
}

impl Table {
    /// Looks a batch over. A column that stands twice is at fault in each row.
    #[must_use]
    pub fn of(batch: &RecordBatch) -> Self {
        let mut columns: Vec<(usize, Cells)> = Vec::new();
        let mut likely = 0;
        for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let Some(column) = names::find(field.name(), likely) else {
                continue;
            };
            likely = column + 1;
            match columns.iter_mut().find(|(known, _)| *known == column) {
                Some((_, cells)) => *cells = Cells::Twice,
                None => columns.push((column, Cells::of(column, array))),
            }
        }
        Self {
            rows: batch.num_rows(),
            columns,
        }
    }

    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The customers' own names, where the table has them.
    #[must_use]
    pub fn customer_ids(&self) -> Option<StringArray> {
        match self.cells(CUSTOMER_ID)? {
            Cells::Text(ids) => Some(ids.clone()),
            _ => None,
        }
    }

    /// What a row has in a column, as text for a person to read.
    #[must_use]
    pub fn shown(&self, column: usize, row: usize) -> Option<String> {
        self.cells(column)?.shown(column, row)
    }

    /// Reads the rows from `first` on, as many as a block takes.
    pub fn read<'a>(&'a self, first: usize, block: &mut Block<'a>) {
        block.len = self.rows.saturating_sub(first).min(BLOCK);
        block.faults.clear();
        let rows = first..first + block.len;
        for &(column, ref cells) in &self.columns {
            let faults = &mut block.faults;
            let mut fault = |row, fault| faults.push(CellFault { row, column, fault });
            match COLUMNS[column].kind {
                Kind::Id => (),
                // No model reads it, but what is no moment is wrong.
                Kind::Timestamp => cells.check(column, rows.clone(), &mut fault),
                Kind::OpenCategory(_) => {
                    cells.texts(rows.clone(), &mut block.locations, &mut fault);
                }
                _ => {
                    let lane = &mut block.numbers[column];
                    cells.numbers(column, rows.clone(), lane, &mut fault);
                }
            }
        }
        block.faults.sort_by_key(|fault| fault.row);
        block.is_at_fault = [false; BLOCK];
        for fault in &block.faults {
            block.is_at_fault[fault.row] = true;
        }
    }

    /// The customers one by one, and what is wrong with those at fault, by row.
    #[must_use]
    pub fn profiles(&self) -> (Vec<Profile>, Vec<(usize, FieldError)>) {
        let mut profiles = vec![Profile::new(); self.rows];
        let mut faults = Vec::new();
        for &(column, ref cells) in &self.columns {
            for (row, profile) in profiles.iter_mut().enumerate() {
                if let Err(fault) = cells.read_into(profile, column, row) {
                    faults.push((row, fault.of(column)));
                }
            }
        }
        (profiles, faults)
    }

    fn cells(&self, column: usize) -> Option<&Cells> {
        let found = self.columns.iter().find(|(known, _)| *known == column);
        found.map(|(_, cells)| cells)
    }
}

impl Default for Block<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> Block<'a> {
    /// A block of no rows, for one table to be read into.
    #[must_use]
    pub fn new() -> Self {
        Self {
            len: 0,
            numbers: vec![[f32::NAN; BLOCK]; COLUMN_COUNT],
            locations: [None; BLOCK],
            faults: Vec::new(),
            is_at_fault: [false; BLOCK],
        }
    }

    /// How many rows are there; what stands after them means nothing.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The numbers of a column, as [`super::Profile::value`] has them, in single
    /// precision.
    ///
    /// # Panics
    /// If there is no such column.
    #[must_use]
    pub fn lane(&self, column: usize) -> &Lane {
        &self.numbers[column]
    }

    /// The locations as they stand in the table.
    #[must_use]
    pub fn locations(&self) -> &[Option<&'a str>; BLOCK] {
        &self.locations
    }

    /// Whether anything is wrong with a row.
    ///
    /// # Panics
    /// If no block has so many rows.
    #[must_use]
    pub fn is_at_fault(&self, row: usize) -> bool {
        self.is_at_fault[row]
    }

    /// The rows at fault, in order, each with all that is wrong with it.
    pub fn faults(&self) -> impl Iterator<Item = (usize, String)> {
        let rows = self.faults.chunk_by(|one, other| one.row == other.row);
        rows.map(|faults| {
            let texts = faults.iter().map(|f| f.fault.of(f.column).to_string());
            (faults[0].row, texts.collect::<Vec<_>>().join("; "))
        })
    }
}
