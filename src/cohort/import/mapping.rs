//! How a file says what the schema says otherwise: its names of columns, its
//! units, its words for categories, and what it writes where nothing is known.
//!
//! A mapping is checked whole, and all its faults are listed at once.

use std::collections::HashMap;
use std::fmt;

use serde_json::{Map, Value};

use crate::features::nearest_column;
use crate::schema::{COLUMNS, Column, Kind, find};

/// What is wrong with a part of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingFault {
    /// Where, such as `units.tenure_months`.
    pub field: String,
    pub message: String,
}

impl fmt::Display for MappingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.field, self.message)
        }
    }
}

/// All that is wrong with a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingFaults(pub Vec<MappingFault>);

impl std::error::Error for MappingFaults {}

impl fmt::Display for MappingFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<String> = self.0.iter().map(MappingFault::to_string).collect();
        write!(f, "the mapping can't be used: {}", faults.join("; "))
    }
}

/// From a file's number to the column's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Unit {
    pub scale: f64,
    pub offset: f64,
}

/// A checked mapping; the default changes nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mapping {
    columns: HashMap<usize, String>,
    units: HashMap<usize, Unit>,
    values: HashMap<usize, HashMap<String, String>>,
    nulls: Vec<String>,
    /// As it was given.
    given: Value,
}

impl Mapping {
    /// Reads TOML.
    ///
    /// # Errors
    /// All faults at once; where it is no TOML, the line of that.
    pub fn from_toml(text: &str) -> Result<Self, MappingFaults> {
        let value: Value = toml::from_str(text).map_err(|error: toml::de::Error| {
            let before = error.span().map_or(0, |span| span.start);
            let line = 1 + text.bytes().take(before).filter(|b| *b == b'\n').count();
            MappingFaults(vec![MappingFault {
                field: format!("line {line}"),
                message: format!("is not TOML: {}", error.message()),
            }])
        })?;
        Self::from_json(&value)
    }

    /// Reads the same from JSON.
    ///
    /// # Errors
    /// All faults at once.
    pub fn from_json(value: &Value) -> Result<Self, MappingFaults> {
        let mut check = Checking::default();
        check.mapping(value);
        check.mapping.given = value.clone();
        if check.faults.is_empty() {
            Ok(check.mapping)
        } else {
            Err(MappingFaults(check.faults))
        }
    }

    /// The mapping as it was given, or null.
    #[must_use]
    pub fn to_json(&self) -> &Value {
        &self.given
    }

    /// The name that the file has for a column, where it is said.
    pub(super) fn name(&self, column: usize) -> Option<&str> {
        self.columns.get(&column).map(String::as_str)
    }

    pub(super) fn unit(&self, column: usize) -> Option<Unit> {
        self.units.get(&column).copied()
    }

    /// What the file's words for a column's values mean.
    pub(super) fn values(&self, column: usize) -> HashMap<String, String> {
        self.values.get(&column).cloned().unwrap_or_default()
    }

    pub(super) fn nulls(&self) -> &[String] {
        &self.nulls
    }

    /// The columns that anything is said of, with where it is said.
    pub(super) fn mentioned(&self) -> Vec<(usize, &'static str)> {
        let units = self.units.keys().map(|c| (*c, "units"));
        let values = self.values.keys().map(|c| (*c, "values"));
        let mut all: Vec<_> = units.chain(values).collect();
        all.sort_unstable();
        all
    }
}

/// A mapping that is being read.
#[derive(Default)]
struct Checking {
    mapping: Mapping,
    faults: Vec<MappingFault>,
}

impl Checking {
    fn fault(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.faults.push(MappingFault {
            field: field.into(),
            message: message.into(),
        });
    }

    fn mapping(&mut self, value: &Value) {
        let Some(parts) = value.as_object() else {
            self.fault("", "expected a table with columns, units, values or nulls");
            return;
        };
        for (name, part) in parts {
            match name.as_str() {
                "columns" => self.each(name, part, Self::column),
                "units" => self.each(name, part, Self::unit),
                "values" => self.each(name, part, Self::words),
                "nulls" => self.nulls(part),
                _ => self.fault(name, "is unknown: expected columns, units, values or nulls"),
            }
        }
    }

    /// Goes through a part that has something for each of some columns.
    fn each(&mut self, part: &str, value: &Value, read: fn(&mut Self, &str, usize, &Value)) {
        let Some(entries) = value.as_object() else {
            self.fault(part, "expected a table of columns");
            return;
        };
        for (name, entry) in entries {
            let field = format!("{part}.{name}");
            if let Some(column) = find(name) {
                read(self, &field, column, entry);
                continue;
            }
            let meant = nearest_column(name);
            let meant = meant.map(|n| format!("; did you mean {n}?"));
            let meant = meant.unwrap_or_default();
            self.fault(field, format!("is not a column of a customer{meant}"));
        }
    }

