//! What a service that is up tells of itself.

mod cohorts;
mod formats;
mod training;

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::app::{self, CUSTOMERS, Process, get, post, shared};
use crate::support::postgres::Cluster;

async fn json_of(path: &str) -> Value {
    let answer = get(shared(), path).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "application/json");
    answer.json().await.unwrap()
}

#[tokio::test]
async fn lives_and_is_ready() {
    assert_eq!(json_of("/healthz").await, json!({"status": "ok"}));
    let ready = json_of("/readyz").await;
    assert_eq!(ready["status"], "ready");
    assert_eq!(ready["database"]["status"], "ok");
    let answer = post(shared(), "/predict/churn", "{\"age\": 30}")
        .send()
        .await;
    let answer: Value = answer.unwrap().json().await.unwrap();
    assert_eq!(ready["model_version"], answer["model_version"]);
}

#[tokio::test]
async fn the_latest_cohort_is_shown_with_its_statistics() {
    let cohort = json_of("/cohorts/latest").await;
    assert_eq!(cohort["state"], "complete");
    assert_eq!(cohort["customers"], CUSTOMERS);
    assert_eq!(cohort["seed"], 20_251_021);
    assert!(cohort.get("progress").is_none());
    let statistics = cohort["statistics"].as_array().unwrap();
    let churn = statistics.iter().find(|s| s["id"] == "churn_rate_pct");
    let churn = churn.unwrap()["value"].as_f64().unwrap();
    assert!((churn - 49.2).abs() < 1.0, "{churn}");
}

#[tokio::test]
async fn a_model_card_tells_where_the_model_comes_from_and_how_good_it_is() {
    let cohort = json_of("/cohorts/latest").await;
    let ready = json_of("/readyz").await;
    for target in ["churn", "ltv", "engagement"] {
        let card = json_of(&format!("/models/active/{target}")).await;
        assert_eq!(card["target"], target);
        assert_eq!(card["model_version"], ready["model_version"]);
        assert_eq!(card["source"]["cohort_id"], cohort["id"]);
        assert_eq!(card["source"]["customers"], CUSTOMERS);
        let candidates = card["candidates"].as_array().unwrap();
        assert_eq!(candidates.len(), 2, "the model and its baseline");
        assert_eq!(candidates.iter().filter(|c| c["serves"] == true).count(), 1);
        for candidate in candidates {
            let [scores, intervals] = ["metrics", "metric_intervals"].map(|n| &candidate[n]);
            let named = |of: &Value| of.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            assert_eq!(named(scores), named(intervals));
        }
    }
}

#[tokio::test]
async fn a_card_of_drawn_customers_has_the_oracle_beside_the_models() {
    for (target, metric) in [("churn", "auc"), ("engagement", "r_squared")] {
        let card = json_of(&format!("/models/active/{target}")).await;
        let oracle = card["oracle"][metric].as_f64().unwrap();
        // A hold-out of 500: a model may be lucky, but not by much.
        for candidate in card["candidates"].as_array().unwrap() {
            let model = candidate["metrics"][metric].as_f64().unwrap();
            assert!(model < oracle + 0.02, "{target}: {model}, {oracle}");
        }
        let inputs = card["inputs"].as_array().unwrap();
        assert!(
            inputs
                .iter()
                .all(|i| !i.as_str().unwrap().starts_with("truth"))
        );
    }
}

#[tokio::test]
async fn many_clients_at_once_are_all_answered() {
    let client = app::client();
    let url = format!("http://{}/predict/ltv", shared());
    let mut requests = tokio::task::JoinSet::new();
    for age in 0..200 {
        let body = json!({"customer_id": age.to_string(), "age": 13 + age % 100}).to_string();
        let request = client.post(&url).header("content-type", "application/json");
        requests.spawn(async move {
            let answer = request.body(body).send().await.unwrap();
            let answer: Value = answer.json().await.unwrap();
            assert_eq!(answer["customer_id"], age.to_string());
        });
    }
    assert_eq!(requests.join_all().await.len(), 200);
}

#[tokio::test]
async fn predictions_go_on_while_the_database_is_away() {
    let cluster = Cluster::private();
    cluster.start();
    let mut command = app::binary(&["serve", "--listen=127.0.0.1:0", "--customers=1500"]);
    let mut service = Process::spawn(command.env("DATABASE_URL", cluster.url("postgres")));
    service.wait_until_ready();
    let address = service.address();

    cluster.kill();
    while app::ready_status(address).unwrap().1["database"]["status"] != "unavailable" {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let ready = get(address, "/readyz").send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::OK);
    let answer = post(address, "/predict/churn", "{\"age\": 30}")
        .send()
        .await;
    assert_eq!(answer.unwrap().status(), StatusCode::OK);
    let cohort = get(address, "/cohorts/latest").send().await.unwrap();
    assert_eq!(cohort.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(cohort.headers().contains_key("retry-after"));

    cluster.start();
    while app::ready_status(address).unwrap().1["database"]["status"] != "ok" {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let cohort = get(address, "/cohorts/latest").send().await.unwrap();
    assert_eq!(cohort.status(), StatusCode::OK);
}
