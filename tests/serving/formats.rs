//! Many customers in each format, in and out.

use std::io::Cursor;

use arrow_array::cast::AsArray;
use arrow_ipc::reader::StreamReader;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::support::app::{client, get, in_process, post, shared};
use crate::support::raw;

const FORMATS: [&str; 5] = [
    "application/json",
    "application/x-ndjson",
    "text/csv",
    "application/vnd.apache.parquet",
    "application/vnd.apache.arrow.stream",
];

async fn drawn(format: &str, customers: u64) -> Response {
    let body = json!({"customers": customers, "seed": 7}).to_string();
    let request = post(shared(), "/synthetic/batch", body).header("accept", format);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{format}");
    answer
}

async fn scored(sent: &str, wanted: &str, body: impl Into<reqwest::Body>) -> Response {
    let url = format!("http://{}/predict/churn/batch", shared());
    let request = client().post(url).header("content-type", sent);
    let request = request.header("accept", wanted).body(body);
    request.send().await.unwrap()
}

#[tokio::test]
async fn the_same_customers_get_the_same_answers_in_every_format() {
    let mut expected: Option<Value> = None;
    for sent in FORMATS {
        let customers = drawn(sent, 50).await;
        let kind = customers.headers()["content-type"].to_str().unwrap();
        assert!(kind.starts_with(sent), "{kind}");
        let customers = customers.bytes().await.unwrap();
        let answer = scored(sent, "application/json", customers.clone()).await;
        assert_eq!(answer.status(), StatusCode::OK, "{sent}");
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["predictions"].as_array().unwrap().len(), 50);
        assert_eq!(answer["rejected_count"], 0, "{sent}: {answer}");
        let first = expected.get_or_insert(answer.clone());
        assert_eq!(*first, answer, "{sent}");
        for wanted in FORMATS {
            let answer = scored(sent, wanted, customers.clone()).await;
            assert_eq!(answer.status(), StatusCode::OK, "{sent} to {wanted}");
            assert!(!answer.bytes().await.unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn a_bad_row_costs_the_others_nothing() {
    let lines = "{\"customer_id\": \"a\", \"age\": 30}\n{\"agee\": 1}\nno json\n{\"age\": 31}\n";
    let answer = scored("application/x-ndjson", "application/json", lines).await;
    let answer: Value = answer.json().await.unwrap();
    let predictions = answer["predictions"].as_array().unwrap();
    let answered: Vec<bool> = predictions.iter().map(|p| !p.is_null()).collect();
    assert_eq!(answered, [true, false, false, true]);
    assert_eq!(answer["rejected"][0]["index"], 1);
    assert_eq!(answer["rejected"][0]["errors"][0]["field"], "agee");
    assert_eq!(answer["rejected"][1]["errors"][0]["code"], "malformed_json");

    let csv = "customer_id,age\na,30\nb,5\nc,30,4\nd,\n";
    let rows = scored("text/csv", "text/csv", csv)
        .await
        .text()
        .await
        .unwrap();
    let rows: Vec<&str> = rows.lines().collect();
    assert_eq!(rows.len(), 5, "{rows:?}");
    assert!(rows[1].starts_with("a,0."), "{rows:?}");
    assert!(
        rows[2].starts_with("b,,,,,") && rows[2].contains("13 to 120"),
        "{rows:?}"
    );
    assert!(rows[3].contains("3 cells"), "{rows:?}");
    assert!(rows[4].starts_with("d,,,,,"), "{rows:?}");
}

/// What is wrong with each row of a CSV, told in a format.
async fn judged(csv: &str, wanted: &str) -> Vec<Option<String>> {
    let answer = scored("text/csv", wanted, csv.to_owned()).await;
    assert_eq!(answer.status(), StatusCode::OK, "{wanted}");
    match wanted {
        "application/json" => {
            let answer: Value = answer.json().await.unwrap();
            let mut told = vec![None; answer["predictions"].as_array().unwrap().len()];
            for rejected in answer["rejected"].as_array().unwrap() {
                let errors = rejected["errors"].as_array().unwrap().iter();
                let words = errors.map(|error| {
                    let text = |name: &str| error[name].as_str().unwrap().to_owned();
                    text("field") + ": " + &text("message")
                });
                let row = usize::try_from(rejected["index"].as_u64().unwrap()).unwrap();
                assert!(answer["predictions"][row].is_null());
                told[row] = Some(words.collect::<Vec<_>>().join("; "));
            }
            told
        }
        "application/x-ndjson" => (answer.text().await.unwrap().lines())
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .map(|row| row["error"].as_str().map(str::to_owned))
            .collect(),
        "text/csv" => (answer.text().await.unwrap().lines().skip(1))
            .map(|row| row.split_once(",,,,,"))
            .map(|row| row.map(|(_, error)| error.trim_matches('"').to_owned()))
            .collect(),
        _ => {
            let bytes = answer.bytes().await.unwrap();
            let batches = StreamReader::try_new(Cursor::new(bytes), None).unwrap();
            let batches = batches.map(Result::unwrap);
            let errors = batches.flat_map(|batch| {
                let errors = batch.column_by_name("error").unwrap().as_string::<i32>();
                let errors = errors.iter().map(|error| error.map(str::to_owned));
                errors.collect::<Vec<_>>()
            });
            errors.collect()
        }
    }
}

#[tokio::test]
async fn a_cell_is_judged_alike_in_whatever_format_it_is_answered() {
    let age = "age: must be an integer from 13 to 120";
    let gender = "gender: must be one of Male, Female, Non-binary";
    let creator = "is_creator: must be true, false, 1 or 0";
    let minutes = "feed_time_minutes_day: must be a number from 0 to 1440";
    let moment = "data_generated_at: must be an RFC 3339 timestamp";
    let rows: &[(&str, Option<String>)] = &[
        ("31,Male,true,24.5,Chicago,2025-10-21T00:00:00Z", None),
        (" 31 ,Male, TRUE , 24.5 ,Chicago,", None),
        ("31,Male,nan,NaN,nan,", None),
        ("31,,,   ,,", None),
        ("31,Male,1,inf,,", Some(minutes.into())),
        ("31,Male,2,-1,,", Some(format!("{creator}; {minutes}"))),
        ("31, Male,yes,1,,", Some(format!("{gender}; {creator}"))),
        ("31.5,male,,1,,", Some(format!("{age}; {gender}"))),
        ("3e1,Male,,1e3,,", None),
        ("old,Male,,1,,", Some(age.into())),
        ("31,Male,,1,,yesterday", Some(moment.into())),
        ("31,Male,,1,,2025-10-21", Some(moment.into())),
    ];
    let head = "age,gender,is_creator,feed_time_minutes_day,location,data_generated_at\n";
    let csv = rows
        .iter()
        .fold(head.to_owned(), |csv, (row, _)| csv + row + "\n");
    let expected: Vec<_> = rows.iter().map(|(_, error)| error.clone()).collect();
    for wanted in FORMATS
        .into_iter()
        .filter(|format| !format.ends_with("parquet"))
    {
        assert_eq!(judged(&csv, wanted).await, expected, "{wanted}");
    }
}

#[tokio::test]
async fn a_table_with_an_unknown_column_is_refused_with_the_nearest() {
    let answer = scored("text/csv", "text/csv", "agee,tenure\n1,2\n").await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["errors"].as_array().unwrap().len(), 2);
    assert!(
        body["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("age")
    );
}

#[tokio::test]
async fn what_is_not_of_its_format_is_refused() {
    for (sent, body) in [
        ("application/json", "[]"),
        ("application/json", "{\"customers\": {}}"),
        ("text/csv", ""),
        ("application/vnd.apache.parquet", "PAR1"),
        ("application/vnd.apache.arrow.stream", "no arrow"),
    ] {
        let answer = scored(sent, "application/json", body).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{sent}: {body}");
    }
    let other = scored("text/html", "application/json", "<p>").await;
    assert_eq!(other.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let other = scored("text/csv", "text/html", "age\n30\n").await;
    assert_eq!(other.status(), StatusCode::NOT_ACCEPTABLE);
}

#[tokio::test]
async fn a_formula_is_disarmed_in_csv_alone() {
    let line = "{\"customer_id\": \"=1+1\", \"age\": 30}\n";
    let csv = scored("application/x-ndjson", "text/csv", line).await;
    assert!(csv.text().await.unwrap().contains("\n'=1+1,"));
    let json = scored("application/x-ndjson", "application/x-ndjson", line).await;
    assert!(json.text().await.unwrap().contains("\"=1+1\""));
}

#[tokio::test]
async fn all_that_is_wrong_with_a_request_is_said_at_once() {
    let body = json!({"customers": 0, "sed": 1, "spec": {"targets": {"churn_rate_pct": "x"}}});
    let answer = post(shared(), "/synthetic/batch", body.to_string());
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let body: Value = answer.json().await.unwrap();
    let errors = body["errors"].as_array().unwrap();
    let fields: Vec<_> = errors
        .iter()
        .map(|e| e["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["customers", "spec.targets.churn_rate_pct", "sed"]);
}

#[tokio::test]
async fn a_member_that_stands_twice_is_refused() {
    for path in ["/cohorts", "/models", "/synthetic/batch"] {
        let answer = post(shared(), path, r#"{"customers": 10, "customers": 20}"#);
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        let problem: Value = answer.json().await.unwrap();
        let first = &problem["errors"][0];
        assert_eq!(first["field"], "customers", "{path}");
        assert_eq!(first["code"], "duplicate", "{path}");
    }
}

#[tokio::test]
async fn errors_of_a_batch_are_listed_until_they_are_many() {
    let name = "x".repeat(70);
    let faulty: Vec<String> = (0..90).map(|n| format!("\"{name}{n}\":1")).collect();
    let faulty = format!("{{{}}}", faulty.join(","));
    let body = format!(
        "{{\"customers\":[{}]}}",
        vec![faulty.as_str(); 1_200].join(",")
    );
    let answer = scored("application/json", "application/json", body).await;
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["rejected_count"], 1_200);
    assert_eq!(answer["predictions"].as_array().unwrap().len(), 1_200);
    let listed = answer["rejected"].as_array().unwrap();
    // The one with which there are 100,000 is listed whole.
    assert_eq!(listed.len(), 1_112);
    let whole = |rejected: &Value| rejected["errors"].as_array().unwrap().len() == 90;
    assert!(listed.iter().all(whole));
}

#[tokio::test]
async fn one_customer_is_predicted_for_all_targets_at_once() {
    let answer = post(
        shared(),
        "/predict",
        "{\"customer_id\": \"c\", \"age\": 30}",
    );
    let answer: Value = answer.send().await.unwrap().json().await.unwrap();
    let predictions = answer["predictions"].as_object().unwrap();
    assert_eq!(predictions.len(), 8);
    let alone = post(
        shared(),
        "/predict/ltv",
        "{\"customer_id\": \"c\", \"age\": 30}",
    );
    let alone: Value = alone.send().await.unwrap().json().await.unwrap();
    assert_eq!(predictions["ltv"], alone);
}

#[tokio::test]
async fn a_client_that_leaves_gives_its_place_to_the_next() {
    let address = in_process(&["--max-draws=1"]);
    let body = "{\"customers\": 1000000}";
    let head = format!(
        "POST /synthetic/batch HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n\
         accept: application/x-ndjson\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let draws = async || {
        let few = post(address, "/synthetic/batch", "{\"customers\": 5}");
        few.send().await.unwrap().status()
    };
    // One that comes while a few are drawn is refused itself: then it asks again.
    let leaving = loop {
        let leaving = raw::begin(address, &head);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        if draws().await == StatusCode::SERVICE_UNAVAILABLE {
            break leaving;
        }
    };
    drop(leaving);
    while draws().await != StatusCode::OK {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let alive = get(address, "/healthz").send().await.unwrap();
    assert_eq!(alive.status(), StatusCode::OK);
}
