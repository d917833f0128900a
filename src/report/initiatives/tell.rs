//! What is said of an initiative.

use super::{Case, Rated, priority};
use crate::report::document::{Decision, Initiative, Part};
use crate::report::story::Story;

pub fn initiative(story: &Story, rank: usize, rated: &Rated) -> Initiative {
    let (range, parts) = match (&rated.case, rated.value()) {
        (Ok(case), Some(value)) => (
            format!("{} a month", story.say.money_short(value.1)),
            parts(story, rated, case, value),
        ),
        (Ok(_), None) => (String::new(), Vec::new()),
        (Err(why), _) => (
            "not valued".to_owned(),
            vec![Part {
                name: "Evidence",
                text: format!("This cohort can’t tell. {why}"),
            }],
        ),
    };
    Initiative {
        id: rated.lever.id,
        priority: priority(rank, rated).to_owned(),
        title: rated.title.to_owned(),
        range,
        parts,
    }
}

fn parts(story: &Story, rated: &Rated, case: &Case, value: (f64, f64, f64)) -> Vec<Part> {
    let mut parts = vec![
        Part {
            name: "Evidence",
            text: case.evidence.clone(),
        },
        Part {
            name: "Lever",
            text: lever(story, rated, case),
        },
        Part {
            name: "Effect",
            text: effect(story, rated, case, value),
        },
        Part {
            name: "Falsified if",
            text: case.falsifier.clone(),
        },
    ];
    if let Some(trial) = &case.trial {
        let size = trial.per_arm.map_or_else(
            || "no experiment of a practical size would see it".to_owned(),
            |n| format!("{} customers per arm", story.say.count(n)),
        );
        parts.push(Part {
            name: "Experiment",
            text: format!(
                "Metric: {}; {} without the initiative. To see the assumed change, {}: {size} (5% two-sided, power 80%).",
                trial.metric, trial.control, trial.least
            ),
        });
    }
    parts
}

fn lever(story: &Story, rated: &Rated, case: &Case) -> String {
    let first = case
        .target
        .and_then(|target| lift(story, target))
        .unwrap_or_default();
    format!(
        "Assumed: {} of the {} {} {}. {first}",
        story.say.share(
            rated.change,
            if (rated.change * 100.0).fract() == 0.0 {
                0
            } else {
                1
            }
        ),
        story.say.count(case.reach),
        case.who,
        case.becomes
    )
    .trim_end()
    .to_owned()
}

/// How much better than chance a model picks whom to ask first.
fn lift(story: &Story, target: &str) -> Option<String> {
    let card = story.card(target)?;
    let serving = card.candidates.iter().find(|c| c.serves)?;
    let lift = serving.metrics.get("top_decile_lift").copied().flatten()?;
    Some(format!(
        "The {target} model’s top tenth has {} times the average share: ask them first.",
        story.say.number(lift, 1)
    ))
}

fn effect(story: &Story, rated: &Rated, case: &Case, (low, base, high): (f64, f64, f64)) -> String {
    let say = &story.say;
    let customers = story.settings.customers.unwrap_or(story.facts.customers);
    let moved = say.number(rated.moved * rated.scale, 0);
    format!(
        "{} a month ({} to {}) at {}, from {moved} who change. Low: {}; high: all of the difference.",
        say.money_short(base),
        say.money_short(low),
        say.money_short(high),
        story.customers(customers),
        case.low_is
    )
}

pub fn decision(story: &Story, rank: usize, rated: &Rated) -> Option<Decision> {
    let case = rated.case.as_ref().ok()?;
    let (low, base, high) = rated.value()?;
    let test = case
        .trial
        .as_ref()
        .and_then(|trial| trial.per_arm)
        .map_or_else(
            || "no experiment of a practical size would see it".to_owned(),
            |n| format!("test with {} customers per arm", story.say.count(n)),
        );
    Some(Decision {
        priority: priority(rank, rated).to_owned(),
        title: rated.title.to_owned(),
        text: format!(
            "{} of {} {}: {test}",
            story.say.share(
                rated.change,
                if (rated.change * 100.0).fract() == 0.0 {
                    0
                } else {
                    1
                }
            ),
            case.who,
            case.becomes
        ),
        value: format!("{} a month", story.say.money_short(base)),
        unit: story.money_range(low, high),
    })
}
