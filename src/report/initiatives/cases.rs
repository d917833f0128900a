//! Each initiative examined on the cohort: whom it would move, what those whom
//! it copies do differently, and the experiment that would tell.

use super::{Case, Gap, Trial};
use crate::facts::published::{Figure, Group};
use crate::report::figures::Figures;
use crate::report::power;
use crate::report::story::{ENOUGH, Story, joined, pooled, real};

const REVENUE: &str = "total_revenue_month_usd";
const ADS: &str = "ad_revenue_generated_month_usd";
const CHURN: &str = "churn_30_day";

/// Money a month of a group that is still there a month later: revenue times
/// the share that stays. Where churn is not known, all stay.
fn kept<'g>(groups: impl IntoIterator<Item = &'g Group> + Clone) -> Option<f64> {
    let revenue = pooled(groups.clone(), REVENUE)?;
    Some(revenue * (1.0 - pooled(groups, CHURN).unwrap_or(0.0)))
}

fn customers<'g>(groups: impl IntoIterator<Item = &'g Group>) -> u64 {
    groups.into_iter().map(|group| group.customers).sum()
}

/// Refuses groups that are too small to compare.
fn enough(one: u64, other: u64, what: &str) -> Result<(), String> {
    if one.min(other) >= ENOUGH {
        Ok(())
    } else {
        Err(format!("It takes at least {ENOUGH} {what} on either side."))
    }
}

/// The difference in money kept between two sets of groups of a breakdown that
/// is crossed with engagement, level by level, weighted by the first set's
/// customers.
fn at_equal_engagement(
    story: &Story,
    by: &str,
    from: impl Fn(&str) -> bool,
    to: impl Fn(&str) -> bool,
) -> Option<f64> {
    let crossed = story.facts.breakdown(&[by, "engagement_score"])?;
    let mut levels: Vec<&str> = crossed
        .groups
        .iter()
        .map(|g| g.labels[1].as_str())
        .collect();
    levels.dedup();
    levels.sort_unstable();
    levels.dedup();
    let (mut difference, mut weight) = (0.0, 0.0);
    for level in levels {
        let of = |wanted: &dyn Fn(&str) -> bool| -> Vec<&Group> {
            let groups = crossed.groups.iter();
            groups
                .filter(|g| g.labels[1] == level && wanted(&g.labels[0]))
                .collect()
        };
        let (from, to) = (of(&from), of(&to));
        if customers(from.iter().copied()) == 0 || customers(to.iter().copied()) < ENOUGH {
            continue;
        }
        let n = real(customers(from.iter().copied()));
        let gap = kept(to.iter().copied())? - kept(from.iter().copied())?;
        difference += n * gap;
        weight += n;
    }
    (weight > 0.0).then(|| difference / weight)
}

const EQUAL_ENGAGEMENT: &str = "the difference among customers of equal engagement";

fn no(columns: &str) -> String {
    format!("It takes values in {columns}.")
}

/// A trial that looks at the mean of a measure.
fn of_means(say: &Figures, metric: &str, figure: Figure, effect: f64, money: bool) -> Trial {
    let write = |value: f64| {
        if money {
            say.money(value)
        } else {
            say.number(value, 4)
        }
    };
    Trial {
        metric: metric.to_owned(),
        control: write(figure.mean),
        least: write(effect.abs()),
        per_arm: figure.sd.and_then(|sd| power::for_means(sd, effect)),
    }
}

/// A trial that looks at a share.
fn of_shares(say: &Figures, metric: &str, control: f64, treated: f64) -> Trial {
    let points = 100.0 * (treated - control).abs();
    Trial {
        metric: metric.to_owned(),
        control: say.share(control, 1),
        least: format!(
            "{} points",
            say.number(points, if points < 1.0 { 2 } else { 1 })
        ),
        per_arm: power::for_shares(control, treated),
    }
}

