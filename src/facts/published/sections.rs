//! The sections of the published facts, as a reader finds them.
//!
//! Every number is none where the cohort has no column or no customer to tell
//! it from. A name ends in its unit: `_usd`, `_pct` (0 to 100), `_day`, `_month`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::segments::SegmentTrait;
use super::parts::Figure;

/// The numbers that a summary opens with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Executive {
    pub customers: u64,
    pub monthly_revenue_usd: Option<f64>,
    pub arpu_usd: Option<f64>,
    pub avg_ltv_usd: Option<f64>,
    pub avg_engagement_score: Option<f64>,
    pub churn_rate_pct: Option<f64>,
    pub premium_pct: Option<f64>,
    pub creator_pct: Option<f64>,
    /// Customers whose engagement score is below 0.3.
    pub at_risk_pct: Option<f64>,
    /// Share of customers by primary platform, in the schema's order; empty
    /// where it is not known.
    pub platforms: Vec<Share>,
}

/// A part of the customers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Share {
    pub name: String,
    pub customers: u64,
    pub share_pct: f64,
}

/// Use of the social side, means over all customers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Social {
    pub stories_posted_week: Option<f64>,
    pub stories_viewed_day: Option<f64>,
    pub story_completion_rate_pct: Option<f64>,
    pub reels_created_week: Option<f64>,
    pub reels_watched_day: Option<f64>,
    pub avg_reel_watch_time_sec: Option<f64>,
    pub reel_completion_rate_pct: Option<f64>,
    pub video_watch_hours_week: Option<f64>,
    pub engagement_rate_pct: Option<f64>,
    pub posts_last_30_days: Option<f64>,
    pub followers: Option<f64>,
    pub feed_minutes_day: Option<f64>,
    pub ads_clicked_week: Option<f64>,
    pub ad_conversion_rate_pct: Option<f64>,
    pub live_stream_minutes_week: Option<f64>,
    /// Customers who post or make reels, creators among them.
    pub posting_pct: Option<f64>,
    /// Correlation of weekly video hours with the engagement score.
    pub video_engagement_correlation: Option<f64>,
}

/// Use of the dating side, means over all customers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dating {
    pub swipes_day: Option<f64>,
    pub swipe_right_rate_pct: Option<f64>,
    pub matches_day: Option<f64>,
    pub match_rate_pct: Option<f64>,
    pub match_rate_women_pct: Option<f64>,
    pub match_rate_men_pct: Option<f64>,
    /// Women's match rate to men's.
    pub women_to_men_match_rate: Option<f64>,
    pub conversation: Conversation,
    pub dates_scheduled_month: Option<f64>,
    pub dates_completed_month: Option<f64>,
    /// Mean of the customers' all-time rates.
    pub show_up_rate_pct: Option<f64>,
    /// This month's completed dates of those scheduled.
    pub dates_kept_pct: Option<f64>,
    pub match_to_date_conversion_pct: Option<f64>,
    pub profile_quality: Option<f64>,
    pub profile_completion_pct: Option<f64>,
    pub profile_quality_matches_correlation: Option<f64>,
    pub profile_quality_satisfaction_correlation: Option<f64>,
    pub match_satisfaction: Option<f64>,
    pub super_likes: PaidFeature,
    pub boosts: PaidFeature,
    pub super_like_match_rate_pct: Option<f64>,
    pub safety: Safety,
}

/// How good conversations are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conversation {
    pub messages_sent_day: Option<f64>,
    pub messages_received_day: Option<f64>,
    /// Messages of a conversation, mean of the customers' means.
    pub length_messages: Option<f64>,
    /// Customers who write with nobody.
    pub without_pct: Option<f64>,
    pub response_rate_pct: Option<f64>,
    pub first_message_response_rate_pct: Option<f64>,
    pub response_satisfaction_correlation: Option<f64>,
    pub length_satisfaction_correlation: Option<f64>,
}

