//! How far the models can be trusted, as their cards have it.

use super::Drawn;
use crate::models::Card;
use crate::report::axis::{Linear, Log};
use crate::report::document::{Axis, Bar, Chart, Dot, Group, Key, Mark, Tone};
use crate::report::story::{Story, real, times};

/// One tenth of the hold-out by what was predicted.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Tenth {
    predicted: f64,
    observed: f64,
    customers: f64,
}

/// The hold-out in tenths, those of the lowest predictions first.
fn tenths(card: &Card) -> Vec<Tenth> {
    let lowest_first = card.deciles.iter().rev();
    lowest_first
        .map(|decile| Tenth {
            predicted: decile.mean_predicted,
            observed: decile.mean_observed,
            customers: real(decile.customers as u64),
        })
        .collect()
}

/// Of what was observed, over all of the hold-out.
fn average(tenths: &[Tenth]) -> Option<f64> {
    let customers: f64 = tenths.iter().map(|t| t.customers).sum();
    let all: f64 = tenths.iter().map(|t| t.customers * t.observed).sum();
    (customers > 0.0).then(|| all / customers)
}

fn described(tenths: &[Tenth], write: impl Fn(f64) -> String) -> String {
    let each = tenths.iter().map(|t| {
        format!(
            "predicted {}, observed {}",
            write(t.predicted),
            write(t.observed)
        )
    });
    each.collect::<Vec<_>>().join("; ")
}

/// Where the numbers of a card come from: the customers that it was trained on,
/// who may not be those of the report.
fn base(story: &Story, card: &Card) -> String {
    story.source_of(
        &card.source.cohort_name,
        card.source.customers,
        &format!(
            "{} of the hold-out, which the model never saw",
            story.customers(card.rows.hold_out as u64)
        ),
    )
}

pub fn lift(story: &Story) -> Option<Drawn> {
    let card = story.card("churn")?;
    let tenths = tenths(card);
    let say = &story.say;
    let average = average(&tenths)?;
    let highest = tenths.last().filter(|_| average > 0.0)?;
    let groups = tenths.iter().rev().enumerate().map(|(i, tenth)| Group {
        name: say.count(i as u64 + 1),
        note: None,
        bars: vec![Bar {
            at: tenth.observed,
            text: say.share(tenth.observed, 0),
            tone: if i == 0 { Tone::Amber } else { Tone::Navy },
        }],
    });
    let axis = Linear::whole();
    Some(Drawn {
        title: format!(
            "The tenth that the model rates highest leaves {} as often as all",
            times(say, highest.observed / average)
        ),
        alt: format!(
            "Columns of observed churn by tenth of predicted churn, highest first: {}.",
            tenths
                .iter()
                .rev()
                .map(|t| say.share(t.observed, 0))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        source: base(story, card),
        chart: Chart::Columns {
            axis: axis.named("Observed churn", |v| {
                say.share(v, axis.decimals_as_percent())
            }),
            groups: groups.collect(),
            reference: Some(Mark {
                at: axis.at(average),
                text: format!("all {}", say.share(average, 0)),
            }),
            axis_below: Some("Tenths of customers by predicted churn, highest first".into()),
        },
    })
}

pub fn churn_calibration(story: &Story) -> Option<Drawn> {
    let card = story.card("churn")?;
    let tenths = tenths(card);
    if tenths.is_empty() {
        return None;
    }
    let say = &story.say;
    let off = tenths
        .iter()
        .map(|t| (t.predicted - t.observed).abs())
        .fold(0.0, f64::max);
    let axis = Linear::whole();
    let written = |v: f64| say.share(v, 0);
    Some(Drawn {
        title: format!(
            "Predicted churn is within {} points of what happened",
            say.number((100.0 * off).ceil(), 0)
        ),
        alt: format!(
            "Predicted against observed churn by tenth: {}.",
            described(&tenths, written)
        ),
        source: base(story, card),
        chart: against(
            tenths
                .iter()
                .map(|t| (axis.at(t.predicted), axis.at(t.observed))),
            axis.named("Predicted churn, mean of the tenth", written),
            axis.named("Observed churn", written),
        ),
    })
}

pub fn ltv_calibration(story: &Story) -> Option<Drawn> {
    let card = story.card("ltv")?;
    let tenths = tenths(card);
    let amounts = tenths.iter().flat_map(|t| [t.predicted, t.observed]);
    let positive: Vec<f64> = amounts.filter(|amount| *amount > 0.0).collect();
    if positive.len() < 2 * tenths.len() || tenths.is_empty() {
        return None;
    }
    let say = &story.say;
    let axis = Log::holding(
        positive.iter().copied().fold(f64::INFINITY, f64::min),
        positive.iter().copied().fold(0.0, f64::max),
    );
    let total = |of: fn(&Tenth) -> f64| tenths.iter().map(|t| t.customers * of(t)).sum::<f64>();
    let bias = total(|t| t.predicted) / total(|t| t.observed) - 1.0;
    let direction = if bias >= 0.0 { "above" } else { "below" };
    let currency = say.currency.code();
    Some(Drawn {
        title: format!(
            "Predicted lifetime value is {} {direction} what customers brought in",
            say.share(bias.abs(), 1)
        ),
        alt: format!(
            "Predicted against observed lifetime value by tenth: {}.",
            described(&tenths, |v| say.money(v))
        ),
        source: base(story, card),
        chart: against(
            tenths
                .iter()
                .map(|t| (axis.at(t.predicted), axis.at(t.observed))),
            axis.named(
                &format!("Predicted, mean of the tenth, {currency} (log scale)"),
                say,
            ),
            axis.named(&format!("Observed, {currency} (log scale)"), say),
        ),
    })
}

/// Points that would lie on the diagonal if the model were exact.
fn against(points: impl Iterator<Item = (f64, f64)>, x: Axis, y: Axis) -> Chart {
    Chart::Scatter {
        x,
        y,
        diagonal: true,
        dots: points.map(|(x, y)| Dot { x, y, size: 1.0 }).collect(),
        largest: 3.0,
        fade: 0.0,
        line: Vec::new(),
        notes: vec![Key {
            text: "on the line: exact".into(),
            tone: Tone::Navy,
        }],
    }
}
