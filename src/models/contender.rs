//! The two candidates of every training: a forest, and the linear baseline that
//! it must beat.

use super::TrainError;
use super::boost::{self, Loss};
use super::data::{Data, Table};
use super::forest::Forest;
use super::linear::{Fit, Linear};
use super::metrics::TWEEDIE_POWER;
use super::scorer::{Link, Scorer};
use super::split::{Draw, draw};
use super::target::Outcome;

/// The most rows that the baseline is fitted to: its hundred weights are no
/// better for more, and smartcore takes its time.
const BASELINE_ROWS: f64 = 16_000.0;

/// A scorer that may come to serve.
pub(super) struct Contender {
    pub name: &'static str,
    /// What it is, for the card.
    pub method: String,
    pub scorer: Scorer,
    pub link: Link,
}

type Progress<'a> = &'a (dyn Fn(f64) + Sync);

impl Contender {
    /// What it predicts for each row.
    pub(super) fn values(&self, matrix: &[f32]) -> Vec<f64> {
        matrix
            .chunks_exact(self.scorer.width())
            .map(|row| self.link.value(self.scorer.margin(row)))
            .collect()
    }

    pub(super) fn forest(data: &Data, progress: Progress<'_>) -> Result<Self, TrainError> {
        let train = data.train_with_gaps();
        let (forest, method) = match data.outcome {
            Outcome::Binary => (
                single(data, &train, Loss::Log, progress)?,
                "for log loss".to_owned(),
            ),
            Outcome::Score { .. } => (
                single(data, &train, Loss::Share, progress)?,
                "for the logistic loss of a share".to_owned(),
            ),
            Outcome::Count { .. } => (
                single(data, &train, Loss::Squared, progress)?,
                "for the squared error of the logarithm".to_owned(),
            ),
            Outcome::Amount { .. } => {
                let mean = single(data, &train, Loss::Tweedie, &|p| progress(p / 2.0))?;
                let typical = typical(data, &train, &|p| progress(0.5 + p / 2.0))?;
                between(data, mean, typical)
            }
        };
        Ok(Self {
            name: "forest",
            method: format!(
                "{} gradient-boosted trees of depth {}, {method}",
                forest.trees().len(),
                forest.depth(),
            ),
            scorer: Scorer::Forest(forest),
            link: Link::of_forest(data.outcome),
        })
    }

    pub(super) fn baseline(data: &Data) -> Result<Self, TrainError> {
        let width = data.width();
        #[expect(clippy::cast_precision_loss, reason = "counts of rows")]
        let share = BASELINE_ROWS / data.train.labels.len() as f64;
        let table = data
            .train
            .filter(width, |row| draw(data.seed, row, Draw::Baseline) < share);
        let fit = |fit, labels: &[f64]| Linear::fit(fit, &table.matrix, width, labels);
        let (linear, link, kind) = match data.outcome {
            Outcome::Binary => (
                fit(Fit::Logistic, &table.labels)?,
                Link::LOGISTIC,
                "logistic regression",
            ),
            Outcome::Score { least, most, .. } => (
                fit(Fit::Ridge, &table.labels)?,
                Link::Plain { least, most },
                "ridge regression",
            ),
            Outcome::Count { .. } => (
                fit(Fit::Ridge, &table.logarithms())?,
                Link::LogPlusOne { factor: 1.0 },
                "ridge regression of the logarithm",
            ),
            Outcome::Amount { .. } => {
                let linear = fit(Fit::Ridge, &table.logarithms())?;
                let link = smeared(&linear, &table, width);
                (linear, link, "ridge regression of the logarithm")
            }
        };
        Ok(Self {
            name: "baseline",
            method: format!("{kind}, fitted to {} rows", table.labels.len()),
            scorer: Scorer::Linear(linear),
            link,
        })
    }
}

fn single(
    data: &Data,
    train: &Table,
    loss: Loss,
    progress: Progress<'_>,
) -> Result<Forest, TrainError> {
    let labels = [&train.labels, &data.validation.labels].map(|l| learnt(data.outcome, l));
    let validation = data.validation.labelled(&labels[1]);
    let train = train.labelled(&labels[0]);
    boost::grow(loss, data.width(), train, validation, data.seed, progress)
}

/// The labels as the single forest of this outcome learns them.
fn learnt(outcome: Outcome, labels: &[f64]) -> Vec<f64> {
    let learnt = |y: f64| match outcome {
        Outcome::Binary | Outcome::Amount { .. } => y,
        Outcome::Score { least, most, .. } => (y - least) / (most - least),
        Outcome::Count { .. } => y.ln_1p(),
    };
    labels.iter().map(|&y| learnt(y)).collect()
}

/// A forest of what is typical: the mean logarithm.
fn typical(data: &Data, train: &Table, progress: Progress<'_>) -> Result<Forest, TrainError> {
    let labels = [train.logarithms(), data.validation.logarithms()];
    let validation = data.validation.labelled(&labels[1]);
    let train = train.labelled(&labels[0]);
    boost::grow(
        Loss::Squared,
        data.width(),
        train,
        validation,
        data.seed,
        progress,
    )
}

/// One forest halfway between the logarithm of an amount's mean and the mean of
/// its logarithm. The first follows the few large amounts and finds where the
/// money is; the second follows the many small ones and ranks the customers;
/// the middle is nearly as good as either at what it does best. It is shifted
/// so that its amounts add up to those of the training rows.
fn between(data: &Data, mean: Forest, typical: Forest) -> (Forest, String) {
    let method = format!(
        "{} for the Tweedie deviance of power {TWEEDIE_POWER} and {} for the squared error of the logarithm, averaged in the logarithm",
        mean.trees().len(),
        typical.trees().len()
    );
    let mut forest = mean.mean(typical);
    let rows = data.train.matrix.chunks_exact(data.width());
    let predicted: f64 = rows.map(|row| Link::Log.value(forest.margin(row))).sum();
    let found: f64 = data.train.labels.iter().sum();
    forest.shift((found / predicted).ln());
    (forest, method)
}

/// The link of a baseline that learnt logarithms: scaled so that what it
/// predicts for its own rows adds up to what they are (a ratio form of Duan's
/// smearing, which a few large errors would sway).
fn smeared(linear: &Linear, table: &Table, width: usize) -> Link {
    let found: f64 = table.labels.iter().map(|y| y + 1.0).sum();
    let predicted: f64 = table
        .matrix
        .chunks_exact(width)
        .map(|row| linear.margin(row).exp())
        .sum();
    Link::LogPlusOne {
        factor: found / predicted,
    }
}
