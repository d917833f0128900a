//! Training models, predicting and explaining with them.

use std::sync::Mutex;

use engagecast::cohort::Plan;
use engagecast::features::Shown;
use engagecast::models::{
    Candidate, Card, Estimate, Lesson, Model, ModelSet, NoInputs, Target, Tier, TrainError, Watch,
};
use engagecast::schema::{COLUMNS, column};

use crate::support::cohort::{cohort, cohort_with};
use crate::support::trained::{CUSTOMERS, SEED, model, moment, read, source, strangers, trained};

const DAYS: usize = column("days_since_last_active");
const LOCATION: usize = column("location");
const CHURN: usize = column("churn_30_day");
const LTV: usize = column("lifetime_value_usd");
const FEED: usize = column("feed_time_minutes_day");
const PHOTOS: usize = column("photo_count");
const ENGAGEMENT: usize = column("engagement_score");

fn metric(card: &Card, candidate: usize, name: &str) -> f64 {
    card.candidates[candidate].metrics[name].expect("a score")
}

fn serving(card: &Card) -> usize {
    let serving = |c: &Candidate| c.serves;
    card.candidates
        .iter()
        .position(serving)
        .expect("one serves")
}

#[test]
fn finds_the_signal_that_was_planted() {
    for (target, name, least) in [
        (Target::Churn, "auc", 0.85),
        (Target::Ltv, "spearman", 0.85),
        (Target::Engagement, "r_squared", 0.75),
    ] {
        let card = model(target).card();
        let score = metric(card, serving(card), name);
        assert!(score > least, "{target}: {name} {score}");
    }
}

/// Below the floor something is lost on the way; above the ceiling, which no
/// model can reach that does not see the label, something leaks.
#[test]
fn churn_of_generated_customers_is_predicted_as_well_as_can_be_and_no_better() {
    let plan = Plan::new(20_000, 1).unwrap();
    let cohort: Vec<_> = plan.generate(&|_| {}).unwrap().collect();
    let model = trained(&cohort, Target::Churn).unwrap();
    let auc = metric(model.card(), serving(model.card()), "auc");
    assert!((0.82..0.87).contains(&auc), "{auc}");
}

#[test]
fn customers_with_gaps_are_predicted_better_than_by_guessing() {
    let card = model(Target::Churn).card();
    let half_missing = &card.candidates[0].metrics_half_missing;
    let loss = half_missing["log_loss"].expect("a score");
    assert!(
        loss < 0.62,
        "the forest's log loss is {loss}; a constant's is 0.69"
    );
}

#[test]
fn a_probability_comes_with_its_tier_and_place() {
    let mut tiers = [0; 3];
    for profile in strangers() {
        let prediction = model(Target::Churn).predict(&profile).expect("inputs");
        let Estimate::Probability { probability, tier } = prediction.value else {
            panic!("churn is a probability");
        };
        assert!((0.0..=1.0).contains(&probability));
        assert!((0.0..=100.0).contains(&prediction.percentile));
        match tier {
            Tier::High => assert!(prediction.percentile >= 79.0),
            Tier::Low => assert!(prediction.percentile <= 51.0),
            Tier::Medium => assert!((49.0..81.0).contains(&prediction.percentile)),
        }
        tiers[tier as usize] += 1;
    }
    // Of 400 customers like those of the hold-out: half, three tenths, a fifth.
    assert!((150..250).contains(&tiers[0]), "{tiers:?}");
    assert!((45..115).contains(&tiers[2]), "{tiers:?}");
}

#[test]
fn a_longer_absence_makes_churn_more_likely() {
    let at = |days: u32| {
        let profile = read(&format!(
            r#"{{"days_since_last_active": {days}, "age": 40}}"#
        ));
        model(Target::Churn)
            .predict(&profile)
            .expect("inputs")
            .value
            .number()
    };
    assert!(
        at(1) < at(15) && at(15) < at(29),
        "{} {} {}",
        at(1),
        at(15),
        at(29)
    );
}

