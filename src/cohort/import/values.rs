//! What a text means as a value of a column, and what is wrong with it if it
//! means nothing.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

use crate::schema::{COLUMNS, Kind, MOMENTS};

/// What can be wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    Type,
    Fraction,
    Category,
    Range,
    Timestamp,
    /// No identifier.
    Missing,
    TooLong,
    /// A character that no database holds.
    Character,
    Encoding,
}

/// Longest text of an identifier or a location, in bytes: an index holds it.
pub(super) const LONGEST_TEXT: usize = 1_000;

impl Fault {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Type => "wrong_type",
            Self::Fraction => "not_an_integer",
            Self::Category => "unknown_category",
            Self::Range => "out_of_range",
            Self::Timestamp => "invalid_timestamp",
            Self::Missing => "missing_id",
            Self::TooLong => "text_too_long",
            Self::Character => "invalid_character",
            Self::Encoding => "invalid_utf8",
        }
    }

    /// One sentence's end, behind the column's name.
    pub(super) fn message(self, column: usize) -> String {
        match self {
            Self::Missing => "must not be empty".into(),
            Self::TooLong => format!("must be at most {LONGEST_TEXT} bytes long"),
            Self::Character => "must not have the character U+0000".into(),
            Self::Encoding => "must be UTF-8".into(),
            Self::Timestamp => "must be an ISO 8601 date or time, years 1 to 9999".into(),
            _ => format!("must be {}", COLUMNS[column].expected()),
        }
    }
}

/// Whether a number may stand in a column.
#[inline]
pub(super) fn check(column: usize, value: f64) -> Result<f64, Fault> {
    let about = &COLUMNS[column];
    if matches!(about.kind, Kind::Integer | Kind::BigInteger) && value.fract() != 0.0 {
        return Err(if value.is_finite() {
            Fault::Fraction
        } else {
            Fault::Range
        });
    }
    if about.valid.contains(value) {
        Ok(value)
    } else {
        Err(Fault::Range)
    }
}

/// What stands where a value is not known, in small letters.
const NULLS: &[&str] = &[
    "na", "n/a", "#n/a", "nan", "nat", "null", "none", "nil", "<na>", "\\n",
];

/// The text without the space around it; none where it says that nothing is
/// known.
#[inline]
pub(super) fn present<'a>(text: &'a str, nulls: &[String]) -> Option<&'a str> {
    let bytes = text.as_bytes();
    let plain = |b: Option<&u8>| b.is_some_and(u8::is_ascii_digit);
    let text = if plain(bytes.first()) && plain(bytes.last()) {
        text
    } else {
        let text = text.trim();
        if is_null(text) {
            return None;
        }
        text
    };
    (!nulls.iter().any(|null| null == text)).then_some(text)
}

fn is_null(text: &str) -> bool {
    text.is_empty() || (text.len() <= 4 && NULLS.iter().any(|null| text.eq_ignore_ascii_case(null)))
}

/// A flag in words.
pub(super) fn flag(text: &str) -> Result<bool, Fault> {
    let means = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ if means(&["true", "yes", "y", "t", "on", "1.0"]) => Ok(true),
        _ if means(&["false", "no", "n", "f", "off", "0.0"]) => Ok(false),
        _ => Err(Fault::Type),
    }
}

/// The category of a closed list. The case of letters, and ` `, `-` or `_`
/// between words, make no difference.
pub(super) fn category(names: &'static [&'static str], text: &str) -> Result<&'static str, Fault> {
    let exact = names.iter().find(|name| **name == text);
    let alike = || names.iter().find(|name| is_alike(name, text));
    exact.or_else(alike).copied().ok_or(Fault::Category)
}

fn is_alike(a: &str, b: &str) -> bool {
    let plain = |byte: u8| match byte {
        b' ' | b'-' => b'_',
        other => other.to_ascii_lowercase(),
    };
    a.len() == b.len() && a.bytes().map(plain).eq(b.bytes().map(plain))
}

/// Free text that a database can keep.
pub(super) fn free(text: &str) -> Result<&str, Fault> {
    if text.len() > LONGEST_TEXT {
        Err(Fault::TooLong)
    } else if text.as_bytes().contains(&0) {
        Err(Fault::Character)
    } else {
        Ok(text)
    }
}

