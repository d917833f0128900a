//! The model card as a document for a person: what the command line prints, and
//! what stands in `docs/models.md`.

use std::fmt::Write as _;

use super::card::{Candidate, Card, Confusion, Decile, Intervals, Source};

/// How many inputs the table of importance names.
const MOST_IMPORTANT: usize = 15;

impl Card {
    /// The card in Markdown, its heading of the second level.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut out = String::new();
        // Writing to a string can't fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "## {}\n", self.target)?;
        writeln!(out, "Predicts {} ({}).\n", self.predicts, self.unit)?;
        writeln!(out, "| | |\n|---|---|")?;
        writeln!(out, "| label | {} |", self.label)?;
        writeln!(out, "| for whom | {} |", self.population)?;
        writeln!(out, "| trained on | {} |", trained_on(&self.source))?;
        writeln!(out, "| customers | {} |", self.customers())?;
        writeln!(out, "| hold-out | {} |", self.split)?;
        writeln!(
            out,
            "| training | version {}, seed {}, {} |",
            self.training_version,
            self.seed,
            self.trained_at.format("%Y-%m-%d %H:%M UTC")
        )?;
        writeln!(out, "\n{}.\n", capital(&self.choice))?;
        self.write_candidates(out)?;
        self.write_calibration(out)?;
        if let Some(intervals) = &self.intervals {
            write_intervals(out, intervals)?;
        }
        write_deciles(out, &self.deciles)?;
        write_confusion(out, &self.confusion)?;
        self.write_importance(out)?;
        self.write_exclusions(out)?;
        writeln!(out, "### Limits\n")?;
        for limit in &self.limits {
            writeln!(out, "* {limit}")?;
        }
        writeln!(out)
    }

    fn customers(&self) -> String {
        let rows = &self.rows;
        format!(
            "{} to train ({} of them a second time with gaps), {} to stop, {} to calibrate, {} to judge; {} without a label and {} whom it is not for were left out",
            rows.train,
            rows.train_with_gaps,
            rows.validation,
            rows.calibration,
            rows.hold_out,
            rows.without_label,
            rows.outside_population
        )
    }

    fn write_candidates(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "### Metrics of the hold-out\n")?;
        for candidate in &self.candidates {
            let serves = if candidate.serves { ", serves" } else { "" };
            writeln!(out, "* {}{serves}: {}", candidate.name, candidate.method)?;
        }
        write!(out, "\n| metric |")?;
        let columns: Vec<&Candidate> = self.candidates.iter().collect();
        for candidate in &columns {
            write!(out, " {} | half missing |", candidate.name)?;
        }
        let oracle = self.oracle.as_ref();
        writeln!(out, "{}", if oracle.is_some() { " oracle |" } else { "" })?;
        let width = 1 + 2 * columns.len() + usize::from(oracle.is_some());
        writeln!(out, "|{}", "---|".repeat(width))?;
        let Some(first) = columns.first() else {
            return Ok(());
        };
        for name in first.metrics.keys() {
            write!(out, "| {name} |")?;
            for candidate in &columns {
                let gapped = candidate.metrics_half_missing.get(name).copied().flatten();
                write!(
                    out,
                    " {} | {} |",
                    with_interval(candidate, name),
                    score(gapped)
                )?;
            }
            if let Some(oracle) = oracle {
                write!(out, " {} |", score(oracle.get(name).copied().flatten()))?;
            }
            writeln!(out)?;
        }
        if let Some(comparison) = &self.comparison {
            writeln!(
                out,
                "\nIn brackets the middle 95% of the bootstrap. The baseline's {} is {:.5} to {:.5} above the forest's, on the same draws.",
                comparison.metric, comparison.difference.lower, comparison.difference.upper
            )?;
        }
        writeln!(out)
    }

    fn write_calibration(&self, out: &mut String) -> std::fmt::Result {
        let Some(calibration) = &self.calibration else {
            return Ok(());
        };
        write!(out, "Calibration: {}", calibration.method)?;
        if (calibration.slope, calibration.shift) != (1.0, 0.0) {
            let (slope, shift) = (calibration.slope, calibration.shift);
            write!(out, "; slope {slope:.3}, shift {shift:.3}")?;
        }
        writeln!(out, ".\n")
    }

    fn write_importance(&self, out: &mut String) -> std::fmt::Result {
        let shown = self.importance.len().min(MOST_IMPORTANT);
        writeln!(out, "### What it leans on\n")?;
        writeln!(out, "| input | share of all contributions |\n|---|---|")?;
        for input in &self.importance[..shown] {
            writeln!(out, "| {} | {:.1}% |", input.column, 100.0 * input.share)?;
        }
        let inputs = self.inputs.join(", ");
        writeln!(out, "\nInputs ({}): {inputs}.\n", self.inputs.len())
    }

    fn write_exclusions(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "### What it does not read\n")?;
        writeln!(out, "| column | because |\n|---|---|")?;
        for exclusion in &self.exclusions {
            writeln!(out, "| {} | {} |", exclusion.column, exclusion.reason)?;
        }
        writeln!(
            out,
            "\nA column that alone foretells the label better than {} (area under the ROC curve, or rank correlation) refuses the training.\n",
            self.leakage_limit
        )
    }
}

