//! From a swipe to a date, and what a good profile is worth.

use super::Drawn;
use crate::facts::published::Group as Customers;
use crate::report::axis::{Linear, place};
use crate::report::document::{Bar, Chart, Group, Mark, Step, Tone};
use crate::report::figures::Figures;
use crate::report::story::{ENOUGH, Story, times, uncertainty};

/// What a person calls a step of the funnel.
pub(in crate::report) fn step_name(id: &str) -> &'static str {
    match id {
        "swipes_right" => "Right swipes",
        "matches" => "Matches",
        "conversations" => "Conversations",
        "dates_scheduled" => "Dates scheduled",
        _ => "Dates completed",
    }
}

pub fn funnel(story: &Story) -> Option<Drawn> {
    let funnel = story.facts.funnel.iter().find(|f| f.platform.is_none())?;
    let most = funnel
        .steps
        .iter()
        .map(|s| s.per_customer_month)
        .fold(0.0, f64::max);
    let (first, last) = (funnel.steps.first()?, funnel.steps.last()?);
    if funnel.steps.len() < 2 || most <= 0.0 {
        return None;
    }
    let say = &story.say;
    let steps = funnel.steps.iter().map(|step| {
        let largest = funnel.largest_loss_after_match == Some(step.id);
        Step {
            name: step_name(step.id).to_owned(),
            text: format!("{} a month", say.rate(step.per_customer_month)),
            at: place(step.per_customer_month / most),
            step: step.conversion_pct.map(|conversion| {
                if conversion > 100.0 {
                    return "more, since older ones go on as well".to_owned();
                }
                let note = if largest {
                    ", the largest loss after the match"
                } else {
                    ""
                };
                format!("{} go on{note}", story.pct(conversion))
            }),
            largest,
        }
    });
    let steps: Vec<Step> = steps.collect();
    let described: Vec<String> = steps
        .iter()
        .map(|s| match &s.step {
            Some(step) => format!("{} {} ({step})", s.name, s.text),
            None => format!("{} {}", s.name, s.text),
        })
        .collect();
    Some(Drawn {
        title: format!(
            "{} {} come to {} {} a month",
            say.rate(first.per_customer_month),
            step_name(first.id).to_lowercase(),
            say.rate(last.per_customer_month),
            step_name(last.id).to_lowercase()
        ),
        alt: format!("Funnel per customer and month: {}.", described.join("; ")),
        source: story.source("per customer and month of 30 days, all platforms"),
        chart: Chart::Funnel { steps },
    })
}

/// What the best profiles are worth, if it is more than chance.
fn profiles_title(say: &Figures, weakest: &Customers, best: &Customers) -> String {
    let of = |group: &Customers| group.figure("matches_per_day");
    let compared = of(weakest).zip(of(best)).and_then(|(weakest, best)| {
        let margin = uncertainty(&best, &weakest)?;
        let beyond_chance = (best.mean - weakest.mean).abs() > margin && weakest.mean > 0.0;
        beyond_chance.then_some((weakest.mean, best.mean))
    });
    match compared {
        Some((weakest, best)) if best > weakest => format!(
            "The best profiles get {} the matches of the weakest",
            times(say, best / weakest)
        ),
        Some((weakest, best)) => format!(
            "The best profiles get only {} the matches of the weakest",
            times(say, best / weakest)
        ),
        None => "The best profiles get about as many matches as the weakest".to_owned(),
    }
}

pub fn profiles(story: &Story) -> Option<Drawn> {
    let groups: Vec<_> = story
        .groups(&["profile_quality_score"])
        .iter()
        .filter(|g| g.customers >= ENOUGH)
        .filter_map(|g| Some((g, g.mean("matches_per_day")?)))
        .collect();
    let (first, last) = (groups.first()?, groups.last()?);
    if groups.len() < 2 {
        return None;
    }
    let say = &story.say;
    let average = story.facts.dating.matches_day;
    let most = groups
        .iter()
        .map(|g| g.1)
        .chain(average)
        .fold(0.0, f64::max);
    let axis = Linear::holding(most);
    let decimals = if most < 0.1 { 3 } else { 2 };
    let written = |mean: f64| say.number(mean, decimals);
    let title = profiles_title(say, first.0, last.0);
    let described: Vec<String> = groups
        .iter()
        .map(|(group, mean)| format!("{} {}", group.labels[0], written(*mean)))
        .collect();
    let bars = groups.iter().map(|(group, mean)| Group {
        name: group.labels[0].replace(" and over", "+"),
        note: None,
        bars: vec![Bar {
            at: axis.at(*mean),
            text: written(*mean),
            tone: Tone::Navy,
        }],
    });
    Some(Drawn {
        title,
        alt: format!(
            "Columns of matches a day by profile quality: {}.",
            described.join("; ")
        ),
        source: story.source("means per customer"),
        chart: Chart::Columns {
            axis: axis.named("Matches a day", |v| say.number(v, axis.decimals())),
            groups: bars.collect(),
            reference: average.map(|mean| Mark {
                at: axis.at(mean),
                text: format!("all customers {}", written(mean)),
            }),
            axis_below: Some("Profile quality score, 0 to 100".into()),
        },
    })
}
