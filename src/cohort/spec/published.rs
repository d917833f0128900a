//! The published statistics: the one place where their values stand.
//!
//! Most are solved for, and can be set; the others follow from them. The stages
//! read here what to solve for, and the check what should have come out.

use crate::schema::{TIER_PRICES_USD, const_eq};

/// How many statistics are published.
pub const COUNT: usize = 38;

/// One published statistic.
#[derive(Debug)]
pub struct Published {
    pub id: &'static str,
    pub origin: Origin,
    /// What calibration leaves to chance.
    pub noise: Noise,
    /// How far 100,000 customers drawn with given constants wander from it:
    /// three standard deviations, percent of the value.
    pub sampling_pct: f64,
}

/// What is left to chance when a statistic's constant is solved on the rows at
/// hand: it fixes the mean that is drawn about.
#[derive(Debug)]
pub enum Noise {
    Nothing,
    /// The mean of whole counts, Poisson about their means.
    Counts,
    /// The mean of shares, Beta of this precision; in units of so much.
    Shares(f64, f64),
    /// A number of customers, rounded to a whole one; percent.
    Heads,
}

impl Noise {
    /// Three standard deviations for `n` customers, relative to the value.
    pub fn relative(&self, value: f64, n: f64) -> f64 {
        match self {
            Self::Nothing => 0.0,
            Self::Counts => 3.0 / (n * value).sqrt(),
            Self::Shares(precision, unit) => {
                let mean = value / unit;
                3.0 * ((1.0 - mean) / (mean * (precision + 1.0) * n)).sqrt()
            }
            Self::Heads => 50.0 / (n * value),
        }
    }
}