#[test]
fn an_amount_comes_in_its_unit_with_an_interval_that_holds_it() {
    for (target, its_unit, most) in [
        (Target::Ltv, "USD", 1e12),
        (Target::Engagement, "score 0-1", 1.0),
    ] {
        for profile in strangers() {
            let prediction = model(target).predict(&profile).expect("inputs");
            let Estimate::Amount {
                value,
                unit,
                lower,
                upper,
                level,
            } = prediction.value
            else {
                panic!("{target} is an amount");
            };
            assert_eq!(unit, its_unit);
            assert!((level - 0.9).abs() < 1e-12);
            assert!(0.0 <= lower && lower <= value && value <= upper && upper <= most);
            assert!(lower < upper);
        }
    }
}

#[test]
fn intervals_hold_about_nine_of_ten_new_customers() {
    let customers = strangers();
    for target in [Target::Ltv, Target::Engagement] {
        let held = customers.iter().filter(|profile| {
            let truth = profile.value(target.label());
            let prediction = model(target).predict(profile).expect("inputs");
            let Estimate::Amount { lower, upper, .. } = prediction.value else {
                panic!("{target} is an amount");
            };
            (lower..=upper).contains(&truth)
        });
        // 400 customers: four standard deviations, and those of the 200 that
        // sized the intervals.
        let held = held.count();
        assert!((325..=395).contains(&held), "{target}: {held} of 400");
        let measured = model(target).card().intervals.clone().expect("intervals");
        assert!((0.82..0.97).contains(&measured.coverage), "{measured:?}");
        assert_eq!(measured.coverage_by_decile.len(), 10);
    }
}

