//! A cohort while it is being drawn: its blocks, the constants, and the few
//! operations that all stages are made of.
//!
//! The same stages serve both ways to draw. With [`Draft::calibrating`] each
//! constant is solved on the rows at hand before the draws that need it; with
//! [`Draft::with_constants`] they are given, and a row depends on nothing but
//! the seed and its own number.

use rayon::prelude::*;

use super::block::{Block, Row, blocks};
use super::constants::{Constants, constant};
use super::draw::{Draw, Phase, Streams};
use super::math;
use super::solve;
use super::spec::{Aim, CohortSpec, PUBLISHED};
use super::unreachable::Unreached;
use super::variables::{ODDS, PREDICTOR, SCORE, WIDTH};
use crate::schema::COLUMN_COUNT;

/// How far a mean may be from its aim before it counts as out of reach: more
/// than the methods leave, far less than any cohort can show.
const OUT_OF_REACH: f64 = 1e-4;

/// How far a threshold is expected from its former value at most, and sought first.
const NEAR: f64 = 0.125;

/// A mean this near to its aim, of it, is at it: what rounding leaves of a sum.
const CLOSE: f64 = 1e-12;

/// A count of events whose rate varies between customers: Poisson with a
/// Gamma-distributed mean (negative binomial).
pub struct Count {
    constant: usize,
    /// Shape of the Gamma factor: the smaller, the more the customers differ.
    shape: f64,
    /// Mean a day (or week, or month) that the scale is solved for.
    aim: Aim,
}

/// A share whose mean follows a linear predictor: Beta with logistic mean.
pub struct Share {
    constant: usize,
    precision: f64,
    aim: Aim,
    /// Where the mean of each customer goes, where the truth is asked for.
    truth: Option<usize>,
}

/// A yes or no: the linear predictor plus logistic noise exceeds a threshold.
pub struct Flag {
    constant: usize,
    /// Share of all customers who have it.
    aim: Aim,
    /// Where its probability goes, where the truth is asked for.
    truth: usize,
}

impl Count {
    /// By the name of its constant.
    pub const fn of(name: &str, shape: f64, aim: Aim) -> Self {
        Self {
            constant: constant(name),
            shape,
            aim,
        }
    }
}

impl Share {
    /// By the name of its constant.
    pub const fn of(name: &str, precision: f64, aim: Aim) -> Self {
        Self {
            constant: constant(name),
            precision,
            aim,
            truth: None,
        }
    }

    /// With the true mean of each customer.
    pub const fn with_truth(self, truth: usize) -> Self {
        Self {
            truth: Some(truth),
            ..self
        }
    }
}

impl Flag {
    /// By the name of its constant.
    pub const fn of(name: &str, aim: Aim, truth: usize) -> Self {
        Self {
            constant: constant(name),
            aim,
            truth,
        }
    }
}

/// A cohort, or a part of one, while it is being drawn.
pub struct Draft<'a> {
    spec: &'a CohortSpec,
    seed: u64,
    pub blocks: Vec<Block>,
    constants: Constants,
    calibrating: bool,
    truth: bool,
    /// Whether a stage is run for the second time, with draws of its own.
    replica: bool,
    unreached: Vec<Unreached>,
    progress: Option<&'a (dyn Fn() + Sync)>,
}

impl<'a> Draft<'a> {
    /// `rows` customers from the first on, whose constants are yet to be solved.
    pub fn calibrating(
        spec: &'a CohortSpec,
        seed: u64,
        rows: u64,
        progress: &'a (dyn Fn() + Sync),
    ) -> Self {
        Self {
            calibrating: true,
            progress: Some(progress),
            ..Self::with_constants(spec, seed, 0, rows, Constants::default())
        }
    }

    /// Customers `first` to `first + rows`, with the constants given.
    pub fn with_constants(
        spec: &'a CohortSpec,
        seed: u64,
        first: u64,
        rows: u64,
        constants: Constants,
    ) -> Self {
        Self {
            spec,
            seed,
            blocks: blocks(first, rows),
            constants,
            calibrating: false,
            truth: false,
            replica: false,
            unreached: Vec::new(),
            progress: None,
        }
    }