/// Where the value of a statistic comes from.
#[derive(Debug)]
pub enum Origin {
    /// Solved for: the source document's value, and the least and most that may
    /// be asked for.
    Solved(f64, f64, f64),
    /// Follows from others, which are named; none where the population has
    /// nothing to compute it from.
    Follows(&'static str, fn(&Values) -> Option<f64>),
}

/// A value for every statistic that is solved for; those that follow are unused.
pub type Values = [f64; COUNT];

use Noise::{Counts, Heads, Nothing, Shares};
use Origin::{Follows, Solved};

const fn published(id: &'static str, origin: Origin, noise: Noise, sampling_pct: f64) -> Published {
    Published {
        id,
        origin,
        noise,
        sampling_pct,
    }
}

const REVENUE: &str = "subscription_usd, iap_usd and ads_usd";

/// All of them, in the order of the facts.
#[rustfmt::skip] // A table: one statistic a line.
pub const PUBLISHED: [Published; COUNT] = [
    published("avg_engagement_score", Solved(0.37, 0.01, 0.99), Shares(30.0, 1.0), 0.47),
    published("churn_rate_pct", Solved(49.2, 0.0, 99.9), Heads, 0.88),
    published("premium_pct", Solved(21.19, 0.0, 99.9), Heads, 2.23),
    published("avg_ltv_usd", Solved(152.65, 0.0, 1e6), Nothing, 2.52),
    published("stories_posted_week", Solved(0.8, 0.0, 1e4), Counts, 1.02),
    published("stories_viewed_day", Solved(4.2, 0.0, 1e4), Nothing, 0.91),
    published("reels_created_week", Solved(0.5, 0.0, 1e4), Counts, 2.10),
    published("reels_watched_day", Solved(5.9, 0.0, 1e4), Nothing, 1.24),
    published("video_hours_week", Solved(2.7, 0.0, 168.0), Nothing, 1.01),
    published("engagement_rate_pct", Solved(3.8, 0.1, 99.0), Shares(45.0, 100.0), 0.78),
    published("creator_pct", Solved(6.7, 0.0, 99.9), Heads, 3.07),
    published("creator_earnings_month_usd", Solved(32.67, 0.01, 1e6), Nothing, 11.67),
    published("followers", Solved(520.0, 1.0, 1e8), Nothing, 3.23),
    published("posts_30_days", Solved(1.3, 0.0, 1e4), Counts, 1.79),
    published("feed_minutes_day", Solved(30.0, 0.0, 600.0), Nothing, 0.80),
    published("matches_day", Solved(0.8, 0.001, 200.0), Nothing, 2.72),
    published("match_rate_pct", Solved(2.94, 0.05, 50.0), Nothing, 1.32),
    published("swipes_day", Solved(37.0, 0.1, 400.0), Nothing, 1.31),
    published("swipe_right_rate_pct", Solved(29.7, 0.5, 99.5), Shares(12.0, 100.0), 0.48),
    published("messages_sent_day", Solved(1.5, 0.0, 1e4), Nothing, 1.60),
    published("response_rate_pct", Solved(53.5, 0.5, 99.5), Shares(9.0, 100.0), 0.31),
    published("dates_completed_month", Solved(2.8, 0.0, 31.0), Counts, 1.47),
    published("date_conversion_pct", Solved(0.81, 0.001, 100.0), Nothing, 4.75),
    published("profile_quality", Solved(52.8, 0.5, 99.5), Shares(16.0, 100.0), 0.44),
    published("match_satisfaction", Solved(2.9, 1.02, 4.98), Shares(7.0, 4.0), 0.35),
    published("super_likes_week", Solved(0.9, 0.0, 1e4), Counts, 2.19),
    published("show_up_rate_pct", Solved(80.0, 0.5, 99.5), Shares(20.0, 100.0), 0.11),
    published("subscription_usd", Solved(2.816_99, 0.0, TIER_PRICES_USD[2]), Nothing, 2.26),
    published("iap_usd", Solved(3.461_02, 0.0, 1e5), Nothing, 3.19),
    published("ads_usd", Solved(3.802_32, 0.0, 1e5), Nothing, 0.98),
    published("subscription_share_pct", Follows(REVENUE, |v| share(v, SUBSCRIPTION)), Nothing, 2.26),
    published("iap_share_pct", Follows(REVENUE, |v| share(v, IAP)), Nothing, 3.19),
    published("ads_share_pct", Follows(REVENUE, |v| share(v, ADS)), Nothing, 0.98),
    published("arpu_usd", Follows(REVENUE, |v| Some(revenue(v))), Nothing, 1.05),
    published("arppu_usd", Follows("subscription_usd, iap_usd, ads_usd and premium_pct", arppu), Nothing, 2.25),
    published("ltv_lift_both_platforms", Solved(1.30, 0.05, 20.0), Nothing, 5.30),
    published("top_tenth_creator_share", Solved(0.60, 0.101, 0.999), Nothing, 7.03),
    published("women_to_men_match_rate", Solved(3.0, 0.02, 50.0), Nothing, 2.04),
];

const SUBSCRIPTION: usize = statistic("subscription_usd");
const IAP: usize = statistic("iap_usd");
const ADS: usize = statistic("ads_usd");
const PREMIUM: usize = statistic("premium_pct");

fn revenue(values: &Values) -> f64 {
    values[SUBSCRIPTION] + values[IAP] + values[ADS]
}

fn share(values: &Values, part: usize) -> Option<f64> {
    let all = revenue(values);
    (all > 0.0).then(|| 100.0 * values[part] / all)
}

fn arppu(values: &Values) -> Option<f64> {
    (values[PREMIUM] > 0.0).then(|| 100.0 * revenue(values) / values[PREMIUM])
}

/// The number of a statistic, for a `const`: an unknown id fails the build.
pub const fn statistic(id: &str) -> usize {
    let mut i = 0;
    while i < COUNT {
        if const_eq(PUBLISHED[i].id.as_bytes(), id.as_bytes()) {
            return i;
        }
        i += 1;
    }
    panic!("no statistic has this id");
}

/// The number of a statistic named at run time.
pub fn find(id: &str) -> Option<usize> {
    PUBLISHED.iter().position(|p| p.id == id)
}

/// The values of the source document.
pub fn values() -> Values {
    std::array::from_fn(|i| match PUBLISHED[i].origin {
        Solved(value, ..) => value,
        Follows(..) => f64::NAN,
    })
}

/// What a subscriber pays in the mean, by the source document.
pub fn mean_price() -> f64 {
    let values = values();
    100.0 * values[SUBSCRIPTION] / values[PREMIUM]
}

/// Where a variable's mean is put: at a published statistic, after an affine
/// change of its scale, or at a number of the model's own.
#[derive(Debug, Clone, Copy)]
pub enum Aim {
    Model(f64),
    Published {
        statistic: usize,
        minus: f64,
        over: f64,
    },
}

impl Aim {
    /// At a statistic, by its id.
    pub const fn at(id: &str) -> Self {
        Self::scaled(id, 0.0, 1.0)
    }

    /// At a statistic that is a percentage, as a share.
    pub const fn percent(id: &str) -> Self {
        Self::scaled(id, 0.0, 100.0)
    }

    /// At a statistic, less a number, divided by another.
    pub const fn scaled(id: &str, minus: f64, over: f64) -> Self {
        Self::Published {
            statistic: statistic(id),
            minus,
            over,
        }
    }

    /// What a published statistic is where the variable's mean is `mean`.
    pub fn statistic_at(self, mean: f64) -> f64 {
        match self {
            Self::Model(_) => mean,
            Self::Published { minus, over, .. } => mean * over + minus,
        }
    }

    /// The mean that is aimed at.
    pub fn mean(self, values: &Values) -> f64 {
        match self {
            Self::Model(mean) => mean,
            Self::Published {
                statistic,
                minus,
                over,
            } => (values[statistic] - minus) / over,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_values_agree_with_each_other_and_lie_in_their_ranges() {
        let values = values();
        let follows = |id| match PUBLISHED[statistic(id)].origin {
            Follows(_, value) => value(&values).unwrap(),
            Solved(..) => panic!("{id} is solved for"),
        };
        assert!((follows("arpu_usd") - 10.080_33).abs() < 1e-9);
        assert!((follows("arppu_usd") - 47.57).abs() < 0.005);
        assert!((follows("iap_share_pct") - 34.334_4).abs() < 1e-4);
        for p in &PUBLISHED {
            if let Solved(value, least, most) = p.origin {
                assert!(least < value && value < most, "{}", p.id);
            }
        }
    }
}
