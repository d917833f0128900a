//! The forest that serves against those it comes from: hessboost's own
//! predictions, and golden vectors that `XGBoost` itself computed.

use hessboost::model::{Iterations, ModelFormat};
use serde::Deserialize;

use super::super::shap;
use super::super::split::{Draw, draw};
use super::*;

const WIDTH: usize = 6;

/// Rows with a signal and with gaps.
fn rows(seed: u64, n: usize) -> (Vec<f32>, Vec<f64>) {
    let u = |row, k| draw(seed, row, Draw::Gap(k));
    let (mut matrix, mut labels) = (Vec::new(), Vec::new());
    for row in 0..n {
        let signal = u(row, 0) + u(row, 1) * u(row, 2);
        labels.push(f64::from(u8::from(signal + 0.3 * u(row, 7) > 1.0)));
        for k in 0..WIDTH {
            let gap = u(row, 10 + k) < 0.1;
            #[expect(clippy::cast_possible_truncation, reason = "any number will do")]
            matrix.push(if gap { f32::NAN } else { u(row, k) as f32 });
        }
    }
    (matrix, labels)
}

fn grown(loss: Loss) -> BoostedModel {
    let (train, validation) = (rows(1, 1500), rows(2, 400));
    let labels = Labels {
        train: train.1,
        validation: validation.1,
    };
    Grounds::new(train.0, validation.0, WIDTH)
        .and_then(|grounds| grounds.boost(loss, &labels, 7, &Watch::NOBODY))
        .unwrap()
}

#[test]
fn predicts_what_hessboost_predicts() {
    let (matrix, _) = rows(3, 500);
    for loss in [Loss::Log, Loss::Share, Loss::Tweedie, Loss::Squared] {
        let model = grown(loss);
        let forest = flatten(&model).unwrap();
        assert!(forest.trees().len() > 5, "{loss:?} learnt nothing");
        for row in matrix.chunks(WIDTH) {
            let theirs = model.predict_margin_row(row, Iterations::Best).unwrap();
            let ours = forest.margin(row);
            assert!(
                (ours - f64::from(theirs)).abs() < 1e-5,
                "{loss:?}: {ours} {theirs}"
            );
        }
    }
}

#[test]
fn contributes_what_hessboost_contributes() {
    let (matrix, _) = rows(3, 100);
    let model = grown(Loss::Log);
    let forest = flatten(&model).unwrap();
    let data = DMatrix::from_dense(&matrix, 100, WIDTH).unwrap();
    let theirs = model.predict_contribs(&data, Iterations::Best).unwrap();
    for (i, row) in matrix.chunks(WIDTH).enumerate() {
        let mut ours = [0.0; WIDTH];
        let base = shap::contributions(&forest, row, &mut ours);
        let sum = base + ours.iter().sum::<f64>();
        assert!((sum - forest.margin(row)).abs() < 1e-9);
        for (our, their) in ours.iter().chain([&base]).zip(theirs.get(i, 0).unwrap()) {
            assert!((our - f64::from(*their)).abs() < 1e-4, "{our} {their}");
        }
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let forests = [1, 3].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap()
            .install(|| flatten(&grown(Loss::Log)).unwrap())
    });
    let (matrix, _) = rows(3, 200);
    for row in matrix.chunks(WIDTH) {
        let [one, three] = forests.each_ref().map(|f| f.margin(row).to_bits());
        assert_eq!(one, three);
    }
}

/// What `XGBoost` computed for its own model files.
#[derive(Deserialize)]
struct Golden {
    rows: Vec<Vec<Option<f32>>>,
    binary: Answers,
    tweedie: Answers,
}

#[derive(Deserialize)]
struct Answers {
    margins: Vec<f64>,
    /// Those of each place, then the base.
    contributions: Vec<Vec<f64>>,
}

#[test]
fn agrees_with_xgboost_on_its_own_models() {
    let golden = include_str!("../../../tests/data/xgboost-golden.json");
    let golden: Golden = serde_json::from_str(golden).unwrap();
    let binary: &[u8] = include_bytes!("../../../tests/data/xgboost-binary.json");
    let tweedie: &[u8] = include_bytes!("../../../tests/data/xgboost-tweedie.json");
    for (file, answers) in [(binary, golden.binary), (tweedie, golden.tweedie)] {
        let model = BoostedModel::decode(file, ModelFormat::XgboostJson).unwrap();
        let forest = flatten(&model).unwrap();
        let rows = golden.rows.iter().map(|row| {
            let places = row.iter().map(|x| x.unwrap_or(f32::NAN));
            places.collect::<Vec<f32>>()
        });
        let rows: Vec<_> = rows.collect();
        assert_eq!(rows.len(), answers.margins.len());
        for (row, known) in rows.iter().zip(&answers.margins) {
            assert!((forest.margin(row) - known).abs() < 2e-6, "{row:?}");
        }
        for (row, known) in rows.iter().zip(&answers.contributions) {
            let mut found = vec![0.0; row.len()];
            let base = shap::contributions(&forest, row, &mut found);
            for (found, known) in found.iter().chain([&base]).zip(known) {
                assert!((found - known).abs() < 2e-5, "{found} {known}");
            }
        }
    }
}
