//! The published statistics, all of them, in the groups and with the names of
//! the document that they come from.

use super::plain_table;
use crate::report::document::{Block, Table};
use crate::report::story::Story;

/// How a statistic is written.
#[derive(Clone, Copy)]
pub(super) enum As {
    /// With so many decimals.
    Number(usize),
    /// A percentage with so many decimals.
    Percent(usize),
    /// A share of 1, shown as a percentage.
    Share,
    Money,
}

use As::{Money, Number, Percent, Share};

type Line = (&'static str, &'static str, As);

#[rustfmt::skip] // A table: one statistic a line.
pub(super) const OVERALL: &[Line] = &[
    ("avg_engagement_score", "Engagement score", Number(3)),
    ("churn_rate_pct", "Churn within 30 days", Percent(1)),
    ("premium_pct", "Premium customers", Percent(1)),
    ("avg_ltv_usd", "Lifetime value", Money),
    ("arpu_usd", "ARPU, a month", Money),
    ("arppu_usd", "ARPPU, a month", Money),
    ("subscription_usd", "Subscriptions, a month", Money),
    ("iap_usd", "In-app purchases, a month", Money),
    ("ads_usd", "Ads, a month", Money),
    ("subscription_share_pct", "Subscriptions’ share", Percent(1)),
    ("iap_share_pct", "In-app purchases’ share", Percent(1)),
    ("ads_share_pct", "Ads’ share", Percent(1)),
    ("ltv_lift_both_platforms", "Lifetime value, both to one", Number(2)),
];

#[rustfmt::skip] // A table: one statistic a line.
pub(super) const SOCIAL: &[Line] = &[
    ("stories_posted_week", "Stories posted, a week", Number(2)),
    ("stories_viewed_day", "Stories viewed, a day", Number(2)),
    ("reels_created_week", "Reels created, a week", Number(2)),
    ("reels_watched_day", "Reels watched, a day", Number(2)),
    ("video_hours_week", "Hours of video, a week", Number(2)),
    ("engagement_rate_pct", "Engagement rate", Percent(1)),
    ("creator_pct", "Creators", Percent(1)),
    ("creator_earnings_month_usd", "Earnings of a creator", Money),
    ("top_tenth_creator_share", "Top tenth’s earnings", Share),
    ("followers", "Followers", Number(0)),
    ("posts_30_days", "Posts, a month", Number(2)),
    ("feed_minutes_day", "Minutes in the feed, a day", Number(1)),
];

#[rustfmt::skip] // A table: one statistic a line.
pub(super) const DATING: &[Line] = &[
    ("swipes_day", "Swipes, a day", Number(1)),
    ("swipe_right_rate_pct", "Swipes to the right", Percent(1)),
    ("matches_day", "Matches, a day", Number(2)),
    ("match_rate_pct", "Match rate", Percent(2)),
    ("women_to_men_match_rate", "Match rate, women to men", Number(2)),
    ("messages_sent_day", "Messages sent, a day", Number(2)),
    ("response_rate_pct", "Response rate", Percent(1)),
    ("dates_completed_month", "Dates, a month", Number(2)),
    ("date_conversion_pct", "Matches to dates", Percent(2)),
    ("show_up_rate_pct", "Show-up rate", Percent(1)),
    ("profile_quality", "Profile quality, of 100", Number(1)),
    ("match_satisfaction", "Match satisfaction, of 5", Number(2)),
    ("super_likes_week", "Super Likes, a week", Number(2)),
];

/// All of them that the cohort has, side by side.
pub fn block(story: &Story) -> Option<Block> {
    let tables: Vec<Table> = [
        ("All customers and revenue", OVERALL),
        ("Social media", SOCIAL),
        ("Dating", DATING),
    ]
    .into_iter()
    .filter_map(|(title, lines)| {
        let rows = lines.iter().filter_map(|line| {
            let value = story.facts.statistic(line.0)?;
            Some(vec![line.1.to_owned(), written(story, line.2, value)])
        });
        plain_table(
            title,
            &["Per customer, unless stated", "Value"],
            rows.collect(),
            None,
        )
    })
    .collect();
    (!tables.is_empty()).then_some(Block::Tables { tables })
}

fn written(story: &Story, how: As, value: f64) -> String {
    let say = &story.say;
    match how {
        Number(decimals) => say.number(value, decimals),
        Percent(decimals) => say.percent(value, decimals),
        Share => say.share(value, 1),
        Money => say.money(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;

    #[test]
    fn no_published_statistic_is_forgotten() {
        let listed: Vec<&str> = [OVERALL, SOCIAL, DATING]
            .into_iter()
            .flatten()
            .map(|line| line.0)
            .collect();
        for statistic in Facts::default().statistics() {
            assert!(listed.contains(&statistic.id), "{}", statistic.id);
        }
    }
}
