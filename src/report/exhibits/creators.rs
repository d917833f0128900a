//! The creator economy: who earns how much, and from how many views.

use super::Drawn;
use crate::facts::published::{Distribution, ScatterBin};
use crate::report::axis::{Linear, Log, place};
use crate::report::document::{Bin, Chart, Dot, Key, Mark, Point, Tone};
use crate::report::story::{ENOUGH, Story, real};

/// Radius of the dot with the most creators, in points.
const LARGEST: f64 = 5.0;

pub fn earnings(story: &Story) -> Option<Drawn> {
    let creators = &story.facts.creators;
    let bins = &creators.earnings_bins;
    let (first, last) = (bins.first()?, bins.last()?);
    let all = creators.earnings.count;
    if all < ENOUGH {
        return None;
    }
    let x = Log::holding(first.from, last.to);
    let shares: Vec<f64> = bins.iter().map(|b| real(b.customers) / real(all)).collect();
    let y = Linear::holding(shares.iter().copied().fold(0.0, f64::max));
    let bars = bins.iter().zip(&shares).map(|(bin, share)| Bin {
        from: x.at(bin.from),
        to: x.at(bin.to),
        at: y.at(*share),
        tone: Tone::Navy,
    });
    let median = quantile(&creators.earnings, 50.0)?;
    let ninth = quantile(&creators.earnings, 90.0)?;
    let say = &story.say;
    // Nobody earns less than nothing.
    let spread = match (median > 0.0, ninth > 0.0) {
        (true, _) => format!(
            "Half earn less than {}, a tenth more than {}",
            say.money(median),
            say.money(ninth)
        ),
        (false, true) => format!(
            "At least half earn nothing, a tenth more than {}",
            say.money(ninth)
        ),
        (false, false) => "At least nine of ten earn nothing".to_owned(),
    };
    let marks = [
        (median, format!("half earn under {}", say.money(median))),
        (ninth, format!("a tenth over {}", say.money(ninth))),
    ];
    let marks = marks.into_iter().filter(|(value, _)| *value > 0.0);
    Some(Drawn {
        title: concentration(story).unwrap_or_else(|| "What creators earn".into()),
        alt: format!(
            "Histogram of the monthly earnings of {} creators on a logarithmic axis. {spread}.",
            say.count(all)
        ),
        source: story.source(&match creators.earnings.zeros {
            0 => format!("{} creators, all of whom earn", say.count(all)),
            zeros => format!(
                "{} creators, of whom {} earn nothing",
                say.count(all),
                say.count(zeros)
            ),
        }),
        chart: Chart::Histogram {
            x: x.named(
                &format!("Earnings a month, {} (log scale)", say.currency.code()),
                say,
            ),
            y: y.named("Share of creators", |v| {
                say.share(v, y.decimals_as_percent())
            }),
            bars: bars.collect(),
            marks: marks
                .map(|(value, text)| Mark {
                    at: x.at(value),
                    text,
                })
                .collect(),
        },
    })
}

/// `A tenth of creators earn 60% of creator income`.
pub(in crate::report) fn concentration(story: &Story) -> Option<String> {
    let creators = &story.facts.creators;
    let share = (creators.top_tenth_share_pct).filter(|_| creators.earnings.count >= ENOUGH)?;
    Some(format!(
        "A tenth of creators earn {} of creator income",
        story.say.percent(share, 0)
    ))
}

pub(in crate::report) fn quantile(of: &Distribution, at_pct: f64) -> Option<f64> {
    let found = of
        .quantiles
        .iter()
        .find(|q| (q.at_pct - at_pct).abs() < 1e-9);
    found.map(|q| q.value)
}

pub fn views(story: &Story) -> Option<Drawn> {
    let against = &story.facts.creators.views_against_earnings;
    let bins = &against.bins;
    if against.creators < ENOUGH || bins.is_empty() {
        return None;
    }
    let ends = |from: fn(&ScatterBin) -> f64, to: fn(&ScatterBin) -> f64| {
        let least = bins.iter().map(from).fold(f64::INFINITY, f64::min);
        Log::holding(least, bins.iter().map(to).fold(0.0, f64::max))
    };
    let x = ends(|b| b.views_from, |b| b.views_to);
    let y = ends(|b| b.earnings_from_usd, |b| b.earnings_to_usd);
    let most = real(bins.iter().map(|b| b.creators).max()?);
    let dots = bins.iter().map(|bin| Dot {
        x: x.at(middle(bin.views_from, bin.views_to)),
        y: y.at(middle(bin.earnings_from_usd, bin.earnings_to_usd)),
        size: place((real(bin.creators) / most).sqrt()),
    });
    let say = &story.say;
    let line = medians(bins);
    Some(Drawn {
        title: together(story),
        alt: format!(
            "Creators by views a post and monthly earnings, both on logarithmic axes, larger \
             dots for more creators. {} creators have both{}.",
            say.count(against.creators),
            against
                .log_correlation
                .map_or_else(String::new, |r| format!(
                    "; the correlation of the logarithms is {}",
                    say.number(r, 2)
                ))
        ),
        source: story.source(&format!(
            "{} creators with views and earnings; a dot’s area is its creators",
            say.count(against.creators)
        )),
        chart: Chart::Scatter {
            x: x.named("Views per post (log scale)", say),
            y: y.named(
                &format!("Earnings a month, {} (log scale)", say.currency.code()),
                say,
            ),
            diagonal: false,
            dots: dots.collect(),
            largest: LARGEST,
            fade: 0.35,
            line: line
                .iter()
                .map(|&(views, earned)| Point {
                    x: x.at(views),
                    y: y.at(earned),
                })
                .collect(),
            notes: if line.len() > 1 {
                vec![Key {
                    text: "typical earnings".into(),
                    tone: Tone::Amber,
                }]
            } else {
                Vec::new()
            },
        },
    })
}

fn together(story: &Story) -> String {
    let against = &story.facts.creators.views_against_earnings;
    let say = &story.say;
    match (against.log_correlation, against.elasticity) {
        (Some(r), Some(elasticity)) if r >= 0.3 => format!(
            "Ten times the views come with {} times the earnings",
            say.rate(10_f64.powf(elasticity))
        ),
        (Some(r), _) if r <= -0.3 => "More views come with lower earnings".to_owned(),
        _ => "Views say little of what a creator earns".to_owned(),
    }
}

/// For each bin of views with enough creators, the earnings that half are below.
fn medians(bins: &[ScatterBin]) -> Vec<(f64, f64)> {
    let mut bins: Vec<&ScatterBin> = bins.iter().collect();
    bins.sort_by(|a, b| {
        let views = a.views_from.total_cmp(&b.views_from);
        views.then(a.earnings_from_usd.total_cmp(&b.earnings_from_usd))
    });
    bins.chunk_by(|a, b| a.views_from.to_bits() == b.views_from.to_bits())
        .filter_map(|column| {
            let all: u64 = column.iter().map(|b| b.creators).sum();
            let mut below = 0;
            let median = column.iter().find(|bin| {
                below += bin.creators;
                2 * below >= all
            })?;
            (all >= ENOUGH).then(|| {
                (
                    middle(median.views_from, median.views_to),
                    middle(median.earnings_from_usd, median.earnings_to_usd),
                )
            })
        })
        .collect()
}

/// The middle of a bin of a logarithmic axis.
fn middle(from: f64, to: f64) -> f64 {
    (from * to).sqrt()
}
