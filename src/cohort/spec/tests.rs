//! What a spec may say, and what is told of what it may not.

use super::*;

fn spec(json: &Value) -> CohortSpec {
    CohortSpec::from_json(json).unwrap()
}

fn faults(json: &Value) -> Vec<String> {
    let faults = CohortSpec::from_json(json).unwrap_err();
    faults.0.iter().map(ToString::to_string).collect()
}

#[test]
fn a_spec_that_says_nothing_is_the_default() {
    assert_eq!(spec(&json!({})), CohortSpec::default());
    assert_eq!(CohortSpec::default().to_json(), json!({}));
    let nothing = json!({ "targets": {}, "mixes": {}, "missing": {} });
    assert_eq!(spec(&nothing), CohortSpec::default());
}

#[test]
fn what_the_default_says_of_itself_may_be_said() {
    let default = CohortSpec::default();
    let targets: Map<String, Value> = default
        .targets()
        .map(|(id, value)| (id.to_owned(), json!(value)))
        .collect();
    assert_eq!(targets.len(), 38);
    let mixes = json!({
        "platform": { "Both": 0.3, "Dating": 0.3, "Social_Media": 0.4 },
        "gender": { "Male": 0.48, "Female": 0.48, "Non-binary": 0.04 },
        "location": named_cities(),
    });
    let said = spec(&json!({ "targets": targets, "mixes": mixes, "snapshot": "2025-10-21" }));
    assert_eq!(said, default);
}

fn named_cities() -> Value {
    let mixes = Mixes::default();
    let pairs = mixes.places.into_iter().zip(mixes.location);
    Value::Object(pairs.map(|(city, share)| (city, json!(share))).collect())
}

fn another() -> Value {
    json!({
        "targets": { "churn_rate_pct": 30.0, "premium_pct": 40.0, "followers": 90 },
        "mixes": {
            "platform": { "Dating": 1.0 },
            "location": { "Köln": 0.75, "Aachen": 0.25 },
            "age": { "18-24": 0.5, "30-39": 0.5 },
        },
        "missing": {
            "photo_count": { "rate": 0.25, "depends_on": "activity" },
            "age": { "rate": 0.1 },
        },
        "snapshot": "2026-02-01T12:00:00Z",
    })
}

#[test]
fn read_back_it_is_the_same_and_has_the_same_hash() {
    // The default's subscription is said where it would follow from another share.
    let own_price = json!({"targets": {"premium_pct": 20.0, "subscription_usd": 2.816_99}});
    for spec in [spec(&another()), spec(&own_price)] {
        let back = CohortSpec::from_json(&spec.to_json()).unwrap();
        assert_eq!(back, spec);
        assert_eq!(back.hash(), spec.hash());
        assert_eq!(spec.hash().len(), 64);
        assert_ne!(spec.hash(), CohortSpec::default().hash());
    }
}

#[test]
fn toml_says_the_same_as_json() {
    let toml = r#"
        snapshot = 2026-02-01T12:00:00Z
        [targets]
        churn_rate_pct = 30
        premium_pct = 40.0
        followers = 90
        [mixes]
        platform = { Dating = 1 }
        location = { "Köln" = 0.75, Aachen = 0.25 }
        age = { 18-24 = 0.5, 30-39 = 0.5 }
        [missing]
        photo_count = { rate = 0.25, depends_on = "activity" }
        age = { rate = 0.1 }
    "#;
    assert_eq!(CohortSpec::from_toml(toml).unwrap(), spec(&another()));
    let broken = CohortSpec::from_toml("a = 1\nb =\n").unwrap_err();
    assert!(broken.to_string().starts_with("line 2: "), "{broken}");
    let twice = CohortSpec::from_toml("a = 1\na = 2\n").unwrap_err();
    assert!(twice.to_string().starts_with("line 2: "), "{twice}");
}

#[test]
fn subscribers_pay_as_by_default_where_only_their_number_is_set() {
    let spec = spec(&json!({ "targets": { "premium_pct": 42.38 } }));
    assert!((spec.target("subscription_usd").unwrap() - 2.0 * 2.816_99).abs() < 1e-9);
    assert!((spec.platinum_share() - 7001.0 / 21_190.0).abs() < 1e-5);
}

