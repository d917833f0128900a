//! A stream of Arrow record batches.

use arrow_array::cast::AsArray;
use arrow_array::{Array, GenericStringArray, OffsetSizeTrait, RecordBatch};
use arrow_ipc::reader::StreamDecoder;
use arrow_schema::DataType;
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
                // Messages may add to them without end, and the decoder keeps them.
                if dictionaries(&batch) > self.limit {
                    return Err(too_large(self.limit));
                }
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

/// Bytes of the dictionaries that a batch refers to: all that there are.
fn dictionaries(batch: &RecordBatch) -> usize {
    let dictionaries = batch.columns().iter();
    let dictionaries = dictionaries.filter_map(|column| column.as_any_dictionary_opt());
    dictionaries
        .map(|dictionary| {
            let texts = dictionary.values();
            match texts.data_type() {
                DataType::Utf8 => bytes_of(texts.as_string::<i32>()),
                DataType::LargeUtf8 => bytes_of(texts.as_string::<i64>()),
                _ => texts.get_buffer_memory_size(),
            }
        })
        .sum()
}

fn bytes_of<O: OffsetSizeTrait>(texts: &GenericStringArray<O>) -> usize {
    let offsets = texts.value_offsets();
    size_of_val(offsets) + (offsets[offsets.len() - 1] - offsets[0]).as_usize()
}

fn broken() -> Problem {
    malformed(
        "The body is not an Arrow stream, or it broke off: send the IPC stream format, uncompressed.",
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::Int32Type;
    use arrow_array::{DictionaryArray, Int32Array, StringArray};
    use arrow_ipc::writer::{DictionaryHandling, IpcWriteOptions, StreamWriter};
    use arrow_schema::{Field, Schema};

    use super::*;

    /// A stream whose every batch has a customer and adds a text of 1,000 bytes to
    /// the dictionary.
    fn growing(batches: usize) -> Vec<u8> {
        let kind = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let schema = Arc::new(Schema::new(vec![Field::new("location", kind, true)]));
        let options = IpcWriteOptions::default();
        let options = options.with_dictionary_handling(DictionaryHandling::Delta);
        let mut out = Vec::new();
        let writer = StreamWriter::try_new_with_options(&mut out, &schema, options);
        let mut writer = writer.unwrap();
        let texts: Vec<String> = (0..batches).map(|at| format!("{at:01000}")).collect();
        for at in 0..batches {
            let values = Arc::new(StringArray::from_iter_values(&texts[..=at]));
            let keys = Int32Array::from(vec![i32::try_from(at).unwrap()]);
            let column = DictionaryArray::<Int32Type>::new(keys, values);
            let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(column)]);
            writer.write(&batch.unwrap()).unwrap();
        }
        writer.finish().unwrap();
        drop(writer);
        out
    }

    #[test]
    fn a_dictionary_that_grows_from_batch_to_batch_is_held_to_the_limit() {
        let stream = growing(40);
        assert!(stream.len() < 80_000, "the writer sends what is new alone");
        let read = |limit| {
            let mut arrow = Arrow::new(limit);
            let pieces = stream.chunks(1_000);
            pieces
                .map(|piece| arrow.feed(Bytes::copy_from_slice(piece)))
                .try_fold(0, |rows, parts| {
                    let rows_of = |rows: Parts| rows.count();
                    parts.map(|parts| rows + parts.into_iter().map(rows_of).sum::<usize>())
                })
        };
        assert_eq!(read(50_000).ok(), Some(40));
        let refused = read(20_000).expect_err("it is too large");
        assert_eq!(refused.status(), axum::http::StatusCode::PAYLOAD_TOO_LARGE);
    }
}
