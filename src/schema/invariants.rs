//! What holds in every row of a generated cohort: identities between columns
//! and the generated ranges.
//!
//! Checked on the stored values, since derived columns are computed from those.

use std::cell::Cell;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch};

use super::rounding::{cents, percent, round};
use super::{COLUMN_COUNT, COLUMNS, Kind, TIER_PRICES_USD, column};

/// How many rows break which invariant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Violations(Vec<(String, u64)>);

impl Violations {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, rows)| (name.as_str(), *rows))
    }

    pub fn merge(&mut self, other: Self) {
        for (name, rows) in other.0 {
            self.add(name, rows);
        }
    }

    fn add(&mut self, name: String, rows: u64) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += rows,
            None => self.0.push((name, rows)),
        }
    }
}

/// The violations among the rows of a batch with the schema's columns.
#[must_use]
pub fn violations(batch: &RecordBatch) -> Violations {
    let rows = rows(batch);
    let mut found = Violations::default();
    for (name, holds) in IDENTITIES {
        let broken = rows.iter().filter(|row| !holds(row)).count() as u64;
        if broken > 0 {
            found.add((*name).to_owned(), broken);
        }
    }
    for (i, c) in COLUMNS.iter().enumerate() {
        let nulls = batch.column(i).null_count() as u64;
        if nulls > 0 {
            found.add(format!("{} is not null", c.name), nulls);
        }
        let numeric = c.kind.is_number();
        let outside = rows
            .iter()
            .filter(|row| numeric && !c.generated.contains(row.0[i]))
            .count();
        if outside > 0 {
            found.add(
                format!("{} is in its generated range", c.name),
                outside as u64,
            );
        }
    }
    found
}

/// How many rows break which identity between columns, of those rows that have
/// all that it looks at: for customers who were not generated, and have gaps.
#[must_use]
pub fn broken(batch: &RecordBatch) -> Violations {
    let rows = rows(batch);
    let mut found = Violations::default();
    for (name, holds) in IDENTITIES {
        let breaks = |row: &&Row| {
            row.1.set(false);
            !holds(row) && !row.1.get()
        };
        let broken = rows.iter().filter(breaks).count() as u64;
        if broken > 0 {
            found.add((*name).to_owned(), broken);
        }
    }
    found
}

/// One customer as numbers: a category is its index, missing is NaN, which no
/// identity accepts; and whether what was missing was looked at.
struct Row([f64; COLUMN_COUNT], Cell<bool>);

impl Row {
    fn at(&self, column: usize) -> f64 {
        let value = self.0[column];
        if value.is_nan() {
            self.1.set(true);
        }
        value
    }
}

fn rows(batch: &RecordBatch) -> Vec<Row> {
    let mut rows: Vec<Row> = (0..batch.num_rows())
        .map(|_| Row([f64::NAN; COLUMN_COUNT], Cell::new(false)))
        .collect();
    for (i, c) in COLUMNS.iter().enumerate() {
        let array = batch.column(i);
        for (at, row) in rows.iter_mut().enumerate() {
            if array.is_valid(at) {
                row.0[i] = number(array, c.kind, at);
            }
        }
    }
    rows
}

#[expect(
    clippy::cast_precision_loss,
    reason = "integers are at most 2^53, category lists short"
)]
fn number(array: &dyn Array, kind: Kind, at: usize) -> f64 {
    match kind {
        Kind::Integer => f64::from(array.as_primitive::<Int32Type>().value(at)),
        Kind::BigInteger => array.as_primitive::<Int64Type>().value(at) as f64,
        Kind::Decimal(_) => array.as_primitive::<Float64Type>().value(at),
        Kind::Flag => f64::from(u8::from(array.as_boolean().value(at))),
        Kind::Category(names) => {
            let text = array.as_string::<i32>().value(at);
            names
                .iter()
                .position(|n| *n == text)
                .map_or(f64::NAN, |i| i as f64)
        }
        Kind::Id | Kind::OpenCategory(_) | Kind::Timestamp => f64::NAN,
    }
}

/// The value of a column, by a name that is resolved at compile time.
macro_rules! at {
    ($row:expr, $name:literal) => {
        $row.at(const { column($name) })
    };
}