#[test]
fn what_follows_from_others_may_be_said_if_it_agrees() {
    let agrees = json!({ "targets": { "iap_usd": 5.0, "arpu_usd": 11.62 } });
    assert!((spec(&agrees).target("arpu_usd").unwrap() - 11.619_31).abs() < 1e-9);
    let said = faults(&json!({ "targets": { "arpu_usd": 20.0, "iap_share_pct": 50.0 } }));
    assert_eq!(
        said,
        [
            "targets.iap_share_pct: it follows from subscription_usd, iap_usd and ads_usd, which come to 34.3344; set those instead",
            "targets.arpu_usd: it follows from subscription_usd, iap_usd and ads_usd, which come to 10.0803; set those instead",
        ]
    );
}

#[test]
fn a_population_without_creators_or_one_platform_has_no_statistics_of_them() {
    let spec = spec(&json!({
        "targets": { "creator_pct": 0, "premium_pct": 0 },
        "mixes": { "platform": { "Dating": 1 }, "gender": { "Female": 1 } },
    }));
    for id in [
        "creator_earnings_month_usd",
        "top_tenth_creator_share",
        "arppu_usd",
        "ltv_lift_both_platforms",
        "women_to_men_match_rate",
    ] {
        assert_eq!(spec.target(id), None, "{id}");
    }
    assert_eq!(spec.target("subscription_usd"), Some(0.0));
}

#[test]
fn all_faults_are_told_at_once() {
    let said = faults(&json!({
        "target": {},
        "targets": { "churn_rate": 30, "premium_pct": 120, "followers": "many", "swipes_day": null },
        "mixes": {
            "platforms": {},
            "gender": { "Male": 0.5, "Woman": 0.5 },
            "platform": { "Both": 0.5, "Dating": 0.4 },
            "age": { "18-24": 0.5, "24-30": 0.3, "60-70": 0.2 },
            "location": { "": 1.0 },
        },
        "missing": {
            "photos_count": { "rate": 0.1 },
            "customer_id": { "rate": 0.1 },
            "age": { "rate": 1.0, "depends_on": "income", "why": "" },
            "gender": 0.1,
        },
        "snapshot": "yesterday",
    }));
    let expected = [
        "target: no part of a spec has this name; did you mean targets?",
        "targets.churn_rate: no published statistic has this name; did you mean churn_rate_pct?",
        "targets.followers: expected a number from 1 to 100000000",
        "targets.premium_pct: expected a number from 0 to 99.9",
        "targets.swipes_day: expected a number from 0.1 to 400",
        "mixes.platforms: no mix has this name; did you mean platform?",
        "mixes.gender.Woman: expected one of Male, Female, Non-binary",
        "mixes.platform: the shares add up to 0.9000, expected 1",
        "mixes.age.60-70: expected a band such as 18-24, within 18-65",
        "mixes.age: the bands 18-24 and 24-30 overlap",
        "mixes.location: expected names of 1 to 100 characters",
        "missing.photos_count: no column has this name; did you mean photo_count?",
        "missing.customer_id: it is never missing; leave it out",
        "missing.age.rate: expected a share from 0 to 0.99",
        "missing.age.depends_on: expected activity; leave it out for what is missing by chance",
        "missing.age.why: no field of a gap has this name",
        "missing.gender: expected an object with a rate, and depends_on if it is not by chance",
        "snapshot: expected a day such as 2025-10-21 or an RFC 3339 timestamp, from 2000 to 2100",
    ];
    for fault in expected {
        assert!(
            said.iter().any(|s| s == fault),
            "{fault}\nis not in\n{said:#?}"
        );
    }
    assert_eq!(said.len(), expected.len(), "{said:#?}");
}

#[test]
fn prices_bound_what_subscribers_bring_in() {
    let said = faults(&json!({ "targets": { "premium_pct": 10, "subscription_usd": 2.5 } }));
    assert!(said[0].contains("expected 0.9990 to 1.9990"), "{said:?}");
    let all_gold = spec(&json!({ "targets": { "premium_pct": 10, "subscription_usd": 0.999 } }));
    assert!(all_gold.platinum_share().abs() < 1e-9);
}

#[test]
fn what_is_not_an_object_is_no_spec() {
    for json in [json!(null), json!([]), json!("churn"), json!(3)] {
        assert_eq!(faults(&json).len(), 1);
    }
    assert_eq!(
        faults(&json!({ "targets": [], "mixes": 1, "missing": "x" })).len(),
        3
    );
}
