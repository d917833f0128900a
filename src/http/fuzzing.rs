//! The parsers that meet the network, as functions of bytes: for the fuzz
//! targets in `fuzz/`, and for the tests that replay what those found.
//!
//! A parser may refuse anything, and may fail on nothing. Each function panics
//! where what holds of any bytes does not hold of these. Invariant: what runs
//! here is what a request runs, and nothing is made for fuzzing alone.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use axum::http::Uri;
use bytes::Bytes;

use super::cursor;
use super::fields::Fields;
use super::formats::Format;
use super::formats::read::{Limits, Reader};
use super::formats::rows::Rows;
use super::oip;
use super::problem::{Kind as Refusal, Problem};
use crate::cohort::{Import, Limits as FileLimits, Mapping, Source};
use crate::features::{BLOCK, Block, Profile, Table};
use crate::schema::{COLUMNS, Kind, invariants};

/// Bytes of a row and of a whole body: more teaches a fuzzer nothing.
const LIMITS: Limits = Limits {
    row: 4096,
    whole: 1 << 20,
};

/// Customers of a body: a few bytes can stand for any number of them.
const MOST: usize = 20_000;

/// Bytes of the pieces that a body is cut into: no boundary falls on most of them.
const PIECE: usize = 7;

/// A customer's number for each column that has one, or nothing where the row
/// is at fault.
type Read = Option<Vec<f64>>;

/// One customer in JSON, alone and in a list.
///
/// # Panics
/// Where what is read is out of its column's range.
pub fn customer(bytes: &[u8]) {
    let alone = match Profile::from_json(bytes) {
        Ok(profile) => Some(numbers(&profile)),
        Err(error) => {
            refuse(&Problem::from(error));
            None
        }
    };
    let list = [b"{\"customers\": [", bytes, b"]}"].concat();
    if let (Some(alone), Ok(rows)) = (alone, rows(Format::Json, &list, list.len())) {
        assert_eq!(
            shown(&rows),
            shown(&[Some(alone)]),
            "in a list it is another"
        );
    }
}

/// Customers as JSON, a line each.
///
/// # Panics
/// Where it matters how the bytes are cut.
pub fn ndjson(bytes: &[u8]) {
    in_pieces(Format::Ndjson, bytes);
}

/// Customers as CSV.
///
/// # Panics
/// Where it matters how the bytes are cut, or how the table is looked at.
pub fn csv(bytes: &[u8]) {
    in_pieces(Format::Csv, bytes);
}

/// Customers as a stream of Arrow messages.
///
/// # Panics
/// Where it matters how the bytes are cut, or how the table is looked at.
pub fn arrow(bytes: &[u8]) {
    in_pieces(Format::Arrow, bytes);
}

/// Customers as a Parquet file.
///
/// # Panics
/// Where it matters how the table is looked at.
pub fn parquet(bytes: &[u8]) {
    if let Err(problem) = rows(Format::Parquet, bytes, LIMITS.whole) {
        refuse(&problem);
    }
}

/// A file that is sent to be imported, and the mapping that is sent with it.
///
/// # Panics
/// Where a row is neither a customer nor set aside, or is both.
pub fn upload(bytes: &[u8]) {
    let limits = FileLimits {
        unpacked_bytes: 1 << 22,
        row_bytes: LIMITS.row,
        columns: 1000,
        rows: 100_000,
        ..FileLimits::default()
    };
    let source = Source::from(Bytes::copy_from_slice(bytes));
    let Ok(mut import) = Import::of(&source, &Mapping::default(), limits) else {
        return;
    };
    let (mut accepted, mut rejected) = (0, 0);
    for rows in import.by_ref() {
        let Ok(rows) = rows else { return };
        accepted += rows.batch.num_rows() as u64;
        rejected += rows.rejects.len() as u64;
        assert_eq!(rows.batch.num_rows(), rows.lines.len());
        let _ = invariants::contradictions(&rows.batch);
    }
    let summary = import.summary();
    assert_eq!(summary.accepted, accepted);
    assert_eq!(summary.rejected, rejected);
    assert_eq!(summary.read, accepted + rejected);
}

/// The place in a list that a client sends back, in its query.
///
/// # Panics
/// Where a cursor that is accepted would not be made again of its place.
pub fn cursor(bytes: &[u8]) {
    let Ok(uri) = Uri::try_from([b"/jobs?cursor=", bytes].concat()) else {
        return;
    };
    let Ok(mut fields) = Fields::of_query(&uri) else {
        return;
    };
    if let Some(after) = cursor::after(&mut fields) {
        let again = format!("/jobs?cursor={}", cursor::of_place(after.at, after.id));
        let again = Uri::try_from(again).ok();
        let mut again = again.and_then(|uri| Fields::of_query(&uri).ok());
        let again = again.as_mut().and_then(cursor::after);
        let again = again.map(|again| (again.at, again.id));
        assert_eq!(again, Some((after.at, after.id)));
    }
}

