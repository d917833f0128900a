//! Which quantities are correlated with which.

use super::fixed::{MISSING, Pair};
use super::frame::{Frame, Quantity, quantity};

#[rustfmt::skip] // A table: one pair a line.
pub(super) const PAIRS: &[(Quantity, Quantity)] = &[
    (quantity("profile_quality_score"), quantity("matches_per_day")),
    (quantity("profile_quality_score"), quantity("match_rate_pct")),
    (quantity("profile_quality_score"), quantity("match_satisfaction_score")),
    (quantity("response_rate_pct"), quantity("match_satisfaction_score")),
    (quantity("avg_conversation_length"), quantity("match_satisfaction_score")),
    (quantity("first_message_response_rate_pct"), quantity("dates_completed_month")),
    (quantity("matches_per_day"), quantity("dates_completed_month")),
    (quantity("match_satisfaction_score"), quantity("churn_30_day")),
    (quantity("engagement_score"), quantity("churn_30_day")),
    (quantity("engagement_score"), quantity("premium")),
    (quantity("engagement_score"), quantity("lifetime_value_usd")),
    (quantity("stories_viewed_day"), quantity("premium")),
    (quantity("super_likes_used_week"), quantity("premium")),
    (quantity("boosts_used_month"), quantity("premium")),
    (quantity("super_likes_used_week"), quantity("matches_per_day")),
    (quantity("boosts_used_month"), quantity("matches_per_day")),
    (quantity("video_watch_hours_week"), quantity("engagement_score")),
    (quantity("avg_reel_watch_time_sec"), quantity("engagement_score")),
    (quantity("age"), quantity("engagement_score")),
    (quantity("tenure_months"), quantity("lifetime_value_usd")),
    (quantity("tenure_months"), quantity("churn_30_day")),
    (quantity("days_since_last_active"), quantity("churn_30_day")),
];

/// Adds the customers of a frame who have both.
pub(super) fn observe(pair: &mut Pair, (x, y): (Quantity, Quantity), frame: &Frame) {
    let mut sums = Pair::default();
    for (&x, &y) in frame.quantity(x).iter().zip(frame.quantity(y)) {
        if x != MISSING && y != MISSING {
            sums.add(x, y);
        }
    }
    pair.merge(sums);
}
