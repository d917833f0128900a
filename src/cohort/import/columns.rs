//! Which column of a file is which of the 72.

use std::collections::HashMap;

use arrow_schema::DataType;

use super::error::ImportError;
use super::mapping::{Mapping, MappingFault, MappingFaults, Unit};
use super::summary::{FoundColumn, IgnoredColumn};
use crate::cohort::files::TableError;
use crate::features::nearest_column;
use crate::schema::{COLUMNS, Kind};

/// A column of the schema that is read from a column of the file.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Index in the schema.
    pub column: usize,
    /// Index in the file.
    pub source: usize,
    /// The file's name for it, cut short if it is very long.
    pub name: String,
    pub unit: Option<Unit>,
    pub words: HashMap<String, String>,
}

/// The file's columns, told apart.
#[derive(Debug)]
pub(super) struct Matched {
    pub targets: Vec<Target>,
    pub found: Vec<FoundColumn>,
    pub ignored: Vec<IgnoredColumn>,
}

/// Characters of a name that are kept: what is said of a row repeats it.
const NAME_CHARS: usize = 100;

/// Ignored names that are compared with the schema's, at most: a file may have
/// thousands.
const COMPARED: usize = 100;

/// Finds the schema's columns among those of a file: by the mapping, else by
/// name, where the case of letters and ` `, `-` or `_` between words make no
/// difference.
pub(super) fn matched(
    names: &[String],
    data_type: impl Fn(usize) -> Option<DataType>,
    mapping: &Mapping,
) -> Result<Matched, ImportError> {
    let sources = Sources::of(names);
    let mut faults = Vec::new();
    let mut targets = Vec::new();
    for (column, about) in COLUMNS.iter().enumerate() {
        match sources.find(column, mapping) {
            Ok(None) => {}
            Ok(Some(source)) => targets.push(Target {
                column,
                source,
                name: short(&names[source]),
                unit: mapping.unit(column),
                words: mapping.values(column),
            }),
            Err(message) => faults.push(MappingFault {
                field: format!("columns.{}", about.name),
                message,
            }),
        }
    }
    for (column, part) in mapping.mentioned() {
        if !targets.iter().any(|t| t.column == column) {
            faults.push(MappingFault {
                field: format!("{part}.{}", COLUMNS[column].name),
                message: "the file has no such column".into(),
            });
        }
    }
    if !faults.is_empty() {
        return Err(MappingFaults(faults).into());
    }
    if targets.is_empty() {
        return Err(ImportError::NoColumn(names.len()));
    }
    for target in &targets {
        let kind = COLUMNS[target.column].kind;
        let found = data_type(target.source);
        if let Some(found) = found.filter(|found| !can_be(found, kind, target)) {
            return Err(ImportError::Table(TableError::ColumnType {
                column: target.name.clone(),
                found: found.to_string(),
                expected: COLUMNS[target.column].expected(),
            }));
        }
    }
    Ok(Matched {
        found: targets.iter().map(found).collect(),
        ignored: ignored(names, &targets),
        targets,
    })
}

fn short(name: &str) -> String {
    name.trim().chars().take(NAME_CHARS).collect()
}

fn found(target: &Target) -> FoundColumn {
    FoundColumn {
        column: COLUMNS[target.column].name,
        from: target.name.clone(),
    }
}

fn ignored(names: &[String], targets: &[Target]) -> Vec<IgnoredColumn> {
    let used = |index: usize| targets.iter().any(|t| t.source == index);
    let unused = names.iter().enumerate().filter(|(index, _)| !used(*index));
    let unused = unused.enumerate().map(|(count, (_, name))| IgnoredColumn {
        name: short(name),
        nearest: (count < COMPARED)
            .then(|| nearest_column(&short(name)))
            .flatten(),
    });
    unused.collect()
}

/// The columns of a file by name.
struct Sources<'a> {
    names: &'a [String],
    plain: HashMap<String, Vec<usize>>,
}

impl<'a> Sources<'a> {
    fn of(names: &'a [String]) -> Self {
        let mut plain: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, name) in names.iter().enumerate() {
            plain.entry(plain_name(name)).or_default().push(index);
        }
        Self { names, plain }
    }

    /// Where a column of the schema is, if it is anywhere.
    fn find(&self, column: usize, mapping: &Mapping) -> Result<Option<usize>, String> {
        let Some(theirs) = mapping.name(column) else {
            return self.find_by_name(column, mapping);
        };
        let mut exact = (0..self.names.len()).filter(|i| self.names[*i].trim() == theirs.trim());
        match (exact.next(), exact.next()) {
            (Some(index), None) => Ok(Some(index)),
            (Some(_), Some(_)) => Err("the file has that column more than once".into()),
            (None, _) => match self.nearest(theirs) {
                Some(near) => Err(format!(
                    "the file has no such column; did you mean {near:?}?"
                )),
                None => Err("the file has no such column".into()),
            },
        }
    }

    fn find_by_name(&self, column: usize, mapping: &Mapping) -> Result<Option<usize>, String> {
        let taken = |index: &usize| {
            let name = self.names[*index].trim();
            (0..COLUMNS.len()).any(|other| mapping.name(other).map(str::trim) == Some(name))
        };
        let candidates = self.plain.get(COLUMNS[column].name);
        let candidates = candidates.into_iter().flatten().filter(|i| !taken(i));
        let candidates: Vec<usize> = candidates.copied().collect();
        match candidates.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(*one)),
            several => Err(format!(
                "{} columns of the file have this name: rename all but one",
                several.len()
            )),
        }
    }

    /// The file's column that is most like a name.
    fn nearest(&self, name: &str) -> Option<&str> {
        const NEAR: f64 = 0.85;
        let name = plain_name(name);
        let name = short(&name);
        let likeness = |other: &String| strsim::jaro_winkler(&name, &plain_name(&short(other)));
        let nearest = self.names.iter().map(|other| (likeness(other), other));
        let nearest = nearest.max_by(|a, b| a.0.total_cmp(&b.0));
        nearest
            .filter(|(likeness, _)| *likeness >= NEAR)
            .map(|(_, other)| other.as_str())
    }
}

/// A name as the schema would write it.
fn plain_name(name: &str) -> String {
    let name = name.trim().to_lowercase();
    name.replace([' ', '-'], "_")
}

/// Whether values of an Arrow type can be values of a column.
fn can_be(found: &DataType, kind: Kind, target: &Target) -> bool {
    use DataType::{
        BinaryView, Boolean, Date32, Date64, Dictionary, Null, Timestamp, Utf8, Utf8View,
    };
    let is_number = found.is_numeric() && !matches!(found, DataType::Decimal256(..));
    match found {
        Null | Utf8 | DataType::LargeUtf8 | Utf8View | BinaryView => true,
        Dictionary(_, value) => can_be(value, kind, target),
        Boolean => !kind.is_number() && kind != Kind::Timestamp,
        Timestamp(..) | Date32 | Date64 => kind == Kind::Timestamp,
        _ if kind == Kind::Timestamp => is_number && target.unit.is_some(),
        _ => is_number,
    }
}
