//! Drift: whom the models are asked about, against whom they learnt from.

use std::fs;
use std::path::Path;

use arrow_array::RecordBatch;
use engagecast::features::profiles;
use engagecast::models::score::Scoring;
use engagecast::models::{Drift, Model, ModelSet, Shift, Target, Verdict};
use engagecast::schema::column;
use reqwest::StatusCode;
use serde_json::Value;

use crate::support::app::{self, get, post};
use crate::support::cohort::{cohort, cohort_with};
use crate::support::trained::{MODELS, model, moment};

mod shared;

const AGE: usize = column("age");
const PHOTOS: usize = column("photo_count");

/// The model, with nothing counted yet, in a set of its own.
fn fresh(target: Target) -> ModelSet {
    let model = Model::from_bytes(&model(target).to_bytes()).expect("a model");
    ModelSet::new(None, moment(), vec![model])
}

/// Has all customers of a cohort predicted for, as a batch is.
fn serve(set: &ModelSet, cohort: &[RecordBatch]) {
    let targets: Vec<Target> = set.models().iter().map(Model::target).collect();
    let scoring = Scoring::new(set, &targets, 0);
    for batch in cohort {
        let answers = scoring.serve(batch, &|_| false);
        assert_eq!(answers.num_rows(), batch.num_rows());
    }
}

fn drift(model: &Model) -> Drift<'_> {
    model.drift(&model.bin_counts()).expect("it has bins")
}

/// The inputs that have drifted; the predicted value is `score`.
fn drifted(drift: &Drift<'_>) -> Vec<String> {
    let all = drift.inputs.iter().chain([&drift.score]);
    all.filter(|one| one.shift.verdict >= Verdict::Moderate)
        .map(|one| one.column.unwrap_or("score").to_owned())
        .collect()
}

#[test]
fn customers_like_those_of_the_training_raise_no_alarm() {
    let (mut looks, mut alarms) = (0, 0);
    for rows in [60, 400, 2500] {
        for seed in 100..106 {
            let set = fresh(Target::Churn);
            serve(&set, &cohort(rows, seed));
            let found = drift(&set.models()[0]);
            assert_eq!(found.rows, rows as u64);
            alarms += drifted(&found).len();
            looks += found.inputs.len() + 1;
            let is = |verdict| {
                let of = |one: &engagecast::models::Drifted<'_>| one.shift.verdict == verdict;
                found.inputs.iter().all(of)
            };
            assert!(rows > 60 || !is(Verdict::Stable), "60 rows can't tell");
            assert!(rows < 2500 || is(Verdict::Stable), "2500 rows can");
        }
    }
    // One in 5000 looks goes beyond chance.
    assert!(alarms <= 1, "{alarms} of {looks}");
}

#[test]
fn an_input_that_shifts_is_named_and_no_other() {
    let set = fresh(Target::Engagement);
    let older = cohort_with(2000, 7, |_, row| {
        row[AGE] = row[AGE].map(|age| (age + 12.0).min(90.0));
    });
    serve(&set, &older);
    let found = drift(&set.models()[0]);
    let named: Vec<String> = drifted(&found)
        .into_iter()
        .filter(|n| n != "score")
        .collect();
    assert_eq!(named, ["age"]);
    let age = found.inputs.iter().find(|one| one.column == Some("age"));
    let shift: Shift = age.expect("an input").shift;
    assert_eq!(shift.verdict, Verdict::Major);
    assert!(shift.psi > shift.critical && shift.critical > shift.expected);
}

#[test]
fn an_input_that_is_no_longer_sent_is_counted_as_missing() {
    let set = fresh(Target::Churn);
    let mut half = cohort_with(1000, 8, |i, row| {
        if i % 2 == 0 {
            row[PHOTOS] = None;
        }
    });
    half.truncate(3);
    serve(&set, &half);
    let found = drift(&set.models()[0]);
    assert_eq!(drifted(&found), ["photo_count"]);
    let photos = found
        .inputs
        .iter()
        .find(|one| one.column == Some("photo_count"));
    let photos = photos.expect("an input");
    assert!((photos.missing_now - 0.5).abs() < 1e-9);
    assert!(photos.missing_in_training < 1e-9);
}

#[test]
fn two_processes_together_counted_what_one_would_have() {
    let customers = cohort(1500, 9);
    let (first, second) = customers.split_at(2);
    let (one, other, all) = (fresh(Target::Ltv), fresh(Target::Ltv), fresh(Target::Ltv));
    serve(&one, first);
    serve(&other, second);
    serve(&all, &customers);
    let counts = |set: &ModelSet| set.models()[0].bin_counts();
    let sum: Vec<u64> = counts(&one)
        .iter()
        .zip(counts(&other))
        .map(|(a, b)| a + b)
        .collect();
    assert_eq!(sum, counts(&all));
    assert_eq!(
        all.models()[0].drift(&sum).expect("its bins"),
        drift(&all.models()[0])
    );
    assert!(all.models()[0].drift(&sum[1..]).is_err(), "other bins");
}

#[test]
fn a_batch_counts_as_its_customers_one_by_one() {
    let customers = cohort_with(700, 10, |i, row| {
        for (column, value) in row.iter_mut().enumerate() {
            // Gaps anywhere, a customer of whom nothing is known among them.
            if (i * 7 + column * 3) % 11 == 0 || i == 5 {
                *value = None;
            }
        }
    });
    for &target in Target::ALL {
        let (batch, single) = (fresh(target), fresh(target));
        serve(&batch, &customers);
        for profile in customers
            .iter()
            .flat_map(|b| profiles(b).expect("customers"))
        {
            let _ = single.models()[0].serve(&profile, 0);
        }
        let (batch, single) = (&batch.models()[0], &single.models()[0]);
        assert_eq!(batch.bin_counts(), single.bin_counts(), "{target}");
        // The customer of whom nothing is known is not predicted for.
        assert!((1..700).contains(&drift(single).rows), "{target}");
    }
}

