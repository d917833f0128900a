//! The two candidates of every training: a forest, and the linear baseline that
//! it must beat.

use super::TrainError;
use super::boost::{Grounds, Labels, Loss};
use super::calibrate::calibrated;
use super::data::{Data, Table};
use super::forest::Forest;
use super::linear::{Fit, Linear};
use super::metrics::TWEEDIE_POWER;
use super::scorer::{Link, Scorer};
use super::split::{Draw, draw};
use super::target::Outcome;
use super::watch::Watch;

/// The most rows that the baseline is fitted to: its hundred weights are no
/// better for more, and smartcore takes its time.
const BASELINE_ROWS: f64 = 16_000.0;

/// The part of the forest for the mean in a forest for amounts: what is left is
/// the forest for what is typical.
const MEAN: f32 = 0.35;

/// A scorer that may come to serve.
pub(super) struct Contender {
    pub name: &'static str,
    /// What it is, for the card.
    pub method: String,
    pub scorer: Scorer,
    pub link: Link,
}

impl Contender {
    /// What it predicts for each row.
    pub(super) fn values(&self, matrix: &[f32]) -> Vec<f64> {
        let margins = self.margins(matrix);
        margins.map(|margin| self.link.value(margin)).collect()
    }

    fn margins<'a>(&'a self, matrix: &'a [f32]) -> impl Iterator<Item = f64> + 'a {
        let rows = matrix.chunks_exact(self.scorer.width());
        rows.map(|row| self.scorer.margin(row))
    }

    pub(super) fn forest(data: &Data, watch: &Watch<'_>) -> Result<Self, TrainError> {
        let train = data.train_with_gaps();
        let labels = train.labels;
        let validation = data.validation.matrix.clone();
        let grounds = Grounds::new(train.matrix, validation, data.width())?;
        let grow = |loss, watch: &Watch<'_>| {
            let labels = Labels {
                train: learnt(data.outcome, loss, &labels),
                validation: learnt(data.outcome, loss, &data.validation.labels),
            };
            grounds.grow(loss, &labels, data.seed, watch)
        };
        let (forest, method) = match data.outcome {
            Outcome::Binary => (grow(Loss::Log, watch)?, "for log loss".to_owned()),
            Outcome::Score { .. } => (
                grow(Loss::Share, watch)?,
                "for the logistic loss of a share".to_owned(),
            ),
            Outcome::Count { .. } => (
                grow(Loss::Squared, watch)?,
                "for the squared error of the logarithm".to_owned(),
            ),
            Outcome::Amount { .. } => {
                let half = |p| watch.tell(p / 2.0);
                let mean = grow(Loss::Tweedie, &watch.telling(&half))?;
                let half = |p| watch.tell(0.5 + p / 2.0);
                let typical = grow(Loss::Squared, &watch.telling(&half))?;
                between(data, mean, typical)
            }
        };
        let mut forest = Self {
            name: "forest",
            method: format!(
                "{} gradient-boosted trees of depth {}, {method}",
                forest.trees().len(),
                forest.depth(),
            ),
            scorer: Scorer::Forest(forest),
            link: Link::of_forest(data.outcome),
        };
        forest.set_right(data);
        Ok(forest)
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
        let mut baseline = Self {
            name: "baseline",
            method: format!("{kind}, fitted to {} rows", table.labels.len()),
            scorer: Scorer::Linear(linear),
            link,
        };
        baseline.set_right(data);
        Ok(baseline)
    }

    /// Sets probabilities right on the calibration rows, if they need it.
    fn set_right(&mut self, data: &Data) {
        if data.outcome == Outcome::Binary {
            let margins: Vec<f64> = self.margins(&data.calibration.matrix).collect();
            self.link = calibrated(&margins, &data.calibration.labels);
        }
    }
}

/// The labels as a forest of this loss learns them.
fn learnt(outcome: Outcome, loss: Loss, labels: &[f64]) -> Vec<f64> {
    let learnt = |y: f64| match (outcome, loss) {
        (Outcome::Score { least, most, .. }, _) => (y - least) / (most - least),
        (_, Loss::Squared) => y.ln_1p(),
        _ => y,
    };
    labels.iter().map(|&y| learnt(y)).collect()
}

/// One forest between the logarithm of an amount's mean and the mean of its
/// logarithm. The first follows the few large amounts and finds where the money
/// is; the second follows the many small ones and ranks the customers; what lies
/// between is nearly as good as either at what it does best. It is shifted so
/// that its amounts add up to those of the training rows.
fn between(data: &Data, mean: Forest, typical: Forest) -> (Forest, String) {
    let method = format!(
        "{} for the Tweedie deviance of power {TWEEDIE_POWER} and {} for the squared error of the logarithm, of which the margin takes {MEAN} and {}",
        mean.trees().len(),
        typical.trees().len(),
        1.0 - MEAN,
    );
    let mut forest = typical.blend(mean, MEAN);
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
