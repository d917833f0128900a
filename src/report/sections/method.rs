//! How the report was made, what it can't say, and all published statistics.

use super::{or_dash, subhead, table};
use crate::models::{Card, Metrics};
use crate::report::builder::Pages;
use crate::report::document::{Block, Section};
use crate::report::figures::capitalised;
use crate::report::findings;
use crate::report::story::Story;

/// Columns with missing values that are listed by name.
const MOST_MISSING: usize = 12;

pub fn section(pages: &mut Pages) -> Section {
    let story = pages.story;
    let mut blocks = vec![Block::List {
        items: limits(story),
    }];
    blocks.extend(models(story));
    let left_out: Vec<String> = pages
        .left_out()
        .iter()
        .map(|l| format!("{}: {}.", l.title, l.why))
        .collect();
    if !left_out.is_empty() {
        blocks.push(subhead("Exhibits left out"));
        blocks.push(Block::List { items: left_out });
    }
    blocks.push(subhead("Definitions"));
    let definitions = story.facts.method.definitions.iter();
    blocks.push(Block::Notes {
        items: definitions
            .map(|d| format!("{}: {}.", capitalised(d.figure), d.definition))
            .collect(),
    });
    blocks.push(subhead("How the expected findings are judged"));
    blocks.push(Block::Notes {
        items: findings::rules()
            .map(|(claim, rule)| format!("{claim}: {rule}."))
            .collect(),
    });
    Section {
        title: "Method and limits".into(),
        headline: "What these numbers are, and what they are not".into(),
        blocks,
    }
}

fn limits(story: &Story) -> Vec<String> {
    let say = &story.say;
    let origin = match story.about.seed {
        Some(seed) => format!(
            "The customers are synthetic: drawn by generator {} with seed {seed}. What is found here shows how the \
             report works on such a population, not how a market behaves.",
            story.about.generator_version
        ),
        None => "The customers were imported; what the file did not have is left out.".to_owned(),
    };
    let missing = &story.facts.method.missing;
    let gaps = (!missing.is_empty()).then(|| {
        let named: Vec<String> = missing
            .iter()
            .take(MOST_MISSING)
            .map(|m| format!("{} ({})", m.column, say.count(m.customers)))
            .collect();
        let more = missing.len().saturating_sub(MOST_MISSING);
        let rest = if more > 0 {
            format!(" and {more} more columns")
        } else {
            String::new()
        };
        format!(
            "Values are missing in {}{rest}; figures are over the customers who have them.",
            named.join(", ")
        )
    });
    [
        Some(origin),
        gaps,
        Some(
            "Differences between groups of customers are associations. Who uses both platforms, posts or pays also \
             differs in other ways; nothing here was randomised."
                .to_owned(),
        ),
        Some(format!(
            "A finding is tested at 95% and can’t be told where a group has fewer than {} customers. Quantiles are \
             within {} of the true ones.",
            crate::report::story::ENOUGH,
            say.share(story.facts.method.quantile_error, 1)
        )),
        Some(format!(
            "Amounts are in {}, as they were stored; nothing was converted. Lifetime value is what a customer has \
             brought in so far, not a forecast.",
            say.currency.code()
        )),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The models that serve, by their cards.
fn models(story: &Story) -> Option<Block> {
    let say = &story.say;
    let rows = story.cards.iter().filter_map(|card| {
        let serving = card.candidates.iter().find(|c| c.serves)?;
        let baseline = card.candidates.iter().find(|c| !c.serves);
        let known = |metrics: &Metrics, metric: &str| metrics.get(metric).copied().flatten();
        let (metric, name) = judged_by(card)
            .iter()
            .find(|(metric, _)| known(&serving.metrics, metric).is_some())?;
        let score = |metrics| or_dash(known(metrics, metric).map(|v| say.number(v, 3)));
        let name_of_target = match card.target.as_str() {
            "ltv" => "Lifetime value".to_owned(),
            other => capitalised(&other.replace('-', " ")),
        };
        Some(vec![
            name_of_target,
            serving.name.clone(),
            (*name).to_owned(),
            score(&serving.metrics),
            or_dash(baseline.map(|c| score(&c.metrics))),
            or_dash(card.oracle.as_ref().map(score)),
            say.count(card.rows.hold_out as u64),
        ])
    });
    let version = story.about.model_version.as_ref();
    let version = version.map(|v| format!("Model set {v}."));
    let has_oracle = story.cards.iter().any(|card| card.oracle.is_some());
    let oracle = has_oracle.then(|| {
        "At best: by one who knows what the generator expected of each customer.".to_owned()
    });
    let note: Vec<String> = version.into_iter().chain(oracle).collect();
    table(
        "Models, judged on customers that they never saw",
        &[
            "Predicts",
            "Serves",
            "Metric",
            "Score",
            "Other candidate",
            "At best",
            "Hold-out",
        ],
        rows.collect(),
        (!note.is_empty()).then(|| note.join(" ")),
    )
}

/// What a model is judged by: the first of these that its card has. Of amounts
/// with a few large ones the order is told, since their R² is that of these few.
fn judged_by(card: &Card) -> &'static [(&'static str, &'static str)] {
    if card.target == "ltv" {
        return &[("spearman", "Spearman")];
    }
    &[
        ("auc", "AUC"),
        ("r_squared", "R²"),
        ("log_r_squared", "R² of log"),
    ]
}
