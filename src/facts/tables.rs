//! Means by group: which dimensions are crossed, and what is measured in each.
//!
//! Every table keeps count, sum and sum of squares, so that whoever reads it
//! can tell a difference from noise, and size an experiment.

use serde::{Deserialize, Serialize};

use super::fixed::Moments;
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
    fn codes(&self, frame: &Frame, out: &mut [u8; CHUNK]) {
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

/// The counts and sums of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Table {
    /// Customers of each group.
    pub customers: Vec<u64>,
    /// A row a group, a place a quantity.
    pub cells: Vec<Moments>,
}

impl Table {
    pub fn new(groups: usize, quantities: usize) -> Self {
        Self {
            customers: vec![0; groups],
            cells: vec![Moments::default(); groups * quantities],
        }
    }

    pub fn of(layout: &Layout) -> Self {
        Self::new(layout.groups(), layout.of.len())
    }

    pub fn observe(&mut self, layout: &Layout, frame: &Frame) {
        let mut codes = [NO_GROUP; CHUNK];
        layout.codes(frame, &mut codes);
        self.add(&codes[..frame.rows()], layout.of, frame);
    }

    /// Adds the customers of a frame, each to the group that its code says.
    ///
    /// Group by group, so that the sums of a group stay in registers.
    pub fn add(&mut self, codes: &[u8], of: &[Quantity], frame: &Frame) {
        let mut rows = [0_u16; CHUNK];
        let ends = sort(codes, self.customers.len(), &mut rows);
        let mut start = 0;
        for (group, &end) in ends[..self.customers.len()].iter().enumerate() {
            let members = &rows[start..end];
            start = end;
            self.customers[group] += members.len() as u64;
            let row = &mut self.cells[group * of.len()..][..of.len()];
            for (cell, &quantity) in row.iter_mut().zip(of) {
                let rows = members.iter().map(|&row| usize::from(row));
                cell.merge(Moments::of(frame.values(quantity), rows));
            }
        }
    }

    pub fn merge(&mut self, other: &Self) {
        for (sum, part) in self.customers.iter_mut().zip(&other.customers) {
            *sum += part;
        }
        for (sum, part) in self.cells.iter_mut().zip(&other.cells) {
            sum.merge(*part);
        }
    }

    /// Gives each group a place for a quantity that was not measured yet.
    pub fn widen(&mut self, layout: &Layout, of: Quantity) {
        let groups = layout.groups();
        let Some(place) = layout.place(of) else {
            return;
        };
        if self.cells.len() == groups * (layout.of.len() - 1) {
            for group in 0..groups {
                let at = group * layout.of.len() + place;
                self.cells.insert(at, Moments::default());
            }
        }
    }

    /// Whether it is as large as the layout says.
    pub fn fits(&self, layout: &Layout) -> bool {
        let groups = layout.groups();
        self.customers.len() == groups && self.cells.len() == groups * layout.of.len()
    }
}

/// Writes the rows ordered by their group, and where each group's rows end;
/// those in no group are left out.
fn sort(codes: &[u8], groups: usize, rows: &mut [u16; CHUNK]) -> [usize; 256] {
    let mut ends = [0_usize; 256];
    for &code in codes {
        ends[usize::from(code)] += 1;
    }
    let mut next = 0;
    for end in &mut ends[..groups] {
        let size = *end;
        *end = next;
        next += size;
    }
    for (row, &code) in (0_u16..).zip(codes) {
        let code = usize::from(code);
        if code < groups {
            rows[ends[code]] = row;
            ends[code] += 1;
        }
    }
    ends
}
