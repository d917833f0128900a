//! What is said of an initiative.

use super::{Case, Rated, Trial, priority};
use crate::report::document::{Decision, Initiative, Part};
use crate::report::figures::capitalised;
use crate::report::story::Story;

pub fn initiative(story: &Story, rank: usize, rated: &Rated) -> Initiative {
    let (range, parts) = match (&rated.case, rated.value()) {
        (Ok(case), Some(value)) => (
            format!("{} a month", story.say.money_rough(value.1)),
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
        parts.push(Part {
            name: "Experiment",
            text: experiment(story, rated, trial),
        });
    }
    parts
}

fn experiment(story: &Story, rated: &Rated, trial: &Trial) -> String {
    let say = &story.say;
    let takes = trial.per_arm.map_or_else(
        || "no experiment of a practical size shows".to_owned(),
        |n| format!("{} customers per arm show", say.count(n)),
    );
    let power = format!(
        "{} two-sided, power {}",
        say.share(0.05, 0),
        say.share(0.8, 0)
    );
    let mut text = format!(
        "Metric: {}; {} without the initiative. {} the assumed change, {} ({power}).",
        trial.metric,
        trial.control,
        capitalised(&takes),
        trial.least
    );
    let short = trial.visible.as_ref().filter(|_| !trial.is_possible());
    if let Some(visible) = short {
        let needed = rated.change * visible.times;
        let change = if needed <= 0.5 {
            format!("the effect of a change of {}", say.share(needed, 1))
        } else {
            "more than a change can bring".to_owned()
        };
        let there_are = say.count(trial.there_are);
        let known = [
            " There are ",
            &there_are,
            " for each, who would show ",
            &visible.text,
            ", ",
            &change,
            ".",
        ];
        text.push_str(&known.concat());
    }
    text
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
            usize::from((rated.change * 100.0).fract() != 0.0)
        ),
        story.say.count(case.reach),
        case.who,
        case.becomes
    )
    .trim_end()
    .to_owned()
}

/// A lift from which it pays to ask some first.
const NOTABLE_LIFT: f64 = 1.1;

/// How much better than chance a model picks whom to ask first.
fn lift(story: &Story, target: &str) -> Option<String> {
    let card = story.card(target)?;
    let serving = card.candidates.iter().find(|c| c.serves)?;
    let lift = serving.metrics.get("top_decile_lift").copied().flatten()?;
    (lift >= NOTABLE_LIFT).then(|| {
        format!(
            "The {target} model’s top tenth has {} times the average share: ask them first.",
            story.say.number(lift, 1)
        )
    })
}

fn effect(story: &Story, rated: &Rated, case: &Case, (low, base, high): (f64, f64, f64)) -> String {
    let say = &story.say;
    let customers = story.settings.customers.unwrap_or(story.facts.customers);
    let moved = say.number(rated.moved * rated.scale, 0);
    format!(
        "{} a month ({}) at {}, from {moved} who change. {}, each to the end of its 95% interval.",
        say.money_rough(base),
        story.money_range(low, high),
        story.customers(customers),
        ends(case)
    )
}

/// What the low and the high end are. A comparison that is known worse can have
/// both; the other is still named, since the base is the middle of the two.
fn ends(case: &Case) -> String {
    const ALL: &str = "all of the difference";
    let (strict, gap) = (case.strict, case.gap);
    match (gap.low_is_strict, gap.high_is_strict) {
        (true, false) => format!("Low: {strict}; high: {ALL}"),
        (false, true) => format!("Low: {ALL}; high: {strict}"),
        (false, false) => format!("Low and high: {ALL}; between them: {strict}"),
        (true, true) => format!("Low and high: {strict}; between them: {ALL}"),
    }
}

pub fn decision(story: &Story, rank: usize, rated: &Rated) -> Option<Decision> {
    let case = rated.case.as_ref().ok()?;
    let (low, base, high) = rated.value()?;
    let test = match case.trial.as_ref().map(|trial| (trial, trial.per_arm)) {
        Some((trial, Some(n))) if trial.is_possible() => {
            format!("test with {} customers per arm", story.say.count(n))
        }
        Some((trial, Some(n))) => format!(
            "a test takes {} customers per arm, of whom there are {}",
            story.say.count(n),
            story.say.count(trial.there_are)
        ),
        Some((_, None)) => "no experiment of a practical size would see it".to_owned(),
        None => "this cohort can’t size its experiment".to_owned(),
    };
    Some(Decision {
        priority: priority(rank, rated).to_owned(),
        title: rated.title.to_owned(),
        text: format!(
            "{} of {} {}: {test}",
            story.say.share(
                rated.change,
                usize::from((rated.change * 100.0).fract() != 0.0)
            ),
            case.who,
            case.becomes
        ),
        value: format!("{} a month", story.say.money_rough(base)),
        unit: story.money_range(low, high),
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Estimate, Gap};
    use super::*;

    #[test]
    fn an_end_is_named_by_the_comparison_that_has_it() {
        let named = |whole: (f64, f64), strict: (f64, f64)| {
            let [whole, strict] = [whole, strict].map(|(value, error)| Estimate { value, error });
            ends(&Case {
                evidence: String::new(),
                reach: 100,
                who: "customers",
                becomes: "change",
                gap: Gap::between(whole, strict),
                strict: "the direct part",
                falsifier: String::new(),
                trial: None,
                target: None,
            })
        };
        let usual = "Low: the direct part; high: all of the difference";
        assert_eq!(named((10.0, 1.0), (4.0, 1.0)), usual);
        // The same numbers: nothing speaks against the usual names.
        assert_eq!(named((4.0, 1.0), (4.0, 1.0)), usual);
        // All of the difference is known worse, and reaches lower and higher.
        let both = "Low and high: all of the difference; between them: the direct part";
        assert_eq!(named((10.0, 6.0), (9.0, 0.1)), both);
        let both = "Low and high: the direct part; between them: all of the difference";
        assert_eq!(named((10.0, 0.1), (9.0, 6.0)), both);
        let turned = "Low: all of the difference; high: the direct part";
        assert_eq!(named((4.0, 1.0), (10.0, 1.0)), turned);
    }
}
