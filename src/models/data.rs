//! A cohort made ready for learning: encoded, labelled and split.

use std::collections::HashMap;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;

use super::TrainError;
use super::gaps::Gaps;
use super::split::{Part, Row, Split};
use super::target::{Outcome, Target};
use super::train::{DEFAULT_SEED, Lesson};
use crate::features::{BatchColumn, BatchError, ColumnSet, Encoder};
use crate::schema::{COLUMNS, column};

const CUSTOMER_ID: usize = column("customer_id");
const GENERATED_AT: usize = column("data_generated_at");

/// The fewest labelled customers that a model and its judgement can rest on.
pub(super) const FEWEST: usize = 500;

/// The fewest customers of either class.
const FEWEST_OF_A_CLASS: usize = 50;

/// Rows of one part, side by side with their labels.
#[derive(Clone, Default)]
pub(super) struct Table {
    pub matrix: Vec<f32>,
    pub labels: Vec<f64>,
    /// Where each row stands in the cohort.
    pub rows: Vec<usize>,
}

impl Table {
    pub(super) fn push(&mut self, row: usize, places: &[f32], label: f64) {
        self.matrix.extend_from_slice(places);
        self.labels.push(label);
        self.rows.push(row);
    }

    fn append(&mut self, other: Self) {
        self.matrix.extend(other.matrix);
        self.labels.extend(other.labels);
        self.rows.extend(other.rows);
    }

    /// Those rows that are chosen.
    pub(super) fn filter(&self, width: usize, chosen: impl Fn(usize) -> bool) -> Self {
        let mut table = Self::default();
        for ((&row, &label), places) in self
            .rows
            .iter()
            .zip(&self.labels)
            .zip(self.matrix.chunks_exact(width))
        {
            if chosen(row) {
                table.push(row, places, label);
            }
        }
        table
    }

    /// The labels as the logarithms of one more than the amounts.
    pub(super) fn logarithms(&self) -> Vec<f64> {
        self.labels.iter().map(|y| y.ln_1p()).collect()
    }
}

/// All that training reads.
pub(super) struct Data {
    pub target: Target,
    pub outcome: Outcome,
    /// Of the split and of the training.
    pub seed: u64,
    pub encoder: Encoder,
    /// Columns that could be inputs, of which no training row has a value.
    pub absent: Vec<usize>,
    pub gaps: Gaps,
    pub train: Table,
    pub validation: Table,
    pub calibration: Table,
    pub hold_out: Table,
    /// How the hold-out was chosen, for the card.
    pub split: String,
    /// What the generator itself expected of each customer of the hold-out,
    /// where the cohort tells.
    pub truth: Option<Vec<f64>>,
    /// Rows left out for want of a valid label.
    pub without_label: usize,
    /// Rows left out because the target is not for them.
    pub outside_population: usize,
}

impl Data {
    pub(super) fn new(lesson: &Lesson<'_>, target: Target) -> Result<Self, TrainError> {
        let outcome = target.definition().outcome;
        let (rows, counts) = labelled(lesson.cohort, target)?;
        check(target, &rows, counts)?;
        let seed = lesson.source.seed.unwrap_or(DEFAULT_SEED);
        let split = Split::of(&rows, seed, lesson.fold, outcome == Outcome::Binary);
        let mut parts = vec![None; counts.all];
        for (row, part) in rows.iter().zip(split.parts) {
            parts[row.at] = Some((part, row.label));
        }
        let trains = |row: usize| matches!(parts[row], Some((Part::Train, _)));
        let inputs = target.inputs().iter();
        let inputs = inputs.filter(|&column| !lesson.without.contains(column));
        let (inputs, absent) = told(lesson.cohort, inputs.collect(), &trains)?;
        let encoder = Encoder::fit(lesson.cohort, inputs, &trains)?;
        if encoder.width() == 0 {
            return Err(TrainError::NoInputs);
        }
        let matrix = encoder.encode_batches(lesson.cohort)?;
        let mut data = Self {
            target,
            outcome,
            seed,
            gaps: Gaps::new(seed, encoder.column_of_places()),
            encoder,
            absent,
            train: Table::default(),
            validation: Table::default(),
            calibration: Table::default(),
            hold_out: Table::default(),
            split: split.text,
            truth: None,
            without_label: counts.without_label,
            outside_population: counts.outside_population,
        };
        for (row, places) in matrix.chunks_exact(data.encoder.width()).enumerate() {
            if let Some((part, label)) = parts[row] {
                data.table(part).push(row, places, label);
            }
        }
        data.enough_in_every_part()?;
        data.truth = truth(lesson.cohort, target).map(|truth| {
            let held_out = data.hold_out.rows.iter();
            held_out.map(|&row| truth[row]).collect()
        });
        Ok(data)
    }

    fn table(&mut self, part: Part) -> &mut Table {
        match part {
            Part::Train => &mut self.train,
            Part::Validation => &mut self.validation,
            Part::Calibration => &mut self.calibration,
            Part::HoldOut => &mut self.hold_out,
        }
    }

    /// Numbers that are nearly all alike may be all alike in a part.
    fn enough_in_every_part(&self) -> Result<(), TrainError> {
        let parts = [
            ("who are learnt from", &self.train),
            ("who tell when to stop", &self.validation),
            ("who judge", &self.hold_out),
        ];
        match parts.iter().find(|(_, table)| alike(&table.labels)) {
            Some((part, _)) => Err(TrainError::PartOfOneLabel(part)),
            None => Ok(()),
        }
    }

