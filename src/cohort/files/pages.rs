//! What a Parquet file says of itself and of its pages, looked over before any of
//! it is decoded.
//!
//! The decoder reserves what a page's header says that it unpacks to, up to
//! 2 GiB, before it sees a byte of it. So the pages of a column are first held
//! to the size of the whole column, which is held to the limits of the file, and
//! the values of a dictionary to the size of its page. Only headers are read, and
//! pages whose values say how many they are ([`parquet_deltas`]).

use std::io::{self, BufReader, Read};

use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::ChunkReader;

use super::parquet_deltas;
use super::parquet_shapes::{FILE, PAGE};
use super::thrift::{Kind, Shape, fields, malformed, read_over, signed};

/// The longest header that is read: statistics may hold texts. And the most that a
/// file may say of itself, which takes many times as much when it is decoded.
const LONGEST: u64 = 16 << 20;

/// What a file ends with: the length of what it says of itself, and its name.
const END: u64 = 8;

/// Whether what the file says of itself takes the bytes that it should.
pub(super) fn check_footer(file: &impl ChunkReader) -> Result<(), ParquetError> {
    let Some(end) = file.len().checked_sub(END) else {
        // The decoder says what is wrong.
        return Ok(());
    };
    let mut length = [0; 4];
    file.get_read(end)?.read_exact(&mut length)?;
    let length = u64::from(u32::from_le_bytes(length));
    let Some(begin) = end.checked_sub(length) else {
        return Ok(());
    };
    if length > LONGEST {
        return Err(malformed("it says more of itself than 16 MiB").into());
    }
    let mut footer = BufReader::new(file.get_read(begin)?).take(length);
    Ok(read_over(&mut footer, &FILE, Kind::Structure, 0)?)
}

/// Whether no page of the file says that it unpacks to more than its column does.
pub(super) fn check(file: &impl ChunkReader, about: &ParquetMetaData) -> Result<(), ParquetError> {
    let groups = about.row_groups().iter();
    let mut columns = groups.flat_map(RowGroupMetaData::columns);
    let lengths = columns.clone().map(|column| column.byte_range().1);
    // Else the same pages would be looked over for any number of columns.
    if lengths.fold(0, u64::saturating_add) > file.len() {
        return Err(ParquetError::General("columns that overlap".into()));
    }
    columns.try_for_each(|column| check_column(file, column))
}

fn check_column(file: &impl ChunkReader, column: &ColumnChunkMetaData) -> Result<(), ParquetError> {
    let (mut at, length) = column.byte_range();
    let end = at.saturating_add(length).min(file.len());
    let mut left = u64::try_from(column.uncompressed_size()).unwrap_or(0);
    while at < end {
        let mut source = BufReader::new(file.get_read(at)?).take(LONGEST);
        let page = Header::read(&mut source)?;
        left = left.checked_sub(page.unpacked).ok_or_else(|| {
            let column = column.column_path().string();
            ParquetError::General(format!(
                "a page of {column} says that it unpacks to more than the whole column"
            ))
        })?;
        let header = LONGEST - source.limit();
        let begin = at;
        at = at.saturating_add(header).saturating_add(page.packed);
        if page.entries.is_some_and(|entries| entries > page.unpacked) {
            return Err(malformed("a dictionary of more values than bytes").into());
        }
        if page.delta {
            if at > end {
                return Err(malformed("a page that ends behind its column").into());
            }
            let whole = usize::try_from(at - begin).map_err(io::Error::other)?;
            parquet_deltas::check(file.get_bytes(begin, whole)?, column)?;
        }
    }
    Ok(())
}

/// What a page's header says: its sizes in bytes, how its values are kept, and how
/// many values a dictionary has.
struct Header {
    unpacked: u64,
    packed: u64,
    /// Whether its texts are kept as differences.
    delta: bool,
    entries: Option<u64>,
}

impl Header {
    /// Fields 2 and 3 of the header are the sizes; 5, 7 and 8 tell of a page of
    /// data, of a dictionary, and of a page of data of the second version.
    fn read(from: &mut impl Read) -> io::Result<Self> {
        let (mut unpacked, mut packed) = (None, None);
        let (mut delta, mut entries) = (false, None);
        fields(from, 0, |from, number, kind| {
            let shape = PAGE.field(number);
            shape.expect(kind)?;
            match number {
                2 => size(from).map(|size| unpacked = Some(size)),
                3 => size(from).map(|size| packed = Some(size)),
                5 => field_of(from, shape, 2).map(|told| delta |= is_delta(told)),
                7 => field_of(from, shape, 1).map(|told| {
                    // Less than none is more than any.
                    entries = told.map(|told| u64::try_from(told).unwrap_or(u64::MAX));
                }),
                8 => field_of(from, shape, 4).map(|told| delta |= is_delta(told)),
                _ => read_over(from, shape, kind, 1),
            }
        })?;
        match (unpacked, packed) {
            (Some(unpacked), Some(packed)) => Ok(Self {
                unpacked,
                packed,
                delta,
                entries,
            }),
            _ => Err(malformed("a page without its sizes")),
        }
    }
}

/// `DELTA_LENGTH_BYTE_ARRAY` and `DELTA_BYTE_ARRAY`.
fn is_delta(encoding: Option<i64>) -> bool {
    matches!(encoding, Some(6 | 7))
}

/// A number among the fields of a structure, all others read over.
fn field_of<R: Read>(from: &mut R, shape: &Shape, wanted: usize) -> io::Result<Option<i64>> {
    let mut told = None;
    fields(from, 1, |from, number, kind| {
        let shape = shape.field(number);
        if number == wanted {
            shape.expect(kind)?;
            signed(from).map(|number| told = Some(number))
        } else {
            read_over(from, shape, kind, 2)
        }
    })?;
    Ok(told)
}

fn size(from: &mut impl Read) -> io::Result<u64> {
    let size = u32::try_from(signed(from)?).ok();
    let size = size.filter(|size| size.cast_signed() >= 0);
    size.map(u64::from)
        .ok_or_else(|| malformed("a page of an impossible size"))
}
