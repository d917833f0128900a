//! CSV with a line of names first. A row with too many or too few cells, or
//! with bytes that are no UTF-8, is the fault of that row; an empty cell is a
//! missing value.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use csv_core::{ReadRecordResult, Reader};

use super::malformed;
use crate::features::FieldError;
use crate::http::formats::columns;
use crate::http::formats::rows::{Faults, Rows};
use crate::http::problem::{self, Problem};

/// Rows that are handed on at once.
const ROWS: usize = 4096;

/// Columns of the widest table: more than the schema has is refused by name,
/// and many more is no table.
const MOST_COLUMNS: usize = 1024;

pub struct Csv {
    reader: Reader,
    limit: usize,
    /// The cells of the record that is being read, one after another.
    cells: Vec<u8>,
    filled: usize,
    ends: Vec<usize>,
    ended: usize,
    table: Option<Table>,
}

/// What follows the line of names.
struct Table {
    schema: SchemaRef,
    columns: Vec<StringBuilder>,
    rows: usize,
    faults: Faults,
}

impl Csv {
    pub fn new(limit: usize) -> Self {
        Self {
            reader: Reader::new(),
            limit,
            cells: vec![0; limit.min(4096)],
            filled: 0,
            ends: vec![0; MOST_COLUMNS + 1],
            ended: 0,
            table: None,
        }
    }

    pub fn feed(&mut self, piece: &[u8]) -> Result<Vec<Rows>, Problem> {
        let mut done = Vec::new();
        if !piece.is_empty() {
            self.read(piece, &mut done)?;
        }
        self.hand_on(&mut done)?;
        Ok(done)
    }

    pub fn finish(mut self) -> Result<Vec<Rows>, Problem> {
        let mut done = Vec::new();
        // Nothing more to read is how the reader is told of the end.
        self.read(&[], &mut done)?;
        if self.table.is_none() {
            return Err(malformed(
                "The CSV is empty: its first line must have the names of the columns.",
            ));
        }
        self.hand_on(&mut done)?;
        Ok(done)
    }

    fn read(&mut self, mut piece: &[u8], done: &mut Vec<Rows>) -> Result<(), Problem> {
        loop {
            let (result, read, wrote, ended) = self.reader.read_record(
                piece,
                &mut self.cells[self.filled..],
                &mut self.ends[self.ended..],
            );
            piece = &piece[read..];
            self.filled += wrote;
            self.ended += ended;
            match result {
                ReadRecordResult::InputEmpty | ReadRecordResult::End => return Ok(()),
                ReadRecordResult::OutputFull if self.cells.len() < self.limit => {
                    let larger = (2 * self.cells.len()).min(self.limit);
                    self.cells.resize(larger, 0);
                }
                ReadRecordResult::OutputFull => {
                    return Err(malformed(format!(
                        "A row of the CSV has more than {} bytes; a quote that is not closed does this too. It is in or after line {}.",
                        self.limit,
                        self.reader.line()
                    )));
                }
                ReadRecordResult::OutputEndsFull => {
                    return Err(malformed(format!(
                        "A row of the CSV has more than {MOST_COLUMNS} cells."
                    )));
                }
                ReadRecordResult::Record => {
                    self.record()?;
                    (self.filled, self.ended) = (0, 0);
                    if self.table.as_ref().is_some_and(|table| table.rows >= ROWS) {
                        self.hand_on(done)?;
                    }
                }
            }
        }
    }

    fn record(&mut self) -> Result<(), Problem> {
        let ends = &self.ends[..self.ended];
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let cells = starts
            .zip(ends)
            .map(|(start, &end)| &self.cells[start..end]);
        if let Some(table) = &mut self.table {
            table.append(cells, ends.len());
        } else {
            self.table = Some(Table::new(cells)?);
        }
        Ok(())
    }

    fn hand_on(&mut self, done: &mut Vec<Rows>) -> Result<(), Problem> {
        if let Some(table) = self.table.as_mut().filter(|table| table.rows > 0) {
            done.push(table.take()?);
        }
        Ok(())
    }
}

