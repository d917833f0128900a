//! The six initiatives, the most valuable first.

use super::{table, text};
use crate::report::builder::Pages;
use crate::report::document::{Block, Section};
use crate::report::initiatives::{self, Rated};
use crate::report::story::Story;

pub fn section(pages: &mut Pages) -> Section {
    let story = pages.story;
    let rated = initiatives::rated(story);
    let mut blocks: Vec<Block> = intro(story).into_iter().collect();
    blocks.extend(overview(story, &rated));
    blocks.extend(
        initiatives::shown(story, &rated)
            .into_iter()
            .map(Block::Initiative),
    );
    Section {
        title: "Strategic recommendations".into(),
        headline: headline(story, &rated),
        blocks,
    }
}

fn headline(story: &Story, rated: &[Rated]) -> String {
    let best = rated.first().and_then(|best| Some((best, best.value()?)));
    match best {
        Some((best, (_, base, _))) if base > 0.0 => format!(
            "{} promises most: {} a month in the base case, to be tested",
            best.title,
            story.say.money_short(base)
        ),
        Some(_) => "No initiative promises more revenue in this cohort".to_owned(),
        None => "What this cohort can’t value".to_owned(),
    }
}

fn intro(story: &Story) -> Option<Block> {
    let customers = story.settings.customers.unwrap_or(story.facts.customers);
    text([Some(format!(
        "Effects are in kept revenue: a month’s revenue times the share of customers who are still there 30 days \
         later, at {}. Each assumes that a share of some customers comes to behave as others do; the share can be \
         set, and the effect is in proportion to it. The high end counts all of the difference between the two, the \
         low end what is left of it under a stricter comparison, the base is the middle. These are associations \
         until the experiment shows them to be effects.",
        story.customers(customers)
    ))])
}

fn overview(story: &Story, rated: &[Rated]) -> Option<Block> {
    let say = &story.say;
    let rows = rated.iter().enumerate().filter_map(|(rank, r)| {
        let (low, base, high) = r.value()?;
        let arm = r.case.as_ref().ok()?.trial.as_ref().and_then(|t| t.per_arm);
        Some(vec![
            format!("{}  {}", initiatives::priority(rank, r), r.title),
            say.percent(100.0 * r.change, 1),
            say.number(r.moved * r.scale, 0),
            say.money_short(low),
            say.money_short(base),
            say.money_short(high),
            arm.map_or_else(|| "–".to_owned(), |n| say.count(n)),
        ])
    });
    table(
        "Six initiatives by expected value a month",
        &[
            "Initiative",
            "Assumed change",
            "Customers moved",
            "Low",
            "Base",
            "High",
            "Customers per arm",
        ],
        rows.collect(),
        None,
    )
}
