//! Whether a table's columns are a customer's: its names and its types, before
//! any of its values is looked at.
//!
//! What is wrong with the table as a whole is a problem; what is wrong with a
//! value is the fault of its row, and `features::Table` alone finds it.

use arrow_schema::Schema;

use crate::features::unfit_columns;
use crate::http::problem::{FieldProblem, Kind, Problem};

/// # Errors
/// All columns that are not the schema's, that stand twice, or that are of a
/// type that holds no value of theirs.
pub fn check(table: &Schema) -> Result<(), Problem> {
    let faults = unfit_columns(table).into_iter().map(FieldProblem::from);
    let mut faults: Vec<FieldProblem> = faults.collect();
    if table.fields().is_empty() {
        faults.push(FieldProblem::new(
            "",
            "no_columns",
            "the table has no columns",
        ));
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Problem::fields(Kind::InvalidTable, faults))
    }
}
