//! Where revenue comes from, per-user economics, premium tiers.

use super::{or_dash, subhead, table, text};
use crate::facts::published::REVENUE_PARTS;
use crate::report::builder::Pages;
use crate::report::document::{Block, Section};
use crate::report::exhibits::{part_name, quantile};
use crate::report::findings::measure;
use crate::report::story::{Story, times};

pub fn section(pages: &mut Pages) -> Section {
    let story = pages.story;
    let mut blocks: Vec<Block> = mix(story).into_iter().collect();
    blocks.extend(pages.pair(["revenue-mix", "revenue-by-engagement"]));
    let economics: Vec<Block> = economics(story).into_iter().chain(spread(story)).collect();
    if !economics.is_empty() {
        blocks.push(subhead("Per-user economics"));
        blocks.extend(economics);
    }
    let premium: Vec<Block> = tiers(story)
        .into_iter()
        .chain(premium(story))
        .chain(drivers(story))
        .collect();
    if !premium.is_empty() {
        blocks.push(subhead("Premium"));
        blocks.extend(premium);
    }
    Section {
        title: "Revenue".into(),
        headline: headline(story),
        blocks,
    }
}

fn headline(story: &Story) -> String {
    let revenue = &story.facts.revenue;
    let say = &story.say;
    let parts: Vec<_> = revenue
        .parts
        .iter()
        .filter_map(|p| Some((p.id, p.share_pct?)))
        .collect();
    let largest = parts.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let of_some = story.revenue_known_of().map_or_else(String::new, |known| {
        format!(" from {}", story.customers(known))
    });
    match (largest, revenue.monthly_usd) {
        (Some((id, share)), Some(all)) if all > 0.0 && story.knows_revenue_mix() => {
            let balance = if *share < 45.0 {
                "no source dominates"
            } else {
                "one source dominates"
            };
            format!(
                "{} a month{of_some}, of which {} bring {}: {balance}",
                say.money_short(all),
                part_name(id).to_lowercase(),
                say.percent(*share, 0)
            )
        }
        (_, Some(all)) => format!("{} a month{of_some}", say.money(all)),
        _ => "Revenue is not known for this cohort".to_owned(),
    }
}

fn mix(story: &Story) -> Option<Block> {
    let say = &story.say;
    let revenue = &story.facts.revenue;
    let parts = revenue.parts.iter().map(|part| {
        let share = part
            .share_pct
            .map_or_else(String::new, |s| format!(" ({})", say.percent(s, 0)));
        let column = REVENUE_PARTS.iter().find(|(id, _)| *id == part.id);
        let of_some = column.and_then(|(_, column)| story.known_of_some(column));
        let of_some = of_some.map_or_else(String::new, |known| {
            format!(", known of {}", story.customers(known))
        });
        Some(format!(
            "{} bring {} a month{share}{of_some}.",
            part_name(part.id),
            say.money_whole(part.monthly_usd)
        ))
    });
    let who = story.revenue_is_of_some();
    let who = who.as_deref().unwrap_or("The cohort brings in");
    let all = revenue
        .monthly_usd
        .map(|all| format!("{who} {} a month.", say.money_whole(all)));
    text(std::iter::once(all).chain(parts))
}

fn economics(story: &Story) -> Option<Block> {
    let say = &story.say;
    let revenue = &story.facts.revenue;
    let premium = revenue.arpu_premium_usd.zip(revenue.arpu_free_usd);
    text([
        revenue.arpu_usd.zip(revenue.avg_ltv_usd).map(|(arpu, ltv)| {
            format!(
                "A customer brings {} a month (ARPU) and has brought {} since sign-up (lifetime value).",
                say.money(arpu),
                say.money(ltv)
            )
        }),
        revenue.arppu_usd.map(|arppu| {
            let own = premium.map_or_else(String::new, |(premium, free)| {
                format!(
                    "; premium customers themselves bring {}, free ones {}",
                    say.money(premium),
                    say.money(free)
                )
            });
            format!("All revenue over premium customers is {} (ARPPU){own}.", say.money(arppu))
        }),
        revenue.transactions_alltime.zip(revenue.avg_transaction_usd).map(|(count, each)| {
            format!(
                "A customer has made {} payments since sign-up, {} each on average, those without any counted as none.",
                say.rate(count),
                say.money(each)
            )
        }),
    ])
}

