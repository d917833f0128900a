//! Engagement levels, activity, churn, customers at risk, segments, and how far
//! the models that predict them can be trusted.

use super::{or_dash, subhead, table, text};
use crate::report::builder::Pages;
use crate::report::document::{Block, Section};
use crate::report::exhibits::{LEVELS, bands, months, tenure_matters};
use crate::report::figures::plain;
use crate::report::story::{Story, list, platform};

pub fn section(pages: &mut Pages) -> Section {
    let story = pages.story;
    let mut blocks: Vec<Block> = activity(story).into_iter().collect();
    blocks.extend(pages.pair(["churn-by-tenure", "churn-by-engagement"]));
    blocks.extend(levels(story));
    let value: Vec<Block> = cross_platform(story)
        .into_iter()
        .chain(activity_table(story))
        .collect();
    if !value.is_empty() {
        blocks.push(subhead("Cross-platform value and daily use"));
        blocks.extend(value);
    }
    let segments = pages.beside("segments", segments_aside(story));
    if !segments.is_empty() {
        blocks.push(subhead("Segments"));
        blocks.extend(segments);
    }
    let quality: Vec<Block> = pages
        .pair(["churn-lift", "churn-calibration"])
        .into_iter()
        .chain(pages.beside("ltv-calibration", vec![trust(story)]))
        .collect();
    if !quality.is_empty() {
        blocks.push(subhead(
            "How well churn and lifetime value can be told in advance",
        ));
        blocks.extend(quality);
    }
    Section {
        title: "Engagement and retention".into(),
        headline: headline(story),
        blocks,
    }
}

fn headline(story: &Story) -> String {
    let bands = bands(story);
    let worst = bands
        .iter()
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .filter(|_| bands.len() > 1);
    match (worst, story.facts.retention.churn_rate_pct) {
        (Some(_), Some(churn)) if !tenure_matters(story) => format!(
            "{} of customers leave within 30 days, whatever their tenure",
            story.say.percent(churn, 0)
        ),
        (Some((band, churn)), _) if band.from_months < 1.0 && band.to_months == Some(3.0) => {
            format!(
                "The first three months are the riskiest: {} of new customers leave within 30 days",
                story.say.percent(*churn, 0)
            )
        }
        (Some((band, churn)), _) => format!(
            "Customers at {} months of tenure leave most: {} within 30 days",
            months(story, band),
            story.say.percent(*churn, 0)
        ),
        (None, Some(churn)) if !story.is_tiny() => format!(
            "{} of customers leave within 30 days",
            story.say.percent(churn, 0)
        ),
        (None, _) => "How engaged customers are".to_owned(),
    }
}

fn activity(story: &Story) -> Option<Block> {
    let say = &story.say;
    let r = &story.facts.retention;
    text([
        r.avg_engagement_score.map(|score| format!("The average engagement score is {}.", say.number(score, 3))),
        r.engagement_churn_correlation.map(|correlation| {
            format!("Its correlation with churn is {}.", say.number(correlation, 2))
        }),
        r.dau_pct.zip(r.wau_pct).map(|(day, week)| {
            format!(
                "{} were active on the day of the snapshot, {} within seven days (proxies of daily and weekly active users).",
                story.pct(day),
                story.pct(week)
            )
        }),
        r.stickiness_pct.map(|share| format!("Stickiness, the former as a share of the latter, is {}.", story.pct(share))),
        r.app_opens_day.zip(r.session_minutes).map(|(opens, minutes)| {
            format!("The app is opened {} times a day for {} minutes.", say.rate(opens), say.rate(minutes))
        }),
    ])
}

fn levels(story: &Story) -> Option<Block> {
    let say = &story.say;
    let rows = story
        .facts
        .retention
        .levels
        .iter()
        .zip(LEVELS)
        .filter(|(l, _)| l.customers > 0);
    let rows = rows.map(|(l, name)| {
        let money = |v: Option<f64>| or_dash(v.map(|v| say.money(v)));
        vec![
            name.to_owned(),
            say.count(l.customers),
            story.pct(l.share_pct),
            or_dash(l.churn_pct.map(|v| story.pct(v))),
            money(l.arpu_usd),
            or_dash(l.monthly_revenue_usd.map(|v| say.money_short(v))),
            money(l.avg_ltv_usd),
            or_dash(l.premium_pct.map(|v| story.pct(v))),
        ]
    });
    table(
        "Engagement levels; the low one is at risk",
        &[
            "Level",
            "Customers",
            "Share",
            "Churn",
            "ARPU",
            "Revenue a month",
            "Lifetime value",
            "Premium",
        ],
        rows.collect(),
        Some("Low: score under 0.3; medium: to 0.5; high: 0.5 and over.".into()),
    )
}

