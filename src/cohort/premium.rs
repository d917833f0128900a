//! Stage 5: who pays for a tier, and the features that come with it.

use super::block::Row;
use super::constants::constant;
use super::dating::QUALITY_CENTRE;
use super::draft::{Count, Draft, Flag, Share, head_count};
use super::engagement::engagement_z;
use super::identity::by_code;
use super::math::{exp, ln_1p, logit};
use super::spec::Aim;
use super::variables::*;
use crate::schema::TIER_PRICES_USD;

const GOLD: f64 = 1.0;
const PLATINUM: f64 = 2.0;
/// The constant: what the score of a customer of that tier exceeds.
const PLATINUM_SCORE: usize = constant("platinum");

pub fn draw(d: &mut Draft) {
    tiers(d);
    paid_features(d);
}

fn tiers(d: &mut Draft) {
    const PREMIUM: Flag = Flag::of("premium", Aim::percent("premium_pct"), TRUE_PREMIUM);

    let shape = d.structural(const { constant("premium_shape") });
    let gain = d.structural(const { constant("premium_gain") });
    d.flag(ACCOUNT_TYPE, &PREMIUM, |r| {
        let other = 0.35 * ln_1p(r[TENURE])
            + 0.25 * r[AGE_Z]
            + 0.020 * (r[PROFILE_QUALITY] - QUALITY_CENTRE)
            + 0.30 * f64::from(r[GENDER] == MALE)
            - 0.25 * ln_1p(r[STORIES_VIEWED])
            + 0.20 * (ln_1p(r[PROFILE_COMPLETION]) - 4.2)
            + 0.25 * ln_1p(r[MATCHES]);
        gain * (engagement_z(r) + shape * other)
    });
    d.weigh(TIER, |r, draw| 0.5 * engagement_z(r) + draw.logistic());
    let platinum = d.solve(PLATINUM_SCORE, |d| {
        let score = |r: Row| (r[ACCOUNT_TYPE] > 0.0).then_some(r[TIER]);
        d.threshold(PLATINUM_SCORE, score, |premium| {
            head_count(d.spec().platinum_share() * premium)
        })
    });
    d.fill(TIER, |r, _| {
        if r[ACCOUNT_TYPE] == 0.0 {
            0.0
        } else if r[TIER] > platinum {
            PLATINUM
        } else {
            GOLD
        }
    });
    d.fill(SUBSCRIPTION, |r, _| by_code(r[TIER], TIER_PRICES_USD));
}

fn paid_features(d: &mut Draft) {
    const LIKED: Count = Count::of("super_likes", 1.5, Aim::at("super_likes_week"));
    const BOOSTED: Count = Count::of("boosts", 1.2, Aim::Model(0.45));
    const MATCHED: Share = Share::of("super_like_match_rate", 15.0, Aim::Model(0.085));

    d.count_over(SUPER_LIKES, 1.0, &LIKED, |r| {
        exp(0.55 * r[DATING_USE]) * by_code(r[ACCOUNT_TYPE], [1.0, 3.2])
    });
    d.count_over(BOOSTS, 1.0, &BOOSTED, |r| {
        exp(0.5 * r[DATING_USE]) * by_code(r[ACCOUNT_TYPE], [1.0, 4.0])
    });
    d.percentage(SUPER_LIKE_MATCH_RATE, 2, &MATCHED, |r| {
        0.8 * logit((100.0 * r[MATCH_CHANCE]).clamp(0.2, 30.0) / 100.0)
    });
}
