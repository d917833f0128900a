//! From a cohort to a model: split, fit both candidates, judge them on the
//! hold-out, and let the better one serve.

use arrow_array::RecordBatch;
use chrono::{DateTime, Utc};

use super::card::{Candidate, Card, Exclusion, Intervals as Measured, Rows, Source, Thresholds};
use super::contender::Contender;
use super::data::{Data, FEWEST};
use super::interval::{Intervals, LEVEL, Scale};
use super::judge::{deciding, judge};
use super::model::{Model, Spread};
use super::placement::Placement;
use super::target::{Outcome, Target};
use crate::features::BatchError;
use crate::schema::COLUMNS;

/// What the way of training is called: models of the same cohort, seed and
/// version are the same.
pub const TRAINING_VERSION: &str = "1";

/// The seed of the split where the cohort has none.
pub const DEFAULT_SEED: u64 = 20_251_021;

/// Why a cohort can't be learnt from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrainError {
    #[error("training needs {needed} customers with a label, the cohort has {found}")]
    TooFewRows { needed: usize, found: usize },
    #[error("training needs {needed} customers of either class, the rarer one has {found}")]
    TooFewOfAClass { needed: usize, found: usize },
    #[error("all customers have the same label, so there is nothing to learn")]
    OneLabel,
    #[error(transparent)]
    Batch(#[from] BatchError),
    #[error("the training failed: {0}")]
    Fit(String),
}

/// Trains a model. `progress` hears the share that is done, from one thread at a
/// time.
///
/// Rows whose label is null or not valid are left out and counted.
///
/// # Errors
/// If the cohort is too small or its labels are all alike, or a batch does not
/// follow the schema.
pub fn train(
    cohort: &[RecordBatch],
    target: Target,
    source: &Source,
    trained_at: DateTime<Utc>,
    progress: &(dyn Fn(f64) + Sync),
) -> Result<Model, TrainError> {
    progress(0.0);
    let data = Data::new(cohort, target, source.seed.unwrap_or(DEFAULT_SEED))?;
    progress(0.05);
    // The baseline keeps to one thread, so it takes its time beside the forest.
    let (forest, baseline) = rayon::join(
        || Contender::forest(&data, &|grown| progress(0.05 + 0.9 * grown)),
        || Contender::baseline(&data),
    );
    progress(0.95);
    let model = choose(data, forest?, baseline?, source, trained_at)?;
    progress(1.0);
    Ok(model)
}

fn choose(
    data: Data,
    forest: Contender,
    baseline: Contender,
    source: &Source,
    trained_at: DateTime<Utc>,
) -> Result<Model, TrainError> {
    let half_missing = data.half_missing();
    let judged = |contender: &Contender| Candidate {
        name: contender.name.to_owned(),
        method: contender.method.clone(),
        serves: false,
        metrics: judged(&data, &contender.values(&data.hold_out.matrix)),
        metrics_half_missing: judged(&data, &contender.values(&half_missing)),
    };
    let mut candidates = vec![judged(&forest), judged(&baseline)];
    let deciding = deciding(data.outcome);
    // A score that can't be told loses.
    let score = |candidate: &Candidate| {
        let score = candidate.metrics.get(deciding).copied().flatten();
        score.unwrap_or(f64::INFINITY)
    };
    let winner = usize::from(score(&candidates[1]) < score(&candidates[0]));
    candidates[winner].serves = true;
    let serving = if winner == 0 { forest } else { baseline };
    let choice = format!(
        "the {} has the lower {deciding} on the hold-out",
        serving.name
    );
    let values = serving.values(&data.hold_out.matrix);
    let placement = Placement::of(values.clone());
    let (spread, thresholds, intervals) = spread(&data, &serving, &values, &placement)?;
    let card = Card {
        candidates,
        choice,
        thresholds,
        intervals,
        ..card(&data, source, trained_at)
    };
    Ok(Model {
        target: data.target,
        encoder: data.encoder,
        scorer: serving.scorer,
        link: serving.link,
        placement,
        spread,
        card,
    })
}

