//! Counts of several processes on one database, and of model sets that replace
//! each other: none is lost, none counts twice.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use engagecast::store::{BinCounts, Location, Store};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::app::{self, Process, get, post, ready_status};
use crate::support::postgres::{Cluster, Database};

/// Counts are written every ten seconds.
const SOON: Duration = Duration::from_secs(40);

fn replica(url: &str, folder: &Path) -> Process {
    let data = format!("--data-dir={}", folder.display());
    let mut command = app::binary(&["serve", "--listen=127.0.0.1:0", "--customers=1500", &data]);
    Process::spawn(command.env("DATABASE_URL", url))
}

/// Two that are ready, and their folders.
fn two(url: &str) -> ([Process; 2], [TempDir; 2]) {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut services = folders.each_ref().map(|folder| replica(url, folder.path()));
    services.iter_mut().for_each(Process::wait_until_ready);
    (services, folders)
}

async fn open(url: &str) -> Store {
    let location = Location::Postgres { url: url.into() };
    let opened = Store::open(&location, Duration::ZERO, &|_| ());
    opened.await.unwrap()
}

/// Has a customer of this age predicted for; tells which model set did it.
async fn predict(service: &Process, target: &str, age: usize) -> String {
    let body = json!({"age": age, "tenure_months": 3}).to_string();
    let answer = post(service.address(), &format!("/predict/{target}"), body);
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let answer: Value = answer.json().await.unwrap();
    answer["model_version"].as_str().unwrap().to_owned()
}

async fn predictions(service: &Process, target: &str, times: usize) {
    for i in 0..times {
        predict(service, target, 18 + i % 60).await;
    }
}

async fn drift(service: &Process, target: &str) -> Value {
    let path = format!("/models/active/{target}/drift");
    let answer = get(service.address(), &path).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.unwrap()
}

