//! Stage 3: dating use. Profile, swipes, matches, conversations, dates, safety
//! and satisfaction.

use super::block::Row;
use super::constants::constant;
use super::draft::{Count, Draft, Share};
use super::identity::by_code;
use super::math::{self, exp, ln_1p, logit, pow};
use super::spec::{Aim, statistic};
use super::variables::*;

const DAYS: f64 = 30.0;
const DAYS_A_MONTH: f64 = 30.4375;

/// Centres that later stages measure these columns against.
pub const QUALITY_CENTRE: f64 = 52.8;
pub const RESPONSE_CENTRE: f64 = 53.5;

/// Swipes a day: the most that anybody makes.
const SWIPES_MOST: f64 = 400.0;

/// The match rate of non-binary customers to that of men; that of women is published.
const NONBINARY_TO_MEN: f64 = 1.7;
const WOMEN_TO_MEN: usize = statistic("women_to_men_match_rate");
const MATCH_RATE_AIM: Aim = Aim::percent("match_rate_pct");
const MATCH_CHANCE_MOST: f64 = 0.5;
const VISIBILITY_POWER: f64 = 0.8;

/// Dates a month: where they saturate, and the most that can be.
const DATES_MOST: f64 = 24.0;
const DATES_LIMIT: f64 = 31.0;
/// Shape of the Gamma factor on dates, and the midpoints of 24 equally likely
/// parts of it (its quantiles at (i + 1/2)/24).
const DATE_SHAPE: f64 = 0.9;
const DATE_FACTORS: [f64; 24] = [
    0.014_517_20,
    0.050_036_38,
    0.089_928_50,
    0.133_362_70,
    0.180_173_00,
    0.230_416_60,
    0.284_277_09,
    0.342_036_67,
    0.404_072_61,
    0.470_866_78,
    0.543_025_85,
    0.621_313_24,
    0.706_696_99,
    0.800_421_11,
    0.904_113_84,
    1.019_957_28,
    1.150_964_54,
    1.301_456_96,
    1.477_944_13,
    1.690_897_92,
    1.958_793_63,
    2.319_129_00,
    2.868_952_92,
    4.059_077_85,
];
/// The most that earlier months are scaled by: beyond, matches would not fit their column.
const LONGEST_HISTORY: f64 = 1_000.0;
const CAPPING_STEPS: u32 = 60;

pub fn draw(d: &mut Draft) {
    profile(d);
    swipes(d);
    matches(d);
    conversations(d);
    dates(d);
    safety_and_satisfaction(d);
    app_usage(d);
    d.release(&[
        PROFILE_SHARE,
        SWIPES_30,
        RIGHT_30,
        MATCHES_30,
        SENT_30,
        RECEIVED_30,
        SWIPE_POWER,
        APPEAL,
        MATCH_HISTORY,
        DATE_DRIVE,
        ATTRACTIVENESS,
        FIT,
    ]);
}

fn profile(d: &mut Draft) {
    const COMPLETION: Share = Share::of("profile_completion", 8.0, Aim::Model(0.68));
    const QUALITY: Share = Share::of("profile_quality", 16.0, Aim::percent("profile_quality"));

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
    const RIGHT_RATE: Share = Share::of("right_rate", 12.0, Aim::percent("swipe_right_rate_pct"));
    const BY_GENDER: [f64; 3] = [0.22, -0.22, 0.0];

    d.weigh(SWIPES_30, |r, draw| {
        exp(0.8 * (r[DATING_USE] - r[DATING_BASE]) + r[DATING_BASE]) * draw.gamma_factor(1.3)
    });
    let scale = d.solve_for(
        const { constant("swipes") },
        Aim::at("swipes_day"),
        (0.0, 1e9),
        |d, scale| d.mean(|r| (scale * r[SWIPES_30]).min(SWIPES_MOST)),
    );
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
        let appeal = 0.20 * (r[PROFILE_QUALITY] - QUALITY_CENTRE) / 20.0 + 0.15 * draw.normal();
        if r[RIGHT_30] > 0.0 { exp(appeal) } else { 0.0 }
    });
    let half = d.solve_for(
        const { constant("visibility") },
        Aim::at("matches_day"),
        (1e-3, 1e6),
        |d, half| gender_scales(d, pow(half, VISIBILITY_POWER)).1,
    );
    let half = pow(half, VISIBILITY_POWER);
    let names = const {
        [
            constant("match_male"),
            constant("match_female"),
            constant("match_nonbinary"),
        ]
    };
    let scales = d.solve_all(names, |d| gender_scales(d, half).0);
    d.fill(MATCH_CHANCE, |r, _| match_chance(r, half, scales));
    if d.is_calibrating() {
        let rate = d.mean(|r| r[MATCH_CHANCE]);
        d.reached(MATCH_RATE_AIM, rate);
    }
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