/// A request of the Open Inference Protocol: two bytes say how long its JSON is,
/// the largest number that nothing says so.
///
/// # Panics
/// Where the customers are not as many as is said, or it matters how they are
/// looked at.
pub fn inference(bytes: &[u8]) {
    let Some((length, body)) = bytes.split_first_chunk() else {
        return;
    };
    let length = u16::from_le_bytes(*length);
    let header = (length < u16::MAX).then_some(usize::from(length));
    match oip::Request::read(body, header) {
        Ok(request) => assert_eq!(read(request.customers).len(), request.rows),
        Err(problem) => refuse(&problem),
    }
}

/// Reads a body whole and in pieces: the customers are the same.
fn in_pieces(format: Format, bytes: &[u8]) {
    let whole = rows(format, bytes, bytes.len());
    let pieces = rows(format, bytes, PIECE);
    match (whole, pieces) {
        (Ok(whole), Ok(pieces)) => assert_eq!(shown(&whole), shown(&pieces)),
        (Err(whole), Err(pieces)) => {
            refuse(&whole);
            refuse(&pieces);
        }
        (whole, pieces) => panic!(
            "whole: {:?}, in pieces: {:?}",
            whole.map(|rows| rows.len()).map_err(|p| p.status()),
            pieces.map(|rows| rows.len()).map_err(|p| p.status()),
        ),
    }
}

/// The customers of a body that comes in pieces.
fn rows(format: Format, bytes: &[u8], piece: usize) -> Result<Vec<Read>, Problem> {
    let mut reader = Reader::new(format, LIMITS);
    let mut found = Vec::new();
    let mut take = |rows| {
        found.extend(read(rows));
        if found.len() > MOST {
            return Err(Problem::new(
                Refusal::MalformedBody,
                "More is not looked at.",
            ));
        }
        Ok(())
    };
    for piece in bytes.chunks(piece.max(1)) {
        for rows in reader.feed(Bytes::copy_from_slice(piece))? {
            take(rows?)?;
        }
    }
    for rows in reader.finish()? {
        take(rows?)?;
    }
    Ok(found)
}

/// Rows as they are read for an answer in JSON; where they came as a table, they
/// are read as one too.
fn read(rows: Rows) -> Vec<Read> {
    let table = match &rows {
        Rows::Table(batch, ..) => Some(batch.clone()),
        Rows::Profiles(..) => None,
    };
    let (profiles, faults) = rows.into_profiles();
    let read = profiles.iter().enumerate();
    let read = read.map(|(row, profile)| (!faults.contains_key(&row)).then(|| numbers(profile)));
    let read: Vec<Read> = read.collect();
    if let Some(batch) = table {
        as_table(&batch, &read);
    }
    read
}

/// Reads the rows as models read a table: a row that is a customer both ways is
/// the same customer.
fn as_table(batch: &RecordBatch, read: &[Read]) {
    let table = Table::of(batch);
    assert_eq!(table.rows(), read.len());
    let mut block = Block::new();
    for first in (0..table.rows()).step_by(BLOCK) {
        table.read(first, &mut block);
        let _: BTreeMap<_, _> = block.faults().collect();
        for (row, customer) in read[first..].iter().take(block.len()).enumerate() {
            let Some(customer) = customer.as_ref().filter(|_| !block.is_at_fault(row)) else {
                continue;
            };
            for (column, number) in customer.iter().enumerate().filter(|(c, _)| is_read(*c)) {
                let lane = block.lane(column)[row];
                let same = same(f64::from(lane), f64::from(single(*number)));
                assert!(same, "{}: {number} and {lane}", COLUMNS[column].name);
            }
        }
    }
}

/// The columns that models read as numbers.
fn is_read(column: usize) -> bool {
    !matches!(
        COLUMNS[column].kind,
        Kind::Id | Kind::Timestamp | Kind::OpenCategory(_)
    )
}

#[expect(clippy::cast_possible_truncation, reason = "models read singles")]
fn single(number: f64) -> f32 {
    number as f32
}

fn same(one: f64, other: f64) -> bool {
    // The zeros are equal: adding one makes them the same.
    (one + 0.0).to_bits() == (other + 0.0).to_bits() || one.is_nan() && other.is_nan()
}

/// The numbers of a customer, each of which must be in its column's range.
fn numbers(profile: &Profile) -> Vec<f64> {
    let numbers: Vec<f64> = (0..COLUMNS.len()).map(|c| profile.value(c)).collect();
    for (column, number) in COLUMNS.iter().zip(&numbers) {
        let valid = column.valid.min..=column.valid.max;
        let fits = !column.kind.is_number() || number.is_nan() || valid.contains(number);
        assert!(fits, "{}: {number}", column.name);
    }
    numbers
}

/// Customers, so that those of whom the same is not known are equal.
fn shown(read: &[Read]) -> Vec<Option<Vec<u64>>> {
    let bits = |numbers: &Vec<f64>| numbers.iter().map(|n| n.to_bits()).collect();
    read.iter().map(|row| row.as_ref().map(bits)).collect()
}

/// What a client would be answered.
fn refuse(problem: &Problem) {
    assert!(problem.status().is_client_error());
    let answer = serde_json::to_string(&problem.body("", "/"));
    assert!(answer.is_ok_and(|answer| answer.len() < 1 << 20));
}
