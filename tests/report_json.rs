//! What `/reports/{cohort}.json` says of a small fixed cohort, whole.
//!
//! A change of it is a change of every report: look at the difference before it is
//! kept. It is written anew by
//!
//! ```sh
//! ENGAGECAST_WRITE_SNAPSHOT=1 cargo test --locked --test capabilities report_json
//! ```

use std::fs;
use std::path::Path;

use chrono::DateTime;
use engagecast::cohort::Plan;
use engagecast::models::segments::Observer;
use engagecast::report::{self, Settings};
use engagecast::store::Cohort;
use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::trained::MODELS;

/// Beyond these, numbers may differ between machines.
const DIGITS: i32 = 6;

#[test]
fn the_json_of_a_report_is_as_it_was() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/report.json");
    let told = told();
    if std::env::var_os("ENGAGECAST_WRITE_SNAPSHOT").is_some() {
        // A line a value, for a difference that can be read; not indented, since
        // half of it would be blanks.
        let format = PrettyFormatter::with_indent(b"");
        let mut text = Vec::new();
        let mut writer = Serializer::with_formatter(&mut text, format);
        told.serialize(&mut writer).expect("plain data");
        text.push(b'\n');
        fs::write(&file, text).expect("written");
        return;
    }
    let known = fs::read_to_string(&file).expect("tests/data/report.json");
    let known: Value = serde_json::from_str(&known).expect("JSON");
    let mut differences = Vec::new();
    compare("", &known, &told, &mut differences);
    assert!(
        differences.is_empty(),
        "{} differences; the first:\n{}",
        differences.len(),
        differences[..differences.len().min(10)].join("\n")
    );
}

/// The report on a few drawn customers, with the cards of the tests' models.
fn told() -> Value {
    let plan = Plan::new(3_000, 7).expect("a plan");
    let mut observer = Observer::new(plan.seed());
    for batch in plan.generate(&|_| ()).expect("customers") {
        observer.observe(&batch);
    }
    let cohort = Cohort {
        id: Uuid::nil(),
        name: "fixed".into(),
        seed: Some(plan.seed()),
        customers: 3_000,
        generator_version: "0".into(),
        spec: json!(null),
        facts: serde_json::to_value(observer.finish()).expect("facts"),
        created_at: DateTime::from_timestamp(1_761_004_800, 0).expect("a moment"),
    };
    let cards: Vec<_> = MODELS
        .models()
        .iter()
        .map(engagecast::models::Model::card)
        .collect();
    let told = report::of_cohort(&cohort, Some("fixed"), &cards, &Settings::default());
    let mut told = serde_json::to_value(told.expect("a report")).expect("plain data");
    round(&mut told);
    told
}

fn round(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let exact = number.as_f64().unwrap_or_default();
            let digits = usize::try_from(DIGITS).unwrap_or_default();
            let rounded: f64 = format!("{exact:.digits$e}").parse().unwrap_or(exact);
            *value = json!(rounded);
        }
        Value::Array(items) => items.iter_mut().for_each(round),
        Value::Object(fields) => fields.values_mut().for_each(round),
        _ => {}
    }
}

/// Notes where two values differ. A number that was rounded may have gone either way.
fn compare(path: &str, known: &Value, found: &Value, differences: &mut Vec<String>) {
    match (known, found) {
        (Value::Object(known), Value::Object(found)) => {
            let names = known
                .keys()
                .chain(found.keys().filter(|k| !known.contains_key(*k)));
            for name in names {
                let of = |side: &serde_json::Map<String, Value>| {
                    side.get(name).cloned().unwrap_or(json!("(nothing)"))
                };
                compare(
                    &format!("{path}.{name}"),
                    &of(known),
                    &of(found),
                    differences,
                );
            }
        }
        (Value::Array(known), Value::Array(found)) if known.len() == found.len() => {
            for (i, (known, found)) in known.iter().zip(found).enumerate() {
                compare(&format!("{path}[{i}]"), known, found, differences);
            }
        }
        _ if alike(known, found) => {}
        _ => differences.push(format!("{path}: {known}, now {found}")),
    }
}

fn alike(known: &Value, found: &Value) -> bool {
    match (known.as_f64(), found.as_f64()) {
        (Some(known), Some(found)) => {
            (known - found).abs() <= 2.0 * 10_f64.powi(-DIGITS) * known.abs()
        }
        _ => known == found,
    }
}
