//! Where revenue comes from, and from whom.

use super::Drawn;
use crate::facts::published::PlatformByEngagement;
use crate::report::axis::place;
use crate::report::document::{Cell, Center, Chart, HeatColumn, HeatRow, Slice, Tone};
use crate::report::story::{ENOUGH, Story, platform, times};

/// What a person calls a part of the revenue.
pub(in crate::report) fn part_name(id: &str) -> &'static str {
    match id {
        "subscription" => "Subscriptions",
        "iap" => "In-app purchases",
        _ => "Ads",
    }
}

pub fn mix(story: &Story) -> Option<Drawn> {
    let revenue = &story.facts.revenue;
    let all = revenue.monthly_usd.filter(|all| *all > 0.0)?;
    let say = &story.say;
    let mut parts: Vec<_> = revenue
        .parts
        .iter()
        .filter_map(|part| Some((part, part.share_pct?)))
        .collect();
    // A ring of parts that don't make up the whole would lie.
    if parts.len() < 2 || !story.knows_revenue_mix() {
        return None;
    }
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    let tones = [Tone::Navy, Tone::Amber, Tone::Teal];
    let slices: Vec<Slice> = parts
        .iter()
        .zip(tones)
        .map(|((part, share), tone)| Slice {
            name: part_name(part.id).to_owned(),
            share: place(share / 100.0),
            text: format!(
                "{} a month, {}",
                say.money_whole(part.monthly_usd),
                say.percent(*share, 0)
            ),
            tone,
        })
        .collect();
    let described: Vec<_> = slices
        .iter()
        .map(|s| format!("{} {}", s.name, s.text))
        .collect();
    let (largest, share) = parts[0];
    Some(Drawn {
        title: format!(
            "{} bring in most: {}",
            part_name(largest.id),
            say.percent(share, 0)
        ),
        alt: format!(
            "Ring of the monthly revenue of {}: {}.",
            say.money(all),
            described.join("; ")
        ),
        source: story.source(&match story.revenue_known_of() {
            Some(known) => format!("revenue of the month, known of {}", say.count(known)),
            None => "revenue of the month".to_owned(),
        }),
        chart: Chart::Donut {
            center: Center {
                text: say.money_short(all),
                label: "a month".into(),
            },
            parts: slices,
        },
    })
}

/// Names of the three levels, low to high.
pub(in crate::report) const LEVELS: [&str; 3] = ["Low", "Medium", "High"];

pub fn by_engagement(story: &Story) -> Option<Drawn> {
    let say = &story.say;
    let levels = &story.facts.retention.levels;
    let title = match (levels.first(), levels.last()) {
        (Some(low), Some(high)) => match (low.arpu_usd, high.arpu_usd) {
            (Some(low), Some(high)) if low > 0.0 && high >= low => {
                format!(
                    "High engagement brings {} the revenue of low",
                    times(say, high / low)
                )
            }
            _ => "Revenue by platform and engagement".to_owned(),
        },
        _ => "Revenue by platform and engagement".to_owned(),
    };
    heat(
        story,
        title,
        "revenue per customer and month; below it, all revenue of the field",
        |field| field.arpu_usd,
        |field, arpu| {
            let total = field.monthly_revenue_usd.map(|all| say.money_short(all));
            (say.money(arpu), total.map(|all| format!("{all} in all")))
        },
    )
}

/// Platform by engagement level, the darker the larger.
pub(super) fn heat(
    story: &Story,
    title: String,
    detail: &str,
    measure: impl Fn(&PlatformByEngagement) -> Option<f64>,
    write: impl Fn(&PlatformByEngagement, f64) -> (String, Option<String>),
) -> Option<Drawn> {
    let fields = &story.facts.platform_by_engagement;
    let known = fields.iter().filter(|f| f.customers >= ENOUGH);
    let values: Vec<f64> = known.filter_map(&measure).collect();
    let most = values.iter().copied().fold(0.0, f64::max);
    if values.len() < 2 || most <= 0.0 {
        return None;
    }
    let mut described = Vec::new();
    let mut rows = Vec::new();
    for row in fields.chunks(LEVELS.len()) {
        if row.iter().all(|field| field.customers == 0) {
            continue;
        }
        let name = platform(&row[0].platform).to_owned();
        let cells = row.iter().zip(LEVELS).map(|(field, level)| {
            let value = measure(field).filter(|_| field.customers >= ENOUGH);
            let Some(value) = value else {
                return few(field.customers);
            };
            let (text, note) = write(field, value);
            described.push(format!(
                "{name}, {} engagement: {text}",
                level.to_lowercase()
            ));
            Cell {
                shade: Some(place(value / most)),
                text,
                note,
            }
        });
        let cells = cells.collect();
        rows.push(HeatRow { name, cells });
    }
    let columns = fields.iter().take(LEVELS.len()).zip(LEVELS);
    Some(Drawn {
        title,
        alt: format!(
            "Heat map of platform by engagement level. {}.",
            described.join("; ")
        ),
        source: story.source(detail),
        chart: Chart::Heat {
            columns: columns
                .map(|(field, level)| HeatColumn {
                    name: level.to_owned(),
                    note: field.engagement.clone(),
                })
                .collect(),
            columns_label: "Engagement score".into(),
            rows,
        },
    })
}

/// A field that too few customers are in.
fn few(customers: u64) -> Cell {
    Cell {
        shade: None,
        text: "–".into(),
        note: Some(if customers == 0 { "nobody" } else { "too few" }.into()),
    }
}
