//! A cohort while it is being drawn: blocks of rows, the constants, and the few
//! operations that all stages are made of.
//!
//! The same stages serve both ways to draw. With [`Draft::calibrating`] each
//! constant is solved on the rows at hand before the draws that need it; with
//! [`Draft::with_constants`] they are given, and a row depends on nothing but
//! the seed and its own number.

use rayon::prelude::*;

use super::constants::Constants;
use super::draw::{Draw, Phase, Streams};
use super::math;
use super::solve;
use super::variables::{PREDICTOR, SCORE, WIDTH};

/// Rows of a block: its columns in use fit the second-level cache.
pub const BLOCK_ROWS: usize = 4096;

/// Consecutive rows, a column after the other.
pub struct Block {
    first: u64,
    rows: usize,
    values: Vec<f64>,
}

impl Block {
    fn new(first: u64, rows: usize) -> Self {
        Self {
            first,
            rows,
            values: vec![0.0; WIDTH * rows],
        }
    }

    /// The number of the first row, from 0.
    pub fn first(&self) -> u64 {
        self.first
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn column(&self, variable: usize) -> &[f64] {
        &self.values[variable * self.rows..][..self.rows]
    }

    fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.rows).map(|at| Row { block: self, at })
    }

    /// Fills one variable; the closure sees all variables filled before it,
    /// and this one's former value.
    fn fill(&mut self, variable: usize, streams: Streams, value: impl Fn(Row, &mut Draw) -> f64) {
        let mut filled = Vec::with_capacity(self.rows);
        for (row, number) in self.iter().zip(self.first..) {
            filled.push(value(row, &mut streams.row(number)));
        }
        self.values[variable * self.rows..][..self.rows].copy_from_slice(&filled);
    }
}

/// One customer of a block, indexed by variable.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    block: &'a Block,
    at: usize,
}

impl std::ops::Index<usize> for Row<'_> {
    type Output = f64;

    #[inline]
    fn index(&self, variable: usize) -> &f64 {
        &self.block.values[variable * self.block.rows + self.at]
    }
}

/// A count of events whose rate varies between customers: Poisson with a
/// Gamma-distributed mean (negative binomial).
pub struct Count {
    pub constant: usize,
    /// Shape of the Gamma factor: the smaller, the more the customers differ.
    pub shape: f64,
    /// Mean a day (or week, or month) that the scale is solved for.
    pub mean: f64,
}

/// A share whose mean follows a linear predictor: Beta with logistic mean.
pub struct Share {
    pub constant: usize,
    pub precision: f64,
    pub mean: f64,
}

/// A yes or no: the linear predictor plus logistic noise exceeds a threshold.
pub struct Flag {
    pub constant: usize,
    /// Share of all customers who have it.
    pub share: f64,
}

/// A cohort, or a part of one, while it is being drawn.
pub struct Draft<'a> {
    seed: u64,
    pub blocks: Vec<Block>,
    constants: Constants,
    calibrating: bool,
    progress: Option<&'a (dyn Fn() + Sync)>,
}

impl<'a> Draft<'a> {
    /// `rows` customers from the first on, whose constants are yet to be solved.
    pub fn calibrating(seed: u64, rows: u64, progress: &'a (dyn Fn() + Sync)) -> Self {
        Self {
            seed,
            blocks: blocks(0, rows),
            constants: Constants::default(),
            calibrating: true,
            progress: Some(progress),
        }
    }

    /// Customers `first` to `first + rows`, with the constants given.
    pub fn with_constants(seed: u64, first: u64, rows: u64, constants: Constants) -> Self {
        Self {
            seed,
            blocks: blocks(first, rows),
            constants,
            calibrating: false,
            progress: None,
        }
    }

    /// Blocks and constants, once all stages have run.
    pub fn finish(self) -> (Vec<Block>, Constants) {
        (self.blocks, self.constants)
    }

    /// Fills a variable row by row.
    pub fn fill(&mut self, variable: usize, value: impl Fn(Row, &mut Draw) -> f64 + Sync) {
        self.fill_phase(variable, Phase::Value, value);
    }

    /// Fills a variable with what its calibration is solved on; its own stream.
    pub fn weigh(&mut self, variable: usize, value: impl Fn(Row, &mut Draw) -> f64 + Sync) {
        self.fill_phase(variable, Phase::Weight, value);
    }

    fn fill_phase(
        &mut self,
        variable: usize,
        phase: Phase,
        value: impl Fn(Row, &mut Draw) -> f64 + Sync,
    ) {
        let streams = Streams::new(self.seed, variable, phase);
        let fill = |block: &mut Block| block.fill(variable, streams, &value);
        match self.blocks.as_mut_slice() {
            [one] => fill(one),
            many => many.par_iter_mut().for_each(fill),
        }
        if let Some(progress) = self.progress {
            progress();
        }
    }

    /// A constant: solved now if this draft calibrates, else as given.
    pub fn solve(&mut self, name: usize, value: impl FnOnce(&Self) -> f64) -> f64 {
        if self.calibrating {
            self.constants[name] = value(self);
        }
        self.constants[name]
    }

    /// A constant that shapes the population and is the same for every cohort.
    pub fn structural(&self, name: usize) -> f64 {
        self.constants[name]
    }

    /// The constant that makes the increasing or decreasing `excess` 0.
    pub fn solve_root(
        &mut self,
        name: usize,
        range: (f64, f64),
        excess: impl Fn(&Self, f64) -> f64,
    ) -> f64 {
        let guess = self.constants[name];
        self.solve(name, |draft| {
            solve::root(|x| excess(draft, x), guess, range)
        })
    }