type Identity = (&'static str, fn(&Row) -> bool);

const IDENTITIES: &[Identity] = &[
    (
        "total revenue = subscription + in-app purchases + ads, to the cent",
        |r| {
            same(
                cents(at!(r, "total_revenue_month_usd")),
                cents(at!(r, "monthly_subscription_usd"))
                    + cents(at!(r, "iap_spending_month_usd"))
                    + cents(at!(r, "ad_revenue_generated_month_usd")),
            )
        },
    ),
    (
        "account_type is Premium if and only if premium_tier is not Free",
        |r| same(at!(r, "account_type"), at!(r, "premium_tier").min(1.0)),
    ),
    ("the subscription is the price of the tier", |r| {
        let paid = at!(r, "monthly_subscription_usd");
        let tier = at!(r, "premium_tier");
        let mut prices = TIER_PRICES_USD.iter().zip([0.0, 1.0, 2.0]);
        prices.any(|(price, code)| same(tier, code) && same(paid, *price))
    }),
    ("swipe_right_rate = right / all swipes", |r| {
        let right = at!(r, "swipes_right_day");
        same(
            at!(r, "swipe_right_rate_pct"),
            percent(right, right + at!(r, "swipes_left_day")),
        )
    }),
    (
        "match_rate = matches / right swipes, at most as many",
        |r| {
            let (matches, right) = (at!(r, "matches_per_day"), at!(r, "swipes_right_day"));
            same(at!(r, "match_rate_pct"), percent(matches, right)) && matches <= right
        },
    ),
    (
        "all matches are at least this month's; just those in the first month",
        |r| {
            let month = (30.0 * at!(r, "matches_per_day")).round_ties_even();
            let all = at!(r, "total_matches_alltime");
            all >= month && (at!(r, "tenure_months") > 0.0 || same(all, month))
        },
    ),
    ("completed <= scheduled <= min(31, all matches)", |r| {
        let scheduled = at!(r, "dates_scheduled_month");
        at!(r, "dates_completed_month") <= scheduled
            && scheduled <= at!(r, "total_matches_alltime").min(31.0)
    }),
    ("match_to_date_conversion = completed / all matches", |r| {
        same(
            at!(r, "match_to_date_conversion_pct"),
            percent(
                at!(r, "dates_completed_month"),
                at!(r, "total_matches_alltime"),
            ),
        )
    }),
    ("reported <= blocked", |r| {
        at!(r, "users_reported") <= at!(r, "users_blocked")
    }),
    (
        "conversations have a length if and only if there are messages",
        |r| {
            let messages = at!(r, "messages_sent_day") + at!(r, "messages_received_day");
            let length = at!(r, "avg_conversation_length");
            if same(messages, 0.0) {
                same(length, 0.0)
            } else {
                length >= 1.0 && length <= 30.0 * messages + 0.6
            }
        },
    ),
    ("follower_following_ratio = followers / following", |r| {
        let ratio = at!(r, "followers_count") / at!(r, "following_count");
        same(at!(r, "follower_following_ratio"), round(ratio, 2))
    }),
    (
        "only creators earn, and a creator has a post or a reel",
        |r| {
            if same(at!(r, "is_creator"), 0.0) {
                same(at!(r, "creator_earnings_month_usd"), 0.0)
            } else {
                content(r) >= 1.0
            }
        },
    ),
    (
        "views are 0 if and only if there are no posts and reels",
        |r| same(at!(r, "avg_views_per_post"), 0.0) == same(content(r), 0.0),
    ),
    (
        "video hours are at least those of reels and live streams",
        |r| {
            let reels =
                at!(r, "reels_watched_day") * 7.0 * at!(r, "avg_reel_watch_time_sec") / 3600.0;
            let live = at!(r, "live_stream_time_minutes_week") / 60.0;
            at!(r, "video_watch_hours_week") + 0.0051 >= reels + live
        },
    ),
    ("no live stream, no minutes of it", |r| {
        at!(r, "live_streams_watched_week") > 0.0
            || same(at!(r, "live_stream_time_minutes_week"), 0.0)
    }),
    (
        "no sessions and shares if and only if inactive for a week",
        |r| {
            let inactive = at!(r, "days_since_last_active") >= 7.0;
            same(at!(r, "sessions_last_7_days"), 0.0) == inactive
                && !(inactive && at!(r, "shares_last_week") > 0.0)
        },
    ),
    (
        "lifetime value is at least the month's revenue and all payments",
        |r| {
            let value = cents(at!(r, "lifetime_value_usd"));
            let paid =
                at!(r, "total_transactions_alltime") * cents(at!(r, "avg_transaction_value_usd"));
            value >= cents(at!(r, "total_revenue_month_usd")) && value >= paid
        },
    ),
    (
        "a payment has a value, and who paid this month has a payment",
        |r| {
            let payments = at!(r, "total_transactions_alltime");
            let month = at!(r, "iap_spending_month_usd") + at!(r, "monthly_subscription_usd");
            same(payments, 0.0) == same(at!(r, "avg_transaction_value_usd"), 0.0)
                && (month <= 0.0 || payments >= 1.0)
        },
    ),
];

fn content(r: &Row) -> f64 {
    at!(r, "posts_last_30_days") + at!(r, "reels_created_week")
}

/// Equal but for the last bits of arithmetic.
fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(1.0)
}
