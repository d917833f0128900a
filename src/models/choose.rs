//! Which candidate serves, and the card that says why and how good it is.

use super::TrainError;
use super::card::{
    Calibration, Candidate, Card, Comparison, Exclusion, Interval, Intervals as Measured, Metrics,
    Rows, Thresholds,
};
use super::contender::Contender;
use super::data::Data;
use super::drift::bins::Reference;
use super::drift::tally::Tally;
use super::interval::{Intervals, LEVEL, Scale, Sized};
use super::judge::{Bench, Bootstrap, Logarithms, bootstrap, deciding};
use super::leak::LIMIT;
use super::model::{Model, Spread};
use super::placement::Placement;
use super::scorer::Link;
use super::tables::{confusion, deciles, importance, shares};
use super::target::{Outcome, Target};
use super::train::{Lesson, TRAINING_VERSION};
use crate::schema::COLUMNS;

/// How often each calibration row also sizes the intervals of customers with
/// gaps.
const GAPPED_COPIES: usize = 2;

/// Makes a model of the better candidate.
pub(super) fn choose(
    lesson: &Lesson<'_>,
    data: Data,
    forest: Contender,
    baseline: Result<Contender, TrainError>,
) -> Result<Model, TrainError> {
    let missed = baseline.as_ref().err().map(ToString::to_string);
    let mut contenders: Vec<Contender> = std::iter::once(forest).chain(baseline.ok()).collect();
    let half_missing = data.half_missing();
    let values: Vec<Vec<f64>> = contenders
        .iter()
        .map(|contender| contender.values(&data.hold_out.matrix))
        .collect();
    let (mut candidates, found) = judged(&data, &contenders, &values, &half_missing);
    let (winner, choice) = better(data.outcome, found.difference, missed);
    candidates[winner].serves = true;
    let serving = contenders.swap_remove(winner);
    let values = &values[winner];
    let placement = Placement::of(values.clone());
    let shares = shares(&data, &serving);
    let (spread, thresholds, intervals) = spread(
        lesson,
        &data,
        &serving,
        &shares,
        values,
        &half_missing,
        &placement,
    )?;
    let labels = &data.hold_out.labels;
    let card = Card {
        candidates,
        oracle: oracle(&data),
        choice,
        comparison: found.difference.map(|difference| Comparison {
            metric: deciding(data.outcome).to_owned(),
            difference,
        }),
        calibration: calibration(serving.link),
        thresholds,
        confusion: thresholds.map_or_else(Vec::new, |at| confusion(at, labels, values)),
        intervals,
        deciles: deciles(labels, values),
        importance: importance(&data, &shares),
        ..card(lesson, &data)
    };
    let reference = Reference::of(&data, values);
    Ok(Model {
        tally: Tally::new(Some(&reference), spread.thresholds()),
        reference: Some(reference),
        target: data.target,
        encoder: data.encoder,
        scorer: serving.scorer,
        link: serving.link,
        placement,
        spread,
        card,
    })
}

/// All contenders' metrics on the hold-out, and how sure they are.
fn judged(
    data: &Data,
    contenders: &[Contender],
    values: &[Vec<f64>],
    half_missing: &[f32],
) -> (Vec<Candidate>, Bootstrap) {
    let labels = &data.hold_out.labels;
    let logarithms: Vec<Logarithms> = values.iter().map(|v| Logarithms::of(labels, v)).collect();
    let benches: Vec<Bench<'_>> = values
        .iter()
        .zip(&logarithms)
        .map(|(values, logarithms)| Bench::new(data.outcome, labels, values, logarithms))
        .collect();
    let mut found = bootstrap(data.outcome, &benches, data.seed);
    let intervals = std::mem::take(&mut found.intervals);
    let candidates = contenders.iter().zip(&benches).zip(intervals).map(
        |((contender, bench), metric_intervals)| Candidate {
            name: contender.name.to_owned(),
            method: contender.method.clone(),
            serves: false,
            metrics: bench.metrics(),
            metric_intervals,
            metrics_half_missing: metrics(data, &contender.values(half_missing)),
        },
    );
    (candidates.collect(), found)
}