/// Users of a feature that is bought, against all others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PaidFeature {
    /// Uses a customer: Super Likes a week, boosts a month.
    pub uses: Option<f64>,
    pub users: u64,
    pub users_pct: Option<f64>,
    pub match_rate_users_pct: Option<f64>,
    pub match_rate_others_pct: Option<f64>,
    pub matches_day_users: Option<f64>,
    pub matches_day_others: Option<f64>,
    pub premium_users_pct: Option<f64>,
    pub premium_others_pct: Option<f64>,
    pub arpu_users_usd: Option<f64>,
    pub arpu_others_usd: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Safety {
    /// Accounts blocked and reported a customer, since sign-up.
    pub blocked_per_customer: Option<f64>,
    pub reported_per_customer: Option<f64>,
    /// Customers who ever blocked, and ever reported.
    pub who_blocked_pct: Option<f64>,
    pub who_reported_pct: Option<f64>,
    /// Reports for each block.
    pub reported_of_blocked_pct: Option<f64>,
}

/// The way from a swipe to a date, per customer and month.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Funnel {
    /// The primary platform; none for all customers.
    pub platform: Option<String>,
    /// Right swipes, matches, conversations, dates scheduled, dates completed:
    /// `swipes_right`, `matches`, `conversations`, `dates_scheduled`,
    /// `dates_completed`; those that are known.
    pub steps: Vec<Step>,
    /// The step that loses most of those who reach the one before it.
    pub largest_loss: Option<&'static str>,
    /// The same, after the match; none unless the loss before the conversation and
    /// one behind it are known, and something is lost.
    pub largest_loss_after_match: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    pub id: &'static str,
    /// Per customer and month of 30 days.
    pub per_customer_month: f64,
    /// Of the step before, if that is known.
    pub conversion_pct: Option<f64>,
    pub loss_pct: Option<f64>,
}

