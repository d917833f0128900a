//! Predictions for whole tables, whatever columns and types they come in.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int8Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Float32Array, Float64Array, Int64Array,
    RecordBatch, StringArray,
};
use arrow_schema::{Field, Schema};
use engagecast::features::{Profile, profiles};
use engagecast::models::score::{Scoring, reasons_as_text};
use engagecast::models::{Estimate, Target};
use engagecast::schema::{COLUMNS, Kind, column};
use serde_json::Value;

use crate::support::cohort::{cohort, cohort_with};
use crate::support::trained::{MODELS, model, read};

/// Customers of whom each has some columns and lacks others.
fn with_gaps() -> Vec<RecordBatch> {
    cohort_with(600, 17, |i, row| {
        for (c, cell) in row.iter_mut().enumerate().skip(1) {
            if (c * 7 + i * 13) % 5 == 0 {
                *cell = None;
            }
        }
    })
}

fn score(batch: &RecordBatch, target: Target) -> RecordBatch {
    Scoring::new(&MODELS, &[target], 0).score(batch)
}

fn number(batch: &RecordBatch, name: &str, row: usize) -> Option<f64> {
    let column = batch.column_by_name(name).expect(name);
    let column = column.as_primitive::<Float64Type>();
    column.is_valid(row).then(|| column.value(row))
}

fn text<'a>(batch: &'a RecordBatch, name: &str, row: usize) -> Option<&'a str> {
    let column = batch.column_by_name(name).expect(name).as_string::<i32>();
    column.is_valid(row).then(|| column.value(row))
}

fn applicable(batch: &RecordBatch, name: &str, row: usize) -> Option<bool> {
    let column = batch.column_by_name(name).expect(name).as_boolean();
    column.is_valid(row).then(|| column.value(row))
}

/// A table of these columns.
fn table(columns: &[(&str, ArrayRef)]) -> RecordBatch {
    RecordBatch::try_from_iter(columns.iter().map(|(n, a)| (*n, Arc::clone(a)))).expect("a table")
}

fn names(batch: &RecordBatch) -> Vec<String> {
    let schema = batch.schema();
    schema.fields().iter().map(|f| f.name().clone()).collect()
}

/// What the table says of a row against the model asked for that customer alone.
fn agrees(answers: &RecordBatch, row: usize, profile: &Profile, target: Target) {
    if model(target).applies(profile).is_err() {
        assert_eq!(applicable(answers, "applicable", row), Some(false));
        assert_eq!(number(answers, "percentile", row), None);
        return;
    }
    let known = model(target).predict(profile).expect("inputs");
    let bits = |name| number(answers, name, row).map(f64::to_bits);
    match known.value {
        Estimate::Probability { probability, tier } => {
            assert_eq!(bits("probability"), Some(probability.to_bits()), "{target}");
            assert_eq!(text(answers, "tier", row), Some(tier.name()));
        }
        Estimate::Amount {
            value,
            lower,
            upper,
            ..
        } => {
            for (name, known) in [("value", value), ("lower", lower), ("upper", upper)] {
                assert_eq!(bits(name), Some(known.to_bits()), "{target}");
            }
        }
    }
    assert_eq!(bits("percentile"), Some(known.percentile.to_bits()));
    assert_eq!(applicable(answers, "applicable", row), Some(true));
    assert_eq!(text(answers, "error", row), None);
}

#[test]
fn every_row_is_answered_as_if_it_had_come_alone() {
    for &target in Target::ALL {
        for batch in with_gaps() {
            let answers = score(&batch, target);
            assert_eq!(answers.num_rows(), batch.num_rows());
            for (row, profile) in profiles(&batch).expect("a batch").enumerate() {
                assert_eq!(text(&answers, "customer_id", row), profile.customer_id());
                agrees(&answers, row, &profile, target);
            }
        }
    }
}

