//! What became of the rows, for the person who had them scored.

use std::fmt;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};

use crate::features::Recognised;
use crate::models::Target;
use crate::schema::{COLUMNS, Kind};

pub(super) struct Summary {
    recognised: Recognised,
    rows: usize,
    errors: usize,
    targets: Vec<Counts>,
}

struct Counts {
    target: Target,
    column: String,
    predicted: usize,
    not_applicable: usize,
}

impl Summary {
    pub(super) fn new(targets: &[Target], recognised: Recognised) -> Self {
        let counts = |&target: &Target| Counts {
            target,
            column: format!("predicted_{}_applicable", target.name().replace('-', "_")),
            predicted: 0,
            not_applicable: 0,
        };
        Self {
            recognised,
            rows: 0,
            errors: 0,
            targets: targets.iter().map(counts).collect(),
        }
    }

    pub(super) fn add(&mut self, batch: &RecordBatch) {
        self.rows += batch.num_rows();
        if let Some(errors) = batch.column_by_name("predicted_error") {
            self.errors += errors.len() - errors.null_count();
        }
        for counts in &mut self.targets {
            if let Some(applicable) = batch.column_by_name(&counts.column) {
                let applicable = applicable.as_boolean();
                counts.predicted += applicable.true_count();
                counts.not_applicable += applicable.false_count();
            }
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} rows, {} of them with an error",
            self.rows, self.errors
        )?;
        for counts in &self.targets {
            write!(f, "{}: {} predicted", counts.target, counts.predicted)?;
            match counts.not_applicable {
                0 => writeln!(f)?,
                others => writeln!(f, ", {others} whom it is not for")?,
            }
        }
        let missing = COLUMNS.iter().enumerate().filter(|(i, column)| {
            let is_read = !matches!(column.kind, Kind::Id | Kind::Timestamp);
            is_read && !self.recognised.columns.contains(*i)
        });
        let missing: Vec<_> = missing.map(|(_, column)| column.name).collect();
        if !missing.is_empty() {
            writeln!(f, "not in the file, so missing: {}", missing.join(", "))?;
        }
        let others: Vec<_> = (self.recognised.others.iter())
            .map(|(name, nearest)| match nearest {
                Some(nearest) => format!("{name} (did you mean {nearest}?)"),
                None => name.clone(),
            })
            .collect();
        if !others.is_empty() {
            writeln!(f, "kept and not read: {}", others.join(", "))?;
        }
        Ok(())
    }
}