    /// With what is true behind the targets.
    pub fn with_truth(self, truth: bool) -> Self {
        Self { truth, ..self }
    }

    pub fn is_calibrating(&self) -> bool {
        self.calibrating
    }

    /// Whether what is true behind the targets is asked for, and not yet drawn.
    pub fn wants_truth(&self) -> bool {
        self.truth && !self.replica
    }

    pub fn spec(&self) -> &'a CohortSpec {
        self.spec
    }

    /// Statistics that calibration could not bring to their targets, so far.
    pub fn unreached(&mut self) -> Vec<Unreached> {
        std::mem::take(&mut self.unreached)
    }

    /// Blocks and constants, once all stages have run.
    pub fn finish(self) -> (Vec<Block>, Constants) {
        (self.blocks, self.constants)
    }

    /// Lets go of variables that no later stage reads.
    pub fn release(&mut self, variables: &[usize]) {
        for block in &mut self.blocks {
            block.release(variables);
        }
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
        let stream = variable
            + if self.replica {
                WIDTH + COLUMN_COUNT
            } else {
                0
            };
        let streams = Streams::new(self.seed, stream, phase);
        each(&mut self.blocks, &|block| {
            block.fill(variable, streams, &value);
        });
        if let Some(progress) = self.progress {
            progress();
        }
    }

    /// A constant: solved now if this draft calibrates, else as given.
    pub fn solve(&mut self, name: usize, value: impl FnOnce(&Self) -> f64) -> f64 {
        let [constant] = self.solve_all([name], |draft| [value(draft)]);
        constant
    }

    /// Several constants that come out of one pass over the rows.
    pub fn solve_all<const N: usize>(
        &mut self,
        names: [usize; N],
        values: impl FnOnce(&Self) -> [f64; N],
    ) -> [f64; N] {
        if self.calibrating {
            for (name, value) in names.into_iter().zip(values(self)) {
                self.constants[name] = value;
            }
        }
        names.map(|name| self.constants[name])
    }

    /// A constant that shapes the population and is the same for every cohort.
    pub fn structural(&self, name: usize) -> f64 {
        self.constants[name]
    }

    /// The constant that brings `mean`, which it makes larger or smaller
    /// throughout, to its aim. Where there is none, the nearest, and the
    /// statistic is told to be out of reach.
    pub fn solve_for(
        &mut self,
        name: usize,
        aim: Aim,
        range: (f64, f64),
        mean: impl Fn(&Self, f64) -> f64,
    ) -> f64 {
        self.solve_within(CLOSE, name, aim, range, mean)
    }

    /// The same for a mean of whole numbers, which moves in steps.
    pub fn solve_in_steps(
        &mut self,
        name: usize,
        aim: Aim,
        range: (f64, f64),
        mean: impl Fn(&Self, f64) -> f64,
    ) -> f64 {
        self.solve_within(0.0, name, aim, range, mean)
    }

    fn solve_within(
        &mut self,
        close: f64,
        name: usize,
        aim: Aim,
        range: (f64, f64),
        mean: impl Fn(&Self, f64) -> f64,
    ) -> f64 {
        if self.calibrating {
            let asked = aim.mean(self.spec.values());
            let close = close * asked.abs();
            let root = solve::root(
                |x| mean(self, x) - asked,
                close,
                self.constants[name],
                range,
            );
            self.constants[name] = root.at;
            self.reached(aim, asked + root.missed_by);
        }
        self.constants[name]
    }

    /// Takes note where calibration brought a mean to something else than its aim.
    pub fn reached(&mut self, aim: Aim, mean: f64) {
        let asked = aim.mean(self.spec.values());
        let (Aim::Published { statistic, .. }, true) = (aim, self.calibrating) else {
            return;
        };
        if (mean - asked).abs() > OUT_OF_REACH * asked.abs().max(1e-9) {
            self.unreached.push(Unreached {
                statistic: PUBLISHED[statistic].id,
                asked: self.spec.values()[statistic],
                nearest: aim.statistic_at(mean),
            });
        }
    }

    /// Runs a stage once more on what the customers had before it, with draws of
    /// its own and the constants as they are. Its `outputs` stay what they were;
    /// what it would have made of one of them goes to another variable.
    pub fn replicate<const N: usize>(
        &mut self,
        outputs: [usize; N],
        (from, to): (usize, usize),
        stage: impl FnOnce(&mut Self),
    ) {
        let take = |block: &mut Block| outputs.map(|variable| block.take(variable));
        let kept: Vec<[Vec<f64>; N]> = self.blocks.iter_mut().map(take).collect();
        let calibrating = std::mem::replace(&mut self.calibrating, false);
        self.replica = true;
        stage(self);
        self.replica = false;
        self.calibrating = calibrating;
        for (block, kept) in self.blocks.iter_mut().zip(kept) {
            let drawn = block.take(from);
            block.put(to, drawn);
            for (variable, values) in outputs.into_iter().zip(kept) {
                block.put(variable, values);
            }
        }
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
        of_each(&self.blocks, &of_block)
            .into_iter()
            .fold([0.0; N], add)
    }

    pub fn mean(&self, value: impl Fn(Row) -> f64 + Sync) -> f64 {
        self.sum(value) / self.rows()
    }

    /// How many rows there are.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    pub fn rows(&self) -> f64 {
        self.blocks.iter().map(Block::rows).sum::<usize>() as f64
    }

    /// `value` of all rows for which there is one, in order.
    pub fn collect(&self, value: impl Fn(Row) -> Option<f64> + Sync) -> Vec<f64> {
        let of_block = |block: &Block| block.iter().filter_map(&value).collect::<Vec<f64>>();
        of_each(&self.blocks, &of_block).concat()
    }

    /// What exactly so many scores exceed (ties apart), of all that have one; how
    /// many that is to be follows from how many have. Scores far from the
    /// constant's former value are counted and need not be sorted.
    pub fn threshold(
        &self,
        name: usize,
        score: impl Fn(Row) -> Option<f64> + Sync,
        count: impl FnOnce(f64) -> usize,
    ) -> f64 {
        let near = self.constants[name] - NEAR..self.constants[name] + NEAR;
        let flag = |yes: bool| f64::from(u8::from(yes));
        let [scored, above] = self.sums(|r| match score(r) {
            Some(score) => [1.0, flag(score >= near.end)],
            None => [0.0, 0.0],
        });
        let (count, above) = (count(scored), head_count(above));
        let close = self.collect(|r| score(r).filter(|score| near.contains(score)));
        if (above + 1..=above + close.len()).contains(&count) {
            solve::threshold(close, count - above)
        } else {
            solve::threshold(self.collect(score), count)
        }
    }

    /// A weight times a Gamma factor, scaled to a mean; not yet rounded.
    pub fn scaled(&mut self, variable: usize, count: &Count, weight: impl Fn(Row) -> f64 + Sync) {
        self.weigh(variable, |r, draw| {
            weight(r) * draw.gamma_factor(count.shape)
        });
        let scale = self.scale(variable, count);
        self.fill(variable, |r, _| scale * r[variable]);
    }

    /// The factor on a variable that brings its mean to that of the count.
    fn scale(&mut self, variable: usize, count: &Count) -> f64 {
        self.solve(count.constant, |d| {
            count.aim.mean(d.spec.values()) / d.mean(|r| r[variable])
        })
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
        let weight = |r: Row| math::exp(log_weight(r));
        self.count_as(variable, 30.0, count, weight, |drawn| {
            math::round(drawn / 30.0, 1)
        });
    }

    /// A count over so many periods of the mean.
    pub fn count_over(
        &mut self,
        variable: usize,
        periods: f64,
        count: &Count,
        weight: impl Fn(Row) -> f64 + Sync,
    ) {
        self.count_as(variable, periods, count, weight, |drawn| drawn);
    }

    /// What is made of a count over so many periods of the mean.
    fn count_as(
        &mut self,
        variable: usize,
        periods: f64,
        count: &Count,
        weight: impl Fn(Row) -> f64 + Sync,
        made: impl Fn(f64) -> f64 + Sync,
    ) {
        self.weigh(variable, |r, draw| {
            weight(r) * draw.gamma_factor(count.shape)
        });
        let scale = self.scale(variable, count);
        self.fill(variable, |r, draw| {
            made(draw.poisson(periods * scale * r[variable]))
        });
    }

    /// A share between 0 and 1, whose linear predictor is given.
    pub fn share(&mut self, variable: usize, share: &Share, predictor: impl Fn(Row) -> f64 + Sync) {
        self.share_as(variable, share, predictor, |drawn| drawn);
    }

    /// What is made of a share between 0 and 1.
    pub fn share_as(
        &mut self,
        variable: usize,
        share: &Share,
        predictor: impl Fn(Row) -> f64 + Sync,
        made: impl Fn(f64) -> f64 + Sync,
    ) {
        // Odds instead of logits: shifting them is a product, without an
        // exponential for every row and every step of the solution.
        self.weigh(ODDS, |r, _| math::exp(predictor(r)));
        let shift = self.solve_shift(share.constant, ODDS, share.aim);
        if let (true, Some(truth)) = (self.truth, share.truth) {
            self.fill(truth, |r, _| chance(shift * r[ODDS]));
        }
        self.fill(variable, |r, draw| {
            made(draw.beta(chance(shift * r[ODDS]), share.precision))
        });
    }

    /// The factor on a variable's odds that brings their mean chance to its
    /// aim; its logarithm is the constant.
    pub fn solve_shift(&mut self, name: usize, odds: usize, aim: Aim) -> f64 {
        let rows = self.rows();
        let shift = self.solve_for(name, aim, (-30.0, 30.0), |d, shift| {
            let factor = math::exp(shift);
            let of_block = |block: &Block| sum_of_chances(block.column(odds), factor);
            of_each(&d.blocks, &of_block).iter().sum::<f64>() / rows
        });
        math::exp(shift)
    }

    /// A share as a percentage of so many decimals.
    pub fn percentage(
        &mut self,
        variable: usize,
        places: u8,
        share: &Share,
        predictor: impl Fn(Row) -> f64 + Sync,
    ) {
        self.share_as(variable, share, predictor, |drawn| {
            math::round(100.0 * drawn, places)
        });
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
        let mut eligible = f64::INFINITY;
        let threshold = self.solve(flag.constant, |d| {
            let share = flag.aim.mean(d.spec.values());
            let score = |r: Row| r[SCORE].is_finite().then_some(r[SCORE]);
            d.threshold(flag.constant, score, |scored| {
                eligible = scored / d.rows();
                head_count(share * d.rows())
            })
        });
        let share = flag.aim.mean(self.spec.values());
        self.reached(flag.aim, share.min(eligible));
        self.fill(variable, |r, _| f64::from(r[SCORE] > threshold));
        if self.truth {
            self.fill(flag.truth, |r, _| math::logistic(r[PREDICTOR] - threshold));
        }
        threshold
    }
}

