//! Places in lists, as clients carry them from one page to the next.
//!
//! Invariant: a client reads nothing from a cursor, and none that it made up
//! does more than begin a page elsewhere.

use chrono::{DateTime, Datelike};
use uuid::Uuid;

use super::fields::Fields;
use crate::store::After;

/// The longest cursor that is looked at.
const LONGEST: usize = 4096;

/// A text as a cursor.
pub fn of_text(text: &str) -> String {
    hex(text.as_bytes())
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    nibbles
        .map(|nibble| char::from(DIGITS[usize::from(nibble)]))
        .collect()
}

/// A place by moment and id as a cursor.
pub fn of_place(at: DateTime<chrono::Utc>, id: impl std::fmt::Display) -> String {
    of_text(&format!("{} {id}", at.timestamp_micros()))
}

/// The parameter `cursor`: the text in it.
pub fn text(fields: &mut Fields) -> Option<String> {
    let cursor = fields.text("cursor", LONGEST)?;
    let text = decoded(&cursor);
    if text.is_none() {
        refuse(fields);
    }
    text
}

/// The parameter `cursor`: the moment and the rest of it.
pub fn place(fields: &mut Fields) -> Option<(DateTime<chrono::Utc>, String)> {
    let text = text(fields)?;
    let place = text.split_once(' ').and_then(|(at, rest)| {
        let at = DateTime::from_timestamp_micros(at.parse().ok()?)?;
        // What a database can hold.
        (1..=9999)
            .contains(&at.year())
            .then(|| (at, rest.to_owned()))
    });
    if place.is_none() {
        refuse(fields);
    }
    place
}

/// The parameter `cursor`, where it is a moment and an id.
pub fn after(fields: &mut Fields) -> Option<After> {
    let (at, id) = place(fields)?;
    let id = Uuid::parse_str(&id);
    if id.is_err() {
        refuse(fields);
    }
    id.ok().map(|id| After { at, id })
}

pub fn refuse(fields: &mut Fields) {
    let message = "must be the `next` of a page, as it was given";
    fields.fault("cursor", "invalid_cursor", message);
}

fn decoded(cursor: &str) -> Option<String> {
    let digits = cursor.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    // The standard library reads `+1` as a number too.
    let digit = |c: u8| {
        char::from(c)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let byte = |pair: &[u8]| Some(digit(pair[0])? << 4 | digit(pair[1])?);
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    String::from_utf8(bytes?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_made_and_any_other_refused() {
        for text in ["C0000001", "ünïcødé \0", ""] {
            assert_eq!(decoded(&of_text(text)).as_deref(), Some(text));
        }
        for wrong in ["0", "zz", "ff", "+1", "ü"] {
            assert_eq!(decoded(wrong), None, "{wrong}");
        }
    }
}
