//! Stage 4: how engaged the customer is, and how recently active.

use super::block::Row;
use super::draft::{Count, Draft, Share};
use super::math::{self, exp, ln_1p};
use super::spec::Aim;
use super::variables::*;

/// Centre and spread that the later stages measure engagement against.
const CENTRE: f64 = 0.37;
const SPREAD: f64 = 0.20;

const DAYS_INACTIVE_MOST: f64 = 29.0;
const WEEK: f64 = 7.0;

pub fn draw(d: &mut Draft) {
    const SCORE_SHARE: Share =
        Share::of("engagement", 30.0, Aim::at("avg_engagement_score")).with_truth(TRUE_ENGAGEMENT);
    const SHARED: Count = Count::of("shares", 2.0, Aim::Model(1.3));

    let predictor = |r: Row| {
        0.30 * ln_1p(r[FEED_TIME])
            + 0.22 * ln_1p(r[REELS_WATCHED])
            + 0.18 * ln_1p(r[STORIES_VIEWED])
            + 0.15 * ln_1p(r[LIKES])
            + 0.12 * ln_1p(r[POSTS])
            + 0.10 * ln_1p(r[COMMENTS])
            + 0.22 * ln_1p(r[SWIPES_RIGHT] + r[SWIPES_LEFT])
            + 0.30 * ln_1p(r[APP_OPENS])
            + 0.22 * ln_1p(r[MESSAGES_SENT])
            + 0.15 * ln_1p(r[MATCHES])
    };
    d.share_as(ENGAGEMENT, &SCORE_SHARE, predictor, |drawn| {
        math::round(drawn, 3)
    });

    // Sessions are a Poisson process, bursty: the gap since the last one is
    // longer than its rate says.
    d.fill(SESSION_RATE, |r, draw| {
        0.95 * exp(1.6 * (r[ENGAGEMENT] - CENTRE) + 0.30 * draw.normal())
    });
    d.fill(DAYS_INACTIVE, |r, draw| {
        let gap = draw.exponential() / (0.42 * r[SESSION_RATE]);
        math::floor(gap.min(DAYS_INACTIVE_MOST))
    });
    d.fill(SESSIONS, |r, draw| {
        if active_this_week(r) {
            1.0 + draw.poisson(r[SESSION_RATE] * (WEEK - r[DAYS_INACTIVE]))
        } else {
            0.0
        }
    });
    d.count(SHARES, &SHARED, |r| r[SOCIAL_USE]);
    d.fill(
        SHARES,
        |r, _| if active_this_week(r) { r[SHARES] } else { 0.0 },
    );
}

fn active_this_week(r: Row) -> bool {
    r[DAYS_INACTIVE] < WEEK
}

/// Engagement in standard deviations from the centre.
pub fn engagement_z(r: Row) -> f64 {
    (r[ENGAGEMENT] - CENTRE) / SPREAD
}
