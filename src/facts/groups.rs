//! Into which groups customers fall: by a category, or by bands of a number.
//!
//! A customer whose value is missing is in no group of that dimension.

use arrow_array::RecordBatch;

use super::fixed::{Fixed, MISSING};
use super::frame::{Frame, Quantity, quantity};
use crate::schema::{COLUMNS, Kind, Values, column};

/// The code of a customer that is in none of the groups.
pub(super) const NO_GROUP: u8 = u8::MAX;

/// One way to divide customers.
pub(super) struct Dimension {
    pub name: &'static str,
    by: By,
}

enum By {
    /// A column of a closed list.
    Category(usize),
    /// A number, by the lower bounds of the bands; the first is not above any
    /// valid value.
    Bands(Quantity, &'static [f64]),
    /// Creators, those who post and are none, and those who do not post.
    Standing,
    /// A number, by bands, among customers who date and matched: their primary
    /// platform is not social media, and they have matches this month.
    Matched(Quantity, &'static [f64]),
}

/// What creators are told apart by, in the order of their codes.
pub(super) const STANDINGS: [&str; 3] = ["creator", "posts, no creator", "does not post"];

const POSTS: Quantity = quantity("posts_and_reels");
const CREATOR: Quantity = quantity("is_creator");
const MATCHES: Quantity = quantity("matches_per_day");
const PLATFORM: usize = column("platform_primary");

/// The place of a dimension, for a `const`: an unknown one fails the build.
pub(super) const fn dimension(name: &str) -> usize {
    let mut i = 0;
    while i < DIMENSIONS.len() {
        if crate::schema::const_eq(DIMENSIONS[i].name.as_bytes(), name.as_bytes()) {
            return i;
        }
        i += 1;
    }
    panic!("no dimension has this name");
}

const fn category(name: &'static str) -> Dimension {
    Dimension {
        name,
        by: By::Category(column(name)),
    }
}

const fn bands(name: &'static str, bounds: &'static [f64]) -> Dimension {
    Dimension {
        name,
        by: By::Bands(quantity(name), bounds),
    }
}

/// Just above 0: who is below it has none.
const ANY: f64 = 0.001;

/// Below it, a customer counts as at risk.
pub(super) const AT_RISK: f64 = 0.3;

pub(super) const DIMENSIONS: &[Dimension] = &[
    category("platform_primary"),
    category("gender"),
    category("account_type"),
    category("premium_tier"),
    bands("age", &[0.0, 25.0, 35.0, 45.0, 55.0]),
    bands("tenure_months", &[0.0, 3.0, 6.0, 12.0, 24.0]),
    bands("engagement_score", &[0.0, AT_RISK, 0.5]),
    bands("stories_viewed_day", &[0.0, 1.0, 3.0, 6.0, 12.0]),
    bands("video_watch_hours_week", &[0.0, 1.0, 2.0, 4.0, 8.0]),
    bands(
        "profile_quality_score",
        &[0.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0],
    ),
    bands("match_satisfaction_score", &[1.0, 2.0, 2.5, 3.0, 3.5, 4.0]),
    bands("response_rate_pct", &[0.0, 20.0, 40.0, 60.0, 80.0]),
    bands("avg_conversation_length", &[0.0, ANY, 10.0, 20.0, 30.0]),
    bands("dates_completed_month", &[0.0, 1.0, 3.0, 6.0]),
    bands("days_since_last_active", &[0.0, 1.0, 7.0, 14.0, 30.0]),
    bands("users_blocked", &[0.0, 1.0, 3.0, 6.0]),
    bands("super_likes_used_week", &[0.0, 1.0]),
    bands("boosts_used_month", &[0.0, 1.0]),
    Dimension {
        name: "creator_standing",
        by: By::Standing,
    },
    Dimension {
        name: "first_message_response_rate_pct",
        by: By::Matched(
            quantity("first_message_response_rate_pct"),
            &[0.0, 15.0, 30.0, 45.0, 60.0],
        ),
    },
];

impl Dimension {
    pub fn groups(&self) -> usize {
        match self.by {
            By::Category(column) => names(column).len(),
            By::Bands(_, bounds) | By::Matched(_, bounds) => bounds.len(),
            By::Standing => STANDINGS.len(),
        }
    }

    /// The name of a group: its category, or its band, such as `3 to 6` (6 not
    /// in it); `0` for the band of those who have none.
    pub fn label(&self, group: usize) -> String {
        match self.by {
            By::Category(column) => names(column)[group].to_owned(),
            By::Standing => STANDINGS[group].to_owned(),
            By::Bands(of, _) | By::Matched(of, _) => match self.band(group) {
                (_, Some(to)) if to <= ANY || (to <= 1.0 && of.units() <= 1.0) => "0".into(),
                (from, Some(to)) if from.is_none_or(|from| from <= 0.0) => format!("under {to}"),
                (Some(from), Some(to)) => format!("{from} to {to}"),
                (from, _) => format!("{} and over", from.unwrap_or_default()),
            },
        }
    }

    /// The bounds of a band: from, and up to but not including.
    pub fn band(&self, group: usize) -> (Option<f64>, Option<f64>) {
        match self.by {
            By::Bands(_, bounds) | By::Matched(_, bounds) => {
                (bounds.get(group).copied(), bounds.get(group + 1).copied())
            }
            By::Category(_) | By::Standing => (None, None),
        }
    }

    /// Writes the group of each customer of a frame.
    pub fn codes(&self, frame: &Frame, batch: &RecordBatch, start: usize, out: &mut [u8]) {
        match self.by {
            By::Category(column) => categories(batch, column, start, out),
            By::Bands(of, bounds) => banded(frame, of, bounds, out),
            By::Standing => {
                let rows = frame.quantity(CREATOR).iter().zip(frame.quantity(POSTS));
                for (out, (&creator, &posts)) in out.iter_mut().zip(rows) {
                    *out = standing(creator, posts);
                }
            }
            By::Matched(of, bounds) => {
                banded(frame, of, bounds, out);
                let platforms = Values::in_batch(batch, PLATFORM);
                let matches = frame.quantity(MATCHES);
                for ((row, out), &matches) in (start..).zip(out).zip(matches) {
                    let platform = platforms.and_then(|p| p.text(row));
                    if matches <= 0 || platform.is_none_or(|p| p == "Social_Media") {
                        *out = NO_GROUP;
                    }
                }
            }
        }
    }
}

fn names(column: usize) -> &'static [&'static str] {
    match COLUMNS[column].kind {
        Kind::Category(names) => names,
        _ => &[],
    }
}

fn categories(batch: &RecordBatch, column: usize, start: usize, out: &mut [u8]) {
    let texts = Values::in_batch(batch, column);
    let kind = COLUMNS[column].kind;
    for (row, out) in (start..).zip(out) {
        let code = texts.and_then(|t| kind.category(t.text(row)?));
        *out = code.unwrap_or(NO_GROUP);
    }
}

fn banded(frame: &Frame, of: Quantity, bounds: &[f64], out: &mut [u8]) {
    let bounds: Vec<Fixed> = (bounds[1..].iter())
        .map(|bound| super::fixed::fixed(*bound, of.units()))
        .collect();
    for (out, &x) in out.iter_mut().zip(frame.quantity(of)) {
        let code: u8 = bounds.iter().map(|&bound| u8::from(x >= bound)).sum();
        *out = if x == MISSING { NO_GROUP } else { code };
    }
}

fn standing(creator: Fixed, posts: Fixed) -> u8 {
    match (creator, posts) {
        (1, _) => 0,
        (MISSING, _) | (_, MISSING) => NO_GROUP,
        (_, posts) if posts > 0 => 1,
        _ => 2,
    }
}