fn spread(story: &Story) -> Option<Block> {
    let say = &story.say;
    let revenue = &story.facts.revenue;
    let rows = [
        ("Revenue a month", &revenue.revenue_distribution),
        ("Lifetime value", &revenue.ltv_distribution),
    ];
    let rows = rows.into_iter().filter_map(|(name, of)| {
        let at = |pct| quantile(of, pct).map(|v| say.money(v));
        let top = of
            .top_shares
            .iter()
            .find(|t| (t.top_pct - 10.0).abs() < 1e-9)?;
        Some(vec![
            name.to_owned(),
            at(10.0)?,
            at(25.0)?,
            at(50.0)?,
            at(75.0)?,
            at(90.0)?,
            at(99.0)?,
            story.pct(top.share_pct),
        ])
    });
    table(
        "How revenue and lifetime value are spread over customers",
        &[
            "Per customer",
            "10% below",
            "25%",
            "Half",
            "75%",
            "90%",
            "99%",
            "Top tenth has",
        ],
        rows.collect(),
        None,
    )
}

fn tiers(story: &Story) -> Option<Block> {
    let say = &story.say;
    let money = |v: Option<f64>| or_dash(v.map(|v| say.money(v)));
    let rows = story
        .facts
        .revenue
        .tiers
        .iter()
        .filter(|t| t.customers > 0)
        .map(|t| {
            vec![
                t.name.clone(),
                say.count(t.customers),
                story.pct(t.share_pct),
                money(t.price_usd),
                money(t.arpu_usd),
                or_dash(t.revenue_share_pct.map(|v| story.pct(v))),
                money(t.avg_ltv_usd),
                or_dash(t.churn_pct.map(|v| story.pct(v))),
            ]
        });
    table(
        "Performance of the tiers",
        &[
            "Tier",
            "Customers",
            "Share",
            "Subscription",
            "ARPU",
            "Of revenue",
            "Lifetime value",
            "Churn",
        ],
        rows.collect(),
        None,
    )
}

fn premium(story: &Story) -> Option<Block> {
    let say = &story.say;
    let tiers: Vec<_> = story
        .facts
        .revenue
        .tiers
        .iter()
        .filter(|t| t.customers > 0)
        .collect();
    let (free, best) = (tiers.first()?, tiers.last()?);
    if tiers.len() < 2 {
        return None;
    }
    let churn = free.churn_pct.zip(best.churn_pct);
    let arpu = free
        .arpu_usd
        .zip(best.arpu_usd)
        .filter(|(free, _)| *free > 0.0);
    text([
        arpu.map(|(of_free, of_best)| {
            format!(
                "A {} customer brings {} the revenue of a {} one.",
                best.name,
                times(say, of_best / of_free),
                free.name.to_lowercase()
            )
        }),
        churn.map(|(of_free, of_best)| {
            format!(
                "{} of {} customers leave within 30 days, {} of {} ones.",
                story.pct(of_best),
                best.name,
                story.pct(of_free),
                free.name.to_lowercase()
            )
        }),
    ])
}

fn drivers(story: &Story) -> Option<Block> {
    let say = &story.say;
    let rows = story.facts.revenue.premium_drivers.iter().take(8).map(|d| {
        let mean = |mean: f64| {
            if d.column.ends_with("_pct") {
                story.pct(mean)
            } else {
                say.rate(mean)
            }
        };
        vec![
            crate::report::figures::capitalised(&measure(d.column)),
            mean(d.premium.mean),
            mean(d.free.mean),
            say.number(d.difference_sd, 2),
        ]
    });
    table(
        "What sets premium customers apart",
        &[
            "Mean of",
            "Premium",
            "Free",
            "Difference, standard deviations",
        ],
        rows.collect(),
        Some("Super Likes and boosts are partly what premium brings, not what leads to it.".into()),
    )
}
