//! The names that the generator's stages use for a customer's variables: the
//! 72 columns at their place in the schema, and after them the latent and
//! intermediate variables that no file holds, and the truth columns.
//!
//! A variable's number is part of the key of its draws: never reorder. WIDTH is
//! part of the keys of what is missing and of `truth_ltv`: a variable more is
//! another generator version.

use crate::schema::{COLUMN_COUNT, column};

pub const AGE: usize = column("age");
pub const GENDER: usize = column("gender");
pub const LOCATION: usize = column("location");
pub const TENURE: usize = column("tenure_months");
pub const ACCOUNT_TYPE: usize = column("account_type");

pub const STORIES_POSTED: usize = column("stories_posted_week");
pub const STORIES_VIEWED: usize = column("stories_viewed_day");
pub const STORY_COMPLETION: usize = column("story_completion_rate_pct");
pub const REELS_CREATED: usize = column("reels_created_week");
pub const REELS_WATCHED: usize = column("reels_watched_day");
pub const REEL_WATCH_TIME: usize = column("avg_reel_watch_time_sec");
pub const REEL_COMPLETION: usize = column("reel_completion_rate_pct");
pub const VIDEO_HOURS: usize = column("video_watch_hours_week");
pub const ENGAGEMENT_RATE: usize = column("engagement_rate_pct");
pub const POSTS: usize = column("posts_last_30_days");
pub const COMMENTS: usize = column("comments_posted_week");
pub const LIKES: usize = column("likes_given_day");
pub const SHARES: usize = column("shares_last_week");
pub const FOLLOWERS: usize = column("followers_count");
pub const FOLLOWING: usize = column("following_count");
pub const FOLLOWER_RATIO: usize = column("follower_following_ratio");
pub const IS_CREATOR: usize = column("is_creator");
pub const CREATOR_EARNINGS: usize = column("creator_earnings_month_usd");
pub const VIEWS: usize = column("avg_views_per_post");
pub const FEED_TIME: usize = column("feed_time_minutes_day");
pub const DISCOVER_VISITS: usize = column("discover_page_visits_week");
pub const ADS_CLICKED: usize = column("ads_clicked_week");
pub const AD_CONVERSION: usize = column("ad_conversion_rate_pct");
pub const LIVE_STREAMS: usize = column("live_streams_watched_week");
pub const LIVE_MINUTES: usize = column("live_stream_time_minutes_week");

pub const PROFILE_COMPLETION: usize = column("profile_completion_pct");
pub const PHOTOS: usize = column("photo_count");
pub const PROFILE_QUALITY: usize = column("profile_quality_score");
pub const SWIPES_RIGHT: usize = column("swipes_right_day");
pub const SWIPES_LEFT: usize = column("swipes_left_day");
pub const SWIPE_RIGHT_RATE: usize = column("swipe_right_rate_pct");
pub const MATCHES: usize = column("matches_per_day");
pub const MATCH_RATE: usize = column("match_rate_pct");
pub const TOTAL_MATCHES: usize = column("total_matches_alltime");
pub const MESSAGES_SENT: usize = column("messages_sent_day");
pub const MESSAGES_RECEIVED: usize = column("messages_received_day");
pub const CONVERSATION_LENGTH: usize = column("avg_conversation_length");
pub const RESPONSE_RATE: usize = column("response_rate_pct");
pub const FIRST_RESPONSE_RATE: usize = column("first_message_response_rate_pct");
pub const DATES_SCHEDULED: usize = column("dates_scheduled_month");
pub const SHOW_UP_RATE: usize = column("date_show_up_rate_pct");
pub const DATES_COMPLETED: usize = column("dates_completed_month");
pub const DATE_CONVERSION: usize = column("match_to_date_conversion_pct");
pub const SUPER_LIKES: usize = column("super_likes_used_week");
pub const BOOSTS: usize = column("boosts_used_month");
pub const SUPER_LIKE_MATCH_RATE: usize = column("super_like_match_rate_pct");
pub const BLOCKED: usize = column("users_blocked");
pub const REPORTED: usize = column("users_reported");
pub const SATISFACTION: usize = column("match_satisfaction_score");
pub const APP_OPENS: usize = column("app_opens_day");
pub const SESSION_MINUTES: usize = column("session_duration_avg_min");

pub const TIER: usize = column("premium_tier");
pub const SUBSCRIPTION: usize = column("monthly_subscription_usd");
pub const IAP: usize = column("iap_spending_month_usd");
pub const AD_REVENUE: usize = column("ad_revenue_generated_month_usd");
pub const TOTAL_REVENUE: usize = column("total_revenue_month_usd");
pub const LIFETIME_VALUE: usize = column("lifetime_value_usd");
pub const TRANSACTIONS: usize = column("total_transactions_alltime");
pub const TRANSACTION_VALUE: usize = column("avg_transaction_value_usd");

