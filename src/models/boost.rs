//! Growing the forest with hessboost, and taking it over into our own form.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;

use hessboost::config::TrainingParams;
use hessboost::data::DMatrix;
use hessboost::error::HessboostError;
use hessboost::metric::EvalMetric;
use hessboost::model::BoostedModel;
use hessboost::objective::{Objective, RegLoss, Tweedie};
use hessboost::prelude::TreeMethod;
use hessboost::training::Trainer;

use super::TrainError;
use super::forest::{Forest, Source, Split};
use super::metrics::TWEEDIE_POWER;
use super::watch::Watch;

const ROUNDS: usize = 800;
const PATIENCE: NonZeroUsize = NonZeroUsize::new(20).expect("20 is not 0");

/// Rows to grow on, and rows that tell when to stop, binned once for however
/// many forests.
pub(super) struct Grounds {
    train: DMatrix,
    validation: DMatrix,
}

/// The labels that one forest learns: of the rows to grow on, and of those that
/// tell when to stop.
pub(super) struct Labels {
    pub train: Vec<f64>,
    pub validation: Vec<f64>,
}

impl Grounds {
    /// Of rows of `width` places.
    pub(super) fn new(
        train: Vec<f32>,
        validation: Vec<f32>,
        width: usize,
    ) -> Result<Self, TrainError> {
        let matrix = |rows: Vec<f32>| {
            let count = rows.len() / width;
            DMatrix::from_dense_vec(rows, count, width)
        };
        Ok(Self {
            train: matrix(train)?,
            validation: matrix(validation)?,
        })
    }

    /// Grows a forest until the validation rows say that it gets no better.
    pub(super) fn grow(
        &self,
        loss: Loss,
        labels: &Labels,
        seed: u64,
        watch: &Watch<'_>,
    ) -> Result<Forest, TrainError> {
        let model = self.boost(loss, labels, seed, watch)?;
        flatten(&model)
    }

    fn boost(
        &self,
        loss: Loss,
        labels: &Labels,
        seed: u64,
        watch: &Watch<'_>,
    ) -> Result<BoostedModel, TrainError> {
        let train = self.train.clone().with_labels(&single(&labels.train))?;
        let validation = self.validation.clone();
        let validation = validation.with_labels(&single(&labels.validation))?;
        let params = parameters(loss, seed)?;
        let trained = Trainer::new(&params, &train, ROUNDS)
            .eval(&validation, "validation")
            .early_stopping_rounds(PATIENCE)
            .on_round(|round| {
                if watch.is_cancelled() {
                    return ControlFlow::Break(());
                }
                watch.tell(done(round.iteration()));
                ControlFlow::Continue(())
            })
            .train()?;
        watch.go_on()?;
        Ok(trained.model)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "trees learn in single precision"
)]
fn single(labels: &[f64]) -> Vec<f32> {
    labels.iter().map(|&y| y as f32).collect()
}

/// What a forest is grown to make small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    /// Of a label of 0 or 1; the margin is its log-odds.
    Log,
    /// Of a share; the margin is its log-odds.
    Share,
    /// Of an amount from 0 up; the margin is the logarithm of its mean.
    Tweedie,
    /// The squared error of any number; the margin is that number.
    Squared,
}

impl Loss {
    /// How deep trees grow, how large a step each is, and the share of places
    /// each may split on: what did best on several
    /// splits of a generated cohort. What makes customers churn mostly adds up,
    /// so that shallow trees suit it; scores have interactions.
    fn growth(self) -> (usize, f64, f64) {
        match self {
            Self::Log => (3, 0.1, 0.8),
            Self::Share => (5, 0.08, 0.6),
            Self::Tweedie | Self::Squared => (4, 0.08, 0.6),
        }
    }
}

/// A guess at the share that is done: nobody knows how many rounds it will
/// take, but a hundred or so is usual.
#[expect(clippy::cast_precision_loss, reason = "a few hundred rounds")]
fn done(round: usize) -> f64 {
    const USUAL: f64 = 60.0;
    round as f64 / (round as f64 + USUAL)
}

fn parameters(loss: Loss, seed: u64) -> Result<TrainingParams, TrainError> {
    let tweedie = Tweedie::new(TWEEDIE_POWER)?;
    let plain = RegLoss::default();
    let (objective, metric) = match loss {
        Loss::Log => (Objective::BinaryLogistic(plain), EvalMetric::LogLoss),
        Loss::Share => (Objective::RegLogistic(plain), EvalMetric::Rmse),
        Loss::Tweedie => (
            Objective::Tweedie(tweedie),
            EvalMetric::TweedieNLogLik(tweedie),
        ),
        Loss::Squared => (Objective::SquaredError(plain), EvalMetric::Rmse),
    };
    let (depth, eta, columns) = loss.growth();
    Ok(TrainingParams::builder()
        .objective(objective)
        .eval_metric(metric)
        .tree_method(TreeMethod::Hist)
        .max_depth(depth)
        .eta(eta)
        .min_child_weight(5.0)
        .subsample(0.8)
        .colsample_bytree(columns)
        .seed(seed)
        .build()?)
}

/// The trees up to the best round, in our own form.
fn flatten(model: &BoostedModel) -> Result<Forest, TrainError> {
    let unexpected = || TrainError::Fit("the forest has an unexpected shape".into());
    if model.n_outputs() != 1 || model.linear().is_some() {
        return Err(unexpected());
    }
    let rounds = model
        .best_iteration()
        .map_or(model.num_boost_rounds(), |best| best + 1);
    let trees = rounds * model.trees_per_iteration();
    let mut forest = Forest::new(f64::from(model.base_score()), model.n_features());
    for (tree, weight) in model.trees().iter().zip(model.tree_weights()).take(trees) {
        if tree.has_categorical_splits()
            || tree.is_vector_leaf()
            || weight.to_bits() != 1_f32.to_bits()
        {
            return Err(unexpected());
        }
        let child = |index: i32| usize::try_from(index).unwrap_or(usize::MAX);
        let nodes: Vec<Source> = tree
            .nodes()
            .iter()
            .map(|node| Source {
                cover: node.sum_hess,
                split: if node.is_leaf() {
                    Err(node.leaf_value)
                } else {
                    Ok(Split {
                        place: node.split_feature as usize,
                        threshold: node.split_cond,
                        missing_left: node.default_left,
                        left: child(node.left),
                        right: child(node.right),
                    })
                },
            })
            .collect();
        forest
            .push(&nodes)
            .map_err(|e| TrainError::Fit(e.to_string()))?;
    }
    Ok(forest)
}

impl From<HessboostError> for TrainError {
    fn from(error: HessboostError) -> Self {
        Self::Fit(error.to_string())
    }
}

#[cfg(test)]
mod tests;
