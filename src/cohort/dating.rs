//! Stage 3: dating use. Profile, swipes, matches, conversations, dates, safety
//! and satisfaction.

use super::block::Row;
use super::constants::constant;
use super::draft::{Count, Draft, Share};
use super::identity::{GENDER_SHARES, by_code};
use super::math::{self, exp, ln_1p, logit, pow};
use super::variables::*;

const DAYS: f64 = 30.0;
const DAYS_A_MONTH: f64 = 30.4375;

pub const QUALITY_MEAN: f64 = 52.8;
pub const RESPONSE_MEAN: f64 = 53.5;

/// Swipes a day: the mean, and the most that anybody makes.
const SWIPES_MEAN: f64 = 37.0;
const SWIPES_MOST: f64 = 400.0;

/// Mean of the customers' match rates, its ratio to the men's by gender, and
/// matches a day.
const MATCH_RATE_MEAN: f64 = 0.0294;
const MATCH_RATE_RATIO: [f64; 3] = [1.0, 3.0, 1.7];
const MATCHES_MEAN: f64 = 0.8;
const MATCH_CHANCE_MOST: f64 = 0.5;
const VISIBILITY_POWER: f64 = 0.8;

/// Dates completed a month, the most that can be, and dates per match of all time.
const DATES_MEAN: f64 = 2.8;
const DATES_MOST: f64 = 24.0;
const DATES_LIMIT: f64 = 31.0;
const CONVERSION_MEAN: f64 = 0.81;

pub fn draw(d: &mut Draft) {
    profile(d);
    swipes(d);
    matches(d);
    conversations(d);
    dates(d);
    safety_and_satisfaction(d);
    app_usage(d);
}

fn profile(d: &mut Draft) {
    const COMPLETION: Share = Share::of("profile_completion", 8.0, 0.68);
    const QUALITY: Share = Share::of("profile_quality", 16.0, QUALITY_MEAN / 100.0);

    d.share(PROFILE_SHARE, &COMPLETION, |r| {
        0.225 * r[DATING_BASE] + 0.35 * r[DATING_AFFINITY] + 0.25 * r[ACTIVITY]
    });
    d.fill(PROFILE_COMPLETION, |r, _| {
        math::round(100.0 * r[PROFILE_SHARE], 1)
    });
    d.fill(PHOTOS, |r, draw| {
        let predictor =
            -0.25 + 0.35 * r[DATING_AFFINITY] + 0.30 * r[ATTRACTIVENESS] + 0.15 * r[ACTIVITY];
        1.0 + draw.binomial(8.0, math::logistic(predictor))
    });
    d.percentage(PROFILE_QUALITY, 1, &QUALITY, |r| {
        1.3 * (r[PROFILE_SHARE] - 0.68) + 0.20 * (r[PHOTOS] - 4.6) + 0.50 * r[ATTRACTIVENESS]
    });
}

fn swipes(d: &mut Draft) {
    const RIGHT_RATE: Share = Share::of("right_rate", 12.0, 0.297);
    const BY_GENDER: [f64; 3] = [0.22, -0.22, 0.0];

    d.weigh(SWIPES_30, |r, draw| {
        exp(0.8 * (r[DATING_USE] - r[DATING_BASE]) + r[DATING_BASE]) * draw.gamma_factor(1.3)
    });
    let scale = d.solve_root(const { constant("swipes") }, (1.0, 4000.0), |d, scale| {
        d.mean(|r| (scale * r[SWIPES_30]).min(SWIPES_MOST)) - SWIPES_MEAN
    });
    d.fill(SWIPES_30, |r, draw| {
        draw.poisson(DAYS * (scale * r[SWIPES_30]).min(SWIPES_MOST))
            .clamp(1.0, 12_000.0)
    });
    d.share(SWIPE_RIGHT_RATE, &RIGHT_RATE, |r| {
        by_code(r[GENDER], BY_GENDER) - 0.15 * r[ATTRACTIVENESS]
    });
    d.fill(RIGHT_30, |r, draw| {
        draw.binomial(r[SWIPES_30], r[SWIPE_RIGHT_RATE]).min(4500.0)
    });
    d.fill(SWIPES_RIGHT, |r, _| math::round(r[RIGHT_30] / DAYS, 3));
    d.fill(SWIPES_LEFT, |r, _| {
        math::round((r[SWIPES_30] - r[RIGHT_30]) / DAYS, 3)
    });
    d.fill(SWIPE_RIGHT_RATE, |r, _| {
        math::percent(r[SWIPES_RIGHT], r[SWIPES_RIGHT] + r[SWIPES_LEFT])
    });
}

