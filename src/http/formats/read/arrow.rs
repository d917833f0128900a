//! A stream of Arrow record batches.

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamDecoder;
use bytes::Bytes;

use super::parts::Parts;
use super::{malformed, too_large};
use crate::http::formats::columns;
use crate::http::panics;
use crate::http::problem::Problem;

/// Rows that a byte can stand for: a flag takes a bit of it. Columns of nulls
/// alone take nothing, and a message with no other says any number of rows.
const ROWS_OF_A_BYTE: usize = 8;

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

    /// Takes the next piece; gives the tables that are complete with it.
    pub fn feed(&mut self, piece: Bytes) -> Result<Vec<Parts>, Problem> {
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
                self.check(&batch)?;
                self.held = 0;
                done.push(Parts::of(batch));
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

    fn check(&mut self, batch: &RecordBatch) -> Result<(), Problem> {
        if !self.begun {
            columns::check(batch.schema_ref())?;
            self.begun = true;
        }
        if batch.num_rows() > self.held.saturating_mul(ROWS_OF_A_BYTE) {
            return Err(malformed(
                "An Arrow message says that it has more customers than its bytes can hold.",
            ));
        }
        Ok(())
    }
}

fn broken() -> Problem {
    malformed(
        "The body is not an Arrow stream, or it broke off: send the IPC stream format, uncompressed.",
    )
}
