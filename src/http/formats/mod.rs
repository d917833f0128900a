//! The formats that customers and answers come and go in: JSON, NDJSON, CSV,
//! Parquet and Arrow streams.
//!
//! [`negotiate`] alone chooses among them, [`read`] makes customers of bytes and
//! [`write`] bytes of record batches. Invariant: in every format a column holds
//! the same value: a flag is true or false, a moment is ISO 8601 in UTC or
//! Arrow's own, and what is missing is null (in CSV: empty).

mod cells;
pub mod columns;
pub mod negotiate;
pub mod read;
pub mod rows;
pub mod write;

/// A format of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One object with a list of rows in it.
    Json,
    /// One JSON object a line.
    Ndjson,
    Csv,
    Parquet,
    /// The stream format of Arrow's inter-process communication.
    Arrow,
}

impl Format {
    pub const ALL: [Self; 5] = [
        Self::Json,
        Self::Ndjson,
        Self::Csv,
        Self::Parquet,
        Self::Arrow,
    ];

    /// What `Content-Type` calls it.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Arrow => "application/vnd.apache.arrow.stream",
        }
    }

    /// The media type without its parameters.
    pub fn essence(self) -> &'static str {
        let whole = self.media_type();
        whole.split(';').next().unwrap_or(whole)
    }

    /// How the name of a file in it ends.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        }
    }

    /// The format that a media type in lower case, without parameters, names.
    fn from_essence(essence: &str) -> Option<Self> {
        match essence {
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" => {
                Some(Self::Ndjson)
            }
            "text/csv" => Some(Self::Csv),
            "application/vnd.apache.parquet" => Some(Self::Parquet),
            "application/vnd.apache.arrow.stream" => Some(Self::Arrow),
            "application/json" => Some(Self::Json),
            other if other.starts_with("application/") && other.ends_with("+json") => {
                Some(Self::Json)
            }
            _ => None,
        }
    }
}
