//! The kinds of variables that stages draw: counts, shares, and yes or no.
//!
//! Each is drawn around a predictor of the stage's, and has one constant that
//! brings its mean to what is published.

use super::{Draft, head_count, of_each};
use crate::cohort::block::{Block, Row};
use crate::cohort::constants::constant;
use crate::cohort::math;
use crate::cohort::spec::Aim;
use crate::cohort::variables::{ODDS, PREDICTOR, SCORE};

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

impl Draft<'_> {
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
