//! What a file is, told by its first bytes and never by its name; and its text,
//! unpacked within limits.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;

use super::error::{TableError, is_too_much};
use super::limits::{Counted, Limits, Unpacked};

/// Where a table is.
#[derive(Debug, Clone)]
pub enum Source {
    File(PathBuf),
    Bytes(Bytes),
}

impl From<&Path> for Source {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<Bytes> for Source {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

/// What a source turned out to be.
pub(super) enum Opened {
    Parquet,
    Csv(CsvInput),
}

/// The text of a CSV file, unpacked.
pub(super) struct CsvInput {
    pub text: Box<dyn Read + Send>,
    pub packing: Packing,
    /// Bytes of the file, and how many of them were read.
    pub size: u64,
    pub read: Arc<AtomicU64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Gzip,
    Zstd,
}

impl Packing {
    /// The error of a reader of this packing.
    pub(super) fn error(self, error: io::Error, limits: &Limits) -> TableError {
        let what = match self {
            _ if is_too_much(&error) => {
                return TableError::TooLarge {
                    unpacked_bytes: limits.unpacked_bytes,
                    unpacked_ratio: limits.unpacked_ratio,
                };
            }
            Self::Plain => return TableError::Read(error),
            Self::Gzip => "its gzip stream can't be unpacked",
            Self::Zstd => "its zstd stream can't be unpacked",
        };
        TableError::Damaged {
            what,
            reason: error.to_string(),
        }
    }
}

/// The beginnings of files that are often taken for tables.
const OTHERS: &[(&[u8], &str, &str)] = &[
    (
        b"PK\x03\x04",
        "a ZIP archive or a spreadsheet",
        "unpack it, or save the sheet as CSV",
    ),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet", "save it as CSV"),
    (b"BZh91AY", "packed with bzip2", "unpack it first"),
    (b"\xfd7zXZ", "packed with xz", "unpack it first"),
    (b"ARROW1", "an Arrow file", "write it as Parquet"),
    (b"\xff\xfe", "text in UTF-16", "save it as UTF-8"),
    (b"\xfe\xff", "text in UTF-16", "save it as UTF-8"),
    (
        b"SQLite format 3",
        "a SQLite database",
        "export the table as CSV",
    ),
    (b"%PDF", "a PDF", "export the table as CSV"),
    (b"Obj\x01", "an Avro file", "write it as Parquet"),
];

/// More than the longest beginning.
const LOOKED_AT: usize = 16;

/// Looks what a source is.
pub(super) fn open(source: &Source, limits: Limits) -> Result<Opened, TableError> {
    let (file, size): (Box<dyn Read + Send>, u64) = match source {
        Source::File(path) => {
            let file = File::open(path).map_err(TableError::Open)?;
            let about = file.metadata().map_err(TableError::Open)?;
            if about.is_dir() {
                return Err(TableError::Open(io::ErrorKind::IsADirectory.into()));
            }
            (Box::new(file), about.len())
        }
        Source::Bytes(bytes) => (Box::new(Cursor::new(bytes.clone())), bytes.len() as u64),
    };
    let read = Arc::new(AtomicU64::new(0));
    let (head, rest) = peek(Counted::new(file, Arc::clone(&read))).map_err(TableError::Read)?;
    if head.starts_with(b"PAR1") {
        return Ok(Opened::Parquet);
    }
    let rest = BufReader::with_capacity(1 << 17, rest);
    let unpacking = |e| Packing::Zstd.error(e, &limits);
    let (text, packing): (Box<dyn Read + Send>, _) = if head.starts_with(&[0x1f, 0x8b]) {
        let unpacked = Unpacked::new(MultiGzDecoder::new(rest), limits, size);
        (Box::new(unpacked), Packing::Gzip)
    } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let decoder = zstd::stream::read::Decoder::with_buffer(rest).map_err(unpacking)?;
        (
            Box::new(Unpacked::new(decoder, limits, size)),
            Packing::Zstd,
        )
    } else {
        (Box::new(rest), Packing::Plain)
    };
    let text = if packing == Packing::Plain {
        refuse_others(&head)?;
        text
    } else {
        let (head, text) = peek(text).map_err(|e| packing.error(e, &limits))?;
        if head.starts_with(b"PAR1") {
            return Err(TableError::Format {
                what: "a packed Parquet file",
                remedy: "unpack it first: Parquet packs its columns itself",
            });
        }
        refuse_others(&head)?;
        Box::new(text)
    };
    Ok(Opened::Csv(CsvInput {
        text,
        packing,
        size,
        read,
    }))
}

/// A stream behind its first bytes.
type Whole<R> = io::Chain<Cursor<Vec<u8>>, R>;

/// The first bytes of a stream, and the whole stream again.
fn peek<R: Read + Send + 'static>(mut stream: R) -> io::Result<(Vec<u8>, Whole<R>)> {
    let mut head = Vec::with_capacity(LOOKED_AT);
    stream
        .by_ref()
        .take(LOOKED_AT as u64)
        .read_to_end(&mut head)?;
    Ok((head.clone(), Cursor::new(head).chain(stream)))
}

fn refuse_others(head: &[u8]) -> Result<(), TableError> {
    if head.is_empty() {
        return Err(TableError::Empty);
    }
    let known = OTHERS
        .iter()
        .find(|(beginning, ..)| head.starts_with(beginning));
    match known {
        Some((_, what, remedy)) => Err(TableError::Format { what, remedy }),
        None if head.contains(&0) => Err(TableError::Format {
            what: "no text",
            remedy: "save the table as one of these",
        }),
        None => Ok(()),
    }
}