pub(super) fn check_moment(micros: i64) -> Result<i64, Fault> {
    if MOMENTS.contains(&micros) {
        Ok(micros)
    } else {
        Err(Fault::Timestamp)
    }
}

/// A moment in one of the forms of ISO 8601 that programs write: a date, or a
/// date and a time with or without seconds, their fraction and an offset.
/// Without an offset it is UTC.
pub(super) fn moment(text: &str) -> Result<i64, Fault> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return check_moment(moment.timestamp_micros());
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        let midnight = date.and_hms_opt(0, 0, 0).ok_or(Fault::Timestamp)?;
        return check_moment(midnight.and_utc().timestamp_micros());
    }
    let (date, time) = text.split_at_checked(10).ok_or(Fault::Timestamp)?;
    let time = time.strip_suffix(" UTC").unwrap_or(time);
    let time = time.strip_suffix('Z').unwrap_or(time);
    let text = &format!("{date} {}", time.strip_prefix('T').unwrap_or(time).trim());
    for form in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"] {
        if let Ok(moment) = NaiveDateTime::parse_from_str(text, form) {
            return check_moment(moment.and_utc().timestamp_micros());
        }
    }
    for form in [
        "%Y-%m-%d %H:%M:%S%.f%#z",
        "%Y-%m-%d %H:%M:%S%.f %#z",
        "%Y-%m-%d %H:%M%#z",
    ] {
        if let Ok(moment) = DateTime::parse_from_str(text, form) {
            return check_moment(moment.timestamp_micros());
        }
    }
    Err(Fault::Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_NULLS: &[String] = &[];

    #[test]
    fn knows_what_stands_for_nothing() {
        for text in [
            "", " ", "NA", "n/a", "NaN", "null", "None", "NaT", "<NA>", "\\N", "#N/A",
        ] {
            assert_eq!(present(text, NO_NULLS), None, "{text}");
        }
        assert_eq!(present(" Nancy ", NO_NULLS), Some("Nancy"));
        assert_eq!(present("0", NO_NULLS), Some("0"));
        let own = ["-1".to_owned(), "999".to_owned()];
        assert_eq!(present("999", &own), None);
        assert_eq!(present("-1", &own), None);
        assert_eq!(present("99", &own), Some("99"));
    }

    #[test]
    fn reads_the_timestamps_that_programs_write() {
        let morning = 1_761_037_200_000_000;
        for text in [
            "2025-10-21T09:00:00Z",
            "2025-10-21T09:00:00.000Z",
            "2025-10-21T11:00:00+02:00",
            "2025-10-21 09:00:00",
            "2025-10-21 09:00",
            "2025-10-21T09:00",
            "2025-10-21 09:00:00.000000",
            "2025-10-21 11:00:00+02",
            "2025-10-21 11:00:00+0200",
            "2025-10-21 09:00:00 UTC",
            "2025-10-21 11:00:00 +0200",
        ] {
            assert_eq!(moment(text), Ok(morning), "{text}");
        }
        assert_eq!(moment("2025-10-21"), Ok(1_761_004_800_000_000));
        assert_eq!(
            moment("2025-10-21T00:00:00.123456Z"),
            Ok(1_761_004_800_123_456)
        );
        for text in [
            "",
            "21.10.2025",
            "10/21/2025",
            "2025-13-01",
            "yesterday",
            "-0001-01-01",
        ] {
            assert_eq!(moment(text), Err(Fault::Timestamp), "{text}");
        }
    }

    #[test]
    fn reads_flags_and_categories_however_they_are_spelt() {
        for text in ["true", "TRUE", "1", "1.0", "yes", "Y", "t"] {
            assert_eq!(flag(text), Ok(true), "{text}");
        }
        for text in ["false", "0", "0.0", "No"] {
            assert_eq!(flag(text), Ok(false), "{text}");
        }
        assert_eq!(flag("2"), Err(Fault::Type));
        let platforms = crate::schema::PLATFORMS;
        assert_eq!(category(platforms, "social media"), Ok("Social_Media"));
        assert_eq!(category(platforms, "Both"), Ok("Both"));
        assert_eq!(category(platforms, "Television"), Err(Fault::Category));
    }
}
