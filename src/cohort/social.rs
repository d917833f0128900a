//! Stage 2: social use. Stories, reels, the feed, the network, creators and
//! what they earn, ads and live streams.

use super::block::Row;
use super::constants::constant;
use super::draft::{Count, Draft, Flag, Share, head_count};
use super::identity::by_code;
use super::math::{self, exp, ln, ln_1p};
use super::spec::{Aim, statistic};
use super::variables::*;

/// Shape of the followers' Lomax distribution, and the relative reach by platform.
const FOLLOWERS_SHAPE: f64 = 2.1;
const FOLLOWERS_REACH: [f64; 3] = [1.0, 0.45, 1.0];

/// The most a creator earns, as a multiple of the typical.
const EARNINGS_CAP: f64 = 400.0;
/// Beyond this exponent more creators earn the most, and the top tenth's share falls.
const STEEPEST_EARNINGS: f64 = 2.5;
const EARNINGS_MEAN: usize = statistic("creator_earnings_month_usd");

const HOURS_A_WEEK: f64 = 168.0;
const FEED_MINUTES_MOST: f64 = 600.0;
const SECONDS_AN_HOUR: f64 = 3600.0;

pub fn draw(d: &mut Draft) {
    stories_and_reels(d);
    live_streams(d);
    video_hours(d);
    posting(d);
    network(d);
    creators(d);
    earnings(d);
    feed_and_ads(d);
    d.release(&[REEL_SHARE, LONG_VIDEO, EARNING_POWER, CREATIVITY]);
}

fn stories_and_reels(d: &mut Draft) {
    const POSTED: Count = Count::of("stories_posted", 2.0, Aim::at("stories_posted_week"));
    const VIEWED: Count = Count::of("stories_viewed", 3.0, Aim::at("stories_viewed_day"));
    const CREATED: Count = Count::of("reels_created", 2.0, Aim::at("reels_created_week"));
    const WATCHED: Count = Count::of("reels_watched", 3.0, Aim::at("reels_watched_day"));
    const STORIES: Share = Share::of("story_completion", 12.0, Aim::Model(0.70));
    const REELS: Share = Share::of("reel_completion", 10.0, Aim::Model(0.48));

    d.count(STORIES_POSTED, &POSTED, |r| {
        0.8 * r[SOCIAL_USE] + 0.5 * r[CREATIVITY]
    });
    d.daily(STORIES_VIEWED, &VIEWED, |r| r[SOCIAL_USE]);
    d.percentage(STORY_COMPLETION, 1, &STORIES, |r| {
        0.25 * r[SOCIAL_AFFINITY] + 0.20 * r[FIT]
    });
    d.count(REELS_CREATED, &CREATED, |r| {
        0.8 * r[SOCIAL_USE] + 0.7 * r[CREATIVITY]
    });
    d.daily(REELS_WATCHED, &WATCHED, |r| {
        1.1 * r[SOCIAL_USE] - 0.15 * r[AGE_Z]
    });
    d.share(REEL_SHARE, &REELS, |r| {
        0.25 * r[SOCIAL_AFFINITY] + 0.1 * r[FIT]
    });
    d.fill(REEL_COMPLETION, |r, _| {
        math::round(100.0 * r[REEL_SHARE], 1)
    });
    d.fill(REEL_WATCH_TIME, |r, draw| {
        let mean = 4.0 + 28.0 * r[REEL_SHARE];
        math::round((mean * draw.gamma_factor(6.0)).clamp(1.0, 90.0), 1)
    });
}

fn live_streams(d: &mut Draft) {
    const WATCHED: Count = Count::of("live_streams", 1.5, Aim::Model(0.6));
    const STREAM_MINUTES: f64 = 14.0;

    d.count(LIVE_STREAMS, &WATCHED, |r| 0.9 * r[SOCIAL_USE]);
    d.fill(LIVE_MINUTES, |r, draw| {
        math::round(draw.gamma(1.5 * r[LIVE_STREAMS]) * STREAM_MINUTES / 1.5, 1)
    });
}

