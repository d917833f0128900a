//! Populations of one's own: extreme ones that can be had, those that can not,
//! what is missing, and the truth behind the targets.

use arrow_array::Array;
use engagecast::cohort::{Check, CohortSpec, Plan, truth_fields};
use engagecast::schema::COLUMN_COUNT;
use serde_json::json;

use crate::support::generated::{drawn, numbers, texts};

/// Far from the source document, each in another way.
const EXTREME: [&str; 10] = [
    "[targets]\nchurn_rate_pct = 3\npremium_pct = 80\navg_engagement_score = 0.7",
    "[targets]\nchurn_rate_pct = 95\npremium_pct = 0.5\navg_engagement_score = 0.08\navg_ltv_usd = 30\niap_usd = 0.5\nads_usd = 0.4",
    "[targets]\nmatches_day = 0.035\ndates_completed_month = 0.05\ndate_conversion_pct = 0.3\nmatch_rate_pct = 2\nswipes_day = 3\nmessages_sent_day = 0.1\n[mixes]\nplatform = { Social_Media = 1 }",
    "[targets]\nmatches_day = 3\nmatch_rate_pct = 6\nswipes_day = 110\nmessages_sent_day = 12\ndates_completed_month = 5\nsuper_likes_week = 6\n[mixes]\nplatform = { Dating = 1 }\nage = { 18-24 = 0.8, 25-29 = 0.2 }",
    "[targets]\ncreator_pct = 30\ncreator_earnings_month_usd = 900\ntop_tenth_creator_share = 0.45\nposts_30_days = 25\nreels_created_week = 9\nstories_posted_week = 14\nfollowers = 40000\nengagement_rate_pct = 12",
    "[targets]\ncreator_pct = 0\npremium_pct = 0\niap_usd = 2\n[mixes]\ngender = { Female = 1 }\nlocation = { Kyoto = 0.9, Osaka = 0.1 }",
    "[targets]\nwomen_to_men_match_rate = 12\nmatch_rate_pct = 4\nswipe_right_rate_pct = 55\n[mixes]\ngender = { Male = 0.85, Female = 0.14, Non-binary = 0.01 }",
    "[targets]\nltv_lift_both_platforms = 3.5\navg_ltv_usd = 900\nsubscription_usd = 12\npremium_pct = 75\niap_usd = 20\nads_usd = 0.2\n[mixes]\nplatform = { Both = 0.05, Dating = 0.15, Social_Media = 0.8 }",
    "[targets]\nfeed_minutes_day = 240\nreels_watched_day = 90\nvideo_hours_week = 20\nstories_viewed_day = 40\nresponse_rate_pct = 8\nprofile_quality = 90\nmatch_satisfaction = 4.6\nshow_up_rate_pct = 30\ndates_completed_month = 1\n[mixes]\nage = { 50-65 = 1 }",
    "[targets]\nengagement_rate_pct = 0.6\ncreator_pct = 0.4\ntop_tenth_creator_share = 0.75\nfollowers = 30\nfeed_minutes_day = 1.5\nstories_viewed_day = 0.6\nreels_watched_day = 0.5\nvideo_hours_week = 0.3\nmatch_satisfaction = 1.4\nresponse_rate_pct = 92",
];

fn meets_its_targets(customers: u64, toml: &str) {
    let spec = CohortSpec::from_toml(toml).unwrap();
    let plan = Plan::new(customers, 1).unwrap().with_spec(spec);
    let mut check = Check::new(&plan);
    for batch in plan.generate(&|_| {}).unwrap() {
        check.observe(&batch);
    }
    let report = check.finish();
    assert!(report.passes(), "{toml}\n{report}");
}

#[test]
fn an_extreme_population_has_what_its_spec_asks_for() {
    for toml in [EXTREME[1], EXTREME[3], EXTREME[5]] {
        meets_its_targets(4_000, toml);
    }
}

#[test]
#[ignore = "ten cohorts of 100,000: seconds in a release build, minutes in another"]
fn every_extreme_population_has_what_its_spec_asks_for() {
    for toml in EXTREME {
        meets_its_targets(100_000, toml);
    }
}

