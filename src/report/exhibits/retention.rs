//! Who leaves, and who is worth keeping.

use super::{Drawn, money};
use crate::facts::published::TenureBand;
use crate::report::axis::{Linear, place};
use crate::report::document::{Axis, Bar, Chart, Group, Mark, Row, Tone};
use crate::report::figures::plain;
use crate::report::story::{ENOUGH, Story, joined, uncertainty};

/// A difference in churn that is worth a headline: two points.
const NOTABLE: f64 = 0.02;

/// Segments have at most so many rows in the exhibit.
const MOST_ROWS: usize = 8;

/// `3–5`, `24+`: the whole months of a band.
pub(in crate::report) fn months(story: &Story, band: &TenureBand) -> String {
    let whole = |months: f64| story.say.number(months, 0);
    match band.to_months {
        Some(to) => format!("{}–{}", whole(band.from_months), whole(to - 1.0)),
        None => format!("{}+", whole(band.from_months)),
    }
}

/// The tenure bands with enough customers, with their churn in percent.
pub(in crate::report) fn bands<'a>(story: &Story<'a>) -> Vec<(&'a TenureBand, f64)> {
    let bands = story.facts.churn_by_tenure.iter();
    bands
        .filter(|band| band.customers >= ENOUGH)
        .filter_map(|band| Some((band, band.churn_pct?)))
        .collect()
}

/// Whether the tenure with the highest churn differs from the others beyond
/// chance, and by more than a point or two.
pub(in crate::report) fn tenure_matters(story: &Story) -> bool {
    let groups = story.groups(&["tenure_months"]);
    let known = groups
        .iter()
        .enumerate()
        .filter(|(_, g)| g.customers >= ENOUGH)
        .filter_map(|(i, g)| Some((i, g.figure("churn_30_day")?)));
    let Some((worst, highest)) = known.max_by(|a, b| a.1.mean.total_cmp(&b.1.mean)) else {
        return false;
    };
    let others = groups.iter().enumerate().filter(|(i, _)| *i != worst);
    let others = joined(others.map(|(_, g)| g), "churn_30_day");
    others.is_some_and(|others| {
        let margin = uncertainty(&highest, &others).unwrap_or(1.0);
        highest.mean - others.mean > margin.max(NOTABLE)
    })
}

pub fn by_tenure(story: &Story) -> Option<Drawn> {
    let bands = bands(story);
    if bands.len() < 2 {
        return None;
    }
    let say = &story.say;
    let axis = Linear::holding(bands.iter().map(|b| b.1).fold(0.0, f64::max));
    let worst = bands.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let described: Vec<String> = bands
        .iter()
        .map(|(band, churn)| format!("{} months {}", months(story, band), story.pct(*churn)))
        .collect();
    let average = story.facts.retention.churn_rate_pct;
    let groups = bands.iter().map(|(band, churn)| Group {
        name: months(story, band),
        note: Some(say.count(band.customers)),
        bars: vec![Bar {
            at: axis.at(*churn),
            text: story.pct(*churn),
            tone: if std::ptr::eq(*band, worst.0) && tenure_matters(story) {
                Tone::Amber
            } else {
                Tone::Navy
            },
        }],
    });
    Some(Drawn {
        title: if tenure_matters(story) {
            format!(
                "Churn is highest at {} months of tenure",
                months(story, worst.0)
            )
        } else {
            "Churn hardly depends on tenure".to_owned()
        },
        alt: format!(
            "Columns of churn within 30 days by tenure: {}.",
            described.join("; ")
        ),
        source: story.source("customers who leave within 30 days"),
        chart: Chart::Columns {
            axis: axis.named("Churn within 30 days", |v| say.percent(v, axis.decimals())),
            groups: groups.collect(),
            reference: average.map(|churn| Mark {
                at: axis.at(churn),
                text: format!("all customers {}", story.pct(churn)),
            }),
            axis_below: Some("Months since sign-up; below, customers".into()),
        },
    })
}

pub fn by_engagement(story: &Story) -> Option<Drawn> {
    let say = &story.say;
    let levels = &story.facts.retention.levels;
    let ends = levels.first().zip(levels.last());
    let title = match ends.and_then(|(low, high)| low.churn_pct.zip(high.churn_pct)) {
        Some((low, high)) => format!(
            "{} of the least engaged leave, {} of the most engaged",
            say.percent(low, 0),
            say.percent(high, 0)
        ),
        None => "Churn by platform and engagement".to_owned(),
    };
    money::heat(
        story,
        title,
        "share who leave within 30 days, and customers",
        |field| field.churn_pct,
        |field, churn| (say.percent(churn, 0), Some(say.count(field.customers))),
    )
}

pub fn segments(story: &Story) -> Option<Drawn> {
    let say = &story.say;
    let mut known: Vec<_> = story
        .facts
        .segments
        .iter()
        .filter_map(|segment| Some((segment, segment.avg_ltv_usd?)))
        .collect();
    known.sort_by(|a, b| b.1.total_cmp(&a.1));
    known.truncate(MOST_ROWS);
    let (best, most) = *known.first()?;
    if known.len() < 2 || most <= 0.0 {
        return None;
    }
    let rows = known.iter().map(|(segment, ltv)| {
        let churn = segment
            .churn_pct
            .map(|churn| format!(", churn {}", say.percent(churn, 0)));
        Row {
            name: plain(&segment.name, 40),
            note: Some(format!(
                "{}{}",
                story.customers(segment.customers),
                churn.unwrap_or_default()
            )),
            at: place(ltv / most),
            text: say.money(*ltv),
            tone: Tone::Navy,
        }
    });
    let rows: Vec<Row> = rows.collect();
    let described: Vec<_> = rows
        .iter()
        .map(|r| format!("{} {}", r.name, r.text))
        .collect();
    Some(Drawn {
        title: format!(
            "{} are worth most: {}",
            plain(&best.name, 40),
            say.money(most)
        ),
        alt: format!(
            "Bars of lifetime value by segment: {}.",
            described.join("; ")
        ),
        source: story.source("means per customer of the segment"),
        chart: Chart::Rows {
            axis: Axis {
                label: format!("Lifetime value, {}", say.currency.code()),
                ticks: Vec::new(),
            },
            rows,
        },
    })
}