/// The same columns in other types, in reverse, with one that is nobody's.
fn as_others_have_it(batch: &RecordBatch) -> RecordBatch {
    let mut columns: Vec<(&str, ArrayRef)> = vec![(
        "favourite_colour",
        Arc::new(StringArray::from_iter_values(
            (0..batch.num_rows()).map(|_| "blue"),
        )),
    )];
    for (i, (schema, array)) in COLUMNS.iter().zip(batch.columns()).enumerate().rev() {
        let rows = 0..batch.num_rows();
        let held: ArrayRef = match schema.kind {
            Kind::Integer if i % 2 == 0 => {
                let ints = array.as_primitive::<arrow_array::types::Int32Type>();
                Arc::new(
                    ints.iter()
                        .map(|v| v.map(i64::from))
                        .collect::<Int64Array>(),
                )
            }
            // As pandas keeps whole numbers with gaps.
            Kind::Integer => {
                let ints = array.as_primitive::<arrow_array::types::Int32Type>();
                let values = ints.iter().map(|v| v.map_or(f64::NAN, f64::from));
                Arc::new(Float64Array::from_iter_values(values))
            }
            Kind::Flag if i % 2 == 0 => {
                let flags = array.as_boolean();
                let text = |flag: bool| if flag { "True" } else { "0" };
                Arc::new(flags.iter().map(|v| v.map(text)).collect::<StringArray>())
            }
            Kind::Decimal(_) if i % 2 == 0 => {
                let numbers = array.as_primitive::<Float64Type>();
                let text = |x: Option<f64>| x.map_or(String::new(), |x| x.to_string());
                Arc::new(StringArray::from_iter_values(numbers.iter().map(text)))
            }
            Kind::Category(_) | Kind::OpenCategory(_) => {
                let texts = array.as_string::<i32>();
                Arc::new(
                    rows.map(|r| texts.is_valid(r).then(|| texts.value(r)))
                        .collect::<DictionaryArray<Int8Type>>(),
                )
            }
            Kind::Timestamp => continue,
            _ => Arc::clone(array),
        };
        columns.push((schema.name, held));
    }
    table(&columns)
}

#[test]
fn the_types_and_the_order_of_columns_do_not_matter() {
    for batch in with_gaps() {
        let other = as_others_have_it(&batch);
        for &target in Target::ALL {
            assert_eq!(score(&batch, target), score(&other, target), "{target}");
        }
    }
}

#[test]
fn single_precision_is_read_as_it_is() {
    let minutes = Float32Array::from(vec![Some(31.5), None, Some(f32::NAN)]);
    let ages = Int64Array::from(vec![30, 40, 50]);
    let table = table(&[
        ("feed_time_minutes_day", Arc::new(minutes)),
        ("age", Arc::new(ages)),
    ]);
    let answers = score(&table, Target::Engagement);
    for (row, body) in [
        r#"{"feed_time_minutes_day": 31.5, "age": 30}"#,
        r#"{"age": 40}"#,
        r#"{"age": 50}"#,
    ]
    .iter()
    .enumerate()
    {
        agrees(&answers, row, &read(body), Target::Engagement);
    }
}