pub fn creators(story: &Story, change: f64) -> Result<Case, String> {
    let columns = "is_creator, posts_last_30_days and total_revenue_month_usd";
    let [creators, posting, ..] = story.groups(&["creator_standing"]) else {
        return Err(no(columns));
    };
    enough(
        creators.customers,
        posting.customers,
        "creators and customers who post",
    )?;
    let (of_creators, of_posting) = kept([creators])
        .zip(kept([posting]))
        .ok_or_else(|| no(columns))?;
    let raw = of_creators - of_posting;
    let adjusted = at_equal_engagement(
        story,
        "creator_standing",
        |label| label == posting.labels[0],
        |label| label == creators.labels[0],
    );
    let gap = Gap::between(raw, adjusted.unwrap_or(0.0));
    let say = &story.say;
    let content = story
        .facts
        .creators
        .content_share_pct
        .map_or_else(String::new, |share| {
            format!(
                " They make {} of all posts and reels.",
                say.percent(share, 0)
            )
        });
    let trial = posting.figure(REVENUE).map(|figure| {
        of_means(
            say,
            "revenue a month per customer offered",
            figure,
            change * gap.base(),
            true,
        )
    });
    Ok(Case {
        evidence: format!(
            "Kept revenue is {} a month for each of {} creators, {} for customers who post without being creators.{content}",
            say.money(of_creators),
            say.count(creators.customers),
            say.money(of_posting)
        ),
        reach: posting.customers,
        who: "customers who post and are no creators",
        becomes: "become creators",
        gap,
        low_is: EQUAL_ENGAGEMENT,
        falsifier:
            "New creators bring in and stay no more than those who were not offered the programme."
                .into(),
        trial,
        target: Some("creator"),
    })
}

pub fn match_quality(story: &Story, change: f64) -> Result<Case, String> {
    let columns = "match_satisfaction_score, churn_30_day and total_revenue_month_usd";
    let groups = story.groups(&["match_satisfaction_score"]);
    let below = |g: &Group| g.bands[0].to.is_some_and(|to| to <= 3.0);
    let low: Vec<&Group> = groups.iter().filter(|g| below(g)).collect();
    let high: Vec<&Group> = groups.iter().filter(|g| !below(g)).collect();
    let (from, to) = (
        customers(low.iter().copied()),
        customers(high.iter().copied()),
    );
    if groups.is_empty() {
        return Err(no(columns));
    }
    enough(from, to, "customers below and above a satisfaction of 3")?;
    let churn = joined(low.iter().copied(), CHURN).zip(joined(high.iter().copied(), CHURN));
    let (churn_low, churn_high) = churn.ok_or_else(|| no(columns))?;
    let (kept_low, kept_high) = kept(low.iter().copied())
        .zip(kept(high.iter().copied()))
        .ok_or_else(|| no(columns))?;
    let lows: Vec<&str> = low.iter().map(|g| g.labels[0].as_str()).collect();
    let adjusted = at_equal_engagement(
        story,
        "match_satisfaction_score",
        |label| lows.contains(&label),
        |label| !lows.contains(&label),
    );
    let gap = Gap::between(kept_high - kept_low, adjusted.unwrap_or(0.0));
    let say = &story.say;
    // As of the money, half of the way from nothing to all of the difference.
    let carried = share_of(gap, kept_high - kept_low);
    let treated = churn_low.mean - change * carried * (churn_low.mean - churn_high.mean);
    Ok(Case {
        evidence: format!(
            "{} of customers with a match satisfaction below 3 leave within 30 days, {} of those at 3 or more.",
            say.share(churn_low.mean, 1),
            say.share(churn_high.mean, 1)
        ),
        reach: from,
        who: "customers with a match satisfaction below 3",
        becomes: "reach 3 or more",
        gap,
        low_is: EQUAL_ENGAGEMENT,
        falsifier: "Satisfaction rises in the test and churn does not fall.".into(),
        trial: Some(of_shares(
            say,
            "share of low-satisfaction customers who leave within 30 days",
            churn_low.mean,
            treated,
        )),
        target: Some("match-quality"),
    })
}

/// How much of the whole difference the base effect is.
fn share_of(gap: Gap, raw: f64) -> f64 {
    if raw.abs() > f64::EPSILON {
        (gap.base() / raw).clamp(0.0, 1.0)
    } else {
        0.0
    }
}