/// A swipe's chance of a match grows with use (visibility saturates at the
/// constant `h`) and with the profile; by gender it is scaled to its mean.
fn matches(d: &mut Draft) {
    d.fill(SWIPE_POWER, |r, _| {
        pow(r[RIGHT_30].max(1.0) / DAYS, VISIBILITY_POWER)
    });
    d.fill(APPEAL, |r, draw| {
        let appeal = 0.20 * (r[PROFILE_QUALITY] - QUALITY_MEAN) / 20.0 + 0.15 * draw.normal();
        if r[RIGHT_30] > 0.0 { exp(appeal) } else { 0.0 }
    });
    let half = d.solve_root(const { constant("visibility") }, (0.2, 400.0), |d, half| {
        let half = pow(half, VISIBILITY_POWER);
        let scales = gender_scales(d, half);
        d.mean(|r| match_chance(r, half, scales) * r[RIGHT_30] / DAYS) - MATCHES_MEAN
    });
    let half = pow(half, VISIBILITY_POWER);
    let names = const {
        [
            constant("match_male"),
            constant("match_female"),
            constant("match_nonbinary"),
        ]
    };
    let scales = d.solve_all(names, |d| gender_scales(d, half));
    d.fill(MATCH_CHANCE, |r, _| match_chance(r, half, scales));
    d.fill(MATCHES_30, |r, draw| {
        draw.binomial(r[RIGHT_30], r[MATCH_CHANCE])
    });
    d.fill(MATCHES, |r, _| math::round(r[MATCHES_30] / DAYS, 3));
    d.fill(MATCH_RATE, |r, _| {
        math::percent(r[MATCHES], r[SWIPES_RIGHT])
    });
    // Earlier months, and a first-month boost worth two; none for a customer
    // who is in the first month.
    d.weigh(MATCH_HISTORY, |r, draw| {
        if r[TENURE] == 0.0 {
            return 0.0;
        }
        draw.gamma(r[RIGHT_30] * r[MATCH_CHANCE] * (r[TENURE] + 2.0) * DAYS_A_MONTH / DAYS)
    });
}

/// Both the swipes and the swipes of half visibility are raised to their power.
fn visibility(r: Row, half: f64) -> f64 {
    r[SWIPE_POWER] / (r[SWIPE_POWER] + half) * r[APPEAL]
}

fn match_chance(r: Row, half: f64, scales: [f64; 3]) -> f64 {
    (by_code(r[GENDER], scales) * visibility(r, half)).min(MATCH_CHANCE_MOST)
}

/// The scale of each gender that brings its mean chance to its target.
fn gender_scales(d: &Draft, half: f64) -> [f64; 3] {
    let ratio_mean: f64 = GENDER_SHARES
        .iter()
        .zip(MATCH_RATE_RATIO)
        .map(|(s, r)| s * r)
        .sum();
    let sums = d.sums(|r| {
        let v = visibility(r, half);
        let of = [
            by_code(r[GENDER], [1.0, 0.0, 0.0]),
            by_code(r[GENDER], [0.0, 1.0, 0.0]),
            by_code(r[GENDER], [0.0, 0.0, 1.0]),
        ];
        [of[0] * v, of[1] * v, of[2] * v, of[0], of[1], of[2]]
    });
    std::array::from_fn(|g| {
        let mean = sums[g] / sums[g + 3];
        MATCH_RATE_MEAN / ratio_mean * MATCH_RATE_RATIO[g] / mean
    })
}

fn conversations(d: &mut Draft) {
    const RESPONSE: Share = Share::of("response_rate", 9.0, RESPONSE_MEAN / 100.0);
    const FIRST: Share = Share::of("first_response_rate", 12.0, 0.335);
    const SENT: Count = Count::of("messages", 3.0, 1.5);

    d.percentage(RESPONSE_RATE, 1, &RESPONSE, |r| {
        0.30 * r[ATTRACTIVENESS] + 0.30 * r[FIT] + by_code(r[GENDER], [-0.30, 0.30, 0.0])
    });
    d.percentage(FIRST_RESPONSE_RATE, 1, &FIRST, |r| {
        0.9 * logit(r[RESPONSE_RATE].clamp(2.0, 98.0) / 100.0)
    });
    d.count_over(SENT_30, DAYS, &SENT, |r| {
        pow(0.25 + r[MATCHES_30], 0.60) * exp(0.20 * r[FIT] + 0.10 * r[ACTIVITY])
    });
    d.fill(RECEIVED_30, |r, draw| {
        let answered = 0.35 + 1.05 * r[RESPONSE_RATE] / 100.0;
        draw.poisson(r[SENT_30] * answered * by_code(r[GENDER], [0.85, 1.15, 1.0]))
    });
    d.fill(MESSAGES_SENT, |r, _| math::round(r[SENT_30] / DAYS, 2));
    d.fill(MESSAGES_RECEIVED, |r, _| {
        math::round(r[RECEIVED_30] / DAYS, 2)
    });
    d.fill(CONVERSATION_LENGTH, |r, draw| {
        let messages = r[SENT_30] + r[RECEIVED_30];
        if messages == 0.0 {
            return 0.0;
        }
        let mean = 18.0 * exp(0.25 * r[FIT] - 0.03);
        math::round((mean * draw.gamma_factor(4.0)).max(1.0).min(messages), 1)
    });
}

