//! Which dimensions are crossed, and what is measured in each group.

use super::frame::{CHUNK, Frame, Quantity, quantity};
use super::groups::{DIMENSIONS, NO_GROUP, dimension};

/// What one table holds.
pub(super) struct Layout {
    /// One dimension, or two that are crossed.
    pub by: &'static [usize],
    pub of: &'static [Quantity],
}

/// Names to dimensions and quantities, at compile time.
macro_rules! layout {
    ([$($by:literal),+], [$($of:literal),+ $(,)?]) => {
        Layout {
            by: const { &[$(dimension($by)),+] },
            of: const { &[$(quantity($of)),+] },
        }
    };
}

/// The place of the table by these dimensions, for a `const`.
pub(super) const fn table(first: &str, second: Option<&str>) -> usize {
    let second = match second {
        Some(name) => Some(dimension(name)),
        None => None,
    };
    let mut i = 0;
    while i < LAYOUTS.len() {
        let by = LAYOUTS[i].by;
        let other = if by.len() > 1 { Some(by[1]) } else { None };
        let same = match (other, second) {
            (None, None) => true,
            (Some(a), Some(b)) => a == b,
            _ => false,
        };
        if by[0] == dimension(first) && same {
            return i;
        }
        i += 1;
    }
    panic!("no table has these dimensions");
}

