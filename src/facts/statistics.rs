//! The published statistics of a cohort.
//!
//! A statistic is the mean of the customers' column values (the mean of
//! ratios, for rates), with these exceptions: ARPU is revenue per customer,
//! ARPPU revenue per premium customer, shares are ratios of sums, and lift and
//! women-to-men are ratios of group means.

use serde::Serialize;

use super::Facts;
use super::aggregate::Tallies;
use super::fixed::Moments;
use super::frame::{Quantity, quantity};
use super::layouts::{LAYOUTS, table};
use crate::schema::column;

const SUBSCRIPTION: usize = column("monthly_subscription_usd");
const IAP: usize = column("iap_spending_month_usd");
const ADS: usize = column("ad_revenue_generated_month_usd");
const REVENUE: usize = column("total_revenue_month_usd");
const LIFETIME_VALUE: Quantity = quantity("lifetime_value_usd");
const MATCH_RATE: Quantity = quantity("match_rate_pct");

/// One statistic with its value; none where the cohort has nothing to compute it from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statistic {
    pub id: &'static str,
    pub unit: &'static str,
    pub value: Option<f64>,
}

/// How a statistic is computed from the aggregates.
enum Value {
    /// The mean of a column.
    Mean(usize),
    /// The mean of a flag, as a percentage.
    Percent(usize),
    Of(fn(&Tallies) -> Option<f64>),
}

use Value::{Mean, Of, Percent};

#[rustfmt::skip] // A table: one statistic a line.
const STATISTICS: &[(&str, &str, Value)] = &[
    ("avg_engagement_score", "score 0-1", Mean(column("engagement_score"))),
    ("churn_rate_pct", "%", Percent(column("churn_30_day"))),
    ("premium_pct", "%", Of(|f| Some(100.0 * f.premium.mean(1.0)?))),
    ("avg_ltv_usd", "USD", Mean(column("lifetime_value_usd"))),
    ("stories_posted_week", "stories/week", Mean(column("stories_posted_week"))),
    ("stories_viewed_day", "stories/day", Mean(column("stories_viewed_day"))),
    ("reels_created_week", "reels/week", Mean(column("reels_created_week"))),
    ("reels_watched_day", "reels/day", Mean(column("reels_watched_day"))),
    ("video_hours_week", "h/week", Mean(column("video_watch_hours_week"))),
    ("engagement_rate_pct", "%", Mean(column("engagement_rate_pct"))),
    ("creator_pct", "%", Percent(column("is_creator"))),
    ("creator_earnings_month_usd", "USD/month per creator", Of(|f| f.creator_earnings.mean())),
    ("followers", "accounts", Mean(column("followers_count"))),
    ("posts_30_days", "posts/30 days", Mean(column("posts_last_30_days"))),
    ("feed_minutes_day", "min/day", Mean(column("feed_time_minutes_day"))),
    ("matches_day", "matches/day", Mean(column("matches_per_day"))),
    ("match_rate_pct", "%", Mean(column("match_rate_pct"))),
    ("swipes_day", "swipes/day", Of(swipes)),
    ("swipe_right_rate_pct", "%", Mean(column("swipe_right_rate_pct"))),
    ("messages_sent_day", "messages/day", Mean(column("messages_sent_day"))),
    ("response_rate_pct", "%", Mean(column("response_rate_pct"))),
    ("dates_completed_month", "dates/month", Mean(column("dates_completed_month"))),
    ("date_conversion_pct", "%", Mean(column("match_to_date_conversion_pct"))),
    ("profile_quality", "score 0-100", Mean(column("profile_quality_score"))),
    ("match_satisfaction", "score 1-5", Mean(column("match_satisfaction_score"))),
    ("super_likes_week", "super likes/week", Mean(column("super_likes_used_week"))),
    ("show_up_rate_pct", "%", Mean(column("date_show_up_rate_pct"))),
    ("subscription_usd", "USD/month per customer", Mean(SUBSCRIPTION)),
    ("iap_usd", "USD/month per customer", Mean(IAP)),
    ("ads_usd", "USD/month per customer", Mean(ADS)),
    ("subscription_share_pct", "% of revenue", Of(|f| revenue_share(f, SUBSCRIPTION))),
    ("iap_share_pct", "% of revenue", Of(|f| revenue_share(f, IAP))),
    ("ads_share_pct", "% of revenue", Of(|f| revenue_share(f, ADS))),
    ("arpu_usd", "USD/month", Mean(REVENUE)),
    ("arppu_usd", "USD/month per premium customer", Of(arppu)),
    ("ltv_lift_both_platforms", "ratio", Of(lift)),
    ("top_tenth_creator_share", "share of creator earnings", Of(|f| f.creator_earnings.top_share(0.1))),
    ("women_to_men_match_rate", "ratio", Of(women_to_men)),
];

impl Facts {
    /// All published statistics.
    #[must_use]
    pub fn statistics(&self) -> Vec<Statistic> {
        STATISTICS
            .iter()
            .map(|(id, unit, value)| Statistic {
                id,
                unit,
                value: match value {
                    Mean(column) => self.0.mean(*column),
                    Percent(column) => self.0.mean(*column).map(|m| 100.0 * m),
                    Of(compute) => compute(&self.0),
                },
            })
            .collect()
    }
}

impl Tallies {
    pub(super) fn mean(&self, column: usize) -> Option<f64> {
        self.columns[column].mean(Quantity(column).units())
    }
}

pub(super) fn swipes(f: &Tallies) -> Option<f64> {
    let right = f.mean(const { column("swipes_right_day") })?;
    let left = f.mean(const { column("swipes_left_day") })?;
    Some(right + left)
}

/// Revenue of all customers per premium customer. Of means, as all ratios here: a
/// sum has fewer customers where some are unknown.
pub(super) fn arppu(f: &Tallies) -> Option<f64> {
    let premium = f.premium.mean(1.0)?;
    let revenue = f.mean(REVENUE)?;
    (premium > 0.0).then(|| revenue / premium)
}

fn revenue_share(f: &Tallies, part: usize) -> Option<f64> {
    let all = f.mean(REVENUE)?;
    let part = f.mean(part)?;
    (all > 0.0).then(|| 100.0 * part / all)
}

/// Mean lifetime value of customers of both platforms to that of one platform.
pub(super) fn lift(f: &Tallies) -> Option<f64> {
    const PLATFORMS: usize = table("platform_primary", None);
    let of = |group| cell(f, PLATFORMS, group, LIFETIME_VALUE);
    let mut single = of(0);
    single.merge(of(1));
    let units = LIFETIME_VALUE.units();
    ratio(of(2).mean(units), single.mean(units))
}

pub(super) fn women_to_men(f: &Tallies) -> Option<f64> {
    const GENDERS: usize = table("gender", None);
    let of = |group| cell(f, GENDERS, group, MATCH_RATE).mean(MATCH_RATE.units());
    ratio(of(1), of(0))
}

/// The sums of a quantity in one group of a table.
pub(super) fn cell(f: &Tallies, table: usize, group: usize, of: Quantity) -> Moments {
    let layout = &LAYOUTS[table];
    let place = layout.place(of);
    place.map_or_else(Moments::default, |place| {
        f.tables[table].cells[group * layout.of.len() + place]
    })
}

fn ratio(part: Option<f64>, whole: Option<f64>) -> Option<f64> {
    let whole = whole.filter(|w| *w != 0.0)?;
    Some(part? / whole)
}