#[test]
fn a_bad_cell_costs_its_row_and_no_other() {
    let table = table(&[
        (
            "age",
            Arc::new(StringArray::from(vec!["31", "old", "31", "31.5", "12", ""])),
        ),
        (
            "gender",
            Arc::new(StringArray::from(vec![
                "Male", "Male", "male", "Male", "X", "Male",
            ])),
        ),
        (
            "photo_count",
            Arc::new(Float64Array::from(vec![
                3.0,
                3.0,
                3.0,
                f64::INFINITY,
                3.0,
                3.0,
            ])),
        ),
    ]);
    let answers = score(&table, Target::Churn);
    let errors: Vec<_> = (0..6).map(|row| text(&answers, "error", row)).collect();
    assert_eq!(
        errors,
        [
            None,
            Some("age: must be an integer from 13 to 120"),
            Some("gender: must be one of Male, Female, Non-binary"),
            Some(
                "age: must be an integer from 13 to 120; photo_count: must be an integer from 0 to 10000"
            ),
            Some(
                "age: must be an integer from 13 to 120; gender: must be one of Male, Female, Non-binary"
            ),
            None,
        ]
    );
    for (row, error) in errors.iter().enumerate() {
        let answered = error.is_none();
        assert_eq!(number(&answers, "probability", row).is_some(), answered);
        assert_eq!(text(&answers, "tier", row).is_some(), answered);
        assert_eq!(applicable(&answers, "applicable", row).is_some(), answered);
    }
    agrees(
        &answers,
        5,
        &read(r#"{"gender": "Male", "photo_count": 3}"#),
        Target::Churn,
    );
}

#[test]
fn a_column_that_stands_twice_is_meant_by_nobody() {
    let ages: ArrayRef = Arc::new(Int64Array::from(vec![30, 40]));
    let fields = ["age", "age"].map(|n| Field::new(n, ages.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.to_vec()));
    let twice = RecordBatch::try_new(schema, vec![Arc::clone(&ages), ages]).expect("a table");
    let answers = score(&twice, Target::Churn);
    for row in 0..2 {
        assert_eq!(
            text(&answers, "error", row),
            Some("age: is given more than once")
        );
    }
}

#[test]
fn a_column_of_a_type_that_holds_no_such_value_is_told() {
    let table = table(&[
        ("age", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("location", Arc::new(Int64Array::from(vec![None, Some(7)]))),
        ("photo_count", Arc::new(Int64Array::from(vec![1, 2]))),
        (
            "gender",
            arrow_array::new_null_array(&arrow_schema::DataType::Null, 2),
        ),
    ]);
    let answers = score(&table, Target::Churn);
    let error = |row| text(&answers, "error", row);
    assert_eq!(error(0), Some("age: must be an integer from 13 to 120"));
    assert_eq!(error(1), Some("location: must be a string"));
}

#[test]
fn whom_a_target_is_not_for_has_no_number_and_no_error() {
    let platforms = StringArray::from(vec!["Social_Media", "Dating"]);
    let matches = Float64Array::from(vec![1.0, 1.0]);
    let table = table(&[
        ("platform_primary", Arc::new(platforms)),
        ("matches_per_day", Arc::new(matches)),
    ]);
    let answers = score(&table, Target::DateConversion);
    assert_eq!(applicable(&answers, "applicable", 0), Some(false));
    assert_eq!(number(&answers, "probability", 0), None);
    assert_eq!(text(&answers, "error", 0), None);
    assert_eq!(applicable(&answers, "applicable", 1), Some(true));
    assert!(number(&answers, "probability", 1).is_some());
}

#[test]
fn a_row_without_inputs_says_so() {
    let tiers = StringArray::from(vec![Some("Gold"), None]);
    let ids = Int64Array::from(vec![7, 8]);
    let table = table(&[
        ("premium_tier", Arc::new(tiers)),
        ("customer_id", Arc::new(ids)),
    ]);
    let churn = score(&table, Target::Churn);
    assert_eq!(text(&churn, "customer_id", 1), Some("8"));
    assert_eq!(text(&churn, "error", 0), None);
    let none = "none of the model's inputs is given";
    assert_eq!(
        text(&churn, "error", 1),
        Some(format!("churn: {none}").as_str())
    );
    // The tier is no input of the engagement score.
    let engagement = score(&table, Target::Engagement);
    for row in 0..2 {
        let error = format!("engagement: {none}");
        assert_eq!(text(&engagement, "error", row), Some(error.as_str()));
    }
}

#[test]
fn a_table_of_no_customer_columns_is_answered_row_for_row() {
    let table = table(&[(
        "favourite_colour",
        Arc::new(StringArray::from(vec!["blue"; 300])),
    )]);
    let answers = score(&table, Target::Ltv);
    assert_eq!(answers.num_rows(), 300);
    assert!((0..300).all(|row| text(&answers, "error", row).is_some()));
    let empty = score(&table.slice(0, 0), Target::Ltv);
    assert_eq!(empty.num_rows(), 0);
    assert_eq!(names(&empty), names(&answers));
}

#[test]
fn one_target_has_the_columns_of_the_interface() {
    let churn = Scoring::new(&MODELS, &[Target::Churn], 2);
    let schema = churn.schema();
    let names: Vec<_> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    assert_eq!(
        names,
        [
            "customer_id",
            "probability",
            "tier",
            "percentile",
            "applicable",
            "error",
            "reasons"
        ]
    );
    let ltv = Scoring::new(&MODELS, &[Target::Ltv], 0).schema();
    let names: Vec<_> = ltv.fields().iter().map(|f| f.name().as_str()).collect();
    assert_eq!(
        names,
        [
            "customer_id",
            "value",
            "lower",
            "upper",
            "percentile",
            "applicable",
            "error"
        ]
    );
}

#[test]
fn several_targets_are_told_apart_by_their_names() {
    let batch = &cohort(40, 3)[0];
    let both = Scoring::new(&MODELS, &[Target::Churn, Target::MatchQuality], 1).score(batch);
    assert_eq!(
        names(&both),
        [
            "customer_id",
            "predicted_churn_probability",
            "predicted_churn_tier",
            "predicted_churn_percentile",
            "predicted_churn_applicable",
            "predicted_churn_reasons",
            "predicted_match_quality_value",
            "predicted_match_quality_lower",
            "predicted_match_quality_upper",
            "predicted_match_quality_percentile",
            "predicted_match_quality_applicable",
            "predicted_match_quality_reasons",
            "predicted_error",
        ]
    );
    let alone = score(batch, Target::MatchQuality);
    for row in 0..40 {
        let value = number(&both, "predicted_match_quality_value", row);
        assert_eq!(value, number(&alone, "value", row));
    }
    let prefixed = Scoring::new(&MODELS, &[Target::Churn], 0).prefixed();
    assert!(prefixed.schema().field_with_name("predicted_error").is_ok());
}

#[test]
fn reasons_come_as_a_list_and_as_text() {
    let batch = &with_gaps()[0];
    let answers = Scoring::new(&MODELS, &[Target::Churn], 3).score(batch);
    let as_text = reasons_as_text(&answers);
    for (row, profile) in profiles(batch).expect("a batch").enumerate() {
        let known = model(Target::Churn).explain(&profile, 3).expect("inputs");
        let list = answers.column_by_name("reasons").expect("asked for");
        let reasons = list.as_list::<i32>().value(row);
        let reasons = reasons.as_struct();
        let json: Value =
            serde_json::from_str(text(&as_text, "reasons", row).expect("reasons")).expect("JSON");
        assert_eq!(reasons.len(), 3);
        for (i, reason) in known.reasons.iter().enumerate() {
            assert_eq!(
                reasons.column(0).as_string::<i32>().value(i),
                reason.feature
            );
            let found = reasons.column(2).as_primitive::<Float64Type>().value(i);
            assert_eq!(found.to_bits(), reason.contribution.to_bits());
            assert_eq!(json[i]["feature"], reason.feature);
            assert_eq!(json[i]["contribution"], reason.contribution);
        }
    }
    let table = table(&[
        ("is_creator", Arc::new(BooleanArray::from(vec![true]))),
        ("age", Arc::new(Float64Array::from(vec![31.0]))),
        ("gender", Arc::new(StringArray::from(vec!["Male"]))),
    ]);
    let answers = Scoring::new(&MODELS, &[Target::Churn], 72).score(&table);
    let reasons: Value =
        serde_json::from_str(text(&reasons_as_text(&answers), "reasons", 0).expect("reasons"))
            .expect("JSON");
    let value = |feature: &str| {
        let all = reasons.as_array().expect("a list");
        let found = all.iter().find(|r| r["feature"] == feature);
        found.expect("an input")["value"].clone()
    };
    assert_eq!(value("is_creator"), "true");
    assert_eq!(value("age"), "31");
    assert_eq!(value("gender"), "Male");
    assert_eq!(value(COLUMNS[column("location")].name), Value::Null);
}
