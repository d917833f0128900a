//! The binary format of Postgres' `COPY`, for the 72 columns of a customer.
//!
//! All numbers are big-endian. A header of 19 bytes; then each row as the number
//! of its fields (16 bits) and each field as its length in bytes (32 bits, −1
//! for null) and the value; then −1 in place of a number of fields. See
//! <https://www.postgresql.org/docs/current/sql-copy.html>.

use std::ops::Range;

use arrow_array::RecordBatch;

use crate::schema::{COLUMN_COUNT, COLUMNS};
use crate::store::BATCH_ROWS;
use crate::store::columns::{BatchBuilder, Builder, Values};

pub(super) const HEADER: [u8; 19] = *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
pub(super) const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "72"
)]
const FIELDS: i16 = COLUMN_COUNT as i16;

/// Postgres counts microseconds from 2000-01-01, Arrow from 1970-01-01.
const EPOCH: i64 = 946_684_800_000_000;

/// The statement that fills a partition. `FREEZE` spares the rewriting that a
/// first reading or a vacuum would do; it needs a table of the same transaction.
pub(super) fn into(partition: &str) -> String {
    let columns = column_list();
    format!("COPY {partition} ({columns}) FROM STDIN (FORMAT binary, FREEZE)")
}

/// The statement that reads a partition.
pub(super) fn out_of(partition: &str) -> String {
    let columns = column_list();
    format!("COPY {partition} ({columns}) TO STDOUT (FORMAT binary)")
}

fn column_list() -> String {
    COLUMNS.map(|c| c.name).join(", ")
}

/// Appends rows of a batch.
pub(super) fn encode(columns: &[Values], rows: Range<usize>, out: &mut Vec<u8>) {
    for row in rows {
        out.extend_from_slice(&FIELDS.to_be_bytes());
        for column in columns {
            if column.is_null(row) {
                out.extend_from_slice(&(-1_i32).to_be_bytes());
                continue;
            }
            match column {
                Values::Text(array) => {
                    out.extend_from_slice(&array.value_length(row).to_be_bytes());
                    out.extend_from_slice(array.value(row).as_bytes());
                }
                Values::Integer(array) => field(out, array.value(row).to_be_bytes()),
                Values::Big(array) => field(out, array.value(row).to_be_bytes()),
                Values::Decimal(array) => field(out, array.value(row).to_be_bytes()),
                Values::Flag(array) => field(out, [u8::from(array.value(row))]),
                // What is out of range was refused before.
                Values::Moment(array) => {
                    field(out, array.value(row).saturating_sub(EPOCH).to_be_bytes());
                }
            }
        }
    }
}

/// A field whose length its type tells.
fn field<const N: usize>(out: &mut Vec<u8>, bytes: [u8; N]) {
    const { assert!(N <= 8) };
    #[expect(clippy::cast_possible_truncation, reason = "at most 8")]
    out.extend_from_slice(&(N as u32).to_be_bytes());
    out.extend_from_slice(&bytes);
}

/// Turns `COPY` data, cut anywhere, into batches.
pub(super) struct Decoder {
    /// What came and is not decoded yet, from `start` on.
    buffer: Vec<u8>,
    start: usize,
    stage: Stage,
    batch: BatchBuilder,
}

#[derive(PartialEq)]
enum Stage {
    Header,
    Rows,
    End,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            stage: Stage::Header,
            batch: BatchBuilder::new(),
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next full batch, once enough was fed.
    pub(super) fn next_batch(&mut self) -> Result<Option<RecordBatch>, String> {
        while self.batch.rows < BATCH_ROWS {
            if !self.advance()? {
                return Ok(None);
            }
        }
        self.batch.finish().map(Some)
    }

    /// The rows that are left, after everything was fed.
    pub(super) fn finish(mut self) -> Result<Option<RecordBatch>, String> {
        if self.stage != Stage::End {
            return Err("the customers broke off".into());
        }
        match self.batch.rows {
            0 => Ok(None),
            _ => self.batch.finish().map(Some),
        }
    }

    /// Decodes one row, or what stands around the rows; false if there is not
    /// enough to go on.
    fn advance(&mut self) -> Result<bool, String> {
        let bytes = &self.buffer[self.start..];
        match self.stage {
            Stage::Header => {
                let Some(header) = bytes.get(..HEADER.len()) else {
                    return Ok(false);
                };
                if header != HEADER {
                    return Err("the customers came in an unknown format".into());
                }
                self.start += HEADER.len();
                self.stage = Stage::Rows;
                Ok(true)
            }
            Stage::Rows if bytes.starts_with(&TRAILER) => {
                self.stage = Stage::End;
                Ok(true)
            }
            Stage::Rows => {
                let Some(length) = row_length(bytes)? else {
                    return Ok(false);
                };
                decode_row(&bytes[..length], &mut self.batch)?;
                self.start += length;
                Ok(true)
            }
            Stage::End => Ok(false),
        }
    }
}

/// How many bytes the first row has; none where it is not there to its end.
fn row_length(bytes: &[u8]) -> Result<Option<usize>, String> {
    let Some(count) = bytes.first_chunk().map(|b| i16::from_be_bytes(*b)) else {
        return Ok(None);
    };
    if count != FIELDS {
        return Err(format!("a customer came with {count} fields"));
    }
    let mut at = 2;
    for _ in 0..FIELDS {
        let Some(length) = bytes.get(at..).and_then(<[u8]>::first_chunk) else {
            return Ok(None);
        };
        // −1 is null: no bytes.
        at += 4 + usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0);
    }
    Ok((at <= bytes.len()).then_some(at))
}

