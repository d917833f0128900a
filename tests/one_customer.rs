//! One customer in, one prediction out.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::app::{full_profile, post, shared};

async fn predict(path: &str, customer: Value) -> (StatusCode, Value) {
    let answer = post(shared(), path, customer.to_string())
        .send()
        .await
        .unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn predicts(path: &str, customer: Value) -> Value {
    let (status, body) = predict(path, customer).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

/// The field, code and message of every fault.
async fn faults(customer: Value) -> Vec<(String, String, String)> {
    let (status, body) = predict("/predict/churn", customer).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    assert_eq!(body["type"], "urn:engagecast:problem:invalid-customer");
    let text = |error: &Value, key| error[key].as_str().unwrap().to_owned();
    let errors = body["errors"].as_array().unwrap().iter();
    errors
        .map(|e| (text(e, "field"), text(e, "code"), text(e, "message")))
        .collect()
}

fn fields(faults: &[(String, String, String)]) -> Vec<&str> {
    faults.iter().map(|fault| fault.0.as_str()).collect()
}

#[tokio::test]
async fn churn_is_a_probability_with_its_tier() {
    let body = predicts("/predict/churn", full_profile()).await;
    assert_eq!(body["target"], "churn");
    assert_eq!(body["customer_id"], "c-17");
    let probability = body["probability"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&probability));
    assert!(["low", "medium", "high"].contains(&body["tier"].as_str().unwrap()));
    let percentile = body["percentile"].as_f64().unwrap();
    assert!((0.0..=100.0).contains(&percentile));
    assert_eq!(body["missing"], json!([]));
    for absent in ["value", "unit", "interval", "margin", "reasons"] {
        assert!(body.get(absent).is_none(), "{absent} has no place here");
    }
}

#[tokio::test]
async fn ltv_and_engagement_are_values_with_unit_and_interval() {
    for (target, unit) in [("ltv", "USD"), ("engagement", "score 0-1")] {
        let body = predicts(&format!("/predict/{target}"), full_profile()).await;
        assert_eq!(body["target"], target);
        assert_eq!(body["unit"], unit);
        let number = |pointer: &str| body.pointer(pointer).unwrap().as_f64().unwrap();
        assert!(number("/interval/lower") <= number("/value"));
        assert!(number("/value") <= number("/interval/upper"));
        assert!((0.5..1.0).contains(&number("/interval/level")));
        assert!(body.get("probability").is_none() && body.get("tier").is_none());
    }
}

#[tokio::test]
async fn a_customer_who_is_leaving_is_likelier_to_churn_than_one_who_stays() {
    let leaving =
        json!({"tenure_months": 1, "days_since_last_active": 20, "engagement_score": 0.1});
    let staying =
        json!({"tenure_months": 60, "days_since_last_active": 0, "engagement_score": 0.8});
    let leaving = predicts("/predict/churn", leaving).await;
    let staying = predicts("/predict/churn", staying).await;
    assert!(leaving["probability"].as_f64() > staying["probability"].as_f64());
    assert!(leaving["percentile"].as_f64() > staying["percentile"].as_f64());
}

#[tokio::test]
async fn absent_and_null_both_mean_missing_and_are_listed() {
    let absent = predicts("/predict/churn", json!({"tenure_months": 5})).await;
    let null = json!({"tenure_months": 5, "photo_count": null, "gender": null});
    let null = predicts("/predict/churn", null).await;
    assert_eq!(absent["probability"], null["probability"]);
    assert_eq!(absent["missing"], null["missing"]);
    let missing = absent["missing"].as_array().unwrap();
    assert!(missing.contains(&json!("photo_count")));
    assert!(!missing.contains(&json!("tenure_months")));
    assert!(!missing.contains(&json!("customer_id")));
}

#[tokio::test]
async fn an_empty_customer_or_one_without_an_input_is_refused() {
    for customer in [
        json!({}),
        json!({"customer_id": "c-1"}),
        json!({"age": null}),
        json!({"churn_30_day": true}),
    ] {
        assert_eq!(faults(customer).await[0].1, "no_inputs");
    }
}

#[tokio::test]
async fn what_the_target_may_not_use_is_accepted_and_changes_nothing() {
    let plain = predicts("/predict/churn", json!({"tenure_months": 5})).await;
    let with = json!({
        "tenure_months": 5, "churn_30_day": 1, "churn_probability": 0.99,
        "data_generated_at": "2025-10-21T00:00:00Z"
    });
    let with = predicts("/predict/churn", with).await;
    assert_eq!(plain["probability"], with["probability"]);
    assert_eq!(plain["missing"], with["missing"]);
}

#[tokio::test]
async fn a_customer_id_is_echoed_whatever_it_is() {
    for id in ["", "ünïcødé \"quoted\" \\ \n", "0"] {
        let customer = json!({"customer_id": id, "age": 30});
        assert_eq!(
            predicts("/predict/churn", customer).await["customer_id"],
            id
        );
    }
    let without = predicts("/predict/churn", json!({"age": 30})).await;
    assert!(without.get("customer_id").is_none());
}

#[tokio::test]
async fn a_misspelt_name_is_refused_with_the_nearest_column() {
    let faults = faults(json!({"Age": 30, "tenure_month": 3})).await;
    assert_eq!(fields(&faults), ["Age", "tenure_month"]);
    assert!(faults.iter().all(|fault| fault.1 == "unknown_field"));
    assert!(faults[1].2.contains("tenure_months"), "{}", faults[1].2);
    assert!(faults[0].2.contains("age"), "{}", faults[0].2);
}

#[tokio::test]
async fn all_faults_are_listed_at_once_and_none_repeats_its_value() {
    let customer = json!({
        "age": "sixty-three-secret",
        "gender": "secret-gender",
        "tenure_months": -987_654,
        "photo_count": 2.757,
        "is_creator": "secret-flag",
        "profile_completion_pct": 100.777,
        "no_such_column": "secret-name",
    });
    let (_, body) = predict("/predict/churn", customer.clone()).await;
    let text = body.to_string();
    for value in ["secret", "987654", "2.757", "100.777"] {
        assert!(!text.contains(value), "{value} is repeated: {text}");
    }
    let mut at_fault = faults(customer.clone()).await;
    at_fault.sort();
    let mut sent: Vec<_> = customer.as_object().unwrap().keys().cloned().collect();
    sent.sort();
    assert_eq!(fields(&at_fault), sent);
}

#[tokio::test]
async fn the_valid_range_is_wider_than_the_generated_one_and_is_kept() {
    for (field, value) in [("age", 13), ("age", 120), ("tenure_months", 1200)] {
        predicts("/predict/churn", json!({ field: value })).await;
    }
    for (field, value) in [
        ("age", json!(12)),
        ("age", json!(121)),
        ("stories_posted_week", json!(-1)),
        ("match_satisfaction_score", json!(0.9)),
        ("engagement_score", json!(1.01)),
        ("story_completion_rate_pct", json!(100.1)),
    ] {
        let faults = faults(json!({ field: value })).await;
        assert_eq!(faults[0].1, "out_of_range", "{field}");
    }
}

#[tokio::test]
async fn a_flag_takes_true_false_one_and_zero() {
    let with = async |flag: Value| predicts("/predict/churn", json!({"is_creator": flag})).await;
    assert_eq!(
        with(json!(true)).await["probability"],
        with(json!(1)).await["probability"]
    );
    assert_eq!(
        with(json!(false)).await["probability"],
        with(json!(0)).await["probability"]
    );
    assert_eq!(faults(json!({"is_creator": 2})).await.len(), 1);
    assert_eq!(faults(json!({"is_creator": "true"})).await.len(), 1);
}

#[tokio::test]
async fn a_location_that_training_never_saw_is_fine() {
    let rome = predicts("/predict/churn", json!({"location": "Rome"})).await;
    let oslo = predicts("/predict/churn", json!({"location": "Oslo"})).await;
    assert_eq!(rome["probability"], oslo["probability"]);
    assert!(
        !rome["missing"]
            .as_array()
            .unwrap()
            .contains(&json!("location"))
    );
}

#[tokio::test]
async fn a_number_too_large_for_any_column_is_out_of_range() {
    for number in ["1e400", "-1e400", "123456789012345678901234567890"] {
        let body = format!(r#"{{"age": {number}}}"#);
        let answer = post(shared(), "/predict/churn", body).send().await.unwrap();
        assert_eq!(
            answer.status(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "{number}"
        );
    }
}

#[tokio::test]
async fn explains_with_the_strongest_reasons_first() {
    let body = predicts("/predict/churn?explain=3", full_profile()).await;
    let reasons = body["reasons"].as_array().unwrap();
    assert_eq!(reasons.len(), 3);
    let strength = |reason: &Value| reason["contribution"].as_f64().unwrap().abs();
    assert!(reasons.is_sorted_by(|a, b| strength(a) >= strength(b)));
    let profile = full_profile();
    for reason in reasons {
        let feature = reason["feature"].as_str().unwrap();
        // 1 and 1.0 are the same number.
        let same = reason["value"] == profile[feature]
            || reason["value"].as_f64() == profile[feature].as_f64();
        assert!(same, "{feature}: {}", reason["value"]);
    }
    let none = predicts("/predict/churn?explain=0", full_profile()).await;
    assert!(none.get("reasons").is_none());
}

#[tokio::test]
async fn a_probability_follows_from_its_margin() {
    let body = predicts("/predict/churn?explain=1", full_profile()).await;
    let margin = body["margin"].as_f64().unwrap();
    let probability = 1.0 / (1.0 + (-margin).exp());
    assert!((probability - body["probability"].as_f64().unwrap()).abs() < 1e-4);
}

#[tokio::test]
async fn the_same_customer_gets_the_same_answer() {
    let first = predicts("/predict/ltv?explain=20", full_profile()).await;
    assert_eq!(
        first,
        predicts("/predict/ltv?explain=20", full_profile()).await
    );
}