    /// The sum of `value` over all rows: the same on any number of threads,
    /// since the blocks' sums are added in their order.
    pub fn sum(&self, value: impl Fn(Row) -> f64 + Sync) -> f64 {
        self.sums(|row| [value(row)])[0]
    }

    /// Several sums in one pass.
    pub fn sums<const N: usize>(&self, value: impl Fn(Row) -> [f64; N] + Sync) -> [f64; N] {
        let add = |mut total: [f64; N], part: [f64; N]| {
            for (t, p) in total.iter_mut().zip(part) {
                *t += p;
            }
            total
        };
        let of_block = |block: &Block| block.iter().map(&value).fold([0.0; N], add);
        let parts: Vec<[f64; N]> = self.blocks.par_iter().map(of_block).collect();
        parts.into_iter().fold([0.0; N], add)
    }

    pub fn mean(&self, value: impl Fn(Row) -> f64 + Sync) -> f64 {
        self.sum(value) / self.rows()
    }

    /// How many rows there are.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    pub fn rows(&self) -> f64 {
        self.blocks.iter().map(|b| b.rows).sum::<usize>() as f64
    }

    /// `value` of all rows for which there is one, in order.
    pub fn collect(&self, value: impl Fn(Row) -> Option<f64> + Sync) -> Vec<f64> {
        self.blocks
            .iter()
            .flat_map(|block| block.iter().filter_map(&value))
            .collect()
    }

    /// A weight times a Gamma factor, scaled to a mean; not yet rounded.
    pub fn scaled(&mut self, variable: usize, count: &Count, weight: impl Fn(Row) -> f64 + Sync) {
        self.weigh(variable, |r, draw| {
            weight(r) * draw.gamma_factor(count.shape)
        });
        let scale = self.solve(count.constant, |d| count.mean / d.mean(|r| r[variable]));
        self.fill(variable, |r, _| scale * r[variable]);
    }

    /// A count whose log weight is given, over one period.
    pub fn count(
        &mut self,
        variable: usize,
        count: &Count,
        log_weight: impl Fn(Row) -> f64 + Sync,
    ) {
        self.count_over(variable, 1.0, count, |r| math::exp(log_weight(r)));
    }

    /// A mean a day of a count over 30 days, rounded to one decimal.
    pub fn daily(
        &mut self,
        variable: usize,
        count: &Count,
        log_weight: impl Fn(Row) -> f64 + Sync,
    ) {
        self.count_over(variable, 30.0, count, |r| math::exp(log_weight(r)));
        self.fill(variable, |r, _| math::round(r[variable] / 30.0, 1));
    }

    /// A count over so many periods of the mean.
    pub fn count_over(
        &mut self,
        variable: usize,
        periods: f64,
        count: &Count,
        weight: impl Fn(Row) -> f64 + Sync,
    ) {
        self.weigh(variable, |r, draw| {
            weight(r) * draw.gamma_factor(count.shape)
        });
        let scale = self.solve(count.constant, |d| count.mean / d.mean(|r| r[variable]));
        self.fill(variable, |r, draw| {
            draw.poisson(periods * scale * r[variable])
        });
    }

    /// A share between 0 and 1, whose linear predictor is given.
    pub fn share(&mut self, variable: usize, share: &Share, predictor: impl Fn(Row) -> f64 + Sync) {
        self.weigh(PREDICTOR, |r, _| predictor(r));
        let shift = self.solve_root(share.constant, (-8.0, 8.0), |d, shift| {
            d.mean(|r| math::logistic(r[PREDICTOR] + shift)) - share.mean
        });
        self.fill(variable, |r, draw| {
            draw.beta(math::logistic(r[PREDICTOR] + shift), share.precision)
        });
    }

    /// A share as a percentage of so many decimals.
    pub fn percentage(
        &mut self,
        variable: usize,
        places: u8,
        share: &Share,
        predictor: impl Fn(Row) -> f64 + Sync,
    ) {
        self.share(variable, share, predictor);
        self.fill(variable, |r, _| math::round(100.0 * r[variable], places));
    }

    /// 1 for the customers whose predictor plus noise is highest, exactly the
    /// share asked for while calibrating; never for a predictor of -∞.
    pub fn flag(
        &mut self,
        variable: usize,
        flag: &Flag,
        predictor: impl Fn(Row) -> f64 + Sync,
    ) -> f64 {
        self.weigh(PREDICTOR, |r, _| predictor(r));
        self.weigh(variable, |_, draw| draw.logistic());
        self.fill(SCORE, |r, _| r[PREDICTOR] + r[variable]);
        let threshold = self.solve(flag.constant, |d| {
            let scores = d.collect(|r| r[SCORE].is_finite().then_some(r[SCORE]));
            solve::threshold(scores, whole(flag.share * d.rows()))
        });
        self.fill(variable, |r, _| f64::from(r[SCORE] > threshold));
        threshold
    }
}

/// The nearest whole number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of customers: not negative, far below 2^53"
)]
pub fn whole(x: f64) -> usize {
    x.round_ties_even() as usize
}

fn blocks(first: u64, rows: u64) -> Vec<Block> {
    let end = first + rows;
    (first..end)
        .step_by(BLOCK_ROWS)
        .map(|start| {
            let left = usize::try_from(end - start).unwrap_or(usize::MAX);
            Block::new(start, left.min(BLOCK_ROWS))
        })
        .collect()
}