fn judged(data: &Data, values: &[f64]) -> super::Metrics {
    judge(data.outcome, &data.hold_out.labels, values)
}

type Spreads = (Spread, Option<Thresholds>, Option<Measured>);

/// The tiers or the intervals that go with the values, and what the card says
/// of them.
fn spread(
    data: &Data,
    serving: &Contender,
    hold_out: &[f64],
    placement: &Placement,
) -> Result<Spreads, TrainError> {
    let scale = match data.outcome {
        Outcome::Binary => {
            let thresholds = Thresholds {
                high: placement.at(0.8),
                low: placement.at(0.5),
            };
            return Ok((Spread::Tiers(thresholds), Some(thresholds), None));
        }
        Outcome::Score { .. } => Scale::Plain,
        Outcome::Amount { .. } | Outcome::Count { .. } => Scale::Log,
    };
    let values = serving.values(&data.calibration.matrix);
    let intervals = Intervals::size(scale, &data.calibration.labels, &values).ok_or_else(|| {
        let found = data.labelled();
        let needed = FEWEST.max(found + 1);
        TrainError::TooFewRows { needed, found }
    })?;
    let range = data.target.definition().label_range();
    let held = hold_out
        .iter()
        .zip(&data.hold_out.labels)
        .map(|(&value, y)| {
            let (lower, upper) = intervals.around(value, range);
            (value, (lower..=upper).contains(y))
        });
    let measured = Measured::measured(LEVEL, held.collect());
    Ok((Spread::Intervals(intervals), None, Some(measured)))
}

/// The card but for what the candidates decide.
fn card(data: &Data, source: &Source, trained_at: DateTime<Utc>) -> Card {
    let definition = data.target.definition();
    let exclusions = definition.exclusions.iter().flat_map(|exclusion| {
        exclusion.columns.iter().map(|&column| Exclusion {
            column: COLUMNS[column].name.to_owned(),
            reason: exclusion.reason.to_owned(),
        })
    });
    let rows = &data.train.rows;
    let kind = if data.target.is_binary() {
        "binary"
    } else {
        "regression"
    };
    Card {
        target: definition.name.to_owned(),
        kind: kind.to_owned(),
        unit: definition.outcome.unit().to_owned(),
        predicts: definition.predicts.to_owned(),
        label: definition.label.text().to_owned(),
        population: definition.population.text.to_owned(),
        source: source.clone(),
        rows: Rows {
            train: rows.len(),
            train_with_gaps: rows.iter().filter(|&&row| data.gaps.chooses(row)).count(),
            validation: data.validation.labels.len(),
            calibration: data.calibration.labels.len(),
            hold_out: data.hold_out.labels.len(),
            without_label: data.without_label,
            outside_population: data.outside_population,
        },
        inputs: data.encoder.columns().names().map(str::to_owned).collect(),
        exclusions: exclusions.collect(),
        candidates: Vec::new(),
        choice: String::new(),
        thresholds: None,
        intervals: None,
        trained_at,
        training_version: TRAINING_VERSION.to_owned(),
        seed: data.seed,
        limits: limits(data.target),
    }
}

fn limits(target: Target) -> Vec<String> {
    let mut limits = vec![
        "It describes customers like those of its cohort; on others its figures do not hold.",
        "It finds what goes together, not what causes what: changing an input need not change the outcome.",
        "Its figures are those of complete customers; metrics_half_missing shows what gaps cost.",
        "The candidate that serves was chosen on the hold-out, which flatters it by a trifle.",
    ];
    if !target.is_binary() {
        limits.push(
            "The intervals keep their promise over all complete customers, not for each kind of customer, and not where inputs are missing.",
        );
    }
    limits.into_iter().map(str::to_owned).collect()
}