/// The scale of each gender that brings its mean chance to its target, and the
/// mean matches a day that come of it.
fn gender_scales(d: &Draft, half: f64) -> ([f64; 3], f64) {
    let values = d.spec().values();
    let is = |r: Row| {
        let gender = math::place(r[GENDER]);
        [0, 1, 2].map(|g| f64::from(u8::from(gender == g)))
    };
    let [m, w, o, men_v, women_v, other_v] = d.sums(|r| {
        let (is, v) = (is(r), visibility(r, half));
        [is[0], is[1], is[2], is[0] * v, is[1] * v, is[2] * v]
    });
    let (counts, sums) = ([m, w, o], [men_v, women_v, other_v]);
    let ratios = [1.0, values[WOMEN_TO_MEN], NONBINARY_TO_MEN];
    let weights = counts.iter().zip(ratios).map(|(n, ratio)| n * ratio);
    let men = MATCH_RATE_AIM.mean(values) * d.rows() / weights.sum::<f64>();
    let target = |g: usize| men * ratios[g] * counts[g];
    let drawn = |g: &usize| sums[*g] > 0.0;
    let mut scales = [0.0; 3];
    for g in (0..3).filter(drawn) {
        scales[g] = target(g) / sums[g];
    }
    // Where chances are at their most, the others make up for it.
    let mut steps = 0;
    loop {
        let [men_c, women_c, other_c, matches] = d.sums(|r| {
            let (is, chance) = (is(r), match_chance(r, half, scales));
            let matches = chance * r[RIGHT_30] / DAYS;
            [is[0] * chance, is[1] * chance, is[2] * chance, matches]
        });
        let short = |g: usize| target(g) / [men_c, women_c, other_c][g];
        let met = |g: usize| (short(g) - 1.0).abs() < 1e-7;
        if (0..3).filter(drawn).all(met) || steps == CAPPING_STEPS {
            return (scales, matches / d.rows());
        }
        for g in (0..3).filter(drawn) {
            scales[g] = (scales[g] * short(g)).min(1e9);
        }
        steps += 1;
    }
}

fn conversations(d: &mut Draft) {
    const RESPONSE: Share = Share::of("response_rate", 9.0, Aim::percent("response_rate_pct"));
    const FIRST: Share = Share::of("first_response_rate", 12.0, Aim::Model(0.335));
    const SENT: Count = Count::of("messages", 3.0, Aim::at("messages_sent_day"));

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
    const SHOWN_UP: Share = Share::of("show_up_rate", 20.0, Aim::percent("show_up_rate_pct"));

    d.percentage(SHOW_UP_RATE, 1, &SHOWN_UP, |r| 0.25 * r[FIT]);
    d.weigh(DATE_DRIVE, |r, draw| {
        date_drive(r) * draw.gamma_factor(DATE_SHAPE)
    });
    let agreed = |r: Row, scale: f64| saturated(scale * r[DATE_DRIVE]);
    let scale = d.solve_for(
        const { constant("dates") },
        Aim::at("dates_completed_month"),
        (0.0, 1e6),
        |d, scale| d.mean(|r| agreed(r, scale) * r[SHOW_UP_RATE] / 100.0),
    );
    d.fill(DATES_SCHEDULED, |r, draw| {
        draw.poisson(agreed(r, scale)).min(DATES_LIMIT)
    });
    if d.wants_truth() {
        d.fill(TRUE_DATE, |r, _| chance_of_a_date(r, scale * date_drive(r)));
    }
    d.fill(DATES_COMPLETED, |r, draw| {
        draw.binomial(r[DATES_SCHEDULED], r[SHOW_UP_RATE] / 100.0)
    });
    matches_of_all_time(d);
}