pub fn stories(story: &Story, change: f64) -> Result<Case, String> {
    let columns =
        "stories_viewed_day, account_type, total_revenue_month_usd and monthly_subscription_usd";
    let groups = story.groups(&["stories_viewed_day"]);
    // The two bands that view most.
    let heavy = &groups[groups.len().saturating_sub(2)..];
    let premium = joined(heavy, "premium").ok_or_else(|| no(columns))?;
    let accounts = story
        .facts
        .breakdown(&["account_type"])
        .ok_or_else(|| no(columns))?;
    let (free, paying) = accounts
        .group(&["Free"])
        .zip(accounts.group(&["Premium"]))
        .ok_or_else(|| no(columns))?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of customers"
    )]
    let reach = (real(premium.count) - premium.sum).max(0.0).round() as u64;
    enough(
        reach.min(free.customers),
        paying.customers,
        "premium and free customers",
    )?;
    let (of_paying, of_free) = kept([paying])
        .zip(kept([free]))
        .ok_or_else(|| no(columns))?;
    // What a subscription brings by itself, less the ads that go.
    let fees = pooled(groups, "monthly_subscription_usd").zip(pooled(groups, "premium"));
    let fee = fees
        .filter(|(_, share)| *share > 0.0)
        .map(|(fee, share)| fee / share);
    let ads = paying
        .mean(ADS)
        .zip(free.mean(ADS))
        .map_or(0.0, |(with, without)| with - without);
    let stays = 1.0 - free.mean(CHURN).unwrap_or(0.0);
    let direct = (fee.ok_or_else(|| no(columns))? + ads.min(0.0)) * stays;
    let gap = Gap::between(of_paying - of_free, direct);
    let say = &story.say;
    let from = heavy.first().and_then(|g| g.bands[0].from).unwrap_or(0.0);
    let treated = premium.mean + change * (1.0 - premium.mean);
    Ok(Case {
        evidence: format!(
            "{} of those who view {} or more stories a day are premium, {} of all. Kept revenue is {} a month for a premium customer, {} for a free one.",
            say.share(premium.mean, 1),
            say.number(from, 0),
            story
                .facts
                .executive
                .premium_pct
                .map_or_else(|| "–".into(), |p| story.pct(p)),
            say.money(of_paying),
            say.money(of_free)
        ),
        reach,
        who: "free customers who view that many stories",
        becomes: "subscribe",
        gap,
        low_is: "the subscription alone, less the ads that it takes away",
        falsifier:
            "Story features in premium do not raise the share of heavy viewers who subscribe."
                .into(),
        trial: Some(of_shares(
            say,
            "share of heavy story viewers who are premium",
            premium.mean,
            treated,
        )),
        target: Some("premium-conversion"),
    })
}

pub fn video(story: &Story, change: f64) -> Result<Case, String> {
    let columns = "video_watch_hours_week, engagement_score and total_revenue_month_usd";
    let groups = story.groups(&["video_watch_hours_week"]);
    let little = |g: &&Group| g.bands[0].to.is_some_and(|to| to <= 2.0);
    let low: Vec<&Group> = groups.iter().filter(little).collect();
    let high: Vec<&Group> = groups.iter().filter(|g| !little(g)).collect();
    if groups.is_empty() {
        return Err(no(columns));
    }
    let (from, to) = (
        customers(low.iter().copied()),
        customers(high.iter().copied()),
    );
    enough(
        from,
        to,
        "customers below and above two hours of video a week",
    )?;
    let (of_low, of_high) = kept(low.iter().copied())
        .zip(kept(high.iter().copied()))
        .ok_or_else(|| no(columns))?;
    let ads = pooled(low.iter().copied(), ADS).zip(pooled(high.iter().copied(), ADS));
    let stays = 1.0 - pooled(low.iter().copied(), CHURN).unwrap_or(0.0);
    let direct = ads.map_or(0.0, |(low, high)| (high - low) * stays);
    let engagement = joined(low.iter().copied(), "engagement_score")
        .zip(joined(high.iter().copied(), "engagement_score"));
    let gap = Gap::between(of_high - of_low, direct);
    let say = &story.say;
    let engaged = engagement.map_or_else(String::new, |(low, high)| {
        format!(
            " Their engagement scores are {} and {}.",
            say.number(high.mean, 3),
            say.number(low.mean, 3)
        )
    });
    let carried = share_of(gap, of_high - of_low);
    Ok(Case {
        evidence: format!(
            "Kept revenue is {} a month for customers with two or more hours of video a week, {} for the others.{engaged}",
            say.money(of_high),
            say.money(of_low)
        ),
        reach: from,
        who: "customers with less than two hours of video a week",
        becomes: "watch as much as the others",
        gap,
        low_is: "the ads alone, churn unchanged",
        falsifier: "Hours rise in the test and engagement does not.".into(),
        trial: engagement.map(|(low, high)| {
            let effect = change * carried * (high.mean - low.mean);
            of_means(
                say,
                "engagement score per customer offered",
                low,
                effect,
                false,
            )
        }),
        target: None,
    })
}

