//! Models for use elsewhere: what XGBoost makes of an exported model, and Python
//! of its manifest, is what the model itself answers.
//!
//! The golden answers are XGBoost's own, computed by `scripts/golden` from models
//! that are kept beside them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use engagecast::features::{Profile, Shown};
use engagecast::models::{Model, Target};
use engagecast::schema::{COLUMNS, Kind, column};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::support::cohort::cohort;
use crate::support::trained::{model, read, strangers, trained};

/// Forests of several links, one of them a blend, and a linear model.
const TARGETS: [Target; 4] = [
    Target::Churn,
    Target::Ltv,
    Target::Engagement,
    Target::Virality,
];

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden")
}

/// What XGBoost and Python computed.
#[derive(Deserialize)]
struct Answers {
    /// Of the model file that XGBoost read; none of a linear model, which the
    /// manifest alone describes.
    xgboost_sha256: Option<String>,
    margins: Vec<f64>,
    values: Vec<f64>,
    base: Vec<f64>,
    /// By column.
    contributions: Vec<BTreeMap<String, f64>>,
}

fn digest(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Customers with gaps, and places that training never saw.
fn customers() -> Vec<String> {
    let of = |(i, profile): (usize, Profile)| {
        let mut customer = Map::new();
        for (c, column) in COLUMNS.iter().enumerate().skip(1) {
            if column.kind == Kind::Timestamp {
                continue;
            }
            let value = match profile.shown(c) {
                Shown::Number(number) => json!(number),
                Shown::Flag(flag) => json!(flag),
                Shown::Text(text) => json!(text),
                Shown::Missing => continue,
            };
            if i % 4 == 0 || (c * 3 + i * 11) % 7 > i % 4 {
                customer.insert(column.name.to_owned(), value);
            }
        }
        if i % 5 == 1 {
            customer.insert("location".into(), json!("Reykjavík"));
        }
        Value::Object(customer).to_string()
    };
    strangers()
        .into_iter()
        .take(30)
        .enumerate()
        .map(of)
        .collect()
}

#[test]
fn xgboost_answers_what_the_model_answers() {
    if std::env::var_os("ENGAGECAST_WRITE_GOLDEN").is_some() {
        write();
        return;
    }
    let answers = fs::read_to_string(golden().join("answers.json")).expect("scripts/golden");
    let answers: BTreeMap<String, Answers> = serde_json::from_str(&answers).expect("answers");
    let customers = fs::read_to_string(golden().join("customers.ndjson")).expect("customers");
    let customers: Vec<Profile> = customers.lines().map(read).collect();
    for target in TARGETS {
        let bytes = fs::read(golden().join(format!("{target}.model"))).expect("a model");
        let model = Model::from_bytes(&bytes).expect("a model");
        let known = &answers[target.name()];
        let file = model.xgboost().map(|file| digest(&file));
        assert_eq!(file, known.xgboost_sha256, "{target}");
        assert_eq!(known.margins.len(), customers.len());
        for (i, customer) in customers.iter().enumerate() {
            let found = model.predict(customer).expect("inputs");
            let explained = model.explain(customer, COLUMNS.len()).expect("inputs");
            let value = found.value.number();
            let off = (value - known.values[i]).abs() / known.values[i].abs().max(1.0);
            assert!(off < 1e-5, "{target}: {value}, not {}", known.values[i]);
            assert!((found.margin - known.margins[i]).abs() < 1e-5, "{target}");
            assert!((explained.base_value - known.base[i]).abs() < 1e-4);
            let mut sum = explained.base_value;
            for reason in explained.reasons {
                let theirs = known.contributions[i][reason.feature];
                assert!((reason.contribution - theirs).abs() < 1e-4, "{target}");
                sum += reason.contribution;
            }
            assert!((sum - found.margin).abs() < 1e-6);
        }
    }
}

/// Writes what `scripts/golden` reads.
fn write() {
    let scratch = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/golden");
    for folder in [&golden(), &scratch] {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).expect("a folder");
    }
    fs::write(golden().join("customers.ndjson"), customers().join("\n")).expect("written");
    // Few customers, so that the models are small.
    let cohort = cohort(600, 1);
    for target in TARGETS {
        let model = trained(&cohort, target).expect("the cohort can be learnt");
        let file = |folder: &Path, end: &str| folder.join(format!("{target}.{end}"));
        fs::write(file(&golden(), "model"), model.to_bytes()).expect("written");
        if let Some(forest) = model.xgboost() {
            fs::write(file(&scratch, "xgboost.json"), forest).expect("written");
        }
        let manifest = model.manifest().to_string();
        fs::write(file(&scratch, "manifest.json"), manifest).expect("written");
    }
}

#[test]
fn the_manifest_tells_each_place_of_the_input() {
    let manifest = model(Target::Churn).manifest();
    let inputs = manifest["inputs"].as_array().expect("inputs");
    for (at, input) in inputs.iter().enumerate() {
        assert_eq!(input["place"], at);
    }
    let of = |name: &str| -> Vec<&Value> {
        let found = inputs.iter().filter(|input| input["column"] == name);
        found.collect()
    };
    assert_eq!(of("age")[0]["encoding"], "number");
    assert_eq!(of("is_creator")[0]["encoding"], "flag");
    assert_eq!(
        of("premium_tier")[0]["categories"],
        json!(["Free", "Gold", "Platinum"])
    );
    assert_eq!(of("gender").len(), 3);
    assert_eq!(of("gender")[1]["category"], "Female");
    let location = of(COLUMNS[column("location")].name);
    assert_eq!(location[location.len() - 1]["encoding"], "any_other");
    assert_eq!(manifest["missing"], "NaN");
    assert_eq!(manifest["link"]["kind"], "logistic");
    assert_eq!(
        manifest["xgboost"].is_null(),
        manifest["method"] == "linear"
    );
}
