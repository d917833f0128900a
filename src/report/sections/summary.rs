//! The executive summary: the cohort in one page, and what of the expected
//! findings it bears out.

use super::{or_dash, statistics, subhead, table};
use crate::report::builder::Pages;
use crate::report::document::{Block, Finding, Kpi, Section, Verdict};
use crate::report::story::{Story, paragraph, platform, real, times};
use crate::report::{exhibits, findings, initiatives};

pub fn section(pages: &mut Pages) -> Section {
    let story = pages.story;
    let mut blocks = Vec::new();
    blocks.extend(lead(story).map(|text| Block::Lead { text }));
    blocks.push(Block::Kpis { items: kpis(story) });
    let found = findings::all(story);
    let items = impact(story);
    if !items.is_empty() {
        blocks.push(subhead("Business impact"));
        blocks.push(Block::List { items });
    }
    blocks.extend(decision(story));
    blocks.extend(platforms(story));
    blocks.extend(statistics::block(story));
    blocks.push(subhead("What was expected, and what this cohort shows"));
    blocks.push(Block::SoWhat {
        texts: vec![tally(&found)],
    });
    blocks.push(Block::Findings { items: found });
    Section {
        title: "Executive summary".into(),
        headline: headline(story),
        blocks,
    }
}

fn headline(story: &Story) -> String {
    let say = &story.say;
    let levels = &story.facts.retention.levels;
    let shares = levels.last().and_then(|high| {
        let all = story.facts.revenue.monthly_usd.filter(|all| *all > 0.0)?;
        Some((high.share_pct, 100.0 * high.monthly_revenue_usd? / all))
    });
    match (story.facts.executive.churn_rate_pct, shares) {
        _ if story.is_tiny() => format!(
            "What is known of {}",
            story.customers(story.facts.customers)
        ),
        (Some(churn), Some((customers, revenue))) => format!(
            "{} of customers leave within a month; the most engaged {} bring {} of revenue",
            say.percent(churn, 0),
            say.percent(customers, 0),
            say.percent(revenue, 0)
        ),
        (Some(churn), None) => format!(
            "{} of customers leave within a month",
            say.percent(churn, 0)
        ),
        (None, Some((customers, revenue))) => format!(
            "The most engaged {} of customers bring {} of revenue",
            say.percent(customers, 0),
            say.percent(revenue, 0)
        ),
        (None, None) => format!(
            "What is known of {}",
            story.customers(story.facts.customers)
        ),
    }
}

fn lead(story: &Story) -> Option<String> {
    let say = &story.say;
    let facts = story.facts;
    let revenue = facts.revenue.monthly_usd.zip(facts.revenue.arpu_usd);
    let parts = facts.revenue.parts.iter();
    let largest = parts
        .filter(|_| story.knows_revenue_mix())
        .max_by(|a, b| a.monthly_usd.total_cmp(&b.monthly_usd));
    paragraph([
        revenue.map(|(all, each)| {
            if facts.customers == 1 {
                return format!("One customer brings in {} a month.", say.money(all));
            }
            let who = story
                .revenue_is_of_some()
                .unwrap_or_else(|| format!("{} bring in", story.customers(facts.customers)));
            format!(
                "{who} {} a month, {} each.",
                say.money(all),
                say.money(each)
            )
        }),
        largest
            .filter(|part| part.monthly_usd > 0.0)
            .and_then(|part| {
                let name = exhibits::part_name(part.id);
                Some(format!(
                    "{name} are the largest source with {}.",
                    say.percent(part.share_pct?, 0)
                ))
            }),
        facts
            .retention
            .churn_first_3_months_pct
            .zip(facts.retention.churn_later_pct)
            .map(|(early, later)| {
                format!(
                    "In their first three months {} leave within 30 days, after that {}.",
                    story.pct(early),
                    story.pct(later)
                )
            }),
        exhibits::concentration(story).map(|text| format!("{text}.")),
    ])
}

