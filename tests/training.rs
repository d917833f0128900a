//! What training promises: no leaks, nobody it is not for, the latest judge, and
//! the end when asked to.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use engagecast::features::Profile;
use engagecast::models::{Card, FOLDS, Lesson, Model, ModelSet, Target, TrainError, Watch};
use engagecast::schema::column;

use crate::support::cohort::{cohort, cohort_with};
use crate::support::trained::{MODELS, model, moment, source, trained};

const CHURN: usize = column("churn_30_day");
const BLOCKED: usize = column("users_blocked");
const VIEWS: usize = column("avg_views_per_post");
const POSTS: usize = column("posts_last_30_days");
const REELS: usize = column("reels_created_week");
const GENERATED_AT: usize = column("data_generated_at");

#[test]
fn an_input_that_gives_the_label_away_is_refused_by_name() {
    // Filled in only for customers who have left.
    let leaky = cohort_with(700, 31, |_, row| {
        if row[CHURN] == Some(0.0) {
            row[BLOCKED] = None;
        }
    });
    let error = trained(&leaky, Target::Churn).expect_err("a leak");
    let TrainError::Leak { column, target, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!((*column, *target), ("users_blocked", "churn"));
    assert!(error.to_string().contains("the limit is 0.92"), "{error}");
    let source = source();
    let mut lesson = Lesson::new(&leaky, &source, moment());
    lesson.without = [BLOCKED].into_iter().collect();
    let model = lesson
        .train(Target::Churn, &Watch::NOBODY)
        .expect("a model");
    assert!(!model.inputs().contains(BLOCKED));
    let excluded = model.card().exclusions.iter();
    let reasons: Vec<_> = excluded.filter(|e| e.column == "users_blocked").collect();
    assert_eq!(reasons[0].reason, "left out by whoever trained");
}

#[test]
fn a_leak_is_found_where_a_file_is_in_the_order_of_its_labels() {
    // More customers who stay than are looked at, and then those who left.
    let leaky = cohort_with(42_000, 33, |at, row| {
        let left = at >= 32_000;
        row[CHURN] = Some(f64::from(u8::from(left)));
        if !left {
            row[BLOCKED] = None;
        }
    });
    let error = trained(&leaky, Target::Churn).expect_err("a leak");
    assert!(
        matches!(
            &error,
            TrainError::Leak {
                column: "users_blocked",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_target_without_its_label_is_left_out_and_the_others_are_trained() {
    let cohort = cohort_with(800, 32, |_, row| {
        row[CHURN] = None;
        row[VIEWS] = None;
    });
    let source = source();
    let lesson = Lesson::new(&cohort, &source, moment());
    let targets = [Target::Churn, Target::Virality, Target::Creator];
    let trained = lesson
        .train_all(&targets, &Watch::NOBODY)
        .expect("some models");
    let names: Vec<_> = trained.models.iter().map(Model::target).collect();
    assert_eq!(names, [Target::Creator]);
    let said: Vec<String> = trained.left_out.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 2);
    assert!(
        said[0].starts_with("churn: the cohort has no churn_30_day"),
        "{said:?}"
    );
    assert!(said[1].starts_with("virality: the cohort has no avg_views_per_post"));
}

#[test]
fn customers_whom_a_target_is_not_for_teach_it_nothing() {
    let cohort = cohort_with(1400, 33, |i, row| {
        if i % 2 == 0 {
            row[POSTS] = Some(0.0);
            row[REELS] = Some(0.0);
        }
    });
    let rows = trained(&cohort, Target::Virality)
        .expect("a model")
        .card()
        .rows;
    assert!(rows.outside_population >= 700, "{rows:?}");
    let used = rows.train + rows.validation + rows.calibration + rows.hold_out;
    assert_eq!(used + rows.outside_population + rows.without_label, 1400);
    let mut idle = Profile::new();
    idle.set(POSTS, 0.0);
    idle.set(REELS, 0.0);
    let refused = model(Target::Virality)
        .applies(&idle)
        .expect_err("no posts");
    assert!(refused.to_string().contains("no posts"));
}

#[test]
fn customers_of_several_moments_are_judged_on_the_latest() {
    let month = 30.0 * 86_400e6;
    let cohort = cohort_with(900, 34, |i, row| {
        row[GENERATED_AT] = Some(1.7e15 + month * f64::from(u32::try_from(i % 6).unwrap_or(0)));
    });
    let card = trained(&cohort, Target::Churn)
        .expect("a model")
        .card()
        .clone();
    assert_eq!(card.rows.hold_out, 150);
    assert!(
        card.split.starts_with("the latest: the 17% observed from"),
        "{}",
        card.split
    );
    assert_eq!(model(Target::Churn).card().split, "a random fifth");
}

#[test]
fn the_folds_judge_on_different_customers() {
    let cohort = cohort(700, 35);
    let source = source();
    let scores: Vec<_> = (0..FOLDS)
        .map(|fold| {
            let mut lesson = Lesson::new(&cohort, &source, moment());
            lesson.fold = fold;
            let model = lesson
                .train(Target::Churn, &Watch::NOBODY)
                .expect("a model");
            model.card().candidates[0].metrics["auc"]
        })
        .collect();
    assert!(
        scores.windows(2).all(|pair| pair[0] != pair[1]),
        "{scores:?}"
    );
}

#[test]
fn a_training_ends_within_a_tree_of_being_cancelled() {
    let cohort = cohort(900, 36);
    let source = source();
    let asked = AtomicUsize::new(0);
    let cancelled = || asked.fetch_add(1, Ordering::Relaxed) >= 5;
    let watch = Watch {
        progress: &|_| (),
        cancelled: &cancelled,
    };
    let lesson = Lesson::new(&cohort, &source, moment());
    let error = lesson.train(Target::Ltv, &watch).expect_err("cancelled");
    assert_eq!(error, TrainError::Cancelled);
    // Five trees, and the few looks on the way out.
    assert!(asked.into_inner() < 12);
    let watch = Watch {
        progress: &|_| (),
        cancelled: &|| true,
    };
    let error = lesson
        .train_all(Target::ALL, &watch)
        .expect_err("cancelled");
    assert_eq!(error, TrainError::Cancelled);
}

#[test]
fn every_metric_of_a_card_comes_with_its_interval() {
    for model in MODELS.models() {
        let card = model.card();
        for candidate in &card.candidates {
            for (name, score) in &candidate.metrics {
                let (Some(score), Some(i)) = (score, candidate.metric_intervals.get(name)) else {
                    panic!("{} {name}", card.target);
                };
                assert!(i.lower <= i.upper, "{name}");
                // A calibration error is pushed up by resampling, as every noise is.
                let apart = name == "calibration_error";
                assert!(
                    apart || (i.lower <= *score && *score <= i.upper),
                    "{name} {i:?} {score}"
                );
            }
        }
        assert_eq!(card.deciles.len(), 10);
        let customers: usize = card.deciles.iter().map(|d| d.customers).sum();
        assert_eq!(customers, card.rows.hold_out);
        let shares: f64 = card.importance.iter().map(|i| i.share).sum();
        assert!((shares - 1.0).abs() < 1e-9, "{shares}");
        assert_eq!(
            card.confusion.len(),
            if model.target().is_binary() { 2 } else { 0 }
        );
        for at in &card.confusion {
            let all = at.true_positives + at.false_positives + at.false_negatives;
            assert_eq!(all + at.true_negatives, card.rows.hold_out);
        }
    }
}

/// The documented cards against the code, in what does not take a training.
#[test]
fn the_document_of_the_models_is_that_of_this_code() {
    let document = include_str!("../docs/models.md");
    for &target in Target::ALL {
        let begin = document.find(&format!("\n## {target}\n"));
        let begin = begin.unwrap_or_else(|| panic!("docs/models.md has no card of {target}"));
        let card = &document[begin + 1..];
        let card = card.split("\n## ").next().unwrap_or(card);
        let known: &Card = model(target).card();
        for line in known.to_markdown().lines().filter(|line| static_line(line)) {
            assert!(
                card.contains(line),
                "{target}: docs/models.md lacks `{line}`"
            );
        }
    }
}

/// Whether a line of a card is the same for every cohort.
fn static_line(line: &str) -> bool {
    let by_beginning = [
        "## ",
        "### ",
        "Predicts ",
        "| label |",
        "| for whom |",
        "Inputs (",
        "* It ",
    ];
    let excluded = line.starts_with("| ")
        && line.matches('|').count() == 3
        && !line.contains('%')
        && !line.contains("customers")
        && !line.contains("train")
        && !line.contains("hold-out");
    by_beginning.iter().any(|b| line.starts_with(b)) || excluded
}

#[test]
fn the_command_line_trains_on_a_file_and_keeps_the_models() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, out) = (
        folder.path().join("ours.csv"),
        folder.path().join("ours.models"),
    );
    // A few columns of our own, with gaps and a city that nobody knows.
    let mut text =
        "customer_id,tenure_months,location,engagement_score,churn_30_day,shoe_size\n".to_owned();
    for i in 0..900_u32 {
        let noise = i.wrapping_mul(2_654_435_761) >> 16;
        let (tenure, engagement) = (noise % 50, f64::from(noise % 97) / 97.0);
        let leaves = engagement + f64::from(noise % 13) / 13.0 < 0.8;
        let tenure = if i % 7 == 0 {
            String::new()
        } else {
            tenure.to_string()
        };
        text += format!(
            "c{i},{tenure},Lima,{engagement:.3},{},{}\n",
            u8::from(leaves),
            i % 9
        )
        .as_str();
    }
    std::fs::write(&data, text).expect("written");
    let run = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_engagecast"));
        command.arg("train").arg("--data").arg(&data).args(more);
        command.output().expect("it runs")
    };
    let done = run(&["--out", &out.to_string_lossy()]);
    let printed = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(
        printed.contains("## churn\n") && printed.contains("## engagement\n"),
        "{printed}"
    );
    assert!(
        printed.contains("Left out: ltv: the cohort has no lifetime_value_usd"),
        "{printed}"
    );
    let set = ModelSet::from_bytes(&std::fs::read(&out).expect("kept")).expect("models");
    assert_eq!(set.models().len(), 2);
    let asked = run(&["--targets", "ltv"]);
    assert!(!asked.status.success());
    let said = String::from_utf8_lossy(&asked.stderr);
    assert!(
        said.contains("not trained: ltv: the cohort has no lifetime_value_usd"),
        "{said}"
    );
    let tiers = run(&["--targets=churn", "--thresholds=churn=0.3:0.8"]);
    let printed = String::from_utf8_lossy(&tiers.stdout);
    assert!(
        printed.contains("| high | 0.8000 |") && printed.contains("| medium | 0.3000 |"),
        "{printed}"
    );
    for (args, told) in [
        (
            ["--exclude=tenure_month", "--targets=churn"],
            "did you mean tenure_months?",
        ),
        (
            ["--thresholds=ltv=0.3:0.8", "--targets=ltv"],
            "ltv is an amount",
        ),
        (
            ["--thresholds=churn=0.8:0.3", "--targets=churn"],
            "HIGH not below LOW",
        ),
        (
            ["--thresholds=churn", "--targets=churn"],
            "such as churn=0.4:0.7",
        ),
        (
            ["--thresholds=churn=0.3:0.8", "--targets=creator"],
            "--thresholds has churn",
        ),
    ] {
        let refused = run(&args);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && said.contains(told), "{said}");
    }
    let misspelt = run(&["--targets", "chrun"]);
    assert!(String::from_utf8_lossy(&misspelt.stderr).contains("must be one of churn"));
}