/// Where the money comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Revenue {
    pub monthly_usd: Option<f64>,
    /// Subscription, in-app purchases and ads, those that are known.
    pub parts: Vec<RevenuePart>,
    pub arpu_usd: Option<f64>,
    /// Revenue of all customers per premium customer.
    pub arppu_usd: Option<f64>,
    /// Mean revenue of the premium customers themselves, and of the others.
    pub arpu_premium_usd: Option<f64>,
    pub arpu_free_usd: Option<f64>,
    pub premium_customers: Option<u64>,
    pub premium_pct: Option<f64>,
    pub avg_ltv_usd: Option<f64>,
    pub transactions_alltime: Option<f64>,
    /// Mean of the customers' mean payments, 0 for those without any.
    pub avg_transaction_usd: Option<f64>,
    /// Free, Gold and Platinum; empty where tiers are not known.
    pub tiers: Vec<Tier>,
    pub revenue_distribution: Distribution,
    pub ltv_distribution: Distribution,
    /// What sets premium customers apart, the strongest first.
    pub premium_drivers: Vec<Driver>,
    /// The share of the variance of being premium that the engagement score
    /// explains in a straight line (squared correlation).
    pub premium_engagement_r2: Option<f64>,
    pub premium_stories_correlation: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RevenuePart {
    /// `subscription`, `iap` or `ads`.
    pub id: &'static str,
    pub monthly_usd: f64,
    pub per_customer_usd: f64,
    /// Of the revenue in total.
    pub share_pct: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tier {
    pub name: String,
    pub customers: u64,
    pub share_pct: f64,
    /// Mean subscription of its customers.
    pub price_usd: Option<f64>,
    pub monthly_revenue_usd: Option<f64>,
    /// Of the revenue of all tiers.
    pub revenue_share_pct: Option<f64>,
    pub arpu_usd: Option<f64>,
    pub avg_ltv_usd: Option<f64>,
    pub churn_pct: Option<f64>,
}

/// How an amount is spread over those who have it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Distribution {
    pub count: u64,
    /// Those of whom the amount is 0.
    pub zeros: u64,
    /// At 1, 5, 10, 25, 50, 75, 90, 95, 99%; empty without customers. Within
    /// 1.6% of the amount.
    pub quantiles: Vec<Quantile>,
    /// The share of the total that the largest 1, 5, 10, 20, 50% make up.
    pub top_shares: Vec<TopShare>,
    /// 0 where all have the same, near 1 where one has all.
    pub gini: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quantile {
    pub at_pct: f64,
    pub value: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TopShare {
    pub top_pct: f64,
    pub share_pct: f64,
}

/// A behaviour of premium customers and of the others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Driver {
    pub column: &'static str,
    pub unit: &'static str,
    pub premium: Figure,
    pub free: Figure,
    /// Difference of the means in pooled standard deviations (Cohen's d).
    pub difference_sd: f64,
}

/// Engagement, activity and churn.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Retention {
    pub avg_engagement_score: Option<f64>,
    pub churn_rate_pct: Option<f64>,
    /// Low (below 0.3), medium (to 0.5) and high; empty where scores are not known.
    pub levels: Vec<Level>,
    /// Engagement below 0.3, and all others.
    pub at_risk: Option<Level>,
    pub not_at_risk: Option<Level>,
    /// Share of customers active on the day of the snapshot, and in the seven
    /// days to it: proxies of daily and weekly active users.
    pub dau_pct: Option<f64>,
    pub wau_pct: Option<f64>,
    /// DAU of WAU.
    pub stickiness_pct: Option<f64>,
    pub app_opens_day: Option<f64>,
    pub session_minutes: Option<f64>,
    pub sessions_week: Option<f64>,
    pub days_since_last_active: Option<f64>,
    pub cross_platform: CrossPlatform,
    /// Churn in the first three months, and after them.
    pub churn_first_3_months_pct: Option<f64>,
    pub churn_later_pct: Option<f64>,
    /// Revenue of the month of the customers who are still there 30 days later,
    /// and of those who leave; none where churn or revenue is not known of all.
    pub kept_revenue_usd: Option<f64>,
    pub leaving_revenue_usd: Option<f64>,
    pub engagement_churn_correlation: Option<f64>,
    pub satisfaction_churn_correlation: Option<f64>,
}

/// Customers of one level of engagement.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Level {
    pub name: String,
    pub customers: u64,
    pub share_pct: f64,
    pub churn_pct: Option<f64>,
    pub arpu_usd: Option<f64>,
    pub monthly_revenue_usd: Option<f64>,
    pub avg_ltv_usd: Option<f64>,
    pub premium_pct: Option<f64>,
}

/// Customers of both platforms against those of one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CrossPlatform {
    pub both: Option<Level>,
    pub single: Option<Level>,
    /// Mean lifetime value of both to that of one.
    pub ltv_lift: Option<f64>,
    /// The lift that is left when tenure is alike: lifetime values by tenure
    /// band, weighted by the bands of the customers of both.
    pub ltv_lift_same_tenure: Option<f64>,
    pub both_ltv: Option<Figure>,
    pub single_ltv: Option<Figure>,
}

/// The creator economy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Creators {
    pub customers: Option<u64>,
    pub share_pct: Option<f64>,
    pub earnings_month_usd: Option<f64>,
    pub total_earnings_month_usd: Option<f64>,
    pub earnings: Distribution,
    /// The share of earnings of the largest tenth of creators.
    pub top_tenth_share_pct: Option<f64>,
    /// Creators by what they earn, five bins a tenfold; those who earn nothing
    /// are in `earnings.zeros`.
    pub earnings_bins: Vec<Bin>,
    pub views_against_earnings: ViewsAgainstEarnings,
    /// What creators make up of all customers' posts and reels, of followers,
    /// and of views (mean views times posts and reels is not known per post, so
    /// these are views a post, added over customers).
    pub content_share_pct: Option<f64>,
    pub followers_share_pct: Option<f64>,
    pub views_share_pct: Option<f64>,
    /// Creators, those who post and are none, those who do not post.
    pub standings: Vec<Standing>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    pub name: String,
    pub customers: u64,
    pub share_pct: f64,
    pub posts_and_reels: Option<f64>,
    pub views_per_post: Option<f64>,
    pub engagement_score: Option<f64>,
    pub engagement_rate_pct: Option<f64>,
    pub arpu_usd: Option<f64>,
    pub avg_ltv_usd: Option<f64>,
    pub churn_pct: Option<f64>,
}