#[test]
fn what_can_not_be_had_is_refused_with_the_nearest() {
    for (id, asked, least, most) in [
        // Watching so many reels takes longer.
        ("reels_watched_day", 90.0, 2.8, 4.0),
        // Only who posts can be a creator.
        ("creator_pct", 90.0, 40.0, 80.0),
    ] {
        let spec = CohortSpec::from_json(&json!({ "targets": { id: asked } })).unwrap();
        let plan = Plan::new(2_000, 1).unwrap().with_spec(spec);
        let refused = plan.generate(&|_| {}).err().unwrap();
        let out = &refused.0[0];
        assert!((least..most).contains(&out.nearest), "{refused}");
        let names = if id == "reels_watched_day" {
            "video_hours_week"
        } else {
            id
        };
        assert_eq!(out.statistic, names, "{refused}");
    }
}

#[test]
fn mixes_come_out_as_they_were_asked_for() {
    // Where nearly all swipe, fewer matches come of as many swipes.
    let spec = json!({ "targets": { "matches_day": 0.6 }, "mixes": {
        "platform": { "Dating": 0.9, "Both": 0.1 },
        "location": { "Lagos": 0.7, "Accra": 0.3 },
        "age": { "18-20": 0.5, "60-65": 0.5 },
    }, "snapshot": "2026-05-01" });
    let spec = CohortSpec::from_json(&spec).unwrap();
    let batch = drawn(&Plan::new(4_000, 2).unwrap().with_spec(spec));
    let share = |name: &str, text: &str| {
        let n = texts(&batch, name).iter().filter(|t| *t == text).count();
        f64::from(u32::try_from(n).unwrap()) / 4_000.0
    };
    assert!((share("platform_primary", "Dating") - 0.9).abs() < 0.02);
    assert!((share("location", "Lagos") - 0.7).abs() < 0.03);
    assert!((share("location", "Accra") + share("location", "Lagos") - 1.0).abs() < 1e-9);
    let ages = numbers(&batch, "age");
    let within = |age: &f64| (18.0..=20.0).contains(age) || (60.0..=65.0).contains(age);
    assert!(ages.iter().all(within));
    let generated = batch.column_by_name("data_generated_at").unwrap();
    let day = arrow_array::cast::as_primitive_array::<arrow_array::types::TimestampMicrosecondType>(
        generated,
    );
    assert_eq!(day.value(0), 1_777_593_600_000_000);
}

#[test]
fn what_is_missing_is_taken_out_and_nothing_else_changes() {
    let spec = json!({ "missing": {
        "photo_count": { "rate": 0.3 },
        "churn_30_day": { "rate": 0.5, "depends_on": "activity" },
    }});
    let spec = CohortSpec::from_json(&spec).unwrap();
    let plan = Plan::new(6_000, 3).unwrap().with_spec(spec);
    let (whole, masked) = (drawn(&plan.before_masking()), drawn(&plan));
    assert_eq!(whole, drawn(&Plan::new(6_000, 3).unwrap()));
    let missing = |name: &str| masked.column_by_name(name).unwrap().null_count();
    assert!((1_650..1_950).contains(&missing("photo_count")));
    assert!((2_800..3_200).contains(&missing("churn_30_day")));
    for field in masked.schema().fields() {
        let (a, b) = (
            whole.column_by_name(field.name()).unwrap(),
            masked.column_by_name(field.name()).unwrap(),
        );
        for row in (0..6_000).filter(|row| b.is_valid(*row)).step_by(7) {
            assert_eq!(a.slice(row, 1).as_ref(), b.slice(row, 1).as_ref());
        }
    }
    // Who is missing by activity is less engaged than who is not.
    let engagement = numbers(&masked, "engagement_score");
    let churned = masked.column_by_name("churn_30_day").unwrap();
    let mean = |null: bool| {
        let of: Vec<f64> = (0..6_000)
            .filter(|row| churned.is_null(*row) == null)
            .map(|row| engagement[row])
            .collect();
        of.iter().sum::<f64>() / f64::from(u32::try_from(of.len()).unwrap())
    };
    assert!(mean(false) - mean(true) > 0.05);
}