pub(super) const LAYOUTS: &[Layout] = &[
    layout!(
        ["platform_primary"],
        [
            "feed_time_minutes_day",
            "stories_viewed_day",
            "stories_posted_week",
            "reels_watched_day",
            "video_watch_hours_week",
            "posts_and_reels",
            "swipes_day",
            "swipes_right_day",
            "matches_per_day",
            "messages_day",
            "avg_conversation_length",
            "dates_scheduled_month",
            "dates_completed_month",
            "app_opens_day",
            "session_duration_avg_min",
            "active_today",
            "active_this_week",
            "engagement_score",
            "match_satisfaction_score",
            "monthly_subscription_usd",
            "iap_spending_month_usd",
            "ad_revenue_generated_month_usd",
            "total_revenue_month_usd",
            "lifetime_value_usd",
            "churn_30_day",
            "premium",
            "kept_month_usd",
        ]
    ),
    layout!(
        ["platform_primary", "engagement_score"],
        [
            "total_revenue_month_usd",
            "lifetime_value_usd",
            "churn_30_day",
            "premium",
            "kept_month_usd",
        ]
    ),
    layout!(
        ["platform_primary", "tenure_months"],
        [
            "total_revenue_month_usd",
            "lifetime_value_usd",
            "churn_30_day",
            "premium",
        ]
    ),
    layout!(
        ["engagement_score"],
        [
            "total_revenue_month_usd",
            "ad_revenue_generated_month_usd",
            "lifetime_value_usd",
            "churn_30_day",
            "premium",
            "tenure_months",
            "days_since_last_active",
            "sessions_last_7_days",
            "app_opens_day",
        ]
    ),
    layout!(
        ["tenure_months"],
        [
            "churn_30_day",
            "engagement_score",
            "total_revenue_month_usd",
            "lifetime_value_usd",
            "premium",
        ]
    ),
    layout!(
        ["premium_tier"],
        [
            "monthly_subscription_usd",
            "iap_spending_month_usd",
            "ad_revenue_generated_month_usd",
            "total_revenue_month_usd",
            "lifetime_value_usd",
            "churn_30_day",
            "engagement_score",
            "tenure_months",
        ]
    ),
    layout!(
        ["account_type"],
        [
            "engagement_score",
            "age",
            "tenure_months",
            "profile_quality_score",
            "profile_completion_pct",
            "stories_viewed_day",
            "stories_posted_week",
            "reels_watched_day",
            "video_watch_hours_week",
            "feed_time_minutes_day",
            "swipes_day",
            "matches_per_day",
            "match_rate_pct",
            "messages_sent_day",
            "dates_completed_month",
            "match_satisfaction_score",
            "app_opens_day",
            "super_likes_used_week",
            "boosts_used_month",
            "paid_month_usd",
            "ad_revenue_generated_month_usd",
            "total_revenue_month_usd",
            "lifetime_value_usd",
            "churn_30_day",
            "kept_month_usd",
        ]
    ),
    layout!(
        ["gender"],
        [
            "match_rate_pct",
            "matches_per_day",
            "swipe_right_rate_pct",
            "response_rate_pct",
            "match_satisfaction_score",
            "total_revenue_month_usd",
            "churn_30_day",
            "premium",
        ]
    ),
    layout!(
        ["age"],
        [
            "engagement_score",
            "total_revenue_month_usd",
            "lifetime_value_usd",
            "churn_30_day",
            "premium",
        ]
    ),
    layout!(
        ["creator_standing"],
        [
            "posts_and_reels",
            "stories_posted_week",
            "avg_views_per_post",
            "followers_count",
            "engagement_rate_pct",
            "engagement_score",
            "ad_revenue_generated_month_usd",
            "total_revenue_month_usd",
            "lifetime_value_usd",
            "churn_30_day",
            "premium",
            "kept_month_usd",
        ]
    ),
    layout!(
        ["creator_standing", "engagement_score"],
        [
            "ad_revenue_generated_month_usd",
            "total_revenue_month_usd",
            "churn_30_day",
            "kept_month_usd",
        ]
    ),
    layout!(
        ["profile_quality_score"],
        [
            "matches_per_day",
            "match_rate_pct",
            "match_satisfaction_score",
            "dates_completed_month",
            "premium",
        ]
    ),
    layout!(
        ["stories_viewed_day"],
        [
            "premium",
            "monthly_subscription_usd",
            "total_revenue_month_usd",
            "lifetime_value_usd",
            "churn_30_day",
            "engagement_score",
        ]
    ),
    layout!(
        ["stories_viewed_day", "engagement_score"],
        ["premium", "monthly_subscription_usd"]
    ),
    layout!(
        ["video_watch_hours_week"],
        [
            "engagement_score",
            "ad_revenue_generated_month_usd",
            "total_revenue_month_usd",
            "lifetime_value_usd",
            "churn_30_day",
            "premium",
            "kept_month_usd",
        ]
    ),
    layout!(
        ["video_watch_hours_week", "platform_primary"],
        [
            "engagement_score",
            "ad_revenue_generated_month_usd",
            "churn_30_day",
        ]
    ),
    layout!(
        ["match_satisfaction_score"],
        [
            "churn_30_day",
            "total_revenue_month_usd",
            "lifetime_value_usd",
            "premium",
            "engagement_score",
            "kept_month_usd",
        ]
    ),
    layout!(
        ["match_satisfaction_score", "engagement_score"],
        ["churn_30_day", "total_revenue_month_usd", "kept_month_usd"]
    ),
    layout!(
        ["first_message_response_rate_pct"],
        [
            "matches_per_day",
            "messages_day",
            "dates_scheduled_month",
            "dates_completed_month",
            "match_satisfaction_score",
            "churn_30_day",
        ]
    ),
    layout!(
        ["dates_completed_month"],
        [
            "churn_30_day",
            "total_revenue_month_usd",
            "lifetime_value_usd",
            "match_satisfaction_score",
            "premium",
        ]
    ),
    layout!(
        ["dates_completed_month", "platform_primary"],
        ["churn_30_day", "total_revenue_month_usd", "kept_month_usd"]
    ),
    layout!(
        ["super_likes_used_week"],
        [
            "match_rate_pct",
            "super_like_match_rate_pct",
            "matches_per_day",
            "dates_completed_month",
            "match_satisfaction_score",
            "premium",
            "iap_spending_month_usd",
            "total_revenue_month_usd",
        ]
    ),
    layout!(
        ["super_likes_used_week", "account_type"],
        [
            "match_rate_pct",
            "matches_per_day",
            "iap_spending_month_usd"
        ]
    ),
    layout!(
        ["boosts_used_month"],
        [
            "match_rate_pct",
            "matches_per_day",
            "dates_completed_month",
            "match_satisfaction_score",
            "premium",
            "iap_spending_month_usd",
            "total_revenue_month_usd",
        ]
    ),
    layout!(
        ["boosts_used_month", "account_type"],
        [
            "match_rate_pct",
            "matches_per_day",
            "iap_spending_month_usd"
        ]
    ),
    layout!(
        ["users_blocked"],
        ["match_satisfaction_score", "churn_30_day", "users_reported"]
    ),
    layout!(
        ["days_since_last_active"],
        [
            "churn_30_day",
            "engagement_score",
            "total_revenue_month_usd"
        ]
    ),
    layout!(
        ["avg_conversation_length"],
        [
            "match_satisfaction_score",
            "dates_completed_month",
            "response_rate_pct",
            "churn_30_day",
        ]
    ),
    layout!(
        ["response_rate_pct"],
        [
            "match_satisfaction_score",
            "dates_completed_month",
            "avg_conversation_length",
            "churn_30_day",
        ]
    ),
];

impl Layout {
    pub fn groups(&self) -> usize {
        self.by.iter().map(|&d| DIMENSIONS[d].groups()).product()
    }

    /// The place of a quantity in each group's row.
    pub fn place(&self, of: Quantity) -> Option<usize> {
        self.of.iter().position(|q| *q == of)
    }

    /// The group of each customer of a frame, over both dimensions.
    pub fn codes(&self, frame: &Frame, out: &mut [u8; CHUNK]) {
        let first = frame.codes(self.by[0]);
        out[..first.len()].copy_from_slice(first);
        let Some(&second) = self.by.get(1) else {
            return;
        };
        let width = u8::try_from(DIMENSIONS[second].groups()).unwrap_or(NO_GROUP);
        for (out, &inner) in out.iter_mut().zip(frame.codes(second)) {
            *out = if *out == NO_GROUP || inner == NO_GROUP {
                NO_GROUP
            } else {
                *out * width + inner
            };
        }
    }
}
