//! What can be wrong with a customer that was sent, said so that the sender can
//! mend it, without repeating the value.

use std::fmt;

use chrono::DateTime;

use super::names;
use crate::schema::{COLUMNS, Kind};

/// Why a body is not a customer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    #[error("not valid JSON at line {line}, column {column}")]
    Syntax { line: usize, column: usize },
    #[error("a customer must be a JSON object")]
    NotAnObject,
    #[error("{} of the customer's fields are at fault", .0.len())]
    Fields(Vec<FieldError>),
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name as it was sent, cut short if it is very long.
    pub field: String,
    pub code: &'static str,
    /// One sentence; never the value that was sent.
    pub message: String,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// What a field's value can be found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Type,
    Fraction,
    Category,
    Range,
    Timestamp,
    Duplicate,
}

impl Fault {
    fn code(self) -> &'static str {
        match self {
            Self::Type => "wrong_type",
            Self::Fraction => "not_an_integer",
            Self::Category => "unknown_category",
            Self::Range => "out_of_range",
            Self::Timestamp => "invalid_timestamp",
            Self::Duplicate => "duplicate_field",
        }
    }

    /// The fault, said of a column.
    ///
    /// # Panics
    /// If there is no such column.
    #[must_use]
    pub fn of(self, column: usize) -> FieldError {
        let column = &COLUMNS[column];
        let message = match self {
            Self::Duplicate => "is given more than once".to_owned(),
            _ => format!("must be {}", column.expected()),
        };
        FieldError {
            field: column.name.to_owned(),
            code: self.code(),
            message,
        }
    }
}

/// The fault of a name that is no column's.
#[must_use]
pub fn unknown(name: &str) -> FieldError {
    let message = match names::nearest(name) {
        Some(column) => format!("is not a column; did you mean {column}?"),
        None => "is not a column".to_owned(),
    };
    FieldError {
        field: bounded(name),
        code: "unknown_field",
        message,
    }
}

/// What stands for the faults that are no longer listed.
pub(super) fn and_more(more: usize) -> FieldError {
    FieldError {
        field: String::new(),
        code: "too_many_errors",
        message: format!("{more} more faults are not listed"),
    }
}

fn bounded(name: &str) -> String {
    const LONGEST: usize = 64;
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// Whether a number may stand in a column, by its kind and its valid range.
///
/// # Errors
/// With what is wrong with it.
///
/// # Panics
/// If there is no such column.
#[expect(clippy::float_cmp, reason = "a flag is exactly 0 or 1")]
pub fn check(column: usize, value: f64) -> Result<(), Fault> {
    let column = &COLUMNS[column];
    match column.kind {
        Kind::Flag if value != 0.0 && value != 1.0 => Err(Fault::Type),
        Kind::Integer | Kind::BigInteger if value.fract() != 0.0 => Err(Fault::Fraction),
        _ if column.valid.contains(value) => Ok(()),
        _ => Err(Fault::Range),
    }
}

/// The microseconds since 1970 of a moment in text.
pub(super) fn moment(text: &str) -> Result<f64, Fault> {
    let moment = DateTime::parse_from_rfc3339(text).map_err(|_| Fault::Timestamp)?;
    #[expect(clippy::cast_precision_loss, reason = "exact until the year 2255")]
    let micros = moment.timestamp_micros() as f64;
    Ok(micros)
}
