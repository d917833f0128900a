//! How good the models are on the default cohort, five-fold, beside the oracle:
//! the truth that the generator drew from, judged on the same rows.
//!
//! `cargo run --release --example accuracy` prints the table of
//! `docs/performance.md`; `-- --folds 1 --targets ltv,churn` a part of it.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use arrow_array::RecordBatch;
use chrono::{DateTime, Utc};
use clap::Parser;
use engagecast::cohort::{GENERATOR_VERSION, Plan};
use engagecast::models::{Card, FOLDS, Lesson, Metrics, Source, Target, Watch};

#[derive(Parser)]
struct Args {
    #[arg(long, default_value_t = 100_000)]
    customers: u64,
    #[arg(long, default_value_t = 20_251_021)]
    seed: u64,
    #[arg(long, default_value_t = FOLDS)]
    folds: usize,
    /// Names, comma-separated; all if none are given
    #[arg(long, value_delimiter = ',')]
    targets: Vec<String>,
    /// Document whose part after the marker is to be the cards of the first fold
    #[arg(long, value_name = "FILE")]
    cards: Option<PathBuf>,
}

/// What a person wrote stands before it.
const MARKER: &str = "<!-- The cards: written by a command, not by hand. -->\n";

/// What is looked at of each target.
const METRICS: &[(Target, &[&str])] = &[
    (Target::Engagement, &["r_squared"]),
    (Target::Churn, &["auc", "calibration_error"]),
    (
        Target::Ltv,
        &["spearman", "normalised_gini", "log_r_squared", "mean_error"],
    ),
    (Target::MatchQuality, &["r_squared"]),
    (Target::Virality, &["log_r_squared"]),
    (Target::PremiumConversion, &["auc", "calibration_error"]),
    (Target::DateConversion, &["auc", "calibration_error"]),
    (Target::Creator, &["auc", "calibration_error"]),
];

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let plan = Plan::new(args.customers, args.seed)?.with_truth(true);
    let cohort: Vec<RecordBatch> = plan.generate(&|_| ())?.collect();
    let source = Source {
        cohort_id: None,
        cohort_name: "default".into(),
        customers: args.customers,
        generator_version: Some(GENERATOR_VERSION.into()),
        seed: Some(args.seed),
    };
    let targets: Vec<Target> = Target::ALL
        .iter()
        .copied()
        .filter(|t| args.targets.is_empty() || args.targets.iter().any(|name| name == t.name()))
        .collect();
    let mut cards: BTreeMap<&str, Vec<Card>> = BTreeMap::new();
    for fold in 0..args.folds.min(FOLDS) {
        let begun = Instant::now();
        let mut lesson = Lesson::new(&cohort, &source, snapshot()?);
        lesson.fold = fold;
        let trained = lesson.train_all(&targets, &Watch::NOBODY)?;
        for left_out in &trained.left_out {
            println!("left out: {left_out}");
        }
        for model in &trained.models {
            let cards = cards.entry(model.target().name()).or_default();
            cards.push(model.card().clone());
        }
        println!("fold {fold}: {:.1} s", begun.elapsed().as_secs_f64());
    }
    for &(target, metrics) in METRICS {
        if let Some(cards) = cards.get(target.name()) {
            for metric in metrics {
                print(cards, metric);
            }
            intervals(cards);
        }
    }
    if let Some(document) = &args.cards {
        write(document, &targets, &cards)?;
    }
    Ok(())
}

/// The moment that cards are marked with, so that they are the same again.
fn snapshot() -> Result<DateTime<Utc>, chrono::ParseError> {
    engagecast::schema::SNAPSHOT.parse()
}

fn write(
    document: &Path,
    targets: &[Target],
    cards: &BTreeMap<&str, Vec<Card>>,
) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(document)?;
    let (by_hand, _) = text
        .split_once(MARKER)
        .ok_or("the document has no marker")?;
    let cards = targets.iter().filter_map(|t| cards.get(t.name())?.first());
    let cards: Vec<String> = cards.map(Card::to_markdown).collect();
    let cards = cards.concat();
    fs::write(
        document,
        format!("{by_hand}{MARKER}\n{}\n", cards.trim_end()),
    )?;
    Ok(())
}

/// The mean of a metric over the folds.
fn mean<'a>(cards: &'a [Card], of: impl Fn(&'a Card) -> Option<&'a Metrics>, name: &str) -> f64 {
    let scores = cards
        .iter()
        .map(|card| of(card)?.get(name).copied().flatten());
    let scores: Option<Vec<f64>> = scores.collect();
    let count = f64::from(u32::try_from(cards.len()).unwrap_or(1));
    scores.map_or(f64::NAN, |s| s.iter().sum::<f64>() / count)
}

fn print(cards: &[Card], metric: &str) {
    let served = mean(
        cards,
        |c| c.candidates.iter().find(|c| c.serves).map(|c| &c.metrics),
        metric,
    );
    let forest = mean(cards, |c| c.candidates.first().map(|c| &c.metrics), metric);
    let baseline = mean(cards, |c| c.candidates.get(1).map(|c| &c.metrics), metric);
    let oracle = mean(cards, |c| c.oracle.as_ref(), metric);
    println!(
        "{:20} {metric:18} serves {served:.4}  forest {forest:.4}  baseline {baseline:.4}  oracle {oracle:.4}  shortfall {:.4}",
        cards[0].target,
        oracle - served,
    );
}

fn intervals(cards: &[Card]) {
    for card in cards {
        let rows = card.candidates.iter().find(|c| c.serves);
        println!("  {}", rows.map_or("", |c| &c.method));
        if let Some(i) = &card.intervals {
            let deciles: Vec<String> = i
                .coverage_by_decile
                .iter()
                .map(|c| format!("{c:.3}"))
                .collect();
            println!(
                "  coverage {:.3}, half missing {:.3}, deciles {}",
                i.coverage,
                i.coverage_half_missing,
                deciles.join(" ")
            );
        }
        if let Some(c) = &card.calibration
            && (c.slope, c.shift) != (1.0, 0.0)
        {
            println!("  set right: slope {:.3}, shift {:.3}", c.slope, c.shift);
        }
    }
}
