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
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::support::app::{get, shared};
use crate::support::cohort::{Row, cohort_with};
use crate::support::trained::{model, read, strangers, trained};

/// A model that is kept, and what it is there to show.
struct Golden {
    name: &'static str,
    target: Target,
    method: &'static str,
    link: &'static str,
    /// Whether its probabilities are set right by a line.
    set_right: bool,
    /// The label of a customer it learnt from; none leaves it as it is.
    label: fn(usize, &Row) -> Option<f64>,
}

/// Every target: both methods, categories, a blend, scores within bounds and
/// probabilities that are set right.
const GOLDEN: [Golden; 8] = [
    golden("churn", Target::Churn, "forest", "logistic", |_, _| None),
    golden("ltv", Target::Ltv, "forest", "log", |_, _| None),
    golden(
        "engagement",
        Target::Engagement,
        "forest",
        "score",
        |i, row| Some(if crossed(i, row) { 0.8 } else { 0.3 } + of(row, SEEN) / 1000.0),
    ),
    golden(
        "match-quality",
        Target::MatchQuality,
        "linear",
        "plain",
        |i, row| Some(1.0 + (straight(i, row) * 13.0).round() / 10.0),
    ),
    golden(
        "virality",
        Target::Virality,
        "forest",
        "log_plus_one",
        |i, row| Some(if crossed(i, row) { 400.0 } else { 20.0 } + of(row, SEEN).round()),
    ),
    Golden {
        set_right: true,
        ..golden(
            "premium-conversion",
            Target::PremiumConversion,
            "linear",
            "logistic",
            |i, row| Some(f64::from(straight(i, row) > 1.5)),
        )
    },
    golden(
        "date-conversion",
        Target::DateConversion,
        "forest",
        "logistic",
        |i, row| Some(f64::from(crossed(i, row))),
    ),
    golden(
        "creator",
        Target::Creator,
        "forest",
        "logistic",
        |i, row| Some(f64::from(crossed(i, row))),
    ),
];

const fn golden(
    name: &'static str,
    target: Target,
    method: &'static str,
    link: &'static str,
    label: fn(usize, &Row) -> Option<f64>,
) -> Golden {
    Golden {
        name,
        target,
        method,
        link,
        set_right: false,
        label,
    }
}

impl Golden {
    fn shows(&self, model: &Model) -> bool {
        let manifest = model.manifest();
        manifest["method"] == self.method && manifest["link"]["kind"] == self.link
    }

    /// The model of few customers, so that it is small: the first seed's that shows
    /// what is to be shown, or else the first one's.
    fn train(&self) -> Model {
        // Of whom two thirds date and have matches.
        let rows = match self.target {
            Target::DateConversion => 900,
            _ => 600,
        };
        let learn = |seed| {
            let column = self.target.label();
            let cohort = cohort_with(rows, seed, |i, row| {
                row[column] = (self.label)(i, row).or(row[column]);
            });
            trained(&cohort, self.target).expect("a model")
        };
        let is_right = |model: &Model| is_set_right(model) == self.set_right;
        let mut models = (1..300).map(learn);
        let found = models.find(|model| self.shows(model) && is_right(model));
        found.unwrap_or_else(|| learn(1))
    }
}

/// Whether the model's probabilities go through a line.
fn is_set_right(model: &Model) -> bool {
    let link = &model.manifest()["link"];
    link["kind"] == "logistic" && link["slope"] != 1.0
}

const FOLLOWERS: usize = column("followers_count");
const GENDER: usize = column("gender");
const SEEN: usize = column("stories_viewed_day");

fn of(row: &Row, column: usize) -> f64 {
    row[column].unwrap_or(0.0)
}

/// Whether one thing holds and another does not, mostly: no straight line finds it.
fn crossed(i: usize, row: &Row) -> bool {
    let (many, women) = (
        of(row, FOLLOWERS) > 50.0,
        of(row, GENDER) > 0.5 && of(row, GENDER) < 1.5,
    );
    (many != women) != i.is_multiple_of(9)
}

/// A sum to which each thing adds its part.
fn straight(i: usize, row: &Row) -> f64 {
    let noise = f64::from(u8::try_from(i * 37 % 101).unwrap_or(0)) / 101.0;
    of(row, SEEN) / 100.0 + of(row, FOLLOWERS) / 100.0 + noise
}

