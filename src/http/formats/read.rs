//! Customers out of bytes that come piece by piece.
//!
//! Invariant: what is held is bounded, whatever is sent: of what streams, one
//! row or one Arrow message of at most the limit; of JSON and Parquet, a whole
//! body of at most the limit. So are the customers that are given at a time,
//! whatever a few bytes stand for.

mod arrow;
mod csv;
mod json;
mod lines;
mod parquet;
mod parts;

use bytes::Bytes;

use super::Format;
use super::rows::Rows;
use crate::http::problem::{Kind, Problem};

/// How much may be held.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of one row, where rows stream.
    pub row: usize,
    /// Bytes of a whole body, or of one Arrow message.
    pub whole: usize,
}

/// Reads one body.
pub struct Reader {
    kind: Kinds,
    limits: Limits,
}

enum Kinds {
    Whole(Format, Vec<u8>),
    Lines(lines::Lines),
    Csv(Box<csv::Csv>),
    Arrow(Box<arrow::Arrow>),
}

impl Reader {
    pub fn new(format: Format, limits: Limits) -> Self {
        let kind = match format {
            Format::Json | Format::Parquet => Kinds::Whole(format, Vec::new()),
            Format::Ndjson => Kinds::Lines(lines::Lines::new(limits.row)),
            Format::Csv => Kinds::Csv(Box::new(csv::Csv::new(limits.row))),
            Format::Arrow => Kinds::Arrow(Box::new(arrow::Arrow::new(limits.whole))),
        };
        Self { kind, limits }
    }

    /// Takes the next piece; gives the customers that are complete with it.
    pub fn feed(&mut self, piece: Bytes) -> Result<Rest, Problem> {
        Ok(match &mut self.kind {
            Kinds::Whole(_, body) => {
                if body.len() + piece.len() > self.limits.whole {
                    return Err(too_large(self.limits.whole));
                }
                body.extend_from_slice(&piece);
                rest(Vec::new())
            }
            Kinds::Lines(lines) => rest(lines.feed(&piece)),
            Kinds::Csv(csv) => rest(csv.feed(&piece)?),
            Kinds::Arrow(arrow) => Box::new(arrow.feed(piece)?.into_iter().flatten().map(Ok)),
        })
    }

    /// Gives the customers that the end completes.
    pub fn finish(self) -> Result<Rest, Problem> {
        Ok(match self.kind {
            Kinds::Whole(Format::Parquet, body) => Box::new(parquet::read(body)?),
            Kinds::Whole(_, body) => Box::new(json::read(body)?.map(Ok)),
            Kinds::Lines(lines) => rest(lines.finish()),
            Kinds::Csv(csv) => rest(csv.finish()?),
            Kinds::Arrow(arrow) => {
                arrow.finish()?;
                rest(Vec::new())
            }
        })
    }
}

/// Customers of a body, some at a time.
pub type Rest = Box<dyn Iterator<Item = Result<Rows, Problem>> + Send>;

fn rest(rows: Vec<Rows>) -> Rest {
    Box::new(rows.into_iter().map(Ok))
}

fn too_large(limit: usize) -> Problem {
    Problem::new(
        Kind::BodyTooLarge,
        format!(
            "A body in this format, or one Arrow message, may have {limit} bytes at most; NDJSON, CSV and Arrow streams may be longer."
        ),
    )
}

fn malformed(detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(Kind::MalformedBody, detail)
}
