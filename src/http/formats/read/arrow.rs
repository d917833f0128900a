//! A stream of Arrow record batches.

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamDecoder;
use bytes::Bytes;

use super::{malformed, too_large};
use crate::http::formats::columns;
use crate::http::formats::rows::{Faults, Rows};
use crate::http::panics;
use crate::http::problem::Problem;

/// Rows that are handed on at once: a message may have any number.
const ROWS: usize = 8192;

pub struct Arrow {
    decoder: StreamDecoder,
    /// Whether the columns are known, and right.
    begun: bool,
    limit: usize,
    /// Bytes since the last batch was complete.
    held: usize,
    ended: bool,
}

impl Arrow {
    pub fn new(limit: usize) -> Self {
        Self {
            decoder: StreamDecoder::new(),
            begun: false,
            limit,
            held: 0,
            ended: false,
        }
    }

    pub fn feed(&mut self, piece: Bytes) -> Result<Vec<Rows>, Problem> {
        let mut done = Vec::new();
        let mut buffer = arrow_buffer::Buffer::from(piece);
        while !buffer.is_empty() && !self.ended {
            let before = buffer.len();
            // A message that lies about its buffers makes the decoder panic.
            let decoded = panics::catch(|| self.decoder.decode(&mut buffer));
            let batch = match decoded.map_err(|_| broken())? {
                Ok(batch) => batch,
                // Bytes behind the end of the stream are nobody's.
                Err(_) if self.decoder.finish().is_ok() && self.begun => {
                    self.ended = true;
                    break;
                }
                Err(_) => return Err(broken()),
            };
            self.held += before - buffer.len();
            if let Some(batch) = batch {
                self.held = 0;
                self.batch(&batch, &mut done)?;
            } else if self.held > self.limit {
                return Err(too_large(self.limit));
            }
        }
        Ok(done)
    }

    pub fn finish(mut self) -> Result<(), Problem> {
        self.decoder.finish().map_err(|_| broken())?;
        // A stream without a batch has columns nevertheless.
        let schema = self.decoder.schema().ok_or_else(broken)?;
        columns::check(&schema)
    }

    fn batch(&mut self, batch: &RecordBatch, done: &mut Vec<Rows>) -> Result<(), Problem> {
        if !self.begun {
            columns::check(batch.schema_ref())?;
            self.begun = true;
        }
        for first in (0..batch.num_rows()).step_by(ROWS) {
            let rows = ROWS.min(batch.num_rows() - first);
            let part = batch.slice(first, rows);
            done.push(Rows::Table(part, Faults::new()));
        }
        Ok(())
    }
}

fn broken() -> Problem {
    malformed(
        "The body is not an Arrow stream, or it broke off: send the IPC stream format, uncompressed.",
    )
}
