//! The table of columns, in file order.
//!
//! Other modules name a column by [`column`], which is resolved at compile
//! time, so that a misspelt name does not build.

use Group::{Churn, Dating, Demographics, Platform, Revenue, Social};

/// How many columns a customer has.
pub const COLUMN_COUNT: usize = 72;

/// What a moment may be: 0001-01-01 to before 10000-01-01, as microseconds since
/// 1970.
pub const MOMENTS: std::ops::Range<i64> = -62_135_596_800_000_000..253_402_300_800_000_000;

/// The moment all generated customers are observed at, RFC 3339, UTC.
pub const SNAPSHOT: &str = "2025-10-21T00:00:00Z";

pub const GENDERS: &[&str] = &["Male", "Female", "Non-binary"];
pub const CITIES: &[&str] = &[
    "New York",
    "Los Angeles",
    "Chicago",
    "Houston",
    "Dallas",
    "Miami",
    "Atlanta",
    "Boston",
    "San Francisco",
    "Seattle",
];
pub const ACCOUNT_TYPES: &[&str] = &["Free", "Premium"];
pub const TIERS: &[&str] = &["Free", "Gold", "Platinum"];
/// Monthly price of each tier.
pub const TIER_PRICES_USD: [f64; 3] = [0.0, 9.99, 19.99];
pub const PLATFORMS: &[&str] = &["Social_Media", "Dating", "Both"];

/// One column of a customer.
#[derive(Debug)]
pub struct Column {
    pub name: &'static str,
    pub kind: Kind,
    /// What one unit of the number is; empty for text.
    pub unit: &'static str,
    /// What a real customer can have: checked on every input.
    pub valid: Range,
    /// What the generator keeps within; inside `valid`.
    pub generated: Range,
    pub group: Group,
    /// One line for a person who reads the column for the first time.
    pub meaning: &'static str,
}

/// What a column's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The customer's own name: any string, never an input of a model.
    Id,
    /// One of a closed list.
    Category(&'static [&'static str]),
    /// Any text; the list is what the generator draws from.
    OpenCategory(&'static [&'static str]),
    /// A whole number that fits 32 bits.
    Integer,
    /// A whole number that may not.
    BigInteger,
    /// A number that the generator rounds to so many decimals.
    Decimal(u8),
    /// True or false.
    Flag,
    /// A moment, UTC.
    Timestamp,
}

impl Kind {
    /// Whether the values are numbers (flags, text and moments are not).
    #[must_use]
    pub const fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::BigInteger | Self::Decimal(_))
    }
}

/// A closed interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    pub min: f64,
    pub max: f64,
}

impl Range {
    #[must_use]
    pub fn contains(self, x: f64) -> bool {
        self.min <= x && x <= self.max
    }
}

/// The part of a customer's profile that a column belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Demographics,
    Social,
    Dating,
    Revenue,
    Churn,
    Platform,
}

impl Group {
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Demographics => "Demographics",
            Social => "Social media",
            Dating => "Dating",
            Revenue => "Revenue",
            Churn => "Engagement and churn",
            Platform => "Platform",
        }
    }
}

impl Column {
    /// What a message says that the column takes, such as `an integer from 13 to 120`.
    #[must_use]
    pub fn expected(&self) -> String {
        let number = |what: &str| match (self.valid.min, self.valid.max) {
            (min, max) if max >= UNBOUNDED_DECIMAL => format!("{what}, {min} or more"),
            (min, max) => format!("{what} from {min} to {max}"),
        };
        match self.kind {
            Kind::Id | Kind::OpenCategory(_) => "a string".into(),
            Kind::Category(names) => format!("one of {}", names.join(", ")),
            Kind::Integer | Kind::BigInteger => number("an integer"),
            Kind::Decimal(_) => number("a number"),
            Kind::Flag => "true, false, 1 or 0".into(),
            Kind::Timestamp => "an RFC 3339 timestamp".into(),
        }
    }
}

/// The index of a column, for a `const`: an unknown name fails the build.
///
/// # Panics
/// At compile time, where no column has that name.
#[must_use]
pub const fn column(name: &str) -> usize {
    let mut i = 0;
    while i < COLUMN_COUNT {
        if const_eq(COLUMNS[i].name.as_bytes(), name.as_bytes()) {
            return i;
        }
        i += 1;
    }
    panic!("no column has this name");
}