/// Reels and live streams, and long-form video to make up the mean.
fn video_hours(d: &mut Draft) {
    d.fill(VIDEO_HOURS, |r, _| {
        r[REELS_WATCHED] * 7.0 * r[REEL_WATCH_TIME] / SECONDS_AN_HOUR + r[LIVE_MINUTES] / 60.0
    });
    d.weigh(LONG_VIDEO, |r, draw| {
        exp(0.7 * r[SOCIAL_USE]) * draw.gamma_factor(2.0)
    });
    let hours = |r: Row, scale: f64| (r[VIDEO_HOURS] + scale * r[LONG_VIDEO]).min(HOURS_A_WEEK);
    let scale = d.solve_for(
        const { constant("long_video") },
        Aim::at("video_hours_week"),
        (0.0, 1e4),
        |d, scale| d.mean(|r| hours(r, scale)),
    );
    d.fill(VIDEO_HOURS, |r, _| math::round(hours(r, scale), 2));
}

fn posting(d: &mut Draft) {
    const POSTED: Count = Count::of("posts", 1.5, Aim::at("posts_30_days"));
    const COMMENTED: Count = Count::of("comments", 2.0, Aim::Model(2.4));
    const LIKED: Count = Count::of("likes", 3.0, Aim::Model(8.5));

    d.count(POSTS, &POSTED, |r| {
        0.7 * r[SOCIAL_USE] + 0.7 * r[CREATIVITY]
    });
    d.count(COMMENTS, &COMMENTED, |r| {
        r[SOCIAL_USE] + 0.3 * r[CREATIVITY]
    });
    d.daily(LIKES, &LIKED, |r| r[SOCIAL_USE] + 0.2 * r[CREATIVITY]);
}

fn network(d: &mut Draft) {
    const FOLLOWING_SCALE: Count = Count::of("following", 1.8, Aim::Model(390.0));
    const RATE: Share = Share::of("engagement_rate", 45.0, Aim::percent("engagement_rate_pct"));

    let sd = (0.55_f64 * 0.55 + 0.6 * 0.6 + 0.25 * 0.25 + 0.5 * 0.5).sqrt();
    d.weigh(FOLLOWERS, |r, draw| {
        let z = 0.55 * r[SOCIAL_AFFINITY] + 0.60 * r[CREATIVITY] + 0.25 * r[ACTIVITY];
        let u = math::normal_cdf((z + 0.50 * draw.normal()) / sd).min(1.0 - 1e-6);
        let reach = by_code(r[PLATFORM], FOLLOWERS_REACH);
        (math::pow(1.0 - u, -1.0 / FOLLOWERS_SHAPE) - 1.0) * reach
    });
    let followers = |r: Row, scale: f64| math::whole(scale * r[FOLLOWERS]).max(1.0);
    let scale = d.solve_in_steps(
        const { constant("followers") },
        Aim::at("followers"),
        (0.0, 1e10),
        |d, scale| d.mean(|r| followers(r, scale)),
    );
    d.fill(FOLLOWERS, |r, _| followers(r, scale));
    d.scaled(FOLLOWING, &FOLLOWING_SCALE, |r| exp(0.35 * r[SOCIAL_USE]));
    d.fill(FOLLOWING, |r, _| math::whole(r[FOLLOWING]).max(1.0));
    d.fill(FOLLOWER_RATIO, |r, _| {
        math::round(r[FOLLOWERS] / r[FOLLOWING], 2)
    });
    // Received likes are not columns, so the rate is drawn, not derived.
    d.percentage(ENGAGEMENT_RATE, 2, &RATE, |r| {
        0.25 * r[CREATIVITY] + 0.15 * r[SOCIAL_AFFINITY] - 0.12 * (ln(r[FOLLOWERS]) - 5.0)
    });
}

fn creators(d: &mut Draft) {
    const CREATOR: Flag = Flag::of("creator", Aim::percent("creator_pct"), TRUE_CREATOR);

    let gain = d.structural(const { constant("creator_gain") });
    d.flag(IS_CREATOR, &CREATOR, |r| {
        if r[POSTS] + r[REELS_CREATED] == 0.0 {
            return f64::NEG_INFINITY;
        }
        gain * (0.50 * (ln(r[FOLLOWERS]) - 5.0)
            + 0.75 * ln_1p(r[REELS_CREATED])
            + 0.55 * ln_1p(r[POSTS])
            + 0.35 * ln_1p(r[STORIES_POSTED])
            + 0.6 * log_rate(r[ENGAGEMENT_RATE]))
    });
    d.fill(VIEWS, |r, draw| {
        if r[POSTS] + r[REELS_CREATED] == 0.0 {
            return 0.0;
        }
        math::whole(exp(log_views(r) + 0.75 * draw.normal())).max(1.0)
    });
    if d.wants_truth() {
        d.fill(TRUE_VIRALITY, |r, _| {
            if r[VIEWS] == 0.0 {
                f64::NAN
            } else {
                exp(log_views(r))
            }
        });
    }
}

