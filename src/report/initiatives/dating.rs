//! The initiatives on the dating side.

use super::compare::{
    CHURN, REVENUE, at_equal_engagement, customers, enough, kept, known, no, of_shares, saved,
    share_of, strict,
};
use super::{Case, Gap};
use crate::facts::published::{Figure, Group};
use crate::report::story::{Story, band, real};

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
    let churn = known(low.iter().copied(), CHURN).zip(known(high.iter().copied(), CHURN));
    let (churn_low, churn_high) = churn.ok_or_else(|| no(columns))?;
    let (kept_low, kept_high) = kept(story, low.iter().copied())
        .zip(kept(story, high.iter().copied()))
        .ok_or_else(|| no(columns))?;
    let lows: Vec<&str> = low.iter().map(|g| g.labels[0].as_str()).collect();
    let (at_equal, strict) = strict(at_equal_engagement(
        story,
        "match_satisfaction_score",
        |label| lows.contains(&label),
        |label| !lows.contains(&label),
    ));
    let whole = kept_high.less(kept_low);
    let gap = Gap::between(whole, at_equal);
    let say = &story.say;
    // As much of the difference in churn as the base is of that in money.
    let carried = share_of(gap, whole.value);
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
        strict,
        falsifier: "Satisfaction rises in the test and churn does not fall.".into(),
        trial: Some(of_shares(
            story,
            "share of low-satisfaction customers who leave within 30 days",
            from,
            churn_low.mean,
            treated,
        )),
        target: Some("match-quality"),
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
    let (of_none, of_some) = kept(story, none.iter().copied())
        .zip(kept(story, some.iter().copied()))
        .ok_or_else(|| no(columns))?;
    let churn = known(none.iter().copied(), CHURN).zip(known(some, CHURN));
    let (churn_none, churn_some) = churn.ok_or_else(|| no(columns))?;
    let revenue = known(none, REVENUE).ok_or_else(|| no(columns))?;
    let saved = saved(&revenue, of_none, &churn_none, &churn_some);
    let gap = Gap::between(of_some.less(of_none), saved);
    let say = &story.say;
    let share = real(with) / real(with + without);
    Ok(Case {
        evidence: format!(
            "{} of daters without a date in the month leave within 30 days, {} of those with one. {}",
            say.share(churn_none.mean, 1),
            say.share(churn_some.mean, 1),
            answered(story).unwrap_or_default()
        )
        .trim_end()
        .to_owned(),
        reach: without,
        who: "daters without a date in the month",
        becomes: "have one",
        gap,
        strict: "churn alone, revenue unchanged",
        falsifier: "More conversations become dates and those who meet leave as often as before.".into(),
        trial: Some(of_shares(
            story,
            "share of daters with a date in the month",
            with + without,
            share,
            share + change * (1.0 - share),
        )),
        target: Some("date-conversion"),
    })
}

/// What answered openings have to do with dates.
fn answered(story: &Story) -> Option<String> {
    let groups = story.groups(&["first_message_response_rate_pct"]);
    let known: Vec<(&Group, Figure)> = groups
        .iter()
        .filter_map(|g| Some((g, known([g], "dates_completed_month")?)))
        .collect();
    let ((few, low), (many, high)) = (known.first()?, known.last()?);
    let sign = story.say.percent_sign();
    (known.len() > 1).then(|| {
        format!(
            "Daters with a first-message response rate of {} have {} dates a month, those with {} have {}.",
            band(&few.labels[0], &sign),
            story.say.rate(low.mean),
            band(&many.labels[0], &sign),
            story.say.rate(high.mean)
        )
    })
}
