//! Predictions for whole tables: a batch of customers in, a batch of answers out,
//! row for row.
//!
//! A [`Scoring`] reads a table in blocks that stay in the nearest caches, once
//! for all targets. Invariant: a row's answers are those of
//! [`super::Model::predict`] for the same customer, to the bit, and a row that
//! can't be answered has its reason in `error` while all others are answered.

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};

use self::answers::{Answers, Errors};
use super::model::Model;
use super::scorer::row;
use super::target::Target;
use super::{ModelSet, NoInputs};
use crate::features::{BLOCK, Block, Lane, MAX_WIDTH, Table};

mod answers;
mod text;

pub use text::reasons_as_text;

/// Which rows of a table are known to be at fault, where answers are counted.
type Counted<'a> = Option<&'a dyn Fn(usize) -> bool>;

/// Which targets are predicted, and what their columns are called.
#[derive(Debug)]
pub struct Scoring<'a> {
    models: Vec<&'a Model>,
    explain: usize,
    prefixed: bool,
}

impl<'a> Scoring<'a> {
    /// Predicts these targets, each with its `explain` strongest reasons.
    ///
    /// The answers to one target are the columns `customer_id`, then
    /// `probability` and `tier` or `value`, `lower` and `upper`, then
    /// `percentile`, `applicable`, `error`, and `reasons` where any are asked
    /// for. With several targets each column but `customer_id` and `error` is
    /// called `predicted_{target}_{column}`; see [`Self::prefixed`].
    ///
    /// A target that the set has no model for is left out.
    #[must_use]
    pub fn new(set: &'a ModelSet, targets: &[Target], explain: usize) -> Self {
        let models: Vec<&Model> = targets.iter().filter_map(|&t| set.get(t)).collect();
        Self {
            prefixed: models.len() > 1,
            models,
            explain,
        }
    }

    /// Names the columns as for several targets, so that they can stand beside
    /// a customer's own: `predicted_churn_probability`, `predicted_error`.
    #[must_use]
    pub fn prefixed(mut self) -> Self {
        self.prefixed = true;
        self
    }

    /// The columns of the answers.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.score(&RecordBatch::new_empty(Schema::empty().into()))
            .schema()
    }

    /// Answers each row, in order. The batch may have any columns: those of a
    /// customer are read by name, from any type that can hold them.
    #[must_use]
    pub fn score(&self, batch: &RecordBatch) -> RecordBatch {
        self.answered(batch, None)
    }

    /// The same for customers who ask to be answered: each answer is counted, as
    /// [`Model::serve`] does, but for rows that are known to be at fault.
    #[must_use]
    pub fn serve(&self, batch: &RecordBatch, at_fault: &dyn Fn(usize) -> bool) -> RecordBatch {
        self.answered(batch, Some(at_fault))
    }

    fn answered(&self, batch: &RecordBatch, counted: Counted<'_>) -> RecordBatch {
        let table = Table::of(batch);
        let mut block = Block::new();
        let mut errors = Errors::new(table.rows());
        let mut places = Vec::new();
        let answers = |model: &&Model| Answers::new(model.target(), table.rows(), self.explain);
        let mut answers: Vec<Answers> = self.models.iter().map(answers).collect();
        for first in (0..table.rows()).step_by(BLOCK) {
            table.read(first, &mut block);
            for (row, fault) in block.faults() {
                errors.note(first + row, &fault);
            }
            for (model, answers) in self.models.iter().zip(&mut answers) {
                let rows = (first, &block);
                let mut predicted =
                    self.answer(model, &table, rows, &mut places, answers, &mut errors);
                if let Some(at_fault) = counted {
                    for (row, predicted) in predicted.iter_mut().enumerate() {
                        *predicted = predicted.filter(|_| !at_fault(first + row));
                    }
                    model.tally.count_block(&places, &predicted);
                }
            }
        }
        answers::batch(&table, answers, errors, self.prefixed)
    }

    /// The answers of one model to a block that begins at a row of the table.
    fn answer(
        &self,
        model: &Model,
        table: &Table,
        (first, block): (usize, &Block<'_>),
        places: &mut Vec<Lane>,
        answers: &mut Answers,
        errors: &mut Errors,
    ) -> [Option<f64>; BLOCK] {
        model.encoder.encode_block(block, places);
        let missing = model.encoder.missing_in_block(places);
        let inputs = model.inputs();
        let margins = model.scorer.margins(places, block.len());
        let population = &model.target.definition().population;
        let mut buffer = [0.0; MAX_WIDTH];
        let mut predicted = [None; BLOCK];
        for i in 0..block.len() {
            if block.is_at_fault(i) {
                answers.none(None);
            } else if population.holds(|c| f64::from(block.lane(c)[i])).is_err() {
                answers.none(Some(false));
            } else if missing[i] == inputs {
                errors.note(first + i, &format!("{}: {NoInputs}", model.target));
                answers.none(None);
            } else {
                let answer = model.answer(margins[i], missing[i]);
                answers.push(&answer);
                predicted[i] = Some(answer.0.number());
                if self.explain > 0 {
                    let (_, reasons) = model.strongest(row(places, i, &mut buffer), self.explain);
                    answers.explain(&reasons, |column| table.shown(column, first + i));
                }
            }
        }
        predicted
    }
}
