//! Why a file can't be read as a table: what is wrong with the file as a whole.
//!
//! A message says what to do, and repeats nothing of the file but the names of
//! its columns.

use std::io;

use super::limits::TooMuch;

/// Why a file is not a table.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error("it can't be opened: {0}")]
    Open(io::Error),
    #[error("it can't be read: {0}")]
    Read(io::Error),
    #[error("it is empty: expected a line of column names")]
    Empty,
    #[error("it is {what}: expected CSV (plain, gzip or zstd) or Parquet; {remedy}")]
    Format {
        what: &'static str,
        remedy: &'static str,
    },
    #[error("it is damaged or cut short: {what} ({reason})")]
    Damaged { what: &'static str, reason: String },
    #[error(
        "it unpacks to more than is allowed, which is {unpacked_bytes} bytes and {unpacked_ratio} times its size: unpack it first, and see whether it holds what it should"
    )]
    TooLarge {
        unpacked_bytes: u64,
        unpacked_ratio: u64,
    },
    #[error("it has more than the allowed {0} columns")]
    TooManyColumns(usize),
    #[error("it has more than the allowed {0} rows: import it in parts")]
    TooManyRows(u64),
    #[error("its line of column names is longer than the allowed {0} bytes, or no line at all")]
    HeaderTooLong(usize),
    #[error("its column names are not UTF-8: save it as UTF-8")]
    HeaderEncoding,
    #[error("its line of column names has a quote that is not closed, or text behind a closed one")]
    HeaderQuotes,
    #[error("its column {column:?} has values of the type {found}: expected {expected}")]
    ColumnType {
        column: String,
        found: String,
        expected: String,
    },
}

impl TableError {
    /// A short word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Open(_) | Self::Read(_) => "unreadable",
            Self::Empty => "empty_file",
            Self::Format { .. } => "unknown_format",
            Self::Damaged { .. } => "damaged_file",
            Self::TooLarge { .. } => "unpacks_too_large",
            Self::TooManyColumns(_) => "too_many_columns",
            Self::TooManyRows(_) => "too_many_rows",
            Self::HeaderTooLong(_) | Self::HeaderEncoding | Self::HeaderQuotes => "invalid_header",
            Self::ColumnType { .. } => "unsupported_type",
        }
    }
}

/// Whether an error of a stream stands for too much coming out of it.
pub(super) fn is_too_much(error: &io::Error) -> bool {
    let inner = error.get_ref();
    inner
        .and_then(|inner| inner.downcast_ref::<TooMuch>())
        .is_some()
}