/// Does something to each block, on all threads.
///
/// Not generic over what is done: a stage has many fills, and each would bring
/// all of the work on threads with it into the program, for a call a block.
fn each(blocks: &mut [Block], work: &(dyn Fn(&mut Block) + Sync)) {
    match blocks {
        [one] => work(one),
        many => many.par_iter_mut().for_each(work),
    }
}

/// What is said of each block, in order; see [`each`].
fn of_each<T: Send>(blocks: &[Block], what: &(dyn Fn(&Block) -> T + Sync)) -> Vec<T> {
    blocks.par_iter().map(what).collect()
}

/// Odds as a probability.
pub fn chance(odds: f64) -> f64 {
    odds / (1.0 + odds)
}

/// The sum of the chances of all odds times a factor; in four lanes, so that
/// the processor need not wait for one addition before the next.
fn sum_of_chances(odds: &[f64], factor: f64) -> f64 {
    let lanes = odds.chunks_exact(4);
    let rest: f64 = lanes.remainder().iter().map(|o| chance(factor * o)).sum();
    let mut sums = [0.0; 4];
    for four in lanes {
        for (sum, o) in sums.iter_mut().zip(four) {
            *sum += chance(factor * o);
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// A share of the customers as a number of them.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of customers: not negative, far below 2^53"
)]
pub fn head_count(x: f64) -> usize {
    x.round_ties_even() as usize
}
