//! Answers on their way into columns.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder, BooleanBuilder, Float64Builder, ListBuilder, StringBuilder, StructBuilder,
};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray, new_null_array};
use arrow_schema::{DataType, Field, Fields, Schema};

use crate::features::Table;
use crate::models::Estimate;
use crate::models::target::Target;
use crate::schema::COLUMNS;

/// What is wrong with rows, by row.
pub(super) struct Errors {
    rows: usize,
    texts: BTreeMap<usize, String>,
}

impl Errors {
    pub(super) fn new(rows: usize) -> Self {
        Self {
            rows,
            texts: BTreeMap::new(),
        }
    }

    pub(super) fn note(&mut self, row: usize, text: &str) {
        let known = self.texts.entry(row).or_default();
        if !known.is_empty() {
            known.push_str("; ");
        }
        known.push_str(text);
    }

    fn column(mut self) -> StringArray {
        (0..self.rows).map(|row| self.texts.remove(&row)).collect()
    }
}

/// The answers of one model, a row at a time.
pub(super) struct Answers {
    target: Target,
    numbers: [(&'static str, Float64Builder); 4],
    tier: StringBuilder,
    applicable: BooleanBuilder,
    reasons: Option<Reasons>,
}

type Reasons = ListBuilder<StructBuilder>;

impl Answers {
    pub(super) fn new(target: Target, rows: usize, explain: usize) -> Self {
        let value = if target.is_binary() {
            "probability"
        } else {
            "value"
        };
        let number = |name| (name, Float64Builder::with_capacity(rows));
        Self {
            target,
            numbers: [value, "lower", "upper", "percentile"].map(number),
            tier: StringBuilder::with_capacity(rows, 4 * rows),
            applicable: BooleanBuilder::with_capacity(rows),
            reasons: (explain > 0).then(reasons),
        }
    }

    /// A row without an answer, and whether the target is for it where that is
    /// known.
    pub(super) fn none(&mut self, applicable: Option<bool>) {
        self.numbers.iter_mut().for_each(|(_, n)| n.append_null());
        self.tier.append_null();
        self.applicable.append_option(applicable);
        if let Some(reasons) = &mut self.reasons {
            reasons.append_null();
        }
    }

    /// The next row's answer with its percentile.
    pub(super) fn push(&mut self, &(estimate, percentile): &(Estimate, f64)) {
        let (value, bounds) = match estimate {
            Estimate::Probability { probability, tier } => {
                self.tier.append_value(tier.name());
                (probability, None)
            }
            Estimate::Amount {
                value,
                lower,
                upper,
                ..
            } => {
                self.tier.append_null();
                (value, Some((lower, upper)))
            }
        };
        let [first, lower, upper, last] = &mut self.numbers;
        first.1.append_value(value);
        lower.1.append_option(bounds.map(|b| b.0));
        upper.1.append_option(bounds.map(|b| b.1));
        last.1.append_value(percentile);
        self.applicable.append_value(true);
    }

    /// The reasons of the row that was answered last.
    pub(super) fn explain(
        &mut self,
        strongest: &[(usize, f64)],
        shown: impl Fn(usize) -> Option<String>,
    ) {
        let Some(list) = &mut self.reasons else {
            return;
        };
        let reason = list.values();
        for &(column, contribution) in strongest {
            if let Some(feature) = reason.field_builder::<StringBuilder>(0) {
                feature.append_value(COLUMNS[column].name);
            }
            if let Some(value) = reason.field_builder::<StringBuilder>(1) {
                value.append_option(shown(column));
            }
            if let Some(number) = reason.field_builder::<Float64Builder>(2) {
                number.append_value(contribution);
            }
            reason.append(true);
        }
        list.append(true);
    }

    /// The columns that the target has, by name.
    fn columns(self) -> Vec<(&'static str, ArrayRef)> {
        let is_binary = self.target.is_binary();
        let Self {
            numbers,
            mut tier,
            mut applicable,
            reasons,
            ..
        } = self;
        let [value, lower, upper, percentile] =
            numbers.map(|(name, mut numbers)| (name, Arc::new(numbers.finish()) as ArrayRef));
        let tier = ("tier", Arc::new(tier.finish()) as ArrayRef);
        let mut columns = if is_binary {
            vec![value, tier]
        } else {
            vec![value, lower, upper]
        };
        columns.push(percentile);
        columns.push(("applicable", Arc::new(applicable.finish())));
        if let Some(mut reasons) = reasons {
            columns.push(("reasons", Arc::new(reasons.finish())));
        }
        columns
    }
}

fn reasons() -> Reasons {
    let fields: Fields = [
        ("feature", DataType::Utf8),
        ("value", DataType::Utf8),
        ("contribution", DataType::Float64),
    ]
    .into_iter()
    .map(|(name, held)| Field::new(name, held, true))
    .collect();
    let builders: Vec<Box<dyn ArrayBuilder>> = vec![
        Box::new(StringBuilder::new()),
        Box::new(StringBuilder::new()),
        Box::new(Float64Builder::new()),
    ];
    ListBuilder::new(StructBuilder::new(fields, builders))
}

/// All answers to a table as a batch.
pub(super) fn batch(
    table: &Table,
    answers: Vec<Answers>,
    errors: Errors,
    prefixed: bool,
) -> RecordBatch {
    let ids = table.customer_ids().map_or_else(
        || new_null_array(&DataType::Utf8, table.rows()),
        |ids| Arc::new(ids) as ArrayRef,
    );
    let mut columns = vec![("customer_id".to_owned(), ids)];
    for answers in answers {
        let target = answers.target.name().replace('-', "_");
        columns.extend(answers.columns().into_iter().map(|(name, column)| {
            if prefixed {
                (format!("predicted_{target}_{name}"), column)
            } else {
                (name.to_owned(), column)
            }
        }));
    }
    let error = if prefixed { "predicted_error" } else { "error" };
    // Before the reasons, which are last where there are any.
    let at = columns.iter().position(|(name, _)| name == "reasons");
    let error = (error.to_owned(), Arc::new(errors.column()) as ArrayRef);
    columns.insert(at.unwrap_or(columns.len()), error);
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, column)| Field::new(name, column.data_type().clone(), true))
        .collect();
    let arrays = columns.into_iter().map(|(_, column)| column).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(table.rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
        .expect("every column has a value or a null for each row")
}