#[test]
fn missing_inputs_are_named_and_only_inputs() {
    let profile = read(r#"{"age": 31, "gender": null, "churn_probability": 0.5}"#);
    let prediction = model(Target::Churn).predict(&profile).expect("an input");
    let missing: Vec<_> = prediction.missing.names().collect();
    assert_eq!(
        missing.len(),
        model(Target::Churn).inputs().iter().count() - 1
    );
    assert!(missing.contains(&"gender") && missing.contains(&"location"));
    for never in [
        "age",
        "customer_id",
        "churn_probability",
        "churn_30_day",
        "data_generated_at",
    ] {
        assert!(!missing.contains(&never), "{never}");
    }
}

#[test]
fn a_customer_without_any_input_has_no_prediction() {
    for body in [
        "{}",
        r#"{"customer_id": "c-1"}"#,
        r#"{"churn_30_day": true, "churn_probability": 0.5}"#,
    ] {
        assert_eq!(model(Target::Churn).predict(&read(body)), Err(NoInputs));
        assert_eq!(model(Target::Churn).explain(&read(body), 3), Err(NoInputs));
    }
    let body = r#"{"premium_tier": "Gold"}"#;
    assert!(model(Target::Churn).predict(&read(body)).is_ok());
    assert_eq!(
        model(Target::Engagement).predict(&read(body)),
        Err(NoInputs)
    );
}

#[test]
fn what_a_target_may_not_use_changes_nothing() {
    let profile = &strangers()[0];
    for &target in Target::ALL {
        let inputs = model(target).inputs();
        let mut changed = profile.clone();
        for c in (1..COLUMNS.len()).filter(|&c| !inputs.contains(c)) {
            changed.set(c, 1.0);
        }
        assert_eq!(
            model(target).predict(profile),
            model(target).predict(&changed)
        );
    }
}

#[test]
fn contributions_add_up_to_the_margin() {
    for &target in Target::ALL {
        for (i, mut profile) in strangers().into_iter().take(20).enumerate() {
            if i % 2 == 0 {
                for c in (1..COLUMNS.len()).filter(|c| (c + i) % 3 == 0) {
                    profile.set(c, f64::NAN);
                }
            }
            let explained = model(target).explain(&profile, 72).expect("inputs");
            let sum: f64 = explained.reasons.iter().map(|r| r.contribution).sum();
            assert!((explained.base_value + sum - explained.margin).abs() < 1e-6);
            let margin = model(target).predict(&profile).expect("inputs").margin;
            assert!((margin - explained.margin).abs() < 1e-12);
        }
    }
}

#[test]
fn the_strongest_reason_is_the_one_that_was_planted() {
    let body =
        r#"{"days_since_last_active": 29, "location": "Boston", "age": 30, "is_creator": true}"#;
    let profile = read(body);
    let explained = model(Target::Churn).explain(&profile, 2).expect("inputs");
    assert_eq!(explained.reasons.len(), 2);
    let first = explained.reasons[0];
    assert_eq!(
        (first.feature, first.value),
        ("days_since_last_active", Shown::Number(29.0))
    );
    assert!(first.contribution > 0.5);
    assert!(explained.reasons[1].contribution.abs() <= first.contribution);
}

#[test]
fn one_hot_places_are_summed_back_to_their_column() {
    // New York keeps its customers.
    let profile = read(r#"{"location": "New York", "days_since_last_active": 15}"#);
    let explained = model(Target::Churn).explain(&profile, 72).expect("inputs");
    let locations: Vec<_> = explained
        .reasons
        .iter()
        .filter(|r| r.column == LOCATION)
        .collect();
    assert_eq!(locations.len(), 1);
    assert_eq!(locations[0].value, Shown::Text("New York"));
    assert!(locations[0].contribution < -0.3, "{locations:?}");
}

#[test]
fn the_card_tells_what_the_model_is() {
    let card = model(Target::Ltv).card();
    assert_eq!(
        (card.target.as_str(), card.kind.as_str(), card.unit.as_str()),
        ("ltv", "regression", "USD")
    );
    assert_eq!(card.source, source());
    let rows = card.rows;
    assert_eq!(
        rows.train + rows.validation + rows.calibration + rows.hold_out,
        CUSTOMERS
    );
    assert!((300..500).contains(&rows.hold_out));
    assert!(rows.train_with_gaps > 0);
    assert!(
        card.exclusions
            .iter()
            .any(|e| e.column == "iap_spending_month_usd" && !e.reason.is_empty())
    );
    assert!(
        !card
            .inputs
            .iter()
            .any(|i| i == "lifetime_value_usd" || i == "customer_id")
    );
    assert_eq!(card.candidates.len(), 2);
    assert_eq!(card.candidates.iter().filter(|c| c.serves).count(), 1);
    let best = serving(card);
    let deviance = |i| metric(card, i, "tweedie_deviance");
    assert!(deviance(best) <= deviance(1 - best));
    assert_eq!((card.trained_at, card.seed), (moment(), SEED));
    assert!(card.thresholds.is_none() && card.intervals.is_some());
    let churn = model(Target::Churn).card();
    assert!(churn.thresholds.is_some() && churn.intervals.is_none());
    let text = serde_json::to_string(card).expect("plain data");
    assert_eq!(
        &serde_json::from_str::<Card>(&text).expect("plain data"),
        card
    );
}

#[test]
fn training_again_gives_the_same_model() {
    let cohort = cohort(800, 3);
    let [one, other] = [(); 2].map(|()| trained(&cohort, Target::Churn).expect("a model"));
    assert_eq!(one.to_bytes(), other.to_bytes());
}

#[test]
fn small_cohorts_are_refused_or_learnt() {
    for n in [0, 1, 5, 50, 499] {
        let cohort = cohort(n, 4);
        for &target in Target::ALL {
            let error = trained(&cohort, target).expect_err("too few");
            let TrainError::TooFewRows { needed: 500, found } = error else {
                panic!("{target}: {error}");
            };
            assert!(found <= n);
        }
        let error = trained(&cohort, Target::Churn).expect_err("too few");
        assert!(error.to_string().ends_with(&format!("has {n}")), "{error}");
    }
    let cohort = cohort(900, 4);
    for &target in Target::ALL {
        let model = trained(&cohort, target).expect("a model");
        assert!(model.predict(&strangers()[0]).is_ok());
    }
}

#[test]
fn a_straight_line_is_served_by_the_baseline() {
    let cohort = cohort_with(600, 11, |i, row| {
        let feed = row[FEED].unwrap_or(0.0);
        let photos = row[PHOTOS].unwrap_or(0.0);
        row[ENGAGEMENT] = Some(0.1 + 0.005 * feed + 0.03 * photos + 0.002 * f64::from(i % 7 == 0));
    });
    let model = trained(&cohort, Target::Engagement).expect("a model");
    assert_eq!(
        model.card().candidates[serving(model.card())].name,
        "baseline"
    );
    assert!(model.card().choice.starts_with("the baseline"));
    let again = Model::from_bytes(&model.to_bytes()).expect("a model");
    for profile in strangers().iter().take(50) {
        let prediction = model.predict(profile).expect("inputs");
        assert_eq!(Ok(prediction), again.predict(profile));
        let explained = again.explain(profile, 72).expect("inputs");
        let sum: f64 = explained.reasons.iter().map(|r| r.contribution).sum();
        assert!((explained.base_value + sum - prediction.margin).abs() < 1e-9);
        let two = ["feed_time_minutes_day", "photo_count"];
        assert!(two.contains(&explained.reasons[0].feature));
    }
    let far = read(r#"{"feed_time_minutes_day": 1440}"#);
    assert!(model.predict(&far).expect("an input").value.number() <= 1.0);
}

#[test]
fn labels_that_are_all_alike_teach_nothing() {
    let alike =
        |column: usize, value: f64| cohort_with(550, 6, move |_, row| row[column] = Some(value));
    for value in [0.0, 1.0] {
        let error = trained(&alike(CHURN, value), Target::Churn).expect_err("one class");
        assert_eq!(error, TrainError::OneLabel);
    }
    let error = trained(&alike(LTV, 12.5), Target::Ltv).expect_err("one amount");
    assert_eq!(error, TrainError::OneLabel);
    let rare = cohort_with(550, 6, |i, row| row[CHURN] = Some(f64::from(i % 30 == 0)));
    assert_eq!(
        trained(&rare, Target::Churn).expect_err("a rare class"),
        TrainError::TooFewOfAClass {
            needed: 50,
            found: 19
        }
    );
}

#[test]
fn rows_without_a_valid_label_are_left_out_and_counted() {
    let cohort = cohort_with(800, 7, |i, row| match i % 10 {
        0 => row[LTV] = None,
        1 => row[LTV] = Some(-5.0),
        2 => row[LTV] = Some(f64::NAN),
        _ => (),
    });
    let rows = trained(&cohort, Target::Ltv).expect("a model").card().rows;
    assert_eq!(rows.without_label, 240);
    assert_eq!(
        rows.train + rows.validation + rows.calibration + rows.hold_out,
        560
    );
}

#[test]
fn a_teams_own_data_may_have_gaps_and_empty_columns() {
    let cohort = cohort_with(600, 8, |i, row| {
        for (c, value) in row.iter_mut().enumerate().skip(1) {
            if c != CHURN && c != DAYS && ((i * 7 + c) % 5 == 0 || c == LOCATION || c == 20) {
                *value = None;
            }
        }
    });
    let model = trained(&cohort, Target::Churn).expect("a model");
    let body = r#"{"location": "Lima", "days_since_last_active": 3}"#;
    assert!(
        model
            .predict(&read(body))
            .expect("inputs")
            .margin
            .is_finite()
    );
}

#[test]
fn a_batch_of_another_schema_is_refused() {
    let batch = &cohort(450, 9)[0];
    let narrow = batch.project(&[0, 1, 2, 3]).expect("fewer columns");
    assert!(matches!(
        trained(&[narrow], Target::Churn),
        Err(TrainError::Batch(_))
    ));
}

#[test]
fn progress_is_told_and_never_falls_back() {
    let heard = Mutex::new(Vec::new());
    let hear = |share| heard.lock().expect("not poisoned").push(share);
    let (cohort, source) = (cohort(500, 10), source());
    let lesson = Lesson::new(&cohort, &source, moment());
    let watched = lesson.train(Target::Ltv, &Watch::progress(&hear));
    watched.expect("a model");
    let heard = heard.into_inner().expect("not poisoned");
    assert!(heard.is_sorted() && heard.len() > 5, "{heard:?}");
    assert_eq!((heard[0], heard[heard.len() - 1]), (0.0, 1.0));
}

#[test]
fn models_are_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<ModelSet>();
}