fn folder() -> PathBuf {
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
    /// The inputs, in the order of the contributions.
    columns: Vec<String>,
    contributions: Vec<Vec<f64>>,
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
    let strangers = strangers().into_iter().take(14).enumerate();
    strangers.map(of).collect()
}

#[test]
fn xgboost_answers_what_the_model_answers() {
    if std::env::var_os("ENGAGECAST_WRITE_GOLDEN").is_some() {
        write();
        return;
    }
    let answers = fs::read_to_string(folder().join("answers.json")).expect("scripts/golden");
    let answers: BTreeMap<String, Answers> = serde_json::from_str(&answers).expect("answers");
    let customers = fs::read_to_string(folder().join("customers.ndjson")).expect("customers");
    let customers: Vec<Profile> = customers.lines().map(read).collect();
    for golden in &GOLDEN {
        let name = golden.name;
        let bytes = fs::read(folder().join(format!("{name}.model"))).expect("a model");
        let model = Model::from_bytes(&bytes).expect("a model");
        assert_eq!(model.target(), golden.target);
        assert!(golden.shows(&model), "{name}: {}", model.manifest()["link"]);
        assert_eq!(is_set_right(&model), golden.set_right, "{name}");
        let known = &answers[name];
        let file = model.xgboost().map(|file| digest(&file));
        assert_eq!(file, known.xgboost_sha256, "{name}");
        assert_eq!(known.margins.len(), customers.len());
        for (i, customer) in customers.iter().enumerate() {
            agrees(&model, customer, known, i);
        }
    }
}

/// One customer's answer and reasons against what XGBoost has for them.
fn agrees(model: &Model, customer: &Profile, known: &Answers, i: usize) {
    let target = model.target();
    let found = model.predict(customer).expect("inputs");
    let value = found.value.number();
    let size = known.values[i].abs();
    // Relative for amounts: a score or a probability is at most a few.
    let off = (value - known.values[i]).abs() / if target.is_binary() { 1.0 } else { size };
    assert!(off < 1e-5, "{target}: {value}, not {}", known.values[i]);
    assert!((found.margin - known.margins[i]).abs() < 1e-5, "{target}");
    let explained = model.explain(customer, COLUMNS.len()).expect("inputs");
    assert!(
        (explained.base_value - known.base[i]).abs() < 1e-4,
        "{target}"
    );
    assert_eq!(explained.reasons.len(), known.columns.len());
    let mut sum = explained.base_value;
    for reason in explained.reasons {
        let at = known.columns.iter().position(|name| name == reason.feature);
        let theirs = known.contributions[i][at.expect("an input")];
        assert!((reason.contribution - theirs).abs() < 1e-4, "{target}");
        sum += reason.contribution;
    }
    assert!((sum - found.margin).abs() < 1e-6, "{target}");
}

/// Writes what `scripts/golden` reads.
fn write() {
    let scratch = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/golden");
    for folder in [&folder(), &scratch] {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).expect("a folder");
    }
    fs::write(folder().join("customers.ndjson"), customers().join("\n")).expect("written");
    for golden in &GOLDEN {
        let model = golden.train();
        let file = |folder: &Path, end: &str| folder.join(format!("{}.{end}", golden.name));
        fs::write(file(&folder(), "model"), model.to_bytes()).expect("written");
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

#[tokio::test]
async fn a_forest_is_a_file_of_xgboost_and_a_linear_model_a_404_that_says_so() {
    for target in Target::ALL {
        let of = |file: &str| get(shared(), &format!("/models/active/{target}/{file}"));
        let manifest: Value = (of("manifest.json").send().await.unwrap())
            .json()
            .await
            .unwrap();
        let answer = of("xgboost.json").send().await.unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        if manifest["method"] == "forest" {
            assert_eq!(status, StatusCode::OK, "{target}");
            let names = &body["learner"]["feature_names"];
            assert_eq!(
                names.as_array().unwrap().len(),
                manifest["inputs"].as_array().unwrap().len()
            );
        } else {
            assert_eq!(status, StatusCode::NOT_FOUND, "{target}");
            let told = body["detail"].as_str().unwrap();
            assert!(
                told.contains("its coefficients stand in manifest.json"),
                "{told}"
            );
            let places = manifest["linear"]["places"].as_array().unwrap();
            assert_eq!(places.len(), manifest["inputs"].as_array().unwrap().len());
        }
    }
}