    fn column(&mut self, field: &str, column: usize, value: &Value) {
        match value.as_str() {
            Some(theirs) => drop(self.mapping.columns.insert(column, theirs.to_owned())),
            None => self.fault(field, "expected the name of a column of the file"),
        }
    }

    fn unit(&mut self, field: &str, column: usize, value: &Value) {
        match unit(&COLUMNS[column], value) {
            Ok(unit) => drop(self.mapping.units.insert(column, unit)),
            Err(message) => self.fault(field, message),
        }
    }

    fn words(&mut self, field: &str, column: usize, value: &Value) {
        let Some(entries) = value.as_object() else {
            self.fault(
                field,
                "expected a table of the file's values and what they mean",
            );
            return;
        };
        let mut words = HashMap::new();
        for (theirs, ours) in entries {
            match word(&COLUMNS[column], ours) {
                Ok(ours) => drop(words.insert(theirs.trim().to_owned(), ours)),
                Err(message) => self.fault(field, message),
            }
        }
        self.mapping.values.insert(column, words);
    }

    fn nulls(&mut self, value: &Value) {
        let texts = value
            .as_array()
            .map(|items| items.iter().map(Value::as_str));
        match texts.and_then(Iterator::collect::<Option<Vec<_>>>) {
            Some(texts) => {
                self.mapping.nulls = texts.into_iter().map(|t| t.trim().to_owned()).collect();
            }
            None => self.fault("nulls", "expected a list of texts"),
        }
    }
}

/// What a value of the file means.
fn word(column: &Column, ours: &Value) -> Result<String, String> {
    let text = match ours {
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => ours.to_string(),
        _ => return Err("expected a text, a number, true or false".into()),
    };
    match column.kind {
        Kind::Category(names) if !text.is_empty() && !names.contains(&text.as_str()) => {
            Err(format!("a value must mean {}", column.expected()))
        }
        _ => Ok(text),
    }
}

fn unit(column: &Column, value: &Value) -> Result<Unit, String> {
    if !column.kind.is_number() && column.kind != Kind::Timestamp {
        return Err("only a number has a unit".into());
    }
    match value {
        Value::String(name) => named(column, name),
        Value::Object(entries) => linear(entries),
        _ => Err(expected_units(column)),
    }
}

fn linear(entries: &Map<String, Value>) -> Result<Unit, String> {
    let number = |name: &str, default| match entries.get(name) {
        None => Some(default),
        Some(value) => value.as_f64().filter(|x: &f64| x.is_finite()),
    };
    let unknown = entries
        .keys()
        .any(|name| name != "scale" && name != "offset");
    match (number("scale", 1.0), number("offset", 0.0)) {
        (Some(scale), Some(offset)) if scale != 0.0 && !unknown => Ok(Unit { scale, offset }),
        _ => Err("expected scale, a number other than 0, and offset, a number".into()),
    }
}

/// A unit's name, the unit of the column that it can be turned into, and the
/// factor between them.
const NAMED: &[(&str, &str, f64)] = &[
    ("fraction", "%", 100.0),
    ("percent", "probability", 0.01),
    ("percent", "score 0-1", 0.01),
    ("cents", "USD", 0.01),
    ("seconds", "min", 1.0 / 60.0),
    ("seconds", "h", 1.0 / 3600.0),
    ("milliseconds", "s", 0.001),
    ("minutes", "s", 60.0),
    ("minutes", "h", 1.0 / 60.0),
    ("hours", "min", 60.0),
    ("days", "months", 12.0 / 365.25),
    ("years", "months", 12.0),
    ("epoch_seconds", "timestamp", 1e6),
    ("epoch_milliseconds", "timestamp", 1e3),
];

/// The units that a column's values can be given in by name.
fn units_of(column: &Column) -> impl Iterator<Item = &'static (&'static str, &'static str, f64)> {
    let unit = match column.kind {
        Kind::Timestamp => "timestamp",
        _ => column.unit,
    };
    let base = unit.split('/').next().unwrap_or(unit);
    NAMED
        .iter()
        .filter(move |(_, of, _)| *of == unit || *of == base)
}

fn named(column: &Column, name: &str) -> Result<Unit, String> {
    let found = units_of(column).find(|(unit, ..)| *unit == name);
    let found = found.ok_or_else(|| expected_units(column))?;
    Ok(Unit {
        scale: found.2,
        offset: 0.0,
    })
}

fn expected_units(column: &Column) -> String {
    let names: Vec<&str> = units_of(column).map(|(name, ..)| *name).collect();
    let names = match names.as_slice() {
        [] => String::new(),
        names => format!("{}, or ", names.join(", ")),
    };
    format!("expected {names}a table with scale and offset")
}
