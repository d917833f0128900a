//! Cohorts, jobs and model sets over HTTP.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::app::{CUSTOMERS, client, get, in_process, post, shared};

pub(super) async fn json_of(address: SocketAddr, path: &str) -> Value {
    let answer = get(address, path).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.json().await.unwrap()
}

pub(super) async fn complete(address: SocketAddr, path: &str) -> Value {
    loop {
        let body = json_of(address, path).await;
        match body["state"].as_str().unwrap() {
            "complete" => return body,
            "failed" | "cancelled" => panic!("{body}"),
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

#[tokio::test]
async fn pages_neither_skip_nor_repeat_a_customer() {
    let mut path = "/cohorts/latest/customers?limit=700".to_owned();
    let mut ids = BTreeSet::new();
    let mut seen = 0;
    loop {
        let page = json_of(shared(), &path).await;
        for customer in page["customers"].as_array().unwrap() {
            ids.insert(customer["customer_id"].as_str().unwrap().to_owned());
            seen += 1;
        }
        match page["next"].as_str() {
            Some(next) => path = format!("/cohorts/latest/customers?limit=700&cursor={next}"),
            None => break,
        }
    }
    assert_eq!((seen, ids.len() as u64), (CUSTOMERS, CUSTOMERS));
}

#[tokio::test]
async fn customers_are_filtered_and_a_bad_filter_is_named() {
    let page = json_of(
        shared(),
        "/cohorts/latest/customers?gender=Female&is_creator=true",
    )
    .await;
    let customers = page["customers"].as_array().unwrap();
    assert!(!customers.is_empty());
    assert!(
        customers
            .iter()
            .all(|c| c["gender"] == "Female" && c["is_creator"] == true)
    );
    let nobody = json_of(shared(), "/cohorts/latest/customers?location=Nowhere").await;
    assert_eq!(nobody, json!({"customers": [], "next": null}));
    let path = "/cohorts/latest/customers?gender=x&limit=0&cursor=zz&colour=red";
    let answer = get(shared(), path).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["errors"].as_array().unwrap().len(), 4, "{body}");
}

#[tokio::test]
async fn a_cohort_is_exported_whole_in_every_format() {
    for (file, kind) in [
        ("customers.csv", "text/csv"),
        ("customers.ndjson", "application/x-ndjson"),
        ("customers.parquet", "application/vnd.apache.parquet"),
        ("customers.arrow", "application/vnd.apache.arrow.stream"),
    ] {
        let answer = get(shared(), &format!("/cohorts/latest/{file}"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{file}");
        let body = answer.bytes().await.unwrap();
        let url = format!("http://{}/predict/ltv/batch", shared());
        let request = client().post(url).header("content-type", kind).body(body);
        let answer = request
            .header("accept", "application/json")
            .send()
            .await
            .unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["rejected_count"], 0, "{file}");
        assert_eq!(
            answer["predictions"].as_array().unwrap().len() as u64,
            CUSTOMERS
        );
    }
    let other = get(shared(), "/cohorts/latest/customers.xlsx")
        .send()
        .await
        .unwrap();
    assert_eq!(other.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_export_has_the_customers_for_whom_the_filters_hold() {
    let filters = "account_type=Free&is_creator=false";
    let path = format!("/cohorts/latest/customers?limit=1000&{filters}");
    let (mut expected, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = json_of(shared(), &format!("{path}{cursor}")).await;
        let customers = page["customers"].as_array().unwrap();
        expected.extend(customers.iter().map(|c| c["customer_id"].to_string()));
        let Some(next) = page["next"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    let path = format!("/cohorts/latest/customers.ndjson?{filters}");
    let text = get(shared(), &path).send().await.unwrap();
    let text = text.text().await.unwrap();
    let mut found: Vec<_> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["customer_id"].to_string())
        .collect();
    found.sort();
    expected.sort();
    assert!((1..usize::try_from(CUSTOMERS).unwrap()).contains(&found.len()));
    assert_eq!(found, expected);

    let none = get(shared(), "/cohorts/latest/customers.csv?location=Nowhere");
    let none = none.send().await.unwrap().text().await.unwrap();
    assert_eq!(none.lines().count(), 1, "the names of the columns alone");
    let wrong = get(shared(), "/cohorts/latest/customers.csv?gender=x&age=30");
    let wrong = wrong.send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let wrong: Value = wrong.json().await.unwrap();
    assert_eq!(wrong["errors"].as_array().unwrap().len(), 2, "{wrong}");
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    for path in [
        "/cohorts/latest",
        "/cohorts/latest/facts",
        "/cohorts/latest/segments",
        "/models/active",
        "/models/active/churn",
        "/models/active/churn/manifest.json",
    ] {
        let answer = get(shared(), path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let tag = answer.headers()["etag"].clone();
        let again = get(shared(), path).header("if-none-match", tag);
        let again = again.send().await.unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
        let other = get(shared(), path).header("if-none-match", "\"other\"");
        assert_eq!(other.send().await.unwrap().status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_cohort_is_made_once_for_a_key_and_deleted() {
    let address = in_process(&[]);
    let ask = async |body: &Value| {
        let request = post(address, "/cohorts", body.to_string());
        request
            .header("idempotency-key", "one")
            .send()
            .await
            .unwrap()
    };
    let wanted = json!({"customers": 2000, "seed": 5, "name": "mine"});
    let first = ask(&wanted).await;
    assert_eq!(first.status(), StatusCode::ACCEPTED);
    let location = first.headers()["location"].to_str().unwrap().to_owned();
    let again = ask(&wanted).await;
    assert_eq!(again.status(), StatusCode::ACCEPTED);
    assert_eq!(again.headers()["location"], location);
    let other = ask(&json!({"customers": 2001})).await;
    assert_eq!(other.status(), StatusCode::UNPROCESSABLE_ENTITY);

    let cohort = complete(address, &location).await;
    assert_eq!(cohort["name"], "mine");
    let listed = json_of(address, "/cohorts?limit=1").await;
    assert_eq!(listed["cohorts"][0]["id"], cohort["id"]);
    let next = listed["next"].as_str().unwrap();
    let last = json_of(address, &format!("/cohorts?limit=1&cursor={next}")).await;
    assert_ne!(last["cohorts"][0]["id"], cohort["id"]);

    let url = format!("http://{address}{location}");
    let gone = client().delete(&url).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    let gone = get(address, &location).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_cohort_that_is_being_made_has_a_state_and_no_content_until_it_is_deleted() {
    // Nobody works on jobs here.
    let address = in_process(&["--jobs=0"]);
    let asked = post(address, "/cohorts", "{}").send().await.unwrap();
    let location = asked.headers()["location"].to_str().unwrap().to_owned();
    let status = async |below: &str| {
        let answer = get(address, &format!("{location}{below}")).send().await;
        answer.unwrap().status()
    };
    let content = ["/facts", "/segments", "/customers", "/customers.csv"];
    assert_eq!(json_of(address, &location).await["state"], "queued");
    for below in content {
        assert_eq!(status(below).await, StatusCode::CONFLICT, "{below}");
    }
    let url = format!("http://{address}{location}");
    let gone = client().delete(&url).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    for below in ["", "/rejects"].into_iter().chain(content) {
        assert_eq!(status(below).await, StatusCode::NOT_FOUND, "{below}");
    }
    let again = client().delete(&url).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_teams_own_file_is_imported_and_its_bad_rows_are_listed() {
    let address = in_process(&[]);
    let csv = "customer_id,age,tenure_months\na,31,7\nb,5,7\nc,44,2\n";
    let url = format!("http://{address}/cohorts/import?name=own");
    let request = client()
        .post(url)
        .header("content-type", "text/csv")
        .body(csv);
    let taken = request.send().await.unwrap();
    assert_eq!(taken.status(), StatusCode::ACCEPTED);
    let location = taken.headers()["location"].to_str().unwrap().to_owned();
    let cohort = complete(address, &location).await;
    assert_eq!(cohort["customers"], 2);
    let rejects = json_of(address, &format!("{location}/rejects")).await;
    assert_eq!(rejects["rejects"][0]["field"], "age");
    assert_eq!(rejects["rejects"].as_array().unwrap().len(), 1);
    let url = format!("http://{address}{location}");
    let deleted = client().delete(url).send().await.unwrap();
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
    let gone = get(address, &format!("{location}/rejects")).send().await;
    assert_eq!(gone.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    for path in [
        "/cohorts/nobody",
        "/cohorts/0199c5f2-8d1c-7a53-8f0e-5b1f6a3c9d21/facts",
        "/jobs/0199c5f2-8d1c-7a53-8f0e-5b1f6a3c9d21",
        "/models/none",
        "/models/none/churn",
    ] {
        let answer = get(shared(), path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn segments_divide_all_customers_and_have_names_of_their_own() {
    let answer = get(shared(), "/cohorts/latest/segments").send().await;
    let body: Value = answer.unwrap().json().await.unwrap();
    let segments = body["segments"].as_array().unwrap();
    assert!(segments.len() > 1, "{body}");
    let customers = segments.iter().map(|s| s["customers"].as_u64().unwrap());
    let cohort = get(shared(), "/cohorts/latest").send().await.unwrap();
    let cohort: Value = cohort.json().await.unwrap();
    assert_eq!(Some(customers.sum()), cohort["customers"].as_u64());
    let names: BTreeSet<_> = segments
        .iter()
        .map(|s| s["name"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), segments.len());
}

#[tokio::test]
async fn a_card_says_that_its_cohort_was_deleted() {
    let address = in_process(&[]);
    let source = async || {
        let answer = get(address, "/models/active/churn").send().await.unwrap();
        let card: Value = answer.json().await.unwrap();
        card["source"].clone()
    };
    let before = source().await;
    assert_eq!(before["cohort_deleted"], false);
    let path = format!("/cohorts/{}", before["cohort_id"].as_str().unwrap());
    let url = format!("http://{address}{path}");
    let deleted = client().delete(url).send().await.unwrap();
    assert!(deleted.status().is_success(), "{}", deleted.status());
    assert_eq!(source().await["cohort_deleted"], true);
}
