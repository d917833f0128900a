//! From a cohort to models: split, guard, fit both candidates, judge them on the
//! hold-out, and let the better one serve.

use arrow_array::RecordBatch;
use chrono::{DateTime, Utc};
use rayon::prelude::*;

use super::card::{ChosenThresholds, Source};
use super::choose::choose;
use super::contender::Contender;
use super::data::Data;
use super::leak;
use super::model::Model;
use super::target::Target;
use super::watch::{Together, Watch};
use crate::features::{BatchError, ColumnSet};

/// What the way of training is called: models of the same cohort, seed and
/// version are the same.
pub(super) const TRAINING_VERSION: &str = "3";

/// The seed of the split where the cohort has none.
pub(super) const DEFAULT_SEED: u64 = 20_251_021;

static NONE_CHOSEN: ChosenThresholds = ChosenThresholds::new();

/// Why a cohort can't be learnt from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrainError {
    #[error("training needs {needed} customers with a label, the cohort has {found}")]
    TooFewRows { needed: usize, found: usize },
    #[error("training needs {needed} customers of either class, the rarer one has {found}")]
    TooFewOfAClass { needed: usize, found: usize },
    #[error("the cohort has no {0}, which is what there would be to learn")]
    NoLabel(&'static str),
    #[error("all customers have the same label, so there is nothing to learn")]
    OneLabel,
    #[error(
        "the customers {0} all have the same label, or there are none of them: take more customers, of more moments, or fewer rows of each"
    )]
    PartOfOneLabel(&'static str),
    #[error(
        "{needed} customers are needed to size intervals with, and {found} are left for it: take more customers, or fewer rows of each"
    )]
    TooFewToSize { needed: usize, found: usize },
    #[error("no customer to learn from has a value in a column that the model may read")]
    NoInputs,
    #[error(
        "the column {column} alone foretells {target} almost perfectly (it scores {score}, the limit is {}): it follows from what is to be predicted, or was filled in afterwards; leave it out with `exclude`",
        leak::LIMIT
    )]
    Leak {
        column: &'static str,
        target: &'static str,
        score: String,
    },
    #[error("the training was cancelled")]
    Cancelled,
    #[error(transparent)]
    Batch(#[from] BatchError),
    #[error("the training failed: {0}")]
    Fit(String),
}

/// What there is to learn from, and how.
#[derive(Clone, Copy)]
pub struct Lesson<'a> {
    pub cohort: &'a [RecordBatch],
    pub source: &'a Source,
    pub trained_at: DateTime<Utc>,
    /// Columns that no model is to read, beside those that its target rules out.
    pub without: ColumnSet,
    /// Where tiers are to begin; those of other targets begin where the hold-out
    /// has its upper fifth and its upper half.
    pub thresholds: &'a ChosenThresholds,
    /// Which of the [`super::FOLDS`] random hold-outs judges; another one than
    /// the first to try the training itself.
    pub fold: usize,
}

/// What came of a training.
#[derive(Debug)]
pub struct Trained {
    pub models: Vec<Model>,
    pub left_out: Vec<LeftOut>,
}

/// A target that could not be trained.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{target}: {why}")]
pub struct LeftOut {
    pub target: Target,
    pub why: TrainError,
}

impl<'a> Lesson<'a> {
    #[must_use]
    pub fn new(cohort: &'a [RecordBatch], source: &'a Source, trained_at: DateTime<Utc>) -> Self {
        Self {
            cohort,
            source,
            trained_at,
            without: ColumnSet::default(),
            thresholds: &NONE_CHOSEN,
            fold: 0,
        }
    }

    /// Trains a model.
    ///
    /// Rows whose label is null or not valid are left out and counted, and so
    /// are customers whom the target is not for.
    ///
    /// # Errors
    /// If the cohort is too small, its labels are all alike or an input gives
    /// them away, a batch does not follow the schema, or the training is
    /// cancelled.
    pub fn train(&self, target: Target, watch: &Watch<'_>) -> Result<Model, TrainError> {
        watch.tell(0.0);
        watch.go_on()?;
        let data = Data::new(self, target)?;
        leak::guard(&data)?;
        watch.tell(0.05);
        // The baseline keeps to one thread, so it takes its time beside the forest.
        let grown = |grown| watch.tell(0.05 + 0.8 * grown);
        let (forest, baseline) = rayon::join(
            || Contender::forest(&data, &watch.telling(&grown)),
            || Contender::baseline(&data),
        );
        let forest = forest?;
        watch.go_on()?;
        watch.tell(0.85);
        let model = choose(self, data, forest, baseline)?;
        watch.tell(1.0);
        Ok(model)
    }

    /// Trains a model of each target, several at once, on the threads of the
    /// rayon pool that it is called in. A target that the cohort does not suffice
    /// for is left out.
    ///
    /// # Errors
    /// If the training is cancelled, or a batch does not follow the schema.
    pub fn train_all(&self, targets: &[Target], watch: &Watch<'_>) -> Result<Trained, TrainError> {
        let together = Together::new(watch, targets.len());
        let results: Vec<Result<Model, TrainError>> = targets
            .par_iter()
            .enumerate()
            .map(|(piece, &target)| {
                let tell = |share| together.tell(piece, share);
                let result = self.train(target, &watch.telling(&tell));
                tell(1.0);
                result
            })
            .collect();
        let (mut models, mut left_out) = (Vec::new(), Vec::new());
        for (&target, result) in targets.iter().zip(results) {
            match result {
                Ok(model) => models.push(model),
                Err(why @ (TrainError::Cancelled | TrainError::Batch(_))) => return Err(why),
                Err(why) => left_out.push(LeftOut { target, why }),
            }
        }
        Ok(Trained { models, left_out })
    }
}
