//! The pages of a Parquet file, looked over before any is unpacked.
//!
//! The decoder reserves what a page's header says that it unpacks to, up to
//! 2 GiB, before it sees a byte of it. So the pages of a column are first held
//! to the size of the whole column, which is held to the limits of the file.
//! Only headers are read, in Thrift's compact protocol. The decoder knows fields
//! by their numbers and takes their kinds for granted, so a header whose kinds
//! are others is refused: it would be read in another way than here.
//!
//! What the file says of itself is walked over before the decoder does it, for
//! the decoder counts through a list of flags that takes no bytes.

use std::io::{self, BufReader, Read};

use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::ChunkReader;

/// The longest header that is read: statistics may hold texts.
const LONGEST_HEADER: u64 = 16 << 20;

/// How deep structures are nested at most: the format has fewer levels.
const DEEPEST: u32 = 16;

/// What a file ends with: the length of what it says of itself, and its name.
const END: u64 = 8;

/// The fields of a page's header, from 1 on.
const HEADER: &[Kind] = &[
    Kind::Number,
    Kind::Number,
    Kind::Number,
    Kind::Number,
    Kind::Structure,
    Kind::Structure,
    Kind::Structure,
    Kind::Structure,
];

/// The fields of the structures in it: of a page of data, an index, a dictionary,
/// and a page of data of the second version.
const NESTED: [&[Kind]; 4] = [
    &[Kind::Number; 4],
    &[],
    &[Kind::Number, Kind::Number, Kind::Flag],
    &[
        Kind::Number,
        Kind::Number,
        Kind::Number,
        Kind::Number,
        Kind::Number,
        Kind::Number,
        Kind::Flag,
    ],
];

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
    let mut footer = BufReader::new(file.get_read(begin)?).take(length);
    Ok(skip(&mut footer, Kind::Structure, 0)?)
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
        let mut source = BufReader::new(file.get_read(at)?).take(LONGEST_HEADER);
        let page = Sizes::read(&mut source)?;
        left = left.checked_sub(page.unpacked).ok_or_else(|| {
            let column = column.column_path().string();
            ParquetError::General(format!(
                "a page of {column} says that it unpacks to more than the whole column"
            ))
        })?;
        let header = LONGEST_HEADER - source.limit();
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
    /// The header is a structure whose fields 2 and 3 are the sizes.
    fn read(from: &mut impl Read) -> io::Result<Self> {
        let (mut unpacked, mut packed) = (None, None);
        fields(from, 0, |from, number, kind| {
            expect(HEADER, number, kind)?;
            match number {
                2 => size(from).map(|size| unpacked = Some(size)),
                3 => size(from).map(|size| packed = Some(size)),
                5..=8 => nested(from, NESTED[number - 5]),
                _ => skip(from, kind, 1),
            }
        })?;
        match (unpacked, packed) {
            (Some(unpacked), Some(packed)) => Ok(Self { unpacked, packed }),
            _ => Err(malformed("a page without its sizes")),
        }
    }
}

/// Reads over a structure in a header.
fn nested(from: &mut impl Read, known: &[Kind]) -> io::Result<()> {
    fields(from, 1, |from, number, kind| {
        expect(known, number, kind)?;
        skip(from, kind, 2)
    })
}

/// Whether a field is of the kind that it has in the format, where that knows it.
fn expect(known: &[Kind], number: usize, kind: Kind) -> io::Result<()> {
    match known.get(number - 1) {
        Some(other) if *other != kind => Err(malformed("a page header of other types")),
        _ => Ok(()),
    }
}

/// What a value is, as far as its length goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Flag,
    Byte,
    Number,
    Double,
    Text,
    List,
    Structure,
}

impl Kind {
    fn of(code: u8) -> io::Result<Self> {
        Ok(match code {
            1 | 2 => Self::Flag,
            3 => Self::Byte,
            4..=6 => Self::Number,
            7 => Self::Double,
            8 => Self::Text,
            9 | 10 => Self::List,
            12 => Self::Structure,
            _ => return Err(malformed("fields of unknown types")),
        })
    }
}

/// Reads a structure field by field: each is handed on with its number, which is
/// greater than that before.
fn fields<R: Read>(
    from: &mut R,
    depth: u32,
    mut field: impl FnMut(&mut R, usize, Kind) -> io::Result<()>,
) -> io::Result<()> {
    if depth > DEEPEST {
        return Err(malformed("structures that are nested too deep"));
    }
    let mut last = 0_i16;
    loop {
        let head = byte(from)?;
        if head == 0 {
            return Ok(());
        }
        let number = match head >> 4 {
            0 => i16::try_from(signed(from)?).ok(),
            step => last.checked_add(i16::from(step)),
        };
        last = number
            .filter(|number| *number > last)
            .ok_or_else(|| malformed("fields that are not in order"))?;
        field(from, usize::from(last.unsigned_abs()), Kind::of(head & 15)?)?;
    }
}

/// Reads over a value; a flag of a structure is in its field's first byte.
fn skip<R: Read>(from: &mut R, kind: Kind, depth: u32) -> io::Result<()> {
    match kind {
        Kind::Flag => Ok(()),
        Kind::Byte => skip_bytes(from, 1),
        Kind::Number => number(from).map(drop),
        Kind::Double => skip_bytes(from, 8),
        Kind::Text => number(from).and_then(|length| skip_bytes(from, length)),
        Kind::List => skip_list(from, depth),
        Kind::Structure => fields(from, depth, |from, _, kind| skip(from, kind, depth + 1)),
    }
}

fn skip_list<R: Read>(from: &mut R, depth: u32) -> io::Result<()> {
    let head = byte(from)?;
    if head == 0 {
        // So some write a list of nothing.
        return Ok(());
    }
    let count = match head >> 4 {
        15 => number(from)?,
        short => u64::from(short),
    };
    if depth > DEEPEST {
        return Err(malformed("lists that are nested too deep"));
    }
    let kind = Kind::of(head & 15)?;
    if kind == Kind::Flag {
        return Err(malformed("a list of flags, which the format has not"));
    }
    (0..count).try_for_each(|_| skip(from, kind, depth + 1))
}

fn skip_bytes(from: &mut impl Read, count: u64) -> io::Result<()> {
    let skipped = io::copy(&mut from.take(count), &mut io::sink())?;
    if skipped == count {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

fn size(from: &mut impl Read) -> io::Result<u64> {
    let size = u32::try_from(signed(from)?).ok();
    let size = size.filter(|size| size.cast_signed() >= 0);
    size.map(u64::from)
        .ok_or_else(|| malformed("a page of an impossible size"))
}

/// A number whose lowest bit is its sign.
fn signed(from: &mut impl Read) -> io::Result<i64> {
    let number = number(from)?;
    Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

/// A number of any length, seven bits a byte, the lowest first.
fn number(from: &mut impl Read) -> io::Result<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = byte(from)?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(malformed("an endless number"))
}

fn byte(from: &mut impl Read) -> io::Result<u8> {
    let mut byte = [0];
    from.read_exact(&mut byte)?;
    Ok(byte[0])
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