/// Appends one whole row.
fn decode_row(row: &[u8], batch: &mut BatchBuilder) -> Result<(), String> {
    let mut rest = &row[2..];
    for (column, builder) in COLUMNS.iter().zip(&mut batch.columns) {
        let misfit = || format!("the column {} came in another type", column.name);
        let (length, after) = rest.split_first_chunk().ok_or_else(misfit)?;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            builder.append_null();
            rest = after;
            continue;
        };
        let (value, after) = after.split_at_checked(length).ok_or_else(misfit)?;
        decode_value(value, builder).ok_or_else(misfit)?;
        rest = after;
    }
    batch.rows += 1;
    Ok(())
}

/// Appends a value that is not null; none where it is not of the column's type.
fn decode_value(value: &[u8], builder: &mut Builder) -> Option<()> {
    match builder {
        Builder::Text(b) => b.append_value(std::str::from_utf8(value).ok()?),
        Builder::Integer(b) => b.append_value(i32::from_be_bytes(value.try_into().ok()?)),
        Builder::Big(b) => b.append_value(i64::from_be_bytes(value.try_into().ok()?)),
        Builder::Decimal(b) => b.append_value(f64::from_be_bytes(value.try_into().ok()?)),
        Builder::Flag(b) => b.append_value(u8::from_be_bytes(value.try_into().ok()?) != 0),
        Builder::Moment(b) => {
            let since_2000 = i64::from_be_bytes(value.try_into().ok()?);
            b.append_value(since_2000.checked_add(EPOCH)?);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::columns::values;

    /// Rows with every column set, every other row with every column null.
    fn batch(rows: usize) -> RecordBatch {
        let mut batch = BatchBuilder::new();
        for row in 0..rows {
            let small = i32::try_from(row).unwrap();
            for (i, builder) in batch.columns.iter_mut().enumerate() {
                match builder {
                    Builder::Text(b) => b.append_value(format!("é{row}")),
                    b if row % 2 == 1 && i > 0 => b.append_null(),
                    Builder::Integer(b) => b.append_value(-small),
                    Builder::Big(b) => b.append_value(i64::MIN + i64::from(small)),
                    Builder::Decimal(b) => b.append_value(f64::from(small) / 3.0),
                    Builder::Flag(b) => b.append_value(row % 4 == 0),
                    Builder::Moment(b) => b.append_value(-i64::from(small)),
                }
            }
        }
        batch.finish().unwrap()
    }

    fn encoded(batch: &RecordBatch) -> Vec<u8> {
        let mut bytes = HEADER.to_vec();
        encode(&values(batch).unwrap(), 0..batch.num_rows(), &mut bytes);
        bytes.extend_from_slice(&TRAILER);
        bytes
    }

    #[test]
    fn writes_the_documented_bytes() {
        let bytes = encoded(&batch(1));
        assert_eq!(&bytes[..11], b"PGCOPY\n\xff\r\n\0");
        assert_eq!(bytes[11..19], [0; 8]);
        assert_eq!(bytes[19..21], [0, 72]);
        assert_eq!(&bytes[21..28], b"\0\0\0\x03\xc3\xa90", "the customer_id");
        assert_eq!(bytes[28..36], [0, 0, 0, 4, 0, 0, 0, 0], "the age");
        // 1970-01-01 is 10,957 days before 2000-01-01.
        let moment = (-10_957_i64 * 86_400_000_000).to_be_bytes();
        assert_eq!(bytes[bytes.len() - 10..bytes.len() - 2], moment);
        assert!(bytes.ends_with(&[0xff, 0xff]));
    }

    #[test]
    fn decodes_what_was_encoded_wherever_it_is_cut() {
        let written = batch(7);
        let bytes = encoded(&written);
        for size in [1, 2, 3, 19, 500, bytes.len()] {
            let mut decoder = Decoder::new();
            for piece in bytes.chunks(size) {
                decoder.feed(piece);
                assert!(decoder.next_batch().unwrap().is_none());
            }
            assert_eq!(decoder.finish().unwrap().unwrap(), written);
        }
    }

    #[test]
    fn hands_over_full_batches_as_they_come() {
        let written = batch(BATCH_ROWS + 1);
        let mut decoder = Decoder::new();
        decoder.feed(&encoded(&written));
        let first = decoder.next_batch().unwrap().unwrap();
        assert_eq!(first, written.slice(0, BATCH_ROWS));
        assert!(decoder.next_batch().unwrap().is_none());
        let last = decoder.finish().unwrap().unwrap();
        assert_eq!(last, written.slice(BATCH_ROWS, 1));
    }

    #[test]
    fn says_when_the_data_breaks_off_or_is_something_else() {
        let bytes = encoded(&batch(3));
        for end in [0, 5, 19, 100, bytes.len() - 2, bytes.len() - 1] {
            let mut decoder = Decoder::new();
            decoder.feed(&bytes[..end]);
            assert!(decoder.next_batch().unwrap().is_none());
            assert!(decoder.finish().is_err(), "cut off at {end}");
        }
        for at in [0, 20] {
            let mut other = bytes.clone();
            other[at] ^= 1;
            let mut decoder = Decoder::new();
            decoder.feed(&other);
            assert!(decoder.next_batch().is_err(), "changed at {at}");
        }
    }
}
