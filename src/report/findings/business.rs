//! Findings on value, creators, premium and churn.

use super::Outcome;
use crate::report::exhibits::months;
use crate::report::story::{ENOUGH, Story, band_said, joined, pooled, ratio_interval, uncertainty};

/// Correlations from here up are called strong.
const STRONG: f64 = 0.5;

/// The claim of 30%, as it is rounded.
const CLAIMED_LIFT: (f64, f64) = (1.25, 1.35);

const ENGAGEMENT: &str = "engagement_score";

/// From here up a difference in standard deviations is more than small.
const NOTABLE: f64 = 0.2;

pub fn cross_platform(story: &Story) -> Outcome {
    let cross = &story.facts.retention.cross_platform;
    let (Some(both), Some(single), Some(lift)) = (cross.both_ltv, cross.single_ltv, cross.ltv_lift)
    else {
        return Outcome::unknown(
            "It takes lifetime values of customers of both platforms and of one.",
        );
    };
    let Some((low, high)) = ratio_interval(&both, &single) else {
        return Outcome::unknown("Too few customers of both platforms or of one to tell.");
    };
    let say = &story.say;
    let same_tenure = cross.ltv_lift_same_tenure.map_or_else(String::new, |lift| {
        format!(" At equal tenure the ratio is {}.", say.number(lift, 2))
    });
    let text = format!(
        "Lifetime value is {} on both against {} on one, {} times as much (95% interval {} to {}).{same_tenure}",
        say.money(both.mean),
        say.money(single.mean),
        say.number(lift, 2),
        say.number(low, 2),
        say.number(high, 2)
    );
    Outcome::judged(low <= CLAIMED_LIFT.1 && high >= CLAIMED_LIFT.0, text)
}

pub fn concentration(story: &Story) -> Outcome {
    let creators = &story.facts.creators;
    let Some(share) = creators
        .top_tenth_share_pct
        .filter(|_| creators.earnings.count >= ENOUGH)
    else {
        return Outcome::unknown("It takes the earnings of at least 30 creators.");
    };
    let say = &story.say;
    let median = crate::report::exhibits::quantile(&creators.earnings, 50.0);
    let half = median.map_or_else(String::new, |median| {
        if median > 0.0 {
            format!(
                " Half of them earn less than {} a month.",
                say.money(median)
            )
        } else {
            " At least half of them earn nothing.".to_owned()
        }
    });
    let text = format!(
        "The highest-earning tenth of {} creators make {} of all creator earnings.{half}",
        say.count(creators.earnings.count),
        story.pct(share)
    );
    // The estimate of a tenth's share wanders by some points in any cohort.
    Outcome::judged((share - 60.0).abs() <= 6.0, text)
}

pub fn creators(story: &Story) -> Outcome {
    let creators = &story.facts.creators;
    let [of_creators, of_posting, ..] = story.groups(&["creator_standing"]) else {
        return Outcome::unknown("It takes creators and their posts.");
    };
    let known = creators.share_pct.zip(creators.content_share_pct);
    let scores = of_creators
        .figure("engagement_score")
        .zip(of_posting.figure("engagement_score"));
    let (Some((share, content)), Some((high, low))) = (known, scores) else {
        return Outcome::unknown("It takes creators, others who post, and their engagement.");
    };
    let Some(margin) = uncertainty(&high, &low) else {
        return Outcome::unknown("Too few creators, or others who post, to tell.");
    };
    let text = format!(
        "{} of customers are creators; they make {} of all posts and reels. Their engagement score is {}, that of others who post {}.",
        story.pct(share),
        story.pct(content),
        story.say.number(high.mean, 3),
        story.say.number(low.mean, 3)
    );
    Outcome::judged(
        content >= 2.0 * share && high.mean - low.mean > margin,
        text,
    )
}

