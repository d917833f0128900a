//! The six initiatives, the most valuable first.

use super::{or_dash, table, text};
use crate::report::builder::Pages;
use crate::report::document::{Block, Section};
use crate::report::initiatives::{self, Kept, Rated};
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
            story.say.money_rough(base)
        ),
        Some(_) => "No initiative promises more revenue in this cohort".to_owned(),
        None => "What this cohort can’t value".to_owned(),
    }
}

fn intro(story: &Story) -> Option<Block> {
    let customers = story.settings.customers.unwrap_or(story.facts.customers);
    let kept = match Kept::of(story) {
        Kept::Known => "the month’s revenue of the customers who are still there 30 days later",
        Kept::OfGroups => {
            "a month’s revenue times the share of customers who are still there 30 days later"
        }
        Kept::All => "all of the month’s revenue, since it is not known who leaves",
    };
    text([Some(format!(
        "Effects are in kept revenue, {kept}, at {}. Each assumes that a share of some customers comes to behave as others do; the share can be \
         set, and the effect is in proportion to it. The base is the middle of two comparisons: all of the difference \
         between the two, and what is left of it under a stricter one; low and high are the ends of their 95% \
         intervals. These are associations until the experiment shows them to be effects.",
        story.customers(customers)
    ))])
}

/// How many of the six can be valued, where not all can.
const NUMBERS: [&str; 6] = ["None", "One", "Two", "Three", "Four", "Five"];

/// Those that can be valued, under a title that says how many they are.
fn overview(story: &Story, rated: &[Rated]) -> Option<Block> {
    let say = &story.say;
    let rows = rated.iter().enumerate();
    let rows = rows.filter_map(|(rank, r)| {
        let (low, base, high) = r.value()?;
        let trial = r.case.as_ref().ok()?.trial.as_ref();
        Some(vec![
            format!("{}  {}", initiatives::priority(rank, r), r.title),
            say.percent(100.0 * r.change, 1),
            say.number(r.moved * r.scale, 0),
            say.money_rough(low),
            say.money_rough(base),
            say.money_rough(high),
            or_dash(trial.and_then(|t| t.per_arm).map(|n| say.count(n))),
            or_dash(trial.map(|t| say.count(t.there_are))),
        ])
    });
    let rows: Vec<_> = rows.collect();
    let title = match rows.len() {
        all if all == rated.len() => "Six initiatives by expected value a month".to_owned(),
        valued => format!(
            "{} of six initiatives by expected value a month",
            NUMBERS[valued]
        ),
    };
    table(
        &title,
        &[
            "Initiative",
            "Assumed change",
            "Customers moved",
            "Low",
            "Base",
            "High",
            "Needed per arm",
            "There are",
        ],
        rows,
        None,
    )
}