/// The metrics of these values for the hold-out.
fn metrics(data: &Data, values: &[f64]) -> Metrics {
    let labels = &data.hold_out.labels;
    let logarithms = Logarithms::of(labels, values);
    Bench::new(data.outcome, labels, values, &logarithms).metrics()
}

/// The metrics of what the generator itself expected. Of an amount it tells no
/// expectation but a second draw: the squared correlation that an expectation
/// would have with the label is the correlation of the two.
fn oracle(data: &Data) -> Option<Metrics> {
    let truth = data.truth.as_ref()?;
    if !truth.iter().all(|x| x.is_finite()) {
        return None;
    }
    if matches!(data.outcome, Outcome::Amount { .. }) {
        let logarithms = Logarithms::of(&data.hold_out.labels, truth);
        return Some(Metrics::from([(
            "log_r_squared".to_owned(),
            Some(logarithms.correlation()),
        )]));
    }
    Some(metrics(data, truth))
}

/// Which candidate serves: the forest, if it is better beyond chance, else the
/// simpler one. And why.
fn better(
    outcome: Outcome,
    difference: Option<Interval>,
    missed: Option<String>,
) -> (usize, String) {
    let deciding = deciding(outcome);
    match (difference, missed) {
        (_, Some(why)) => (0, format!("the forest serves: there is no baseline, {why}")),
        (Some(by), None) if by.lower > 0.0 => (
            0,
            format!("the forest serves: its {deciding} on the hold-out is lower beyond chance"),
        ),
        (Some(by), None) if by.upper < 0.0 => (
            1,
            format!("the baseline serves: its {deciding} on the hold-out is lower beyond chance"),
        ),
        _ => (
            1,
            format!(
                "the baseline serves: the forest's {deciding} on the hold-out is not lower beyond chance, and the baseline is simpler"
            ),
        ),
    }
}

type Spreads = (Spread, Option<Thresholds>, Option<Measured>);

/// The tiers or the intervals that go with the values, and what the card says
/// of them.
fn spread(
    lesson: &Lesson<'_>,
    data: &Data,
    serving: &Contender,
    shares: &[f64],
    values: &[f64],
    half_missing: &[f32],
    placement: &Placement,
) -> Result<Spreads, TrainError> {
    let scale = match data.outcome {
        Outcome::Binary => {
            let chosen = lesson.thresholds.get(&data.target).copied();
            let thresholds = chosen.unwrap_or_else(|| Thresholds {
                high: placement.at(0.8),
                low: placement.at(0.5),
            });
            return Ok((Spread::Tiers(thresholds), Some(thresholds), None));
        }
        Outcome::Score { .. } => Scale::Plain,
        Outcome::Amount { .. } | Outcome::Count { .. } => Scale::Log,
    };
    let table = data.calibration_with_gaps(GAPPED_COPIES);
    let rows = sized(
        data,
        &table.matrix,
        &table.labels,
        &serving.values(&table.matrix),
    );
    let intervals =
        Intervals::size(scale, shares.to_vec(), &rows).ok_or(TrainError::TooFewToSize {
            needed: Intervals::ROWS,
            found: data.calibration.labels.len(),
        })?;
    let labels = &data.hold_out.labels;
    let held = |matrix: &[f32], values: &[f64]| {
        held(&intervals, data, &sized(data, matrix, labels, values))
    };
    let measured = Measured::measured(
        LEVEL,
        held(&data.hold_out.matrix, values),
        &held(half_missing, &serving.values(half_missing)),
    );
    Ok((Spread::Intervals(intervals), None, Some(measured)))
}

fn sized(data: &Data, matrix: &[f32], labels: &[f64], values: &[f64]) -> Vec<Sized> {
    let rows = matrix.chunks_exact(data.width()).zip(labels).zip(values);
    rows.map(|((row, &label), &value)| Sized {
        label,
        value,
        missing: data.encoder.missing(row),
    })
    .collect()
}