/// The index of a column named at run time.
#[must_use]
pub fn find(name: &str) -> Option<usize> {
    COLUMNS.iter().position(|c| c.name == name)
}

pub(crate) const fn const_eq(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

// The largest values that are asked for: 32 bits for counts, 2^53 - 1 for what may
// be larger (a JSON number holds it exactly, and no larger one is taken for it), a trillion for amounts.
const UNBOUNDED_INTEGER: f64 = 2_147_483_647.0;
const UNBOUNDED_BIG: f64 = 9_007_199_254_740_991.0;
const UNBOUNDED_DECIMAL: f64 = 1e12;

const fn range(min: f64, max: f64) -> Range {
    Range { min, max }
}

const fn text(name: &'static str, kind: Kind, group: Group, meaning: &'static str) -> Column {
    let any = range(0.0, 0.0);
    Column {
        name,
        kind,
        unit: "",
        valid: any,
        generated: any,
        group,
        meaning,
    }
}

const fn flag(name: &'static str, group: Group, meaning: &'static str) -> Column {
    Column {
        name,
        kind: Kind::Flag,
        unit: "",
        valid: range(0.0, 1.0),
        generated: range(0.0, 1.0),
        group,
        meaning,
    }
}

/// A whole number with ranges of its own.
const fn integer(
    name: &'static str,
    unit: &'static str,
    valid: Range,
    generated: Range,
    group: Group,
    meaning: &'static str,
) -> Column {
    Column {
        name,
        kind: Kind::Integer,
        unit,
        valid,
        generated,
        group,
        meaning,
    }
}

/// A count from 0 up.
const fn count(
    name: &'static str,
    unit: &'static str,
    group: Group,
    meaning: &'static str,
) -> Column {
    let any = range(0.0, UNBOUNDED_INTEGER);
    integer(name, unit, any, any, group, meaning)
}

/// A count that may pass 32 bits; generated from `least` up.
const fn big(
    name: &'static str,
    unit: &'static str,
    least: f64,
    group: Group,
    meaning: &'static str,
) -> Column {
    Column {
        name,
        kind: Kind::BigInteger,
        unit,
        valid: range(0.0, UNBOUNDED_BIG),
        generated: range(least, UNBOUNDED_BIG),
        group,
        meaning,
    }
}

/// A number with ranges of its own.
const fn decimal(
    name: &'static str,
    places: u8,
    unit: &'static str,
    valid: Range,
    generated: Range,
    group: Group,
    meaning: &'static str,
) -> Column {
    Column {
        name,
        kind: Kind::Decimal(places),
        unit,
        valid,
        generated,
        group,
        meaning,
    }
}

/// A number from 0 up.
const fn amount(
    name: &'static str,
    places: u8,
    unit: &'static str,
    group: Group,
    meaning: &'static str,
) -> Column {
    let any = range(0.0, UNBOUNDED_DECIMAL);
    decimal(name, places, unit, any, any, group, meaning)
}

/// A percentage.
const fn percent(name: &'static str, places: u8, group: Group, meaning: &'static str) -> Column {
    let all = range(0.0, 100.0);
    decimal(name, places, "%", all, all, group, meaning)
}

/// A time per day, which a day bounds.
const fn minutes(
    name: &'static str,
    unit: &'static str,
    generated: Range,
    group: Group,
    meaning: &'static str,
) -> Column {
    decimal(name, 1, unit, range(0.0, 1440.0), generated, group, meaning)
}

/// All columns, in the order of files and tables.
#[rustfmt::skip] // A table: one column a line.
pub const COLUMNS: [Column; COLUMN_COUNT] = [
    text("customer_id", Kind::Id, Demographics, "The customer's identifier"),
    integer("age", "years", range(13.0, 120.0), range(18.0, 65.0), Demographics, "Age in whole years at the snapshot"),
    text("gender", Kind::Category(GENDERS), Demographics, "Gender that the customer states"),
    text("location", Kind::OpenCategory(CITIES), Demographics, "Metropolitan area the customer lives in"),
    integer("tenure_months", "months", range(0.0, 1200.0), range(0.0, 84.0), Demographics, "Whole months since the customer signed up"),
    text("account_type", Kind::Category(ACCOUNT_TYPES), Demographics, "Premium if the customer has a paid tier, else Free"),

    count("stories_posted_week", "stories/week", Social, "Stories posted in the last active week"),
    amount("stories_viewed_day", 1, "stories/day", Social, "Stories viewed a day, mean of the last 30 active days"),
    percent("story_completion_rate_pct", 1, Social, "Share of opened stories watched to their end"),
    count("reels_created_week", "reels/week", Social, "Short videos created in the last active week"),
    amount("reels_watched_day", 1, "reels/day", Social, "Short videos watched a day, mean of the last 30 active days"),
    decimal("avg_reel_watch_time_sec", 1, "s", range(0.0, 86400.0), range(1.0, 90.0), Social, "Mean time spent on one short video"),
    percent("reel_completion_rate_pct", 1, Social, "Share of short videos watched to their end"),
    decimal("video_watch_hours_week", 2, "h/week", range(0.0, 168.0), range(0.0, 168.0), Social, "Hours of video of all forms watched in the last active week"),
    percent("engagement_rate_pct", 2, Social, "Likes, comments and shares received on a post, per follower"),
    count("posts_last_30_days", "posts/30 days", Social, "Feed posts in the last 30 active days, stories and reels not counted"),
    count("comments_posted_week", "comments/week", Social, "Comments posted in the last active week"),
    amount("likes_given_day", 1, "likes/day", Social, "Likes given a day, mean of the last 30 active days"),
    count("shares_last_week", "shares/week", Social, "Shares in the last seven calendar days"),
    big("followers_count", "accounts", 1.0, Social, "Accounts that follow the customer"),
    big("following_count", "accounts", 1.0, Social, "Accounts that the customer follows"),
    amount("follower_following_ratio", 2, "ratio", Social, "Followers divided by accounts followed"),
    flag("is_creator", Social, "Whether the customer is in the creator programme"),
    amount("creator_earnings_month_usd", 2, "USD/month", Social, "What the customer earned as a creator in the last month; 0 for others"),
    big("avg_views_per_post", "views/post", 0.0, Social, "Mean views of a post or reel; 0 without posts and reels"),
    minutes("feed_time_minutes_day", "min/day", range(0.0, 600.0), Social, "Minutes a day in the main feed, mean of the last 30 active days"),
    count("discover_page_visits_week", "visits/week", Social, "Visits to the discovery page in the last active week"),
    count("ads_clicked_week", "clicks/week", Social, "Ads clicked in the last active week"),
    percent("ad_conversion_rate_pct", 2, Social, "Long-run share of ad clicks that end in a purchase"),
    count("live_streams_watched_week", "streams/week", Social, "Live streams watched in the last active week"),
    decimal("live_stream_time_minutes_week", 1, "min/week", range(0.0, 10080.0), range(0.0, 10080.0), Social, "Minutes of live streams watched in the last active week"),

    percent("profile_completion_pct", 1, Dating, "Share of the dating profile that is filled in"),
    integer("photo_count", "photos", range(0.0, 10_000.0), range(1.0, 9.0), Dating, "Photos on the dating profile"),
    decimal("profile_quality_score", 1, "score 0-100", range(0.0, 100.0), range(0.0, 100.0), Dating, "Quality of the dating profile as the app scores it"),
    amount("swipes_right_day", 3, "swipes/day", Dating, "Right swipes a day, mean of the last 30 active days"),
    amount("swipes_left_day", 3, "swipes/day", Dating, "Left swipes a day, mean of the last 30 active days"),
    percent("swipe_right_rate_pct", 2, Dating, "Right swipes as a share of all swipes"),
    amount("matches_per_day", 3, "matches/day", Dating, "New matches a day, mean of the last 30 active days"),
    percent("match_rate_pct", 2, Dating, "Matches as a share of right swipes; 0 without right swipes"),
    count("total_matches_alltime", "matches", Dating, "All matches since sign-up"),
    amount("messages_sent_day", 2, "messages/day", Dating, "Messages sent a day, mean of the last 30 active days"),
    amount("messages_received_day", 2, "messages/day", Dating, "Messages received a day, mean of the last 30 active days"),
    amount("avg_conversation_length", 1, "messages", Dating, "Mean messages of a conversation; 0 without messages"),
    percent("response_rate_pct", 1, Dating, "Share of the messages received that the customer answers"),
    percent("first_message_response_rate_pct", 1, Dating, "Share of the customer's opening messages that get an answer"),
    integer("dates_scheduled_month", "dates/month", range(0.0, 1000.0), range(0.0, 31.0), Dating, "Dates agreed on in the last 30 active days"),
    percent("date_show_up_rate_pct", 1, Dating, "All-time share of agreed dates that took place"),
    integer("dates_completed_month", "dates/month", range(0.0, 1000.0), range(0.0, 31.0), Dating, "Dates that took place in the last 30 active days"),
    percent("match_to_date_conversion_pct", 2, Dating, "Dates completed in the month per match of all time; 0 without matches"),
    count("super_likes_used_week", "super likes/week", Dating, "Super Likes used in the last active week"),
    count("boosts_used_month", "boosts/month", Dating, "Profile boosts used in the last 30 active days"),
    percent("super_like_match_rate_pct", 2, Dating, "Share of Super Likes that match"),
    count("users_blocked", "accounts", Dating, "Accounts the customer blocked since sign-up"),
    count("users_reported", "accounts", Dating, "Accounts the customer reported since sign-up"),
    decimal("match_satisfaction_score", 1, "score 1-5", range(1.0, 5.0), range(1.0, 5.0), Dating, "How satisfied the customer is with the matches, 1 to 5"),
    amount("app_opens_day", 1, "opens/day", Dating, "Times a day the app is opened, mean of the last 30 active days"),
    minutes("session_duration_avg_min", "min", range(0.5, 120.0), Dating, "Mean length of a session"),

    text("premium_tier", Kind::Category(TIERS), Revenue, "Tier of the subscription, Free without one"),
    amount("monthly_subscription_usd", 2, "USD/month", Revenue, "Price of the subscription"),
    amount("iap_spending_month_usd", 2, "USD/month", Revenue, "In-app purchases in the last month"),
    amount("ad_revenue_generated_month_usd", 2, "USD/month", Revenue, "Ad revenue the customer brought in the last month"),
    amount("total_revenue_month_usd", 2, "USD/month", Revenue, "Subscription, in-app purchases and ad revenue of the last month"),
    amount("lifetime_value_usd", 2, "USD", Revenue, "Revenue from the customer since sign-up"),
    count("total_transactions_alltime", "transactions", Revenue, "Payments since sign-up"),
    amount("avg_transaction_value_usd", 2, "USD", Revenue, "Mean payment since sign-up; 0 without payments"),

    decimal("engagement_score", 3, "score 0-1", range(0.0, 1.0), range(0.0, 1.0), Churn, "Composite of the customer's activity, 0 to 1"),
    count("sessions_last_7_days", "sessions/week", Churn, "Sessions in the last seven calendar days"),
    decimal("churn_probability", 3, "probability", range(0.0, 1.0), range(0.0, 1.0), Churn, "Churn probability as a model of the past scored it"),
    flag("churn_30_day", Churn, "Whether the customer left within 30 days after the snapshot"),
    integer("days_since_last_active", "days", range(0.0, 36_500.0), range(0.0, 29.0), Churn, "Whole days since the customer was last active"),
    text("platform_primary", Kind::Category(PLATFORMS), Platform, "Where the customer is mainly active"),
    text("data_generated_at", Kind::Timestamp, Platform, "The moment the customer was observed at"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_once() {
        for (i, c) in COLUMNS.iter().enumerate() {
            assert_eq!(find(c.name), Some(i), "{} stands twice", c.name);
        }
    }

    #[test]
    fn the_generated_range_lies_within_the_valid_one() {
        for c in &COLUMNS {
            assert!(c.valid.contains(c.generated.min), "{}", c.name);
            assert!(c.valid.contains(c.generated.max), "{}", c.name);
            assert!(!c.meaning.is_empty() && !c.meaning.ends_with('.'));
        }
    }

    #[test]
    fn says_what_a_column_takes() {
        let says = |name| COLUMNS[find(name).unwrap()].expected();
        assert_eq!(says("age"), "an integer from 13 to 120");
        assert_eq!(says("followers_count"), "an integer, 0 or more");
        assert_eq!(says("premium_tier"), "one of Free, Gold, Platinum");
        assert_eq!(says("is_creator"), "true, false, 1 or 0");
    }
}
