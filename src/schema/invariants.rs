//! What holds in every row of a generated cohort: identities between columns,
//! the generated ranges, no nulls. The identities hold in imported data too, or
//! something is wrong with it.
//!
//! Checked on the stored values, since derived columns are computed from those.
//! An identity that would need a missing value is not judged.

use std::cell::Cell;

use arrow_array::{Array, RecordBatch};

use super::rounding::{cents, percent, round};
use super::{COLUMN_COUNT, COLUMNS, TIER_PRICES_USD, Values, column};

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

/// What a generated batch without missing values breaks.
#[must_use]
pub fn violations(batch: &RecordBatch) -> Violations {
    let mut found = masked_violations(batch);
    for (i, c) in COLUMNS.iter().enumerate() {
        let nulls = batch.column(i).null_count() as u64;
        if nulls > 0 {
            found.add(format!("{} is not null", c.name), nulls);
        }
    }
    found
}

/// What a generated batch breaks of which some values were taken away.
#[must_use]
pub fn masked_violations(batch: &RecordBatch) -> Violations {
    in_parts(batch, masked_violations_of)
}

fn masked_violations_of(batch: &RecordBatch) -> Violations {
    let rows = rows(batch);
    let mut found = broken(&rows, IDENTITIES.iter().chain(GENERATED_IDENTITIES));
    for (i, c) in COLUMNS.iter().enumerate() {
        let is_outside =
            |row: &&Row| !row.values[i].is_nan() && !c.generated.contains(row.values[i]);
        let outside = if c.kind.is_number() {
            rows.iter().filter(is_outside).count() as u64
        } else {
            0
        };
        if outside > 0 {
            found.add(format!("{} is in its generated range", c.name), outside);
        }
    }
    found
}

/// The identities that rows of somebody's own data break. Prices of tiers and
/// the generated ranges are not among them: those are the generator's.
#[must_use]
pub fn contradictions(batch: &RecordBatch) -> Violations {
    in_parts(batch, |part| broken(&rows(part), IDENTITIES.iter()))
}

/// Looks at a batch in parts whose rows stay in a processor's cache while they
/// are put together from the columns.
fn in_parts(batch: &RecordBatch, find: fn(&RecordBatch) -> Violations) -> Violations {
    const PART_ROWS: usize = 256;
    let mut found = Violations::default();
    for start in (0..batch.num_rows()).step_by(PART_ROWS) {
        let rows = PART_ROWS.min(batch.num_rows() - start);
        found.merge(find(&batch.slice(start, rows)));
    }
    found
}

fn broken<'a>(rows: &[Row], identities: impl Iterator<Item = &'a Identity>) -> Violations {
    let mut found = Violations::default();
    for (name, holds) in identities {
        let breaks = |row: &&Row| {
            row.misses.set(false);
            !holds(row) && !row.misses.get()
        };
        let broken = rows.iter().filter(breaks).count() as u64;
        if broken > 0 {
            found.add((*name).to_owned(), broken);
        }
    }
    found
}

/// One customer as numbers: a category is its index, missing is NaN.
struct Row {
    values: [f64; COLUMN_COUNT],
    /// Whether a missing value was asked for.
    misses: Cell<bool>,
}

impl Row {
    fn value(&self, column: usize) -> f64 {
        let value = self.values[column];
        if value.is_nan() {
            self.misses.set(true);
        }
        value
    }
}

fn rows(batch: &RecordBatch) -> Vec<Row> {
    let mut rows: Vec<Row> = (0..batch.num_rows())
        .map(|_| Row {
            values: [f64::NAN; COLUMN_COUNT],
            misses: Cell::new(false),
        })
        .collect();
    for (i, c) in COLUMNS.iter().enumerate() {
        let Some(values) = Values::in_batch(batch, i) else {
            continue;
        };
        for (at, row) in rows.iter_mut().enumerate() {
            let number = match values {
                Values::Text(_) => {
                    let code = values.text(at).and_then(|text| c.kind.category(text));
                    code.map(f64::from)
                }
                values => values.number(at),
            };
            row.values[i] = number.unwrap_or(f64::NAN);
        }
    }
    rows
}

/// The value of a column, by a name that is resolved at compile time.
macro_rules! at {
    ($row:expr, $name:literal) => {
        $row.value(const { column($name) })
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
        let following = at!(r, "following_count");
        let ratio = round(at!(r, "followers_count") / following, 2);
        same(following, 0.0) || same(at!(r, "follower_following_ratio"), ratio)
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

/// What holds in generated rows alone.
const GENERATED_IDENTITIES: &[Identity] = &[("the subscription is the price of the tier", |r| {
    let paid = at!(r, "monthly_subscription_usd");
    let tier = at!(r, "premium_tier");
    let mut prices = TIER_PRICES_USD.iter().zip([0.0, 1.0, 2.0]);
    prices.any(|(price, code)| same(tier, code) && same(paid, *price))
})];

fn content(r: &Row) -> f64 {
    at!(r, "posts_last_30_days") + at!(r, "reels_created_week")
}

/// Equal but for the last bits of arithmetic.
fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(1.0)
}