fn trained_on(source: &Source) -> String {
    let mut text = format!("{}, {} customers", source.cohort_name, source.customers);
    if let Some(id) = source.cohort_id {
        let _ = write!(text, ", cohort {id}");
    }
    if let Some(version) = &source.generator_version {
        let _ = write!(text, ", generator version {version}");
    }
    text
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn score(score: Option<f64>) -> String {
    score.map_or_else(|| "–".to_owned(), |score| format!("{score:.4}"))
}

fn with_interval(candidate: &Candidate, name: &str) -> String {
    let text = score(candidate.metrics.get(name).copied().flatten());
    match candidate.metric_intervals.get(name) {
        Some(i) => format!("{text} ({:.4} to {:.4})", i.lower, i.upper),
        None => text,
    }
}

fn percent(share: f64) -> String {
    format!("{:.1}%", 100.0 * share)
}

fn write_intervals(out: &mut String, intervals: &Intervals) -> std::fmt::Result {
    writeln!(out, "### Intervals\n")?;
    writeln!(
        out,
        "{} of labels are to lie within: {}. On the hold-out {} do, with each input missing by an even chance {}; by tenths of the prediction, lowest first: {}.\n",
        percent(intervals.level),
        intervals.method,
        percent(intervals.coverage),
        percent(intervals.coverage_half_missing),
        intervals
            .coverage_by_decile
            .iter()
            .map(|&share| percent(share))
            .collect::<Vec<_>>()
            .join(", ")
    )
}

fn write_deciles(out: &mut String, deciles: &[Decile]) -> std::fmt::Result {
    writeln!(out, "### Calibration and lift, tenth by tenth\n")?;
    writeln!(
        out,
        "| tenth by prediction | customers | mean predicted | mean observed | lift |\n|---|---|---|---|---|"
    )?;
    for (tenth, decile) in deciles.iter().enumerate() {
        writeln!(
            out,
            "| {} | {} | {:.4} | {:.4} | {:.2} |",
            tenth + 1,
            decile.customers,
            decile.mean_predicted,
            decile.mean_observed,
            decile.lift
        )?;
    }
    writeln!(out)
}

fn write_confusion(out: &mut String, confusion: &[Confusion]) -> std::fmt::Result {
    if confusion.is_empty() {
        return Ok(());
    }
    writeln!(out, "### What the tiers find\n")?;
    writeln!(
        out,
        "| from tier | threshold | true positives | false positives | false negatives | true negatives |\n|---|---|---|---|---|---|"
    )?;
    for at in confusion {
        writeln!(
            out,
            "| {} | {:.4} | {} | {} | {} | {} |",
            at.tier,
            at.threshold,
            at.true_positives,
            at.false_positives,
            at.false_negatives,
            at.true_negatives
        )?;
    }
    writeln!(out)
}
