//! A cohort made ready for learning: encoded, labelled and split.

use arrow_array::RecordBatch;

use super::TrainError;
use super::boost::Rows;
use super::gaps::Gaps;
use super::split::{Part, part};
use super::target::{Outcome, Target};
use crate::features::{BatchColumn, BatchError, Encoder};

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

    pub(super) fn labelled<'a>(&'a self, labels: &'a [f64]) -> Rows<'a> {
        Rows {
            matrix: &self.matrix,
            labels,
        }
    }
}

/// All that training reads.
pub(super) struct Data {
    pub target: Target,
    pub outcome: Outcome,
    /// Of the split and of the training.
    pub seed: u64,
    pub encoder: Encoder,
    pub gaps: Gaps,
    pub train: Table,
    pub validation: Table,
    pub calibration: Table,
    pub hold_out: Table,
    /// Rows left out for want of a valid label.
    pub without_label: usize,
    /// Rows left out because the target is not for them.
    pub outside_population: usize,
}

impl Data {
    pub(super) fn new(
        cohort: &[RecordBatch],
        target: Target,
        seed: u64,
    ) -> Result<Self, TrainError> {
        let outcome = target.definition().outcome;
        let labels = labels(cohort, target)?;
        check(outcome, &labels)?;
        let calibrates = outcome != Outcome::Binary;
        let part = |row: usize| match labels[row] {
            Label::Valid(label) => Some((part(seed, row, calibrates), label)),
            _ => None,
        };
        let trains = |row| matches!(part(row), Some((Part::Train, _)));
        let encoder = Encoder::fit(cohort, target.inputs(), &trains)?;
        let matrix = encoder.encode_batches(cohort)?;
        let mut data = Self {
            target,
            outcome,
            seed,
            gaps: Gaps::new(seed, encoder.column_of_places()),
            encoder,
            train: Table::default(),
            validation: Table::default(),
            calibration: Table::default(),
            hold_out: Table::default(),
            without_label: 0,
            outside_population: 0,
        };
        for (row, places) in matrix.chunks_exact(data.encoder.width()).enumerate() {
            match part(row) {
                Some((part, label)) => data.table(part).push(row, places, label),
                None if matches!(labels[row], Label::Outside) => data.outside_population += 1,
                None => data.without_label += 1,
            }
        }
        data.enough_in_every_part()?;
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

    /// The draw of the parts is random, so that small cohorts may be unlucky.
    fn enough_in_every_part(&self) -> Result<(), TrainError> {
        for table in [&self.train, &self.validation, &self.hold_out] {
            if alike(&table.labels) {
                return Err(TrainError::OneLabel);
            }
        }
        Ok(())
    }

    pub(super) fn width(&self) -> usize {
        self.encoder.width()
    }

    /// How many rows have a label.
    pub(super) fn labelled(&self) -> usize {
        [
            &self.train,
            &self.validation,
            &self.calibration,
            &self.hold_out,
        ]
        .iter()
        .map(|table| table.labels.len())
        .sum()
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
        train.matrix.extend(copies.matrix);
        train.labels.extend(copies.labels);
        train.rows.extend(copies.rows);
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
}

/// What a row has to teach.
#[derive(Clone, Copy)]
enum Label {
    Valid(f64),
    /// None, or none that the target can have.
    Absent,
    /// The target is not for this customer.
    Outside,
}

/// The labels of all rows.
fn labels(cohort: &[RecordBatch], target: Target) -> Result<Vec<Label>, BatchError> {
    let range = target.definition().label_range();
    let mut labels = Vec::new();
    for batch in cohort {
        let column = BatchColumn::of(batch, target.label())?;
        let applies = target.applies_in(batch)?;
        labels.extend(applies.iter().enumerate().map(|(row, applies)| {
            let label = target.label_of(column.number(row));
            match applies {
                Err(_) => Label::Outside,
                Ok(()) if range.contains(label) => Label::Valid(label),
                Ok(()) => Label::Absent,
            }
        }));
    }
    Ok(labels)
}

fn check(outcome: Outcome, labels: &[Label]) -> Result<(), TrainError> {
    let valid = |label: &Label| match label {
        Label::Valid(y) => Some(*y),
        _ => None,
    };
    let found: Vec<f64> = labels.iter().filter_map(valid).collect();
    if found.len() < FEWEST {
        return Err(TrainError::TooFewRows {
            needed: FEWEST,
            found: found.len(),
        });
    }
    if alike(&found) {
        return Err(TrainError::OneLabel);
    }
    let positives = found.iter().filter(|&&y| y != 0.0).count();
    let rarer = positives.min(found.len() - positives);
    if outcome == Outcome::Binary && rarer < FEWEST_OF_A_CLASS {
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