pub fn views(story: &Story) -> Outcome {
    let against = &story.facts.creators.views_against_earnings;
    let Some(r) = against
        .log_correlation
        .filter(|_| against.creators >= ENOUGH)
    else {
        return Outcome::unknown("It takes the views and earnings of at least 30 creators.");
    };
    let say = &story.say;
    let elasticity = against.elasticity.filter(|_| r.abs() >= 0.1);
    let elasticity = elasticity.map_or_else(String::new, |elasticity| {
        let change = 100.0 * (1.1_f64.powf(elasticity) - 1.0);
        format!(
            " Views higher by {} come with earnings {} by {}.",
            say.percent(10.0, 0),
            if change < 0.0 { "lower" } else { "higher" },
            say.percent(change.abs(), 0)
        )
    });
    let text = format!(
        "The correlation of their logarithms is {} over {} creators.{elasticity}",
        say.number(r, 2),
        say.count(against.creators)
    );
    Outcome::judged(r >= STRONG, text)
}

pub fn premium(story: &Story) -> Outcome {
    let revenue = &story.facts.revenue;
    let drivers = &revenue.premium_drivers;
    // Without it another measure is first whatever engagement would have shown.
    if !drivers.iter().any(|d| d.column == ENGAGEMENT) {
        return Outcome::unknown("It takes the engagement scores of premium and free customers.");
    }
    // What premium unlocks can't have driven anybody to it.
    let perks = ["super_likes_used_week", "boosts_used_month"];
    let drivers: Vec<_> = drivers
        .iter()
        .filter(|d| !perks.contains(&d.column) && d.premium.count.min(d.free.count) >= ENOUGH)
        .collect();
    if !drivers.iter().any(|d| d.column == ENGAGEMENT) {
        return Outcome::unknown("Too few premium or free customers to tell.");
    }
    let say = &story.say;
    let strongest: Vec<String> = drivers
        .iter()
        .take(3)
        .map(|d| format!("{} ({})", measure(d.column), say.number(d.difference_sd, 2)))
        .collect();
    let straight = revenue
        .premium_engagement_r2
        .map_or_else(String::new, |r2| {
            format!(
                " In a straight line, engagement explains {} of who is premium.",
                say.share(r2, 0)
            )
        });
    let text = format!(
        "Premium customers differ most in {}, in standard deviations; Super Likes and boosts, which premium brings, are not counted.{straight}",
        crate::report::story::list(&strongest)
    );
    let holds = drivers.first().is_some_and(|d| {
        let beyond_chance = uncertainty(&d.premium, &d.free)
            .is_some_and(|margin| d.premium.mean - d.free.mean > margin);
        d.column == ENGAGEMENT && beyond_chance && d.difference_sd >= NOTABLE
    });
    Outcome::judged(holds, text)
}

/// A measure as it is read in a sentence.
pub(in crate::report) fn measure(column: &str) -> String {
    match column {
        "matches_per_day" => "matches a day".to_owned(),
        "super_likes_used_week" => "Super Likes a week".to_owned(),
        "boosts_used_month" => "boosts a month".to_owned(),
        "swipes_day" => "swipes a day".to_owned(),
        "iap_spending_month_usd" => "in-app spending a month".to_owned(),
        other => other
            .trim_end_matches("_usd")
            .replace("_pct", "")
            .replace("_month", " a month")
            .replace("_week", " a week")
            .replace("_day", " a day")
            .replace('_', " "),
    }
}

pub fn stories(story: &Story) -> Outcome {
    let groups: Vec<_> = story
        .groups(&["stories_viewed_day"])
        .iter()
        .filter(|g| g.customers >= ENOUGH)
        .collect();
    let (Some(light), Some(heavy)) = (groups.first(), groups.last()) else {
        return Outcome::unknown("It takes story views and account types.");
    };
    let (Some(of_light), Some(of_heavy)) = (light.figure("premium"), heavy.figure("premium"))
    else {
        return Outcome::unknown("It takes story views and account types.");
    };
    let Some(margin) = uncertainty(&of_heavy, &of_light).filter(|_| groups.len() > 1) else {
        return Outcome::unknown("Too few light or heavy story viewers to tell.");
    };
    let say = &story.say;
    let (low, high) = (100.0 * of_light.mean, 100.0 * of_heavy.mean);
    let adjusted = same_engagement(story, &light.labels[0], &heavy.labels[0]);
    let compared = adjusted.map_or_else(String::new, |gap| {
        let direction = if gap < 0.0 { "less" } else { "more" };
        format!(
            " At equal engagement it is {} points {direction}.",
            say.number(gap.abs(), 1)
        )
    });
    let text = format!(
        "{} of those who view {} stories a day are premium, {} of those who view {}.{compared}",
        story.pct(high),
        band_said(&heavy.labels[0]),
        story.pct(low),
        band_said(&light.labels[0])
    );
    // Untapped: they subscribe more, not only for being more engaged, and most don't yet.
    let more = of_heavy.mean - of_light.mean > margin && adjusted.is_none_or(|gap| gap > 0.0);
    Outcome::judged(more && high < 50.0, text)
}