fn kpis(story: &Story) -> Vec<Kpi> {
    let say = &story.say;
    let e = &story.facts.executive;
    let retention = &story.facts.retention;
    let kpi = |label: &str, value: Option<String>, note: Option<String>| {
        Some(Kpi {
            label: label.to_owned(),
            value: value?,
            note: note.unwrap_or_default(),
        })
    };
    let lift = retention.cross_platform.ltv_lift;
    [
        kpi(
            "Customers",
            Some(say.count(e.customers)),
            e.creator_pct
                .map(|p| format!("{} are creators", story.pct(p))),
        ),
        kpi(
            "Revenue a month",
            e.monthly_revenue_usd.map(|all| say.money_short(all)),
            e.arpu_usd.map(|each| match story.revenue_known_of() {
                Some(known) => format!(
                    "{} each, known of {}",
                    say.money(each),
                    story.customers(known)
                ),
                None => format!("{} per customer", say.money(each)),
            }),
        ),
        kpi(
            "Premium",
            e.premium_pct.map(|p| story.pct(p)),
            story
                .facts
                .revenue
                .arpu_premium_usd
                .map(|each| format!("{} per premium customer", say.money(each))),
        ),
        kpi(
            "Churn in 30 days",
            e.churn_rate_pct.map(|p| story.pct(p)),
            e.at_risk_pct
                .map(|p| format!("{} are at risk", story.pct(p))),
        ),
        kpi(
            "Lifetime value",
            e.avg_ltv_usd.map(|v| say.money(v)),
            lift.map(|lift| format!("both platforms: {} times that of one", say.number(lift, 2))),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What the numbers mean in money.
fn impact(story: &Story) -> Vec<String> {
    let say = &story.say;
    let facts = story.facts;
    let at_risk = facts.retention.at_risk.as_ref();
    let cross = &facts.retention.cross_platform;
    let premium = facts
        .revenue
        .arpu_premium_usd
        .zip(facts.revenue.arpu_free_usd);
    let leaving = facts.retention.leaving_revenue_usd;
    let leaving = leaving.zip(facts.revenue.monthly_usd);
    [
        leaving.filter(|(leaving, _)| *leaving > 0.0).map(|(leaving, all)| {
            format!(
                "Customers who leave within 30 days bring {} of the {} a month, {}.",
                say.money_short(leaving),
                say.money_short(all),
                say.share(leaving / all, 0)
            )
        }),
        at_risk.and_then(|level| {
            // What some of them bring is no total of theirs; its mean still says how much.
            let bring = match story.revenue_known_of() {
                Some(_) => format!("{} a month each", say.money(level.arpu_usd?)),
                None => format!("{} a month", say.money_short(level.monthly_revenue_usd?)),
            };
            Some(format!(
                "{} ({}) score below {} in engagement; they bring {bring} and {} of them leave.",
                story.customers(level.customers),
                story.pct(level.share_pct),
                say.number(0.3, 1),
                story.pct(level.churn_pct?)
            ))
        }),
        premium.filter(|(_, free)| *free > 0.0).map(|(premium, free)| {
            format!(
                "A premium customer brings {} a month, {} what a free one brings.",
                say.money(premium),
                times(say, premium / free)
            )
        }),
        cross.both.as_ref().zip(cross.single.as_ref()).and_then(|(both, single)| {
            Some(format!(
                "Customers of both platforms are {} of all; they bring {} a month each, others {}, and {} of them leave, against {}.",
                story.pct(both.share_pct),
                say.money(both.arpu_usd?),
                say.money(single.arpu_usd?),
                story.pct(both.churn_pct?),
                story.pct(single.churn_pct?)
            ))
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn decision(story: &Story) -> Option<Block> {
    let rated = initiatives::rated(story);
    let items = initiatives::decisions(story, &rated);
    (!items.is_empty()).then(|| Block::Decision {
        title: match items.len() {
            1 => "For decision: the one initiative worth testing".to_owned(),
            2 => "For decision: the two initiatives worth testing".to_owned(),
            _ => "For decision: the three initiatives worth testing first".to_owned(),
        },
        items,
        note: "Base case and range of kept revenue. All effects are associations in this cohort \
               until an experiment confirms them; the recommendations have all six."
            .into(),
    })
}

fn platforms(story: &Story) -> Option<Block> {
    let say = &story.say;
    let groups = story.groups(&["platform_primary"]);
    let all = real(story.facts.customers);
    let rows = groups.iter().filter(|g| g.customers > 0).map(|g| {
        let money = |id| or_dash(g.mean(id).map(|v| say.money(v)));
        let percent = |id| or_dash(g.percent(id).map(|v| story.pct(v)));
        vec![
            platform(&g.labels[0]).to_owned(),
            say.count(g.customers),
            say.share(real(g.customers) / all, 1),
            or_dash(g.mean("engagement_score").map(|v| say.number(v, 3))),
            money("total_revenue_month_usd"),
            money("lifetime_value_usd"),
            percent("premium"),
            percent("churn_30_day"),
        ]
    });
    table(
        "Platform overview",
        &[
            "Primary platform",
            "Customers",
            "Share",
            "Engagement",
            "ARPU",
            "Lifetime value",
            "Premium",
            "Churn",
        ],
        rows.collect(),
        None,
    )
}

/// `1 holds`, `9 hold`.
fn some(count: usize, one: &str, several: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {several}"),
    }
}

fn tally(found: &[Finding]) -> String {
    let count = |verdict| found.iter().filter(|f| f.verdict == verdict).count();
    let (holds, fails, unknown) = (
        count(Verdict::Holds),
        count(Verdict::Fails),
        count(Verdict::Unknown),
    );
    let tested = holds + fails;
    let mut text = match (holds, fails) {
        (0, 0) => {
            "None of the findings that one expects of such a business can be told from this cohort."
                .to_owned()
        }
        (1, 0) => "The one expected finding that this cohort can tell holds.".to_owned(),
        (0, 1) => "The one expected finding that this cohort can tell does not hold.".to_owned(),
        (_, 0) => format!("All {tested} expected findings that this cohort can tell hold."),
        (0, _) => {
            format!("None of the {tested} expected findings that this cohort can tell holds.")
        }
        _ => format!(
            "Of {tested} expected findings that this cohort can tell, {} and {}.",
            some(holds, "holds", "hold"),
            some(fails, "does not", "do not")
        ),
    };
    if unknown > 0 && tested > 0 {
        text += format!(" {unknown} can’t be told.").as_str();
    }
    text
}