/// Waits until a replica tells of so many predictions, by so many processes.
async fn tells(service: &Process, target: &str, rows: usize, processes: usize) -> Value {
    let begun = Instant::now();
    loop {
        let told = drift(service, target).await;
        if told["rows"] == rows && told["processes"] == processes {
            return told;
        }
        assert!(begun.elapsed() < SOON, "{rows} rows: {}", told["rows"]);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Whether each bin of the ages was met as often as these ages say.
fn assert_ages(told: &Value, ages: &[usize]) {
    let inputs = told["inputs"].as_array().unwrap();
    let one = inputs.iter().find(|one| one["column"] == "age").unwrap();
    for bin in one["bins"].as_array().unwrap() {
        let is_in = |age: f64| {
            bin["missing"].is_null()
                && bin["from"].as_f64().is_none_or(|from| age >= from)
                && bin["to"].as_f64().is_none_or(|to| age < to)
        };
        let here = ages
            .iter()
            .filter(|&&age| is_in(f64::from(u8::try_from(age).unwrap())));
        assert_eq!(bin["now"], here.count(), "{bin}");
    }
}

#[tokio::test]
async fn replicas_answer_for_each_other() {
    let database = Database::fresh().await;
    let (services, _folders) = two(&database.url);
    for (service, times) in services.iter().zip([30, 12]) {
        predictions(service, "ltv", times).await;
    }
    let [mut first, second] = services;
    // Its counts outlive it, and are those of one process that saw everything.
    assert!(first.terminate().success());
    let told = drift(&second, "ltv").await;
    assert_eq!(
        (&told["rows"], &told["processes"], &told["complete"]),
        (&42.into(), &2.into(), &true.into())
    );
    let ages = |times: usize| (0..times).map(|i| 18 + i % 60);
    assert_ages(&told, &ages(30).chain(ages(12)).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_replica_that_is_killed_leaves_what_it_wrote_last() {
    let database = Database::fresh().await;
    let (services, folders) = two(&database.url);
    predictions(&services[0], "churn", 25).await;
    tells(&services[1], "churn", 25, 2).await;
    services[0].signal("KILL");
    let [mut killed, second] = services;
    killed.wait();
    // It comes back as another process, which begins anew.
    let mut again = replica(&database.url, folders[0].path());
    again.wait_until_ready();
    predictions(&again, "churn", 4).await;
    assert_eq!(drift(&again, "churn").await["rows"], 29);
    tells(&second, "churn", 29, 3).await;
}

#[tokio::test]
async fn counting_goes_on_while_the_database_is_away_and_is_caught_up() {
    let cluster = Cluster::private();
    cluster.start();
    let (services, _folders) = two(&cluster.url("postgres"));
    let [first, second] = &services;
    predictions(first, "churn", 20).await;
    predictions(second, "churn", 5).await;
    tells(second, "churn", 25, 2).await;

    cluster.kill();
    predictions(first, "churn", 13).await;
    let told = drift(first, "churn").await;
    assert_eq!(told["rows"], 33, "its own, as they are");
    assert_eq!(
        (&told["processes"], &told["complete"]),
        (&1.into(), &false.into())
    );
    // A write comes due while it is away.
    tokio::time::sleep(Duration::from_secs(11)).await;
    predictions(first, "churn", 1).await;

    cluster.start();
    let told = tells(second, "churn", 39, 2).await;
    assert_eq!(told["complete"], true);
    tells(first, "churn", 39, 2).await;
}

/// Trains another set on the same customers, and tells its version.
async fn another_set(service: &Process) -> String {
    let body = json!({"targets": ["churn"]}).to_string();
    let answer = post(service.address(), "/models", body).send().await;
    let answer = answer.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let place = answer.headers()["location"].to_str().unwrap().to_owned();
    let begun = Instant::now();
    loop {
        let job = get(service.address(), &place).send().await.unwrap();
        let job: Value = job.json().await.unwrap();
        if job["state"] == "complete" {
            return job["result"]["version"].as_str().unwrap().to_owned();
        }
        assert!(begun.elapsed() < Duration::from_mins(2), "{job}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Has all replicas serve a set.
async fn activate(services: &[Process], version: &str) {
    let path = format!("/models/{version}/activate");
    let answer = post(services[0].address(), &path, "").send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    let begun = Instant::now();
    for service in services {
        while ready_status(service.address()).unwrap().1["model_version"] != version {
            assert!(begun.elapsed() < SOON);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn predictions_during_swaps_count_for_the_set_that_made_them() {
    let database = Database::fresh().await;
    let (services, folders) = two(&database.url);
    let first = predict(&services[0], "churn", 30).await;
    let second = another_set(&services[0]).await;
    let services = std::sync::Arc::new(services);
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..4 {
        let services = std::sync::Arc::clone(&services);
        clients.spawn(async move {
            let mut answered: HashMap<String, usize> = HashMap::new();
            for n in 0..400 {
                let by = predict(&services[(client + n) % 2], "churn", 18 + n % 60).await;
                *answered.entry(by).or_default() += 1;
            }
            answered
        });
    }
    // There and back again, more often than sets are remembered.
    for n in 0..20 {
        activate(&services[..], [&second, &first][n % 2]).await;
    }
    let mut answered: HashMap<String, usize> = HashMap::from([(first.clone(), 1)]);
    for (version, count) in clients.join_all().await.into_iter().flatten() {
        *answered.entry(version).or_default() += count;
    }
    assert_eq!(answered.len(), 2, "both were asked: {answered:?}");
    for version in [&second, &first] {
        activate(&services[..], version).await;
        for service in services.iter() {
            tells(service, "churn", answered[version], 2).await;
        }
    }
    // What was counted before the swap is not lost with the processes either.
    let services = std::sync::Arc::into_inner(services).expect("no client is left");
    for mut service in services {
        assert!(service.terminate().success());
    }
    let mut last = replica(&database.url, folders[0].path());
    last.wait_until_ready();
    let last = [last];
    for version in [&second, &first] {
        activate(&last, version).await;
        tells(&last[0], "churn", answered[version], 3).await;
    }
}

#[tokio::test]
async fn counts_that_nobody_renews_for_a_day_are_swept() {
    let database = Database::fresh().await;
    let store = open(&database.url).await;
    let now = Utc::now();
    let counts = |process: u128, rows: u64| BinCounts {
        process: Uuid::from_u128(process),
        version: "v1".into(),
        target: "churn".into(),
        counts: vec![rows, 0],
        since: now,
    };
    let left = async || {
        let others = store.bin_counts_of_others("v1", "churn", Uuid::from_u128(9));
        let others = others.await.unwrap();
        others.iter().map(|one| one.counts[0]).collect::<Vec<_>>()
    };
    let later = now + TimeDelta::hours(23);
    store
        .write_bin_counts(&[counts(1, 10), counts(2, 20)], now)
        .await
        .unwrap();
    store
        .write_bin_counts(&[counts(2, 21)], later)
        .await
        .unwrap();
    store.sweep(later).await.unwrap();
    assert_eq!(left().await, [10, 21]);
    store.sweep(later + TimeDelta::hours(2)).await.unwrap();
    assert_eq!(left().await, [21], "the one that is still written stays");
}
