//! What is true behind the targets: a column for each, on request.
//!
//! They are what the customers were drawn from, so no model of the 72 columns
//! can know better. Invariant: they stand after the 72 and are none of them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::schema;

/// A truth column.
#[derive(Debug)]
pub struct TruthField {
    /// `truth_` and the target's name with underscores.
    pub name: &'static str,
    pub unit: &'static str,
    pub meaning: &'static str,
}

/// The truth columns, in the order that they follow the 72 columns.
#[must_use]
pub fn truth_fields() -> &'static [TruthField] {
    &FIELDS
}

const fn field(name: &'static str, unit: &'static str, meaning: &'static str) -> TruthField {
    TruthField {
        name,
        unit,
        meaning,
    }
}

#[rustfmt::skip] // A table: one column a line, in the order of the variables.
static FIELDS: [TruthField; 8] = [
    field("truth_churn", "probability", "Probability that churn_30_day is true"),
    field("truth_ltv", "USD", "A second lifetime_value_usd, drawn from the same inputs: its mean has no closed form"),
    field("truth_engagement", "score 0-1", "Mean that engagement_score is drawn about"),
    field("truth_match_quality", "score 1-5", "Mean that match_satisfaction_score is drawn about"),
    field("truth_virality", "views/post", "Median that avg_views_per_post is drawn about, the exponential of the mean of its logarithm; null without posts and reels"),
    field("truth_premium_conversion", "probability", "Probability that account_type is Premium"),
    field("truth_date_conversion", "probability", "Probability that dates_completed_month is at least 1"),
    field("truth_creator", "probability", "Probability that is_creator is true"),
];

/// The schema's columns, and the truth after them.
pub fn schema_with_truth() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let columns = schema::arrow::schema();
        let truth = FIELDS.iter().map(|f| {
            let metadata = HashMap::from([
                ("unit".to_owned(), f.unit.to_owned()),
                ("meaning".to_owned(), f.meaning.to_owned()),
            ]);
            Arc::new(Field::new(f.name, DataType::Float64, true).with_metadata(metadata))
        });
        Arc::new(Schema::new(
            columns
                .fields()
                .iter()
                .cloned()
                .chain(truth)
                .collect::<Vec<_>>(),
        ))
    });
    Arc::clone(&SCHEMA)
}
