//! Stage 6: who leaves within 30 days after the snapshot, and what a model of
//! the past thought of it.

use super::constants::constant;
use super::dating::RESPONSE_CENTRE;
use super::draft::{Draft, Flag, chance};
use super::engagement::engagement_z;
use super::math::{self, exp, ln_1p};
use super::spec::Aim;
use super::variables::*;

const CHURN_RATE: Aim = Aim::percent("churn_rate_pct");

pub fn draw(d: &mut Draft) {
    const CHURN: Flag = Flag::of("churn", CHURN_RATE, TRUE_CHURN);

    let gain = d.structural(const { constant("churn_gain") });
    let threshold = d.flag(CHURNED, &CHURN, |r| {
        gain * (-0.9 * engagement_z(r) + 0.10 * r[DAYS_INACTIVE] - 0.12 * ln_1p(r[SESSIONS])
            + 1.1 * exp(-r[TENURE] / 3.0)
            - 0.10 * ln_1p(r[TENURE])
            - 0.30 * (r[SATISFACTION] - 2.9)
            - 0.008 * (r[RESPONSE_RATE] - RESPONSE_CENTRE)
            - 0.35 * r[ACCOUNT_TYPE]
            + 0.06 * ln_1p(r[BLOCKED]))
    });
    // The true log odds, seen through noise.
    d.fill(CHURN_PROBABILITY, |r, draw| {
        exp(0.80 * (r[PREDICTOR] - threshold) + 0.75 * draw.normal())
    });
    let shift = d.solve_shift(
        const { constant("churn_probability") },
        CHURN_PROBABILITY,
        CHURN_RATE,
    );
    d.fill(CHURN_PROBABILITY, |r, _| {
        math::round(chance(shift * r[CHURN_PROBABILITY]), 3)
    });
}