#[test]
fn a_small_batch_is_of_the_population_that_was_asked_for() {
    let spec = CohortSpec::from_json(&json!({ "targets": { "feed_minutes_day": 100 } })).unwrap();
    let plan = |customers| Plan::new(customers, 4).unwrap().with_spec(spec.clone());
    let small = drawn(&plan(1_500));
    let minutes = numbers(&small, "feed_time_minutes_day");
    let mean = minutes.iter().sum::<f64>() / 1_500.0;
    assert!((mean / 100.0 - 1.0).abs() < 0.1, "{mean}");
    // The pilot is the population's, so a smaller batch is its beginning.
    assert_eq!(drawn(&plan(200)), small.slice(0, 200));
}

#[test]
fn the_truth_stands_after_the_columns_and_leaves_them_as_they_are() {
    let plan = Plan::new(20_000, 5).unwrap();
    let without = drawn(&plan);
    let known = drawn(&plan.clone().with_truth(true));
    assert_eq!(known.num_columns(), COLUMN_COUNT + truth_fields().len());
    for (at, field) in (COLUMN_COUNT..).zip(truth_fields()) {
        assert_eq!(known.schema().field(at).name(), field.name);
    }
    let columns: Vec<usize> = (0..COLUMN_COUNT).collect();
    assert_eq!(
        known.project(&columns).unwrap().columns(),
        without.columns()
    );

    // Means of the truth are those of what was drawn from it.
    for (truth, column, off) in [
        ("truth_churn", "churn_30_day", 0.01),
        ("truth_ltv", "lifetime_value_usd", 8.0),
        ("truth_engagement", "engagement_score", 0.003),
        ("truth_match_quality", "match_satisfaction_score", 0.02),
        ("truth_creator", "is_creator", 0.006),
    ] {
        let mean = |name| numbers(&known, name).iter().sum::<f64>() / 20_000.0;
        let (true_mean, drawn_mean) = (mean(truth), mean(column));
        assert!(
            (true_mean - drawn_mean).abs() < off,
            "{truth}: {true_mean}, {drawn_mean}"
        );
    }
    let ltv = numbers(&known, "truth_ltv");
    assert_ne!(ltv, numbers(&known, "lifetime_value_usd"));
}

/// The chance that who has it got a higher score than who has not.
fn auc(scores: &[f64], labels: &[bool]) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let (mut below, mut pairs, mut with) = (0.0, 0.0, 0.0);
    for at in order {
        if labels[at] {
            pairs += below;
            with += 1.0;
        } else {
            below += 1.0;
        }
    }
    pairs / (with * below)
}

#[test]
fn the_truth_is_as_good_as_the_specification_says() {
    let known = drawn(&Plan::new(20_000, 6).unwrap().with_truth(true));
    let of = |name: &str| numbers(&known, name);
    let premium = texts(&known, "account_type");
    let premium: Vec<bool> = premium.iter().map(|t| t == "Premium").collect();
    let flag = |name: &str| of(name).iter().map(|v| *v >= 1.0).collect::<Vec<bool>>();
    for (truth, labels, expected) in [
        ("truth_churn", flag("churn_30_day"), 0.850),
        ("truth_premium_conversion", premium, 0.850),
        ("truth_creator", flag("is_creator"), 0.880),
    ] {
        let found = auc(&of(truth), &labels);
        assert!((found - expected).abs() < 0.015, "{truth}: {found}");
    }
    // Of the dating-active with a match, for whom the target is.
    let (dates, matches) = (flag("dates_completed_month"), of("matches_per_day"));
    let platform = texts(&known, "platform_primary");
    let rows: Vec<usize> = (0..20_000)
        .filter(|row| matches[*row] > 0.0 && platform[*row] != "Social_Media")
        .collect();
    let truth = of("truth_date_conversion");
    let scores: Vec<f64> = rows.iter().map(|r| truth[*r]).collect();
    let labels: Vec<bool> = rows.iter().map(|r| dates[*r]).collect();
    let found = auc(&scores, &labels);
    assert!((found - 0.886).abs() < 0.015, "{found}");
}
