//! Models that are asked for over HTTP: trained in the background, looked at, and
//! made to serve.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::cohorts::{complete, json_of};
use crate::support::app::{client, get, in_process, post, shared};

/// Asks for models; where to see how far they are.
async fn asked(address: SocketAddr, wanted: &Value) -> String {
    let answer = post(address, "/models", wanted.to_string()).send().await;
    let answer = answer.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED, "{wanted}");
    answer.headers()["location"].to_str().unwrap().to_owned()
}

fn lists(list: &Value, name: &str) -> bool {
    list.as_array().unwrap().iter().any(|n| n == name)
}

/// What a customer is answered once this version serves.
async fn predicted(address: SocketAddr, version: &str, customer: &Value) -> Value {
    let asked_at = Instant::now();
    loop {
        let answer = post(address, "/predict/creator", customer.to_string());
        let answer: Value = answer.send().await.unwrap().json().await.unwrap();
        if answer["model_version"] == version {
            return answer;
        }
        assert!(asked_at.elapsed() < Duration::from_secs(10), "{answer}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_model_reads_no_excluded_column_and_has_the_tiers_that_were_chosen() {
    let address = in_process(&[]);
    let before = json_of(address, "/models/active/creator").await;
    assert!(lists(&before["inputs"], "posts_last_30_days"));
    let job = asked(
        address,
        &json!({
            "targets": ["creator"],
            "exclude": ["posts_last_30_days"],
            "thresholds": {"creator": {"low": 0.02, "high": 0.9}},
        }),
    )
    .await;
    let done = complete(address, &job).await;
    let version = done["result"]["version"].as_str().unwrap();
    let card = json_of(address, &format!("/models/{version}/creator")).await;
    assert!(!lists(&card["inputs"], "posts_last_30_days"));
    assert!(lists(&card["inputs"], "followers_count"));
    let exclusions = card["exclusions"].as_array().unwrap();
    let asked_for = exclusions
        .iter()
        .find(|e| e["column"] == "posts_last_30_days");
    assert_eq!(asked_for.unwrap()["reason"], "left out by whoever trained");
    assert_eq!(card["thresholds"], json!({"low": 0.02, "high": 0.9}));
    assert_eq!(card["confusion"][0]["threshold"], 0.9);

    // What was not asked for is as it was, and nothing serves unasked.
    let [old, new] = ["active", version].map(|version| format!("/models/{version}/churn"));
    let (old, new) = (json_of(address, &old).await, json_of(address, &new).await);
    assert_eq!(old["candidates"], new["candidates"]);
    assert_eq!(old["model_version"], before["model_version"]);
    let activate = post(address, &format!("/models/{version}/activate"), "");
    assert_eq!(activate.send().await.unwrap().status(), StatusCode::OK);

    let page = json_of(address, "/cohorts/latest/customers?limit=200").await;
    let mut tiers = [0; 3];
    for customer in page["customers"].as_array().unwrap() {
        let answer = predicted(address, version, customer).await;
        let probability = answer["probability"].as_f64().unwrap();
        let (tier, name) = match probability {
            p if p >= 0.9 => (2, "high"),
            p if p < 0.02 => (0, "low"),
            _ => (1, "medium"),
        };
        assert_eq!(answer["tier"], name, "{answer}");
        assert!(!lists(&answer["missing"], "posts_last_30_days"));
        tiers[tier] += 1;
        let mut other = customer.clone();
        other["posts_last_30_days"] = json!(300);
        assert_eq!(predicted(address, version, &other).await, answer);
    }
    assert!(tiers[0] > 0 && tiers[1] > 0, "{tiers:?}");
}

#[tokio::test]
async fn what_can_not_be_trained_as_asked_is_told_by_its_field() {
    let told = async |wanted: Value| -> Vec<(String, String)> {
        let answer = post(shared(), "/models", wanted.to_string()).send().await;
        let answer = answer.unwrap();
        assert_eq!(
            answer.status(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "{wanted}"
        );
        let body: Value = answer.json().await.unwrap();
        let errors = body["errors"].as_array().unwrap().iter();
        let text = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
        errors
            .map(|e| (text(e, "field"), text(e, "message")))
            .collect()
    };
    let columns = told(json!({"exclude": ["age", "users_blokced", "shoe_size"]})).await;
    assert_eq!(
        columns,
        [
            ("exclude[1]", "is not a column; did you mean users_blocked?"),
            ("exclude[2]", "is not a column"),
        ]
        .map(|(field, message)| (field.to_owned(), message.to_owned()))
    );
    for (wanted, fields, part) in [
        (
            json!({"targets": ["chrun"], "exclude": "age"}),
            &["targets", "exclude"][..],
            "must be a list",
        ),
        (
            json!({"thresholds": {"ltv": {"low": 0.1, "high": 0.2}}}),
            &["thresholds"],
            "for some of churn, premium-conversion, date-conversion, creator",
        ),
        (
            json!({"thresholds": {"churn": {"low": 0.5, "high": 0.4}}}),
            &["thresholds"],
            "the high one not below the low one",
        ),
        (
            json!({"thresholds": {"churn": {"low": 0.5, "high": 1.4}}}),
            &["thresholds"],
            "from 0 to 1",
        ),
        (
            json!({"targets": ["creator"], "thresholds": {"churn": {"low": 0.4, "high": 0.5}}}),
            &["thresholds"],
            "name them in `targets` too",
        ),
    ] {
        let found = told(wanted).await;
        let named: Vec<&str> = found.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(named, fields);
        assert!(
            found.iter().all(|(_, said)| said.contains(part)),
            "{found:?}"
        );
    }
}

#[tokio::test]
async fn a_training_is_cancelled_within_seconds_and_leaves_nothing() {
    let address = in_process(&[]);
    let job = asked(address, &json!({})).await;
    let state = async || json_of(address, &job).await;
    loop {
        let now = state().await;
        assert_ne!(now["state"], "complete", "too quick to be cancelled");
        if now["phase"] == "training" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let url = format!("http://{address}{job}");
    let answer = client().delete(url).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    let asked_at = Instant::now();
    loop {
        let now = state().await;
        match now["state"].as_str().unwrap() {
            "cancelled" => break,
            "running" => tokio::time::sleep(Duration::from_millis(10)).await,
            _ => panic!("{now}"),
        }
        assert!(asked_at.elapsed() < Duration::from_secs(10), "{now}");
    }
    let sets = json_of(address, "/models").await;
    assert_eq!(sets["models"].as_array().unwrap().len(), 1);
    let answer = get(address, "/readyz").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}
