//! A cohort while it is being drawn: its blocks, the constants, and the few
//! operations that all stages are made of ([`kinds`] has those that draw).
//!
//! The same stages serve both ways to draw. With [`Draft::calibrating`] each
//! constant is solved on the rows at hand before the draws that need it; with
//! [`Draft::with_constants`] they are given, and a row depends on nothing but
//! the seed and its own number.

mod kinds;

use rayon::prelude::*;

pub use kinds::{Count, Flag, Share, chance};

use super::block::{Block, Row, blocks};
use super::constants::Constants;
use super::draw::{Draw, Phase, Streams};
use super::solve;
use super::spec::{Aim, CohortSpec, PUBLISHED};
use super::unreachable::Unreached;
use super::variables::WIDTH;
use crate::schema::COLUMN_COUNT;

/// How far a mean may be from its aim before it counts as out of reach: more
/// than the methods leave, far less than any cohort can show.
const OUT_OF_REACH: f64 = 1e-4;

/// How far a threshold is expected from its former value at most, and sought first.
const NEAR: f64 = 0.125;

/// A mean this near to its aim, of it, is at it: what rounding leaves of a sum.
const CLOSE: f64 = 1e-12;

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

/// A share of the customers as a number of them.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of customers: not negative, far below 2^53"
)]
pub fn head_count(x: f64) -> usize {
    x.round_ties_even() as usize
}