pub const ENGAGEMENT: usize = column("engagement_score");
pub const SESSIONS: usize = column("sessions_last_7_days");
pub const CHURN_PROBABILITY: usize = column("churn_probability");
pub const CHURNED: usize = column("churn_30_day");
pub const DAYS_INACTIVE: usize = column("days_since_last_active");
pub const PLATFORM: usize = column("platform_primary");

/// Latent traits, independent standard normal: activity, affinity to social
/// and to dating use, attractiveness, creativity, fit.
pub const ACTIVITY: usize = COLUMN_COUNT;
pub const SOCIAL_AFFINITY: usize = COLUMN_COUNT + 1;
pub const DATING_AFFINITY: usize = COLUMN_COUNT + 2;
pub const ATTRACTIVENESS: usize = COLUMN_COUNT + 3;
pub const CREATIVITY: usize = COLUMN_COUNT + 4;
pub const FIT: usize = COLUMN_COUNT + 5;

/// Age in standard deviations from its mean.
pub const AGE_Z: usize = COLUMN_COUNT + 6;
/// Log intensity of social use, and of dating use.
pub const SOCIAL_USE: usize = COLUMN_COUNT + 7;
pub const DATING_USE: usize = COLUMN_COUNT + 8;
/// Log relative dating intensity of the primary platform.
pub const DATING_BASE: usize = COLUMN_COUNT + 9;

/// Shares of reels and of the profile completed, before rounding.
pub const REEL_SHARE: usize = COLUMN_COUNT + 10;
pub const PROFILE_SHARE: usize = COLUMN_COUNT + 11;
/// Long-form part of the video hours, before its scale.
pub const LONG_VIDEO: usize = COLUMN_COUNT + 12;
/// Log of what a creator's earnings follow; -∞ for others.
pub const EARNING_POWER: usize = COLUMN_COUNT + 13;

/// Swipes, right swipes, matches, messages of the 30 days, as whole numbers.
pub const SWIPES_30: usize = COLUMN_COUNT + 14;
pub const RIGHT_30: usize = COLUMN_COUNT + 15;
pub const MATCHES_30: usize = COLUMN_COUNT + 16;
pub const SENT_30: usize = COLUMN_COUNT + 17;
pub const RECEIVED_30: usize = COLUMN_COUNT + 18;
/// Probability that one right swipe becomes a match, and its parts.
pub const MATCH_CHANCE: usize = COLUMN_COUNT + 19;
pub const SWIPE_POWER: usize = COLUMN_COUNT + 20;
pub const APPEAL: usize = COLUMN_COUNT + 21;
/// Matches of the months before this one, before their scale.
pub const MATCH_HISTORY: usize = COLUMN_COUNT + 22;
/// How readily matches become dates.
pub const DATE_DRIVE: usize = COLUMN_COUNT + 23;

/// Sessions a day.
pub const SESSION_RATE: usize = COLUMN_COUNT + 24;
/// Scores and linear predictors that a stage keeps for its next step.
pub const SCORE: usize = COLUMN_COUNT + 25;
pub const PREDICTOR: usize = COLUMN_COUNT + 26;
/// How inclined a customer is to buy, and how many purchases the month had.
pub const SPENDING: usize = COLUMN_COUNT + 27;
pub const PURCHASES: usize = COLUMN_COUNT + 28;
/// Payments and ad revenue of the months before this one, cents, before their scale.
pub const PAID_HISTORY: usize = COLUMN_COUNT + 29;
pub const AD_HISTORY: usize = COLUMN_COUNT + 30;
/// All payments since sign-up, cents.
pub const LIFETIME_PAID: usize = COLUMN_COUNT + 31;

/// The odds of a share, before its shift.
pub const ODDS: usize = COLUMN_COUNT + 32;

/// The truth columns in their order: drawn only where they are asked for.
pub const TRUTH: usize = COLUMN_COUNT + 33;
pub const TRUE_CHURN: usize = TRUTH;
pub const TRUE_LTV: usize = TRUTH + 1;
pub const TRUE_ENGAGEMENT: usize = TRUTH + 2;
pub const TRUE_MATCH_QUALITY: usize = TRUTH + 3;
pub const TRUE_VIRALITY: usize = TRUTH + 4;
pub const TRUE_PREMIUM: usize = TRUTH + 5;
pub const TRUE_DATE: usize = TRUTH + 6;
pub const TRUE_CREATOR: usize = TRUTH + 7;

/// How many variables a customer has while being generated.
pub const WIDTH: usize = TRUTH + 8;

/// Codes of the categories, which are their places in the schema's lists.
pub const MALE: f64 = 0.0;
pub const BOTH: f64 = 2.0;