fn cross_platform(story: &Story) -> Option<Block> {
    let say = &story.say;
    let cross = &story.facts.retention.cross_platform;
    let both = cross.both.as_ref().filter(|l| l.customers > 0)?;
    let single = cross.single.as_ref().filter(|l| l.customers > 0)?;
    text([
        cross.ltv_lift.map(|lift| {
            let same = cross.ltv_lift_same_tenure.map_or_else(String::new, |same| {
                format!(" ({} at equal tenure)", say.number(same, 2))
            });
            format!(
                "A customer of both platforms has {} times the lifetime value of one on a single platform{same}.",
                say.number(lift, 2)
            )
        }),
        both.churn_pct.zip(single.churn_pct).map(|(both, single)| {
            format!("{} of them leave within 30 days, {} of the others.", story.pct(both), story.pct(single))
        }),
        both.premium_pct.zip(single.premium_pct).map(|(both, single)| {
            format!("{} are premium, against {}.", story.pct(both), story.pct(single))
        }),
    ])
}

fn activity_table(story: &Story) -> Option<Block> {
    let say = &story.say;
    let groups = story.groups(&["platform_primary"]);
    let rows = groups.iter().filter(|g| g.customers > 0).map(|g| {
        let share = |id| or_dash(g.percent(id).map(|v| story.pct(v)));
        let rate = |id| or_dash(g.mean(id).map(|v| say.rate(v)));
        vec![
            platform(&g.labels[0]).to_owned(),
            share("active_today"),
            share("active_this_week"),
            rate("app_opens_day"),
            rate("session_duration_avg_min"),
            rate("feed_time_minutes_day"),
            or_dash(g.mean("lifetime_value_usd").map(|v| say.money(v))),
        ]
    });
    table(
        "Daily use by primary platform",
        &[
            "Primary platform",
            "Active that day",
            "In 7 days",
            "App opens a day",
            "Minutes each",
            "Feed minutes",
            "Lifetime value",
        ],
        rows.collect(),
        None,
    )
}

fn segments_aside(story: &Story) -> Vec<Option<String>> {
    let say = &story.say;
    let segments = &story.facts.segments;
    let richest = segments
        .iter()
        .filter_map(|s| Some((s, s.revenue_share_pct?)))
        .max_by(|a, b| a.1.total_cmp(&b.1));
    let leaving = segments
        .iter()
        .filter_map(|s| Some((s, s.churn_pct?)))
        .max_by(|a, b| a.1.total_cmp(&b.1));
    vec![
        richest.map(|(s, share)| {
            format!(
                "{} are {} of customers and bring {} of revenue.",
                plain(&s.name, 40),
                say.percent(s.share_pct, 0),
                say.percent(share, 0)
            )
        }),
        richest.and_then(|(s, _)| {
            let traits: Vec<String> = s
                .traits
                .iter()
                .take(3)
                .map(|t| crate::report::findings::measure(&t.column))
                .collect();
            (!traits.is_empty()).then(|| format!("What sets them apart: {}.", list(&traits)))
        }),
        leaving.map(|(s, churn)| {
            format!(
                "{} leave most: {} within 30 days.",
                plain(&s.name, 40),
                say.percent(churn, 0)
            )
        }),
    ]
}

/// How good the two models are, by their cards.
fn trust(story: &Story) -> Option<String> {
    let say = &story.say;
    let metric = |target: &str, name: &str| {
        let card = story.card(target)?;
        let serving = card.candidates.iter().find(|c| c.serves)?;
        serving.metrics.get(name).copied().flatten()
    };
    let churn = metric("churn", "auc").map(|auc| {
        format!(
            "Of a customer who leaves and one who stays, the churn model rates the leaver higher {} of the time (AUC {}).",
            say.share(auc, 0),
            say.number(auc, 3)
        )
    });
    let held = story.card("ltv").and_then(|card| {
        let intervals = card.intervals.as_ref()?;
        Some(format!(
            "The intervals of predicted lifetime value, meant for {} of customers, held {} of {} in the hold-out.",
            say.share(intervals.level, 0),
            say.share(intervals.coverage, 1),
            story.customers(card.rows.hold_out as u64)
        ))
    });
    crate::report::story::paragraph([churn, held])
}