/// How readily a customer's matches become dates, in the mean.
fn date_drive(r: Row) -> f64 {
    // Newcomers: a match takes time to become a date.
    let ramp = (r[TENURE] + 0.3) / (r[TENURE] + 12.0);
    pow(r[MATCHES_30], 1.2)
        * ramp
        * exp(0.1 * (ln_1p(r[SENT_30] + r[RECEIVED_30]) - 4.0)
            + 0.012 * (r[RESPONSE_RATE] - RESPONSE_CENTRE)
            + 0.35 * (ln_1p(r[CONVERSATION_LENGTH]) - 2.6))
}

/// Dates agreed on, for as many as a customer would like.
fn saturated(wish: f64) -> f64 {
    DATES_MOST * wish / (DATES_MOST + wish)
}

/// The chance of at least one date, over the spread of the wish about its mean.
fn chance_of_a_date(r: Row, wish: f64) -> f64 {
    let none = |factor: &f64| exp(-saturated(wish * factor) * r[SHOW_UP_RATE] / 100.0);
    #[expect(clippy::cast_precision_loss, reason = "a short table")]
    let points = DATE_FACTORS.len() as f64;
    1.0 - DATE_FACTORS.iter().map(none).sum::<f64>() / points
}

/// The matches of all time, so that conversion has its mean; then nobody has
/// more dates than matches.
fn matches_of_all_time(d: &mut Draft) {
    let total = |r: Row, scale: f64| r[MATCHES_30] + math::floor(scale * r[MATCH_HISTORY] + 0.5);
    let conversion = |r: Row, scale: f64| {
        let matches = total(r, scale);
        math::percent(r[DATES_COMPLETED].min(matches), matches)
    };
    let scale = d.solve_in_steps(
        const { constant("match_history") },
        Aim::at("date_conversion_pct"),
        (0.0, LONGEST_HISTORY),
        |d, scale| d.mean(|r| conversion(r, scale)),
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
    const BLOCKS: Count = Count::of("blocked", 1.2, Aim::Model(2.2));
    const SCORE_SHARE: Share = Share::of(
        "satisfaction",
        7.0,
        Aim::scaled("match_satisfaction", 1.0, 4.0),
    )
    .with_truth(TRUE_MATCH_QUALITY);

    d.count_over(BLOCKED, 1.0, &BLOCKS, |r| {
        pow(r[TENURE] + 1.0, 0.7) * exp(0.4 * r[DATING_USE] - 0.25 * r[FIT])
    });
    d.fill(REPORTED, |r, draw| draw.binomial(r[BLOCKED], 0.28));
    let predictor = |r: Row| {
        0.020 * (r[RESPONSE_RATE] - RESPONSE_CENTRE)
            + 0.018 * (r[PROFILE_QUALITY] - QUALITY_CENTRE)
            + 0.25 * (ln_1p(r[CONVERSATION_LENGTH]) - 2.6)
            + 0.22 * (ln_1p(r[MATCHES_30]) - 2.0)
            - 0.10 * ln_1p(r[BLOCKED])
    };
    d.share_as(SATISFACTION, &SCORE_SHARE, predictor, |drawn| {
        math::round(1.0 + 4.0 * drawn, 1)
    });
    if d.wants_truth() {
        d.fill(TRUE_MATCH_QUALITY, |r, _| 1.0 + 4.0 * r[TRUE_MATCH_QUALITY]);
    }
}

fn app_usage(d: &mut Draft) {
    const OPENS: Count = Count::of("app_opens", 4.0, Aim::Model(3.4));
    const MINUTES: Count = Count::of("session_minutes", 4.0, Aim::Model(8.2));

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
