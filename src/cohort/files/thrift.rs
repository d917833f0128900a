//! Thrift's compact protocol, as far as it is read over.
//!
//! The Parquet decoder knows fields by their numbers and takes their kinds for
//! granted, so what is read over here is held to the kinds that the format gives
//! ([`Shape`]): a field of another kind would be read in another way than here.
//! Invariant: what passes takes the decoder no longer than its bytes do, for it
//! counts through a list of flags that takes none, and reserves what a list says
//! that it has.

use std::io::{self, Read};

/// How deep structures are nested at most: Parquet has fewer levels.
const DEEPEST: u32 = 16;

/// The longest list: of columns, groups of rows, or what stands once for each.
const LONGEST_LIST: u64 = 100_000;

/// What a value must be.
#[derive(Debug)]
pub(super) enum Shape {
    /// Not known: it is whatever it says.
    Any,
    Flag,
    Byte,
    Number,
    Double,
    Text,
    List(&'static Shape),
    /// The fields, from 1 on; others may follow.
    Structure(&'static [Shape]),
}

impl Shape {
    fn element(&self) -> &Self {
        match self {
            Self::List(of) => of,
            _ => &Self::Any,
        }
    }

    pub(super) fn field(&self, number: usize) -> &Self {
        match self {
            Self::Structure(fields) => fields.get(number - 1).unwrap_or(&Self::Any),
            _ => &Self::Any,
        }
    }

    /// Whether a value of this kind is as it must be.
    pub(super) fn expect(&self, kind: Kind) -> io::Result<()> {
        let expected = match self {
            Self::Any => return Ok(()),
            Self::Flag => Kind::Flag,
            Self::Byte => Kind::Byte,
            Self::Number => Kind::Number,
            Self::Double => Kind::Double,
            Self::Text => Kind::Text,
            Self::List(_) => Kind::List,
            Self::Structure(_) => Kind::Structure,
        };
        if kind == expected {
            Ok(())
        } else {
            Err(malformed("fields of other types than the format has"))
        }
    }
}

/// What a value is, as far as its length goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
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
pub(super) fn fields<R: Read>(
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

/// Reads over a value of this kind; a flag of a structure is in its field's first
/// byte.
pub(super) fn read_over<R: Read>(
    from: &mut R,
    shape: &Shape,
    kind: Kind,
    depth: u32,
) -> io::Result<()> {
    shape.expect(kind)?;
    match kind {
        Kind::Flag => Ok(()),
        Kind::Byte => skip(from, 1),
        Kind::Number => number(from).map(drop),
        Kind::Double => skip(from, 8),
        Kind::Text => number(from).and_then(|length| skip(from, length)),
        Kind::List => read_over_list(from, shape.element(), depth),
        Kind::Structure => fields(from, depth, |from, number, kind| {
            read_over(from, shape.field(number), kind, depth + 1)
        }),
    }
}

fn read_over_list<R: Read>(from: &mut R, element: &Shape, depth: u32) -> io::Result<()> {
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
    if count > LONGEST_LIST {
        return Err(malformed("a list that is too long"));
    }
    (0..count).try_for_each(|_| read_over(from, element, kind, depth + 1))
}

pub(super) fn skip(from: &mut impl Read, count: u64) -> io::Result<()> {
    let skipped = io::copy(&mut from.take(count), &mut io::sink())?;
    if skipped == count {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// A number whose lowest bit is its sign.
pub(super) fn signed(from: &mut impl Read) -> io::Result<i64> {
    let number = number(from)?;
    Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

/// A number of any length, seven bits a byte, the lowest first.
pub(super) fn number(from: &mut impl Read) -> io::Result<u64> {
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

pub(super) fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