pub fn dates(story: &Story, change: f64) -> Result<Case, String> {
    let columns =
        "platform_primary, dates_completed_month, churn_30_day and total_revenue_month_usd";
    // Who is on social media alone looks for no date.
    let daters = story.groups(&["dates_completed_month", "platform_primary"]);
    let daters = daters.iter().filter(|g| g.labels[1] != "Social_Media");
    let (none, some): (Vec<&Group>, Vec<&Group>) =
        daters.partition(|g| g.bands[0].to.is_some_and(|to| to <= 1.0));
    if none.is_empty() {
        return Err(no(columns));
    }
    let (without, with) = (
        customers(none.iter().copied()),
        customers(some.iter().copied()),
    );
    enough(without, with, "daters with and without a date")?;
    let (of_none, of_some) = kept(none.iter().copied())
        .zip(kept(some.iter().copied()))
        .ok_or_else(|| no(columns))?;
    let churn = pooled(none.iter().copied(), CHURN).zip(pooled(some, CHURN));
    let (churn_none, churn_some) = churn.ok_or_else(|| no(columns))?;
    let revenue = pooled(none, REVENUE).ok_or_else(|| no(columns))?;
    let gap = Gap::between(of_some - of_none, revenue * (churn_none - churn_some));
    let say = &story.say;
    let share = real(with) / real(with + without);
    Ok(Case {
        evidence: format!(
            "{} of daters without a date in the month leave within 30 days, {} of those with one. {}",
            say.share(churn_none, 1),
            say.share(churn_some, 1),
            answered(story).unwrap_or_default()
        )
        .trim_end()
        .to_owned(),
        reach: without,
        who: "daters without a date in the month",
        becomes: "have one",
        gap,
        low_is: "churn alone, revenue unchanged",
        falsifier: "More conversations become dates and those who meet leave as often as before.".into(),
        trial: Some(of_shares(
            say,
            "share of daters with a date in the month",
            share,
            share + change * (1.0 - share),
        )),
        target: Some("date-conversion"),
    })
}

/// What answered openings have to do with dates.
fn answered(story: &Story) -> Option<String> {
    let groups = story.groups(&["first_message_response_rate_pct"]);
    let known: Vec<&Group> = groups.iter().filter(|g| g.customers >= ENOUGH).collect();
    let (few, many) = (known.first()?, known.last()?);
    let (low, high) = (
        few.mean("dates_completed_month")?,
        many.mean("dates_completed_month")?,
    );
    (known.len() > 1).then(|| {
        format!(
            "Daters with a first-message response rate of {} have {} dates a month, those with {} have {}.",
            few.labels[0],
            story.say.rate(low),
            many.labels[0],
            story.say.rate(high)
        )
    })
}

pub fn bundle(story: &Story, change: f64) -> Result<Case, String> {
    let columns = "platform_primary and total_revenue_month_usd";
    let [social, dating, both] = story.groups(&["platform_primary"]) else {
        return Err(no(columns));
    };
    let single = social.customers + dating.customers;
    enough(
        single,
        both.customers,
        "customers of both platforms and of one",
    )?;
    let (of_one, of_both) = kept([social, dating])
        .zip(kept([both]))
        .ok_or_else(|| no(columns))?;
    let adjusted = at_equal_engagement(
        story,
        "platform_primary",
        |label| label != both.labels[0],
        |label| label == both.labels[0],
    );
    let gap = Gap::between(of_both - of_one, adjusted.unwrap_or(0.0));
    let say = &story.say;
    let lift = story
        .facts
        .retention
        .cross_platform
        .ltv_lift
        .map_or_else(String::new, |lift| {
            format!(" Lifetime value is {} times as high.", say.number(lift, 2))
        });
    let caution = match adjusted {
        Some(adjusted) if adjusted <= 0.0 => {
            " Among customers of equal engagement the difference is gone: the bundle pays only if it raises engagement."
        }
        _ => "",
    };
    let share = real(both.customers) / real(single + both.customers);
    Ok(Case {
        evidence: format!(
            "Kept revenue is {} a month for a customer of both platforms, {} for one of a single platform.{lift}{caution}",
            say.money(of_both),
            say.money(of_one)
        ),
        reach: single,
        who: "customers of one platform",
        becomes: "use both",
        gap,
        low_is: EQUAL_ENGAGEMENT,
        falsifier:
            "Customers who take the bundle do not use the second platform, or bring in no more."
                .into(),
        trial: Some(of_shares(
            say,
            "share of customers who use both platforms",
            share,
            share + change * (1.0 - share),
        )),
        target: None,
    })
}