/// The mean of the logarithm of a customer's views.
fn log_views(r: Row) -> f64 {
    0.2 + 0.80 * ln(r[FOLLOWERS])
        + 0.45 * log_rate(r[ENGAGEMENT_RATE])
        + 0.45 * r[IS_CREATOR]
        + 0.18 * ln_1p(r[REELS_CREATED])
}

/// Log engagement rate against a typical one, kept off a rate of 0.
fn log_rate(percent: f64) -> f64 {
    ln(percent.max(0.2) / 3.0)
}

/// A power of views times volume times noise: few earn much, most little.
fn earnings(d: &mut Draft) {
    d.weigh(EARNING_POWER, |r, draw| {
        if r[IS_CREATOR] == 0.0 {
            return f64::NEG_INFINITY;
        }
        ln(r[VIEWS].max(1.0))
            + 0.5 * ln_1p(r[POSTS] + 4.0 * r[REELS_CREATED])
            + 0.55 * draw.normal()
    });
    let powers = d.collect(|r| (r[IS_CREATOR] > 0.0).then_some(r[EARNING_POWER]));
    if powers.is_empty() {
        return d.fill(CREATOR_EARNINGS, |_, _| 0.0);
    }
    let location = d.solve(const { constant("earnings_location") }, |_| mean(&powers));
    let exponent = d.solve_for(
        const { constant("earnings_exponent") },
        Aim::at("top_tenth_creator_share"),
        (0.0, STEEPEST_EARNINGS),
        |_, exponent| top_tenth_share(&powers, location, exponent),
    );
    let earned = |power: f64| exp((exponent * (power - location)).min(ln(EARNINGS_CAP)));
    let scale = d.solve(const { constant("earnings_scale") }, |d| {
        let weights: Vec<f64> = powers.iter().map(|p| earned(*p)).collect();
        d.spec().values()[EARNINGS_MEAN] / mean(&weights)
    });
    d.fill(CREATOR_EARNINGS, |r, _| {
        math::round(scale * earned(r[EARNING_POWER]), 2)
    });
}

#[expect(clippy::cast_precision_loss, reason = "a count of creators")]
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// What the top tenth earns of all, for an exponent.
#[expect(clippy::cast_precision_loss, reason = "a count of creators")]
fn top_tenth_share(powers: &[f64], location: f64, exponent: f64) -> f64 {
    let mut earned: Vec<f64> = powers
        .iter()
        .map(|p| exp(exponent * (p - location)).min(EARNINGS_CAP))
        .collect();
    let top = head_count(0.1 * earned.len() as f64).max(1);
    let total: f64 = earned.iter().sum();
    earned.select_nth_unstable_by(top - 1, |a, b| b.total_cmp(a));
    earned[..top].iter().sum::<f64>() / total
}

fn feed_and_ads(d: &mut Draft) {
    const VISITS: Count = Count::of("discover", 2.0, Aim::Model(3.1));
    const CLICKS: Count = Count::of("ads_clicked", 2.0, Aim::Model(1.1));
    const BOUGHT: Share = Share::of("ad_conversion", 40.0, Aim::Model(0.024));

    d.weigh(FEED_TIME, |r, draw| {
        exp(0.7 * r[SOCIAL_USE]) * draw.gamma_factor(3.0)
    });
    let minutes = |r: Row, scale: f64| (scale * r[FEED_TIME]).min(FEED_MINUTES_MOST);
    let scale = d.solve_for(
        const { constant("feed") },
        Aim::at("feed_minutes_day"),
        (0.0, 1e8),
        |d, scale| d.mean(|r| minutes(r, scale)),
    );
    d.fill(FEED_TIME, |r, _| math::round(minutes(r, scale), 1));
    d.count(DISCOVER_VISITS, &VISITS, |r| {
        0.8 * r[SOCIAL_USE] + 0.1 * r[SOCIAL_AFFINITY]
    });
    d.count(ADS_CLICKED, &CLICKS, |r| 0.7 * r[SOCIAL_USE]);
    d.percentage(AD_CONVERSION, 2, &BOUGHT, |r| 0.15 * r[FIT]);
}
