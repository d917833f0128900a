//! Predictions for many as a table: a row for each customer, in order.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, BooleanArray, RecordBatch, StringArray};
use arrow_schema::SchemaRef;
use arrow_select::nullif::nullif;

use crate::features::FieldError;
use crate::http::formats::Format;
use crate::http::formats::rows::{Faults, Rows};
use crate::http::formats::write::Encoder;
use crate::http::problem::{self, Problem};
use crate::models::score::Scoring;
use crate::models::{ModelSet, Target};

/// The columns that a row at fault keeps.
const KEPT: [&str; 2] = ["customer_id", "error"];

/// Writes the table while it becomes known.
pub struct Answers {
    set: Arc<ModelSet>,
    target: Target,
    reasons: usize,
    encoder: Encoder,
}

impl Answers {
    pub fn new(
        format: Format,
        set: Arc<ModelSet>,
        target: Target,
        reasons: usize,
    ) -> Result<Self, Problem> {
        let schema: SchemaRef = Scoring::new(&set, &[target], reasons).schema();
        let encoder = Encoder::new(format, &schema, "predictions");
        Ok(Self {
            encoder: encoder.map_err(|error| problem::internal(&error))?,
            set,
            target,
            reasons,
        })
    }

    pub fn rows(&mut self, rows: Rows, out: &mut Vec<u8>) -> Result<(), Problem> {
        let scored = scored(&self.set, self.target, self.reasons, rows)?;
        let written = self.encoder.write(&scored, out);
        written.map_err(|error| problem::internal(&error))
    }

    pub fn end(self, out: &mut Vec<u8>) -> Result<(), Problem> {
        let written = self.encoder.finish(out);
        written.map_err(|error| problem::internal(&error))
    }
}

/// A row of answers for each customer.
pub fn scored(
    set: &ModelSet,
    target: Target,
    reasons: usize,
    rows: Rows,
) -> Result<RecordBatch, Problem> {
    let (batch, faults) = (rows.into_table()).map_err(|error| problem::internal(&error))?;
    let scoring = Scoring::new(set, &[target], reasons);
    let scored = scoring.serve(&batch, &|row| faults.contains_key(&row));
    rejected(scored, &faults).map_err(|error| problem::internal(&error))
}

/// Takes the numbers from rows that were at fault before they were scored, and
/// says why.
fn rejected(scored: RecordBatch, faults: &Faults) -> Result<RecordBatch, arrow_schema::ArrowError> {
    if faults.is_empty() {
        return Ok(scored);
    }
    let schema = scored.schema();
    let at_fault: BooleanArray = (0..scored.num_rows())
        .map(|row| Some(faults.contains_key(&row)))
        .collect();
    let fields = schema.fields().iter().zip(scored.columns());
    let columns = fields.map(|(field, column)| match field.name().as_str() {
        "error" => {
            let errors = column.as_string::<i32>();
            let errors = (0..errors.len()).map(|row| match faults.get(&row) {
                Some(faults) => Some(words(faults)),
                None => errors.is_valid(row).then(|| errors.value(row).to_owned()),
            });
            Ok(Arc::new(errors.collect::<StringArray>()) as _)
        }
        name if KEPT.contains(&name) => Ok(Arc::clone(column)),
        _ => nullif(column, &at_fault),
    });
    let columns = columns.collect::<Result<_, _>>()?;
    RecordBatch::try_new(schema, columns)
}

fn words(faults: &[FieldError]) -> String {
    let words = faults.iter().map(|fault| match fault.field.as_str() {
        "" => fault.message.clone(),
        _ => fault.to_string(),
    });
    words.collect::<Vec<_>>().join("; ")
}