fn dates(d: &mut Draft) {
    const SHOWN_UP: Share = Share::of("show_up_rate", 20.0, 0.80);

    d.percentage(SHOW_UP_RATE, 1, &SHOWN_UP, |r| 0.25 * r[FIT]);
    d.weigh(DATE_DRIVE, |r, draw| {
        // Newcomers: a match takes time to become a date.
        let ramp = (r[TENURE] + 0.3) / (r[TENURE] + 12.0);
        pow(r[MATCHES_30], 1.2)
            * ramp
            * exp(0.1 * (ln_1p(r[SENT_30] + r[RECEIVED_30]) - 4.0)
                + 0.012 * (r[RESPONSE_RATE] - RESPONSE_MEAN)
                + 0.35 * (ln_1p(r[CONVERSATION_LENGTH]) - 2.6))
            * draw.gamma_factor(0.9)
    });
    let agreed = |r: Row, scale: f64| {
        let wish = scale * r[DATE_DRIVE];
        DATES_MOST * wish / (DATES_MOST + wish)
    };
    let scale = d.solve_root(const { constant("dates") }, (0.001, 9.0), |d, scale| {
        d.mean(|r| agreed(r, scale) * r[SHOW_UP_RATE] / 100.0) - DATES_MEAN
    });
    d.fill(DATES_SCHEDULED, |r, draw| {
        draw.poisson(agreed(r, scale)).min(DATES_LIMIT)
    });
    d.fill(DATES_COMPLETED, |r, draw| {
        draw.binomial(r[DATES_SCHEDULED], r[SHOW_UP_RATE] / 100.0)
    });

    // The matches of all time, so that conversion has its mean; then nobody
    // has more dates than matches.
    let total = |r: Row, scale: f64| r[MATCHES_30] + (scale * r[MATCH_HISTORY] + 0.5).floor();
    let conversion = |r: Row, scale: f64| {
        let matches = total(r, scale);
        math::percent(r[DATES_COMPLETED].min(matches), matches)
    };
    let scale = d.solve_root(
        const { constant("match_history") },
        (0.2, 6.0),
        |d, scale| d.mean(|r| conversion(r, scale)) - CONVERSION_MEAN,
    );
    d.fill(TOTAL_MATCHES, |r, _| total(r, scale));
    d.fill(DATES_COMPLETED, |r, _| {
        r[DATES_COMPLETED].min(r[TOTAL_MATCHES])
    });
    d.fill(DATES_SCHEDULED, |r, _| {
        r[DATES_SCHEDULED]
            .min(r[TOTAL_MATCHES])
            .max(r[DATES_COMPLETED])
    });
    d.fill(DATE_CONVERSION, |r, _| {
        math::percent(r[DATES_COMPLETED], r[TOTAL_MATCHES])
    });
}

fn safety_and_satisfaction(d: &mut Draft) {
    const BLOCKS: Count = Count::of("blocked", 1.2, 2.2);
    const SCORE_SHARE: Share = Share::of("satisfaction", 7.0, (2.9 - 1.0) / 4.0);

    d.count_over(BLOCKED, 1.0, &BLOCKS, |r| {
        pow(r[TENURE] + 1.0, 0.7) * exp(0.4 * r[DATING_USE] - 0.25 * r[FIT])
    });
    d.fill(REPORTED, |r, draw| draw.binomial(r[BLOCKED], 0.28));
    d.share(SATISFACTION, &SCORE_SHARE, |r| {
        0.020 * (r[RESPONSE_RATE] - RESPONSE_MEAN)
            + 0.018 * (r[PROFILE_QUALITY] - QUALITY_MEAN)
            + 0.25 * (ln_1p(r[CONVERSATION_LENGTH]) - 2.6)
            + 0.22 * (ln_1p(r[MATCHES_30]) - 2.0)
            - 0.10 * ln_1p(r[BLOCKED])
    });
    d.fill(SATISFACTION, |r, _| {
        math::round(1.0 + 4.0 * r[SATISFACTION], 1)
    });
}

fn app_usage(d: &mut Draft) {
    const OPENS: Count = Count::of("app_opens", 4.0, 3.4);
    const MINUTES: Count = Count::of("session_minutes", 4.0, 8.2);

    d.daily(APP_OPENS, &OPENS, |r| {
        0.6 * r[DATING_USE] + 0.15 * r[ACTIVITY]
    });
    d.scaled(SESSION_MINUTES, &MINUTES, |r| {
        exp(0.2 * r[ACTIVITY] + 0.1 * r[DATING_AFFINITY] + 0.1 * r[SOCIAL_AFFINITY])
    });
    d.fill(SESSION_MINUTES, |r, _| {
        math::round(r[SESSION_MINUTES].clamp(0.5, 120.0), 1)
    });
}
