//! The lengths of texts that a Parquet page keeps as differences.
//!
//! The decoder reserves room for as many lengths as such a page says that it has,
//! and a process that has not so much memory ends. Invariant: what passes says no
//! more lengths than its page has values, and no page more than [`MOST`].

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;

use super::thrift::{malformed, number, skip};

/// Lengths of a page, for which the decoder makes room at once in each column:
/// writers end a page after some tens of thousands of values, or with its group.
const MOST: u64 = 1 << 20;

/// Whether a page's lengths can be read. It is given alone, with its header.
pub(super) fn check(page: Bytes, column: &ColumnChunkMetaData) -> Result<(), ParquetError> {
    let packed = i64::try_from(page.len()).unwrap_or(i64::MAX);
    let alone = column.clone().into_builder();
    let alone = alone.set_dictionary_page_offset(None);
    let alone = alone.set_data_page_offset(0);
    let alone = alone.set_total_compressed_size(packed).build()?;
    let mut pages = SerializedPageReader::new(Arc::new(page), &alone, 0, None)?;
    let Some(page) = pages.get_next_page()? else {
        return Ok(());
    };
    let (values, encoding) = (page.num_values(), page.encoding());
    let mut lengths = behind_levels(&page, column)?;
    let most = u64::from(values).min(MOST);
    skip_packed(&mut lengths, most)?;
    if encoding == Encoding::DELTA_BYTE_ARRAY {
        // Those of what is kept of the text before came first.
        skip_packed(&mut lengths, most)?;
    }
    Ok(())
}

/// A page's values, behind what tells which of them are missing.
fn behind_levels<'a>(page: &'a Page, column: &ColumnChunkMetaData) -> io::Result<&'a [u8]> {
    let about = column.column_descr();
    match page {
        Page::DataPage {
            buf,
            rep_level_encoding,
            def_level_encoding,
            ..
        } => {
            let mut left = &buf[..];
            for (highest, encoding) in [
                (about.max_rep_level(), rep_level_encoding),
                (about.max_def_level(), def_level_encoding),
            ] {
                if highest > 0 {
                    if *encoding != Encoding::RLE {
                        return Err(malformed("texts as differences behind levels of old"));
                    }
                    let mut length = [0; 4];
                    left.read_exact(&mut length)?;
                    skip(&mut left, u32::from_le_bytes(length).into())?;
                }
            }
            Ok(left)
        }
        Page::DataPageV2 {
            buf,
            def_levels_byte_len,
            rep_levels_byte_len,
            ..
        } => {
            let mut left = &buf[..];
            skip(&mut left, (*rep_levels_byte_len).into())?;
            skip(&mut left, (*def_levels_byte_len).into())?;
            Ok(left)
        }
        Page::DictionaryPage { .. } => Err(malformed("a dictionary of differences")),
    }
}

/// Reads over numbers in the format's `DELTA_BINARY_PACKED`, at most so many.
fn skip_packed(from: &mut &[u8], most: u64) -> io::Result<()> {
    let (block, parts) = (number(from)?, number(from)?);
    let values = number(from)?;
    let _first = number(from)?;
    if values > most {
        return Err(malformed("a page with more lengths than values"));
    }
    let part = block.checked_div(parts).filter(|values| *values > 0);
    let part = part.ok_or_else(|| malformed("lengths in blocks of nothing"))?;
    let mut left = values.saturating_sub(1);
    while left > 0 {
        let _least_difference = number(from)?;
        let mut bits = Vec::new();
        from.by_ref().take(parts).read_to_end(&mut bits)?;
        if bits.len() as u64 != parts {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for bits in bits {
            // Behind the last value a part says anything and takes nothing.
            if left > 0 {
                skip(from, u64::from(bits).saturating_mul(part) / 8)?;
            }
            left = left.saturating_sub(part);
        }
    }
    Ok(())
}