/// The difference in premium, in points, weighted by the heavy viewers' levels
/// of engagement.
fn same_engagement(story: &Story, light: &str, heavy: &str) -> Option<f64> {
    let by = story
        .facts
        .breakdown(&["stories_viewed_day", "engagement_score"])?;
    let of = |label| by.groups.iter().filter(move |g| g.labels[0] == label);
    let (mut difference, mut weight) = (0.0, 0.0);
    for (light, heavy) in of(light.to_owned()).zip(of(heavy.to_owned())) {
        let (Some(low), Some(high)) = (light.figure("premium"), heavy.figure("premium")) else {
            continue;
        };
        if low.count >= ENOUGH {
            let n = crate::report::story::real(high.count);
            difference += n * (high.mean - low.mean);
            weight += n;
        }
    }
    (weight > 0.0).then(|| 100.0 * difference / weight)
}

pub fn early_churn(story: &Story) -> Outcome {
    let groups = story.groups(&["tenure_months"]);
    let early = groups.first().and_then(|g| g.figure("churn_30_day"));
    let later = joined(groups.iter().skip(1), "churn_30_day");
    let (early, later) = match (early, later) {
        (Some(early), Some(later)) => (early, later),
        (None, None) => return Outcome::unknown("It takes tenure and churn."),
        (None, Some(_)) => {
            return Outcome::unknown("Nobody in their first three months has a known churn.");
        }
        (Some(_), None) => {
            return Outcome::unknown("Nobody after their first three months has a known churn.");
        }
    };
    let bands = crate::report::exhibits::bands(story);
    let worst = bands.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let margin = uncertainty(&early, &later);
    let (Some(margin), Some(first), Some(worst)) = (margin, bands.first(), worst) else {
        return Outcome::unknown("Too few customers in the first three months, or after them.");
    };
    let say = &story.say;
    let mut text = format!(
        "{} of customers in their first three months leave within 30 days, {} of those who are here longer.",
        say.share(early.mean, 1),
        say.share(later.mean, 1)
    );
    if !std::ptr::eq(worst.0, first.0) {
        text += format!(
            " The highest churn is at {} months: {}.",
            months(story, worst.0),
            story.pct(worst.1)
        )
        .as_str();
    }
    let holds = std::ptr::eq(worst.0, first.0) && early.mean - later.mean > margin;
    Outcome::judged(holds && first.0.from_months < 1.0, text)
}

pub fn at_risk(story: &Story) -> Outcome {
    let levels = story.groups(&["engagement_score"]);
    let low = levels.first().and_then(|g| g.figure("churn_30_day"));
    let rest = joined(levels.iter().skip(1), "churn_30_day");
    let (Some(low), Some(rest)) = (low, rest) else {
        return Outcome::unknown("It takes engagement scores on both sides of 0.3, and churn.");
    };
    let Some(margin) = uncertainty(&low, &rest) else {
        return Outcome::unknown("Too few customers on one side of 0.3 to tell.");
    };
    let say = &story.say;
    let revenue = pooled(levels.iter().take(1), "total_revenue_month_usd");
    let worth = revenue.map_or_else(String::new, |arpu| {
        format!(" Those at risk bring in {} a month each.", say.money(arpu))
    });
    let text = format!(
        "{} of the {} below 0.3 leave within 30 days, {} of the others.{worth}",
        say.share(low.mean, 1),
        story.customers(low.count),
        say.share(rest.mean, 1)
    );
    Outcome::judged(low.mean - rest.mean > margin, text)
}
