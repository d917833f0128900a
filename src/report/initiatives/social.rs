//! The initiatives on the social side and on revenue.

use super::compare::{
    ADS, Estimate, at_equal_engagement, customers, difference, enough, kept, known, no, of_kept,
    of_means, of_shares, share_of, staying, strict,
};
use super::{Case, Gap};
use crate::facts::published::Group;
use crate::report::story::{Story, real};

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
    let (of_creators, of_posting) = kept(story, [creators])
        .zip(kept(story, [posting]))
        .ok_or_else(|| no(columns))?;
    let (at_equal, strict) = strict(at_equal_engagement(
        story,
        "creator_standing",
        |label| label == posting.labels[0],
        |label| label == creators.labels[0],
    ));
    let gap = Gap::between(of_creators.less(of_posting), at_equal);
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
    Ok(Case {
        evidence: format!(
            "Kept revenue is {} a month for each of {} creators, {} for customers who post without being creators.{content}",
            say.money(of_creators.value),
            say.count(creators.customers),
            say.money(of_posting.value)
        ),
        reach: posting.customers,
        who: "customers who post and are no creators",
        becomes: "become creators",
        gap,
        strict,
        falsifier:
            "New creators bring in and stay no more than those who were not offered the programme."
                .into(),
        trial: of_kept(story, [posting], change * gap.base),
        target: Some("creator"),
    })
}

pub fn stories(story: &Story, change: f64) -> Result<Case, String> {
    let columns =
        "stories_viewed_day, account_type, total_revenue_month_usd and monthly_subscription_usd";
    let groups = story.groups(&["stories_viewed_day"]);
    // The two bands that view most.
    let heavy = &groups[groups.len().saturating_sub(2)..];
    let premium = known(heavy, "premium").ok_or_else(|| no(columns))?;
    let accounts = story
        .facts
        .breakdown(&["account_type"])
        .ok_or_else(|| no(columns))?;
    let (unpaid, paying) = accounts
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
        reach.min(unpaid.customers),
        paying.customers,
        "premium and free customers",
    )?;
    let (kept_paying, kept_free) = kept(story, [paying])
        .zip(kept(story, [unpaid]))
        .ok_or_else(|| no(columns))?;
    // What a subscription brings by itself, less the ads that go.
    let subscriptions = known(groups, "monthly_subscription_usd").zip(known(groups, "premium"));
    let fee = subscriptions
        .filter(|(_, premium)| premium.mean > 0.0)
        .map(|(fee, premium)| fee.mean / premium.mean);
    let fee = fee.ok_or_else(|| no(columns))?;
    let ads = difference(known([paying], ADS), known([unpaid], ADS));
    let strict = match ads {
        Some(_) => "the subscription alone, less the ads that it takes away",
        None => "the subscription alone",
    };
    let ads = ads.unwrap_or(Estimate::NONE);
    let direct = Estimate {
        value: fee + ads.value.min(0.0),
        error: ads.error,
    };
    let staying = staying([unpaid]).ok_or_else(|| no(columns))?;
    let gap = Gap::between(kept_paying.less(kept_free), direct.by(staying));
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
            say.money(kept_paying.value),
            say.money(kept_free.value)
        ),
        reach,
        who: "free customers who view many stories",
        becomes: "subscribe",
        gap,
        strict,
        falsifier:
            "Story features in premium do not raise the share of heavy viewers who subscribe."
                .into(),
        trial: Some(of_shares(
            story,
            "share of heavy story viewers who are premium",
            premium.count,
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
    let (of_low, of_high) = kept(story, low.iter().copied())
        .zip(kept(story, high.iter().copied()))
        .ok_or_else(|| no(columns))?;
    let ads = difference(
        known(high.iter().copied(), ADS),
        known(low.iter().copied(), ADS),
    );
    let staying = staying(low.iter().copied()).ok_or_else(|| no(columns))?;
    let (direct, strict) = match ads {
        Some(ads) => (ads.by(staying), "the ads alone, churn unchanged"),
        None => (
            Estimate::NONE,
            "nothing, since revenue from ads is not known",
        ),
    };
    let engagement = known(low.iter().copied(), "engagement_score")
        .zip(known(high.iter().copied(), "engagement_score"));
    let whole = of_high.less(of_low);
    let gap = Gap::between(whole, direct);
    let say = &story.say;
    let engaged = engagement.map_or_else(String::new, |(low, high)| {
        format!(
            " Their engagement scores are {} and {}.",
            say.number(high.mean, 3),
            say.number(low.mean, 3)
        )
    });
    let carried = share_of(gap, whole.value);
    Ok(Case {
        evidence: format!(
            "Kept revenue is {} a month for customers with two or more hours of video a week, {} for the others.{engaged}",
            say.money(of_high.value),
            say.money(of_low.value)
        ),
        reach: from,
        who: "customers with less than two hours of video a week",
        becomes: "watch as much as the others",
        gap,
        strict,
        falsifier: if engagement.is_some() {
            "Hours rise in the test and engagement does not."
        } else {
            "Hours rise in the test and kept revenue does not."
        }
        .into(),
        trial: match engagement {
            Some((low, high)) => Some(of_means(
                story,
                "engagement score per customer offered",
                low,
                change * carried * (high.mean - low.mean),
                |score| say.number(score, 4),
            )),
            None => of_kept(story, low.iter().copied(), change * gap.base),
        },
        target: None,
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
    let (of_one, of_both) = kept(story, [social, dating])
        .zip(kept(story, [both]))
        .ok_or_else(|| no(columns))?;
    let adjusted = at_equal_engagement(
        story,
        "platform_primary",
        |label| label != both.labels[0],
        |label| label == both.labels[0],
    );
    let (at_equal, strict) = strict(adjusted);
    let gap = Gap::between(of_both.less(of_one), at_equal);
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
        Some(adjusted) if adjusted.high() < 0.0 => {
            " Among customers of equal engagement those of one bring more: the bundle pays only if it raises engagement."
        }
        Some(adjusted) if adjusted.low() <= 0.0 => {
            " Among customers of equal engagement no difference is left: the bundle pays only if it raises engagement."
        }
        _ => "",
    };
    let share = real(both.customers) / real(single + both.customers);
    Ok(Case {
        evidence: format!(
            "Kept revenue is {} a month for a customer of both platforms, {} for one of a single platform.{lift}{caution}",
            say.money(of_both.value),
            say.money(of_one.value)
        ),
        reach: single,
        who: "customers of one platform",
        becomes: "use both",
        gap,
        strict,
        falsifier:
            "Customers who take the bundle do not use the second platform, or bring in no more."
                .into(),
        trial: Some(of_shares(
            story,
            "share of customers who use both platforms",
            single + both.customers,
            share,
            share + change * (1.0 - share),
        )),
        target: None,
    })
}