impl Table {
    fn new<'a>(names: impl Iterator<Item = &'a [u8]>) -> Result<Self, Problem> {
        let field = |name: &[u8]| {
            let name = std::str::from_utf8(name)
                .map_err(|_| malformed("The first line of the CSV is not UTF-8."))?;
            Ok(Field::new(name.trim(), DataType::Utf8, true))
        };
        let fields = names.map(field).collect::<Result<Vec<_>, Problem>>()?;
        let builders = fields.iter().map(|_| StringBuilder::new()).collect();
        let schema = Arc::new(Schema::new(fields));
        columns::check(&schema)?;
        Ok(Self {
            schema,
            columns: builders,
            rows: 0,
            faults: Faults::new(),
        })
    }

    fn append<'a>(&mut self, cells: impl Iterator<Item = &'a [u8]>, count: usize) {
        let expected = self.columns.len();
        if count == expected {
            for ((column, cell), i) in self.columns.iter_mut().zip(cells).zip(0..) {
                match std::str::from_utf8(cell) {
                    Ok("") => column.append_null(),
                    Ok(text) => column.append_value(text),
                    Err(_) => {
                        column.append_null();
                        let field = self.schema.field(i).name().clone();
                        let fault = FieldError {
                            field,
                            code: "not_utf8",
                            message: "must be UTF-8".to_owned(),
                        };
                        self.faults.entry(self.rows).or_default().push(fault);
                    }
                }
            }
        } else {
            for column in &mut self.columns {
                column.append_null();
            }
            let fault = FieldError {
                field: String::new(),
                code: "ragged_row",
                message: format!("the row has {count} cells where the first line has {expected}"),
            };
            self.faults.entry(self.rows).or_default().push(fault);
        }
        self.rows += 1;
    }

    fn take(&mut self) -> Result<Rows, Problem> {
        self.rows = 0;
        let faults = std::mem::take(&mut self.faults);
        let columns = self.columns.iter_mut();
        let columns = columns.map(|column| Arc::new(column.finish()) as ArrayRef);
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns.collect());
        let batch = batch.map_err(|error| problem::internal(&error))?;
        Ok(Rows::Table(batch, faults))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many rows there are, and the first fault of each that has any.
    type Found = (usize, Vec<(usize, &'static str)>);

    fn read(text: &[u8], piece: usize) -> Result<Found, Problem> {
        let mut csv = Csv::new(1000);
        let mut done = Vec::new();
        for piece in text.chunks(piece) {
            done.extend(csv.feed(piece)?);
        }
        done.extend(csv.finish()?);
        let (mut rows, mut at_fault) = (0, Vec::new());
        for part in done {
            let (profiles, faults) = part.into_profiles();
            at_fault.extend(faults.iter().map(|(row, f)| (row + rows, f[0].code)));
            rows += profiles.len();
        }
        Ok((rows, at_fault))
    }

    #[test]
    fn rows_are_read_however_the_bytes_are_cut() {
        let text =
            b"age,location\r\n30,\"New\nYork\"\n5,\n,\nx,\"a \"\"b\"\"\"\n31\n32,a,b\n33,\xff\n34,";
        let faults = vec![
            (1, "out_of_range"),
            (3, "wrong_type"),
            (4, "ragged_row"),
            (5, "ragged_row"),
            (6, "not_utf8"),
        ];
        for piece in 1..=text.len() {
            assert_eq!(read(text, piece).unwrap(), (8, faults.clone()), "{piece}");
        }
    }

    #[test]
    fn a_table_that_is_none_is_refused() {
        assert!(read(b"", 1).is_err());
        assert!(read(b"age,agee\n1,2\n", 99).is_err());
        assert!(read(b"age,age\n1,2\n", 99).is_err());
        let unclosed = format!("age,location\n30,\"{}", "x\n".repeat(2000));
        assert!(read(unclosed.as_bytes(), 99).is_err());
    }
}