#[test]
fn eight_answers_at_once_count_for_each_target_as_one_by_one() {
    let fresh = || ModelSet::from_bytes(&MODELS.to_bytes()).expect("a set");
    let (together, single) = (fresh(), fresh());
    for profile in cohort(300, 13)
        .iter()
        .flat_map(|b| profiles(b).expect("customers"))
    {
        assert_eq!(together.serve_all(&profile, 0).count(), Target::ALL.len());
        for model in single.models() {
            let _ = model.serve(&profile, 0);
        }
    }
    for (together, single) in together.models().iter().zip(single.models()) {
        let target = together.target();
        assert!(drift(together).rows > 0, "{target}");
        assert_eq!(together.bin_counts(), single.bin_counts(), "{target}");
    }
}

#[test]
fn rows_at_fault_and_predictions_that_nobody_asked_for_are_not_counted() {
    let set = fresh(Target::Churn);
    let scoring = Scoring::new(&set, &[Target::Churn], 0);
    let customers = &cohort(200, 11)[0];
    let _ = scoring.score(customers);
    let counted = || drift(&set.models()[0]).rows;
    assert_eq!(counted(), 0);
    let _ = scoring.serve(customers, &|row| row >= 150);
    assert_eq!(counted(), 150);
}

#[test]
fn every_bin_of_the_reference_holds_somebody_or_is_for_the_missing() {
    for model in MODELS.models() {
        let found = drift(model);
        assert_eq!(found.inputs.len(), model.inputs().iter().count());
        for one in found.inputs.iter().chain([&found.score]) {
            let ranges = one
                .bins
                .iter()
                .filter(|bin| matches!(bin.holds, engagecast::models::BinHolds::Range(..)));
            for bin in ranges {
                assert!(bin.training > 0, "{:?} {bin:?}", one.column);
            }
        }
    }
}

#[test]
fn a_model_of_an_earlier_version_serves_and_says_that_it_has_no_bins() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/format-1");
    let bytes = fs::read(kept.join("churn.model")).expect("a model of format 1");
    assert_eq!(bytes[8..12], 1_u32.to_le_bytes());
    let old = Model::from_bytes(&bytes).expect("it loads");
    let customers = cohort(50, 12);
    for profile in profiles(&customers[0]).expect("customers") {
        old.serve(&profile, 0).expect("a prediction");
    }
    assert!(old.bin_counts().is_empty());
    let none = old.drift(&old.bin_counts()).expect_err("no bins");
    assert!(none.to_string().contains("an earlier version"), "{none}");
}

/// The index of the bins of an answer, by its formula.
fn recomputed(one: &Value) -> f64 {
    let bins = one["bins"].as_array().unwrap();
    let counts = |which: &str| -> Vec<f64> {
        let counts = bins.iter().map(|bin| bin[which].as_f64().unwrap());
        counts.collect()
    };
    let (training, now) = (counts("training"), counts("now"));
    let pairs: Vec<(f64, f64)> = training.into_iter().zip(now).collect();
    let pairs: Vec<_> = pairs.into_iter().filter(|(t, n)| t + n > 0.0).collect();
    let half_a_bin_each: f64 = pairs.iter().map(|_| 0.5).sum();
    let of_training: f64 = pairs.iter().map(|pair| pair.0).sum();
    let of_now: f64 = pairs.iter().map(|pair| pair.1).sum();
    let parts = pairs.iter().map(|(training, now)| {
        let before = (training + 0.5) / (of_training + half_a_bin_each);
        let after = (now + 0.5) / (of_now + half_a_bin_each);
        (after - before) * (after / before).ln()
    });
    parts.sum()
}

#[tokio::test]
async fn the_answer_holds_all_that_its_figures_are_made_of() {
    let address = app::in_process(&[]);
    for age in 18..58 {
        let body = format!("{{\"age\": {age}, \"photo_count\": 3}}");
        let answer = post(address, "/predict/churn", body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
    let csv = "age,photo_count\n30,2\nx,3\n31,\n";
    let url = format!("http://{address}/predict/churn/batch");
    let answer = app::client().post(url).header("content-type", "text/csv");
    let answer = answer.body(csv).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    drop(answer.bytes().await.unwrap());

    let answer = get(address, "/models/active/churn/drift")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["rows"], 42, "the row at fault is not counted");
    assert_eq!(answer["available"], true);
    assert_eq!(
        (&answer["processes"], &answer["complete"]),
        (&1.into(), &true.into())
    );
    let inputs = answer["inputs"].as_array().unwrap();
    for one in inputs.iter().chain([&answer["score"]]) {
        let psi = one["psi"].as_f64().unwrap();
        assert!((psi - recomputed(one)).abs() < 1e-9, "{one}");
        let now = one["bins"].as_array().unwrap().iter();
        assert_eq!(now.map(|bin| bin["now"].as_u64().unwrap()).sum::<u64>(), 42);
    }
    let of = |name: &str| inputs.iter().find(|one| one["column"] == name).unwrap();
    assert_eq!(of("tenure_months")["missing_now"], 1.0);
    assert_eq!(of("tenure_months")["verdict"], "major");
    assert_eq!(of("age")["missing_now"], 0.0);
    assert!(
        answer["drifted"]
            .as_array()
            .unwrap()
            .contains(&"tenure_months".into())
    );

    let other = get(address, "/models/20200101T000000Z-00000000/churn/drift");
    assert_eq!(other.send().await.unwrap().status(), StatusCode::NOT_FOUND);
}
