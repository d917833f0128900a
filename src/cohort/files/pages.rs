//! What a Parquet file says of itself and of its pages, looked over before any of
//! it is decoded.
//!
//! The decoder reserves what a page's header says that it unpacks to, up to
//! 2 GiB, before it sees a byte of it. So the pages of a column are first held
//! to the size of the whole column, which is held to the limits of the file.
//! Only headers are read.

use std::io::{self, BufReader, Read};

use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::ChunkReader;

use super::parquet_shapes::{FILE, PAGE};
use super::thrift::{Kind, fields, malformed, read_over, signed};

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
        let page = Sizes::read(&mut source)?;
        left = left.checked_sub(page.unpacked).ok_or_else(|| {
            let column = column.column_path().string();
            ParquetError::General(format!(
                "a page of {column} says that it unpacks to more than the whole column"
            ))
        })?;
        let header = LONGEST - source.limit();
        at = at.saturating_add(header).saturating_add(page.packed);
    }
    Ok(())
}

/// What a page's header says of its sizes, in bytes.
struct Sizes {
    unpacked: u64,
    packed: u64,
}

impl Sizes {
    /// Fields 2 and 3 of the header are the sizes.
    fn read(from: &mut impl Read) -> io::Result<Self> {
        let (mut unpacked, mut packed) = (None, None);
        fields(from, 0, |from, number, kind| {
            let shape = PAGE.field(number);
            shape.expect(kind)?;
            match number {
                2 => size(from).map(|size| unpacked = Some(size)),
                3 => size(from).map(|size| packed = Some(size)),
                _ => read_over(from, shape, kind, 1),
            }
        })?;
        match (unpacked, packed) {
            (Some(unpacked), Some(packed)) => Ok(Self { unpacked, packed }),
            _ => Err(malformed("a page without its sizes")),
        }
    }
}

fn size(from: &mut impl Read) -> io::Result<u64> {
    let size = u32::try_from(signed(from)?).ok();
    let size = size.filter(|size| size.cast_signed() >= 0);
    size.map(u64::from)
        .ok_or_else(|| malformed("a page of an impossible size"))
}