/// The predicted value of each row, and whether its interval holds the label.
fn held(intervals: &Intervals, data: &Data, rows: &[Sized]) -> Vec<(f64, bool)> {
    let range = data.target.definition().label_range();
    let held = |row: &Sized| {
        let (lower, upper) = intervals.around(row.value, row.missing, range);
        (row.value, (lower..=upper).contains(&row.label))
    };
    rows.iter().map(held).collect()
}

fn calibration(link: Link) -> Option<Calibration> {
    let Link::Logistic { slope, shift } = link else {
        return None;
    };
    let method = if link == Link::LOGISTIC {
        "none: on rows that no fit has seen, no rising line through the log-odds betters it beyond chance"
    } else {
        "a line through the log-odds, fitted to rows that no other fit has seen (Platt)"
    };
    Some(Calibration {
        method: method.to_owned(),
        slope,
        shift,
    })
}

/// The card but for what the candidates decide.
fn card(lesson: &Lesson<'_>, data: &Data) -> Card {
    let definition = data.target.definition();
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
        source: lesson.source.clone(),
        rows: Rows {
            train: rows.len(),
            train_with_gaps: rows.iter().filter(|&&row| data.gaps.chooses(row)).count(),
            validation: data.validation.labels.len(),
            calibration: data.calibration.labels.len(),
            hold_out: data.hold_out.labels.len(),
            without_label: data.without_label,
            outside_population: data.outside_population,
        },
        split: data.split.clone(),
        inputs: data.encoder.columns().names().map(str::to_owned).collect(),
        exclusions: exclusions(lesson, data),
        candidates: Vec::new(),
        oracle: None,
        choice: String::new(),
        comparison: None,
        calibration: None,
        thresholds: None,
        confusion: Vec::new(),
        intervals: None,
        deciles: Vec::new(),
        importance: Vec::new(),
        leakage_limit: LIMIT,
        trained_at: lesson.trained_at,
        training_version: TRAINING_VERSION.to_owned(),
        seed: data.seed,
        limits: limits(data.target),
    }
}

/// The columns that were kept from the inputs, by the target, by whoever trains, and
/// for want of values.
fn exclusions(lesson: &Lesson<'_>, data: &Data) -> Vec<Exclusion> {
    let exclusion = |column: usize, reason: &str| Exclusion {
        column: COLUMNS[column].name.to_owned(),
        reason: reason.to_owned(),
    };
    let ruled_out = data.target.definition().exclusions.iter().flat_map(|e| {
        let columns = e.columns.iter();
        columns.map(move |&column| exclusion(column, e.reason))
    });
    let inputs = data.target.inputs();
    let asked = lesson.without.iter().filter(|&c| inputs.contains(c));
    let asked = asked.map(|column| exclusion(column, "left out by whoever trained"));
    let absent = data.absent.iter();
    let absent = absent.map(|&column| exclusion(column, "no customer to learn from has a value"));
    ruled_out.chain(asked).chain(absent).collect()
}

fn limits(target: Target) -> Vec<String> {
    let mut limits = vec![
        "It describes customers like those of its cohort; on others its figures do not hold.",
        "It finds what goes together, not what causes what: changing an input need not change the outcome.",
        "Inputs are as of the snapshot, the label may come after it: a customer who is scored later than observed is scored on old news.",
        "Its figures are those of the hold-out as it is; metrics_half_missing shows what gaps cost.",
        "The candidate that serves was chosen on the hold-out, which flatters it by a trifle.",
    ];
    if target == Target::PremiumConversion {
        limits.push(
            "It learns who has a subscription, not who will take one: it says of free customers how much they are like those who pay.",
        );
    }
    if !target.is_binary() {
        limits.push(
            "The intervals keep their promise over all customers of whom as much is missing, not for each kind of customer; they were sized with inputs missing by chance, and where inputs are missing for a reason they may hold less.",
        );
    }
    limits.into_iter().map(str::to_owned).collect()
}