    pub(super) fn width(&self) -> usize {
        self.encoder.width()
    }

    /// The training rows, and after them copies of some with gaps.
    pub(super) fn train_with_gaps(&self) -> Table {
        let width = self.width();
        let mut copies = self.train.filter(width, |row| self.gaps.chooses(row));
        let rows = copies.matrix.chunks_exact_mut(width);
        for (places, &row) in rows.zip(&copies.rows) {
            self.gaps.open_any(row, places);
        }
        let mut train = self.train.clone();
        train.append(copies);
        train
    }

    /// The hold-out as if clients had left out every other input.
    pub(super) fn half_missing(&self) -> Vec<f32> {
        let mut matrix = self.hold_out.matrix.clone();
        let rows = matrix.chunks_exact_mut(self.width());
        for (places, &row) in rows.zip(&self.hold_out.rows) {
            self.gaps.open(row, 0.5, places);
        }
        matrix
    }

    /// The calibration rows as they are, and after them as often again with any
    /// share of their inputs taken away.
    pub(super) fn calibration_with_gaps(&self, copies: usize) -> Table {
        let mut table = self.calibration.clone();
        for copy in 1..=copies {
            let gaps = self.gaps.another(copy);
            let mut gapped = self.calibration.clone();
            let rows = gapped.matrix.chunks_exact_mut(self.width());
            for (places, &row) in rows.zip(&gapped.rows) {
                gaps.open_any(row, places);
            }
            table.append(gapped);
        }
        table
    }
}

/// How many rows there are, and why some can't teach.
#[derive(Clone, Copy, Default)]
struct Counts {
    all: usize,
    without_label: usize,
    outside_population: usize,
}

/// The columns of which some training row has a value, and those of which none
/// has: what is never there can't be learnt from.
fn told(
    cohort: &[RecordBatch],
    columns: ColumnSet,
    trains: &dyn Fn(usize) -> bool,
) -> Result<(ColumnSet, Vec<usize>), BatchError> {
    let (mut found, mut absent) = (ColumnSet::default(), Vec::new());
    for index in columns.iter() {
        let mut first = 0;
        let mut is_told = false;
        for batch in cohort {
            let column = BatchColumn::of(batch, index)?;
            let mut rows = (0..batch.num_rows()).filter(|row| trains(first + row));
            is_told |= rows.any(|row| !column.number(row).is_nan() || column.text(row).is_some());
            first += batch.num_rows();
            if is_told {
                found.insert(index);
                break;
            }
        }
        if !is_told {
            absent.push(index);
        }
    }
    Ok((found, absent))
}

/// The rows that have a valid label, of customers whom the target is for.
fn labelled(cohort: &[RecordBatch], target: Target) -> Result<(Vec<Row>, Counts), BatchError> {
    let range = target.definition().label_range();
    let (mut rows, mut counts) = (Vec::new(), Counts::default());
    let mut customers: HashMap<&str, usize> = HashMap::new();
    for batch in cohort {
        let column = BatchColumn::of(batch, target.label())?;
        let names = BatchColumn::of(batch, CUSTOMER_ID)?;
        let moments = BatchColumn::of(batch, GENERATED_AT)?;
        for (i, applies) in target.applies_in(batch)?.into_iter().enumerate() {
            let label = target.label_of(column.number(i));
            if applies.is_err() {
                counts.outside_population += 1;
            } else if range.contains(label) {
                let at = counts.all + i;
                let name = names.text(i);
                rows.push(Row {
                    at,
                    customer: name.map_or(at, |name| *customers.entry(name).or_insert(at)),
                    label,
                    moment: moments.number(i),
                });
            } else {
                counts.without_label += 1;
            }
        }
        counts.all += batch.num_rows();
    }
    Ok((rows, counts))
}

/// What a generated cohort's `truth_` column says of each row, if it has one.
fn truth(cohort: &[RecordBatch], target: Target) -> Option<Vec<f64>> {
    let name = format!("truth_{}", target.name().replace('-', "_"));
    let mut truth = Vec::new();
    for batch in cohort {
        let column = batch.column_by_name(&name)?;
        let column = column.as_primitive_opt::<Float64Type>()?;
        truth.extend(column.iter().map(|x| x.unwrap_or(f64::NAN)));
    }
    Some(truth)
}

fn check(target: Target, rows: &[Row], counts: Counts) -> Result<(), TrainError> {
    if rows.is_empty() && counts.without_label > 0 {
        return Err(TrainError::NoLabel(COLUMNS[target.label()].name));
    }
    if rows.len() < FEWEST {
        return Err(TrainError::TooFewRows {
            needed: FEWEST,
            found: rows.len(),
        });
    }
    let labels: Vec<f64> = rows.iter().map(|row| row.label).collect();
    if alike(&labels) {
        return Err(TrainError::OneLabel);
    }
    let positives = labels.iter().filter(|&&y| y != 0.0).count();
    let rarer = positives.min(labels.len() - positives);
    if target.is_binary() && rarer < FEWEST_OF_A_CLASS {
        return Err(TrainError::TooFewOfAClass {
            needed: FEWEST_OF_A_CLASS,
            found: rarer,
        });
    }
    Ok(())
}

#[expect(clippy::float_cmp, reason = "labels are alike to the bit or not")]
fn alike(labels: &[f64]) -> bool {
    labels.iter().all(|&y| y == labels[0])
}