/// From, and up to but not including.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bin {
    pub from: f64,
    pub to: f64,
    pub customers: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ViewsAgainstEarnings {
    /// Creators with views and earnings above 0, and the others.
    pub creators: u64,
    pub without: u64,
    /// Pearson's, of the natural logarithms.
    pub log_correlation: Option<f64>,
    /// Pearson's, of the amounts.
    pub correlation: Option<f64>,
    /// By how many percent earnings rise where views are 1% higher.
    pub elasticity: Option<f64>,
    /// Creators by views a post and monthly earnings, five bins a tenfold each way.
    pub bins: Vec<ScatterBin>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ScatterBin {
    pub views_from: f64,
    pub views_to: f64,
    pub earnings_from_usd: f64,
    pub earnings_to_usd: f64,
    pub creators: u64,
}

/// One field of platform by engagement.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlatformByEngagement {
    pub platform: String,
    /// The band of the engagement score.
    pub engagement: String,
    pub customers: u64,
    pub share_pct: f64,
    pub monthly_revenue_usd: Option<f64>,
    pub arpu_usd: Option<f64>,
    pub avg_ltv_usd: Option<f64>,
    pub churn_pct: Option<f64>,
    pub premium_pct: Option<f64>,
}

/// Customers by how long they have been here.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TenureBand {
    pub from_months: f64,
    /// Up to but not including; none for the last band.
    pub to_months: Option<f64>,
    pub customers: u64,
    pub share_pct: f64,
    pub churned: Option<f64>,
    pub churn_pct: Option<f64>,
    pub avg_engagement_score: Option<f64>,
    pub arpu_usd: Option<f64>,
    pub avg_ltv_usd: Option<f64>,
}

/// Customers who behave alike.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Segment {
    pub name: String,
    pub traits: Vec<SegmentTrait>,
    pub customers: u64,
    /// Of the customers that are in a segment.
    pub share_pct: f64,
    pub arpu_usd: Option<f64>,
    pub monthly_revenue_usd: Option<f64>,
    pub revenue_share_pct: Option<f64>,
    pub avg_ltv_usd: Option<f64>,
    pub churn_pct: Option<f64>,
    pub premium_pct: Option<f64>,
    pub avg_engagement_score: Option<f64>,
    pub figures: BTreeMap<&'static str, Figure>,
}

/// Two measures over the customers who have both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Correlation {
    pub x: &'static str,
    pub y: &'static str,
    pub customers: u64,
    /// Pearson's.
    pub r: f64,
    /// By how much y differs between customers of whom x differs by one.
    pub slope: f64,
}

/// How the figures were made, and from what.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Method {
    /// When the customers were observed, the first and the last, RFC 3339.
    pub observed_from: Option<String>,
    pub observed_to: Option<String>,
    /// Columns of which values are missing, with how many; the number columns.
    pub missing: Vec<Missing>,
    /// Below this engagement score a customer is at risk.
    pub at_risk_below: f64,
    /// How far a quantile may be from the true one, relative to it.
    pub quantile_error: f64,
    /// What figures mean where their names leave it open.
    pub definitions: Vec<Definition>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Missing {
    pub column: &'static str,
    pub customers: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Definition {
    pub figure: &'static str,
    pub definition: &'static str,
}
