//! Several processes on one database: they share its models and its work, and
//! none of them misses one that is killed, or the database while it is away.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use engagecast::cohort::Plan;
use engagecast::jobs::{Service, TrainingRequest};
use engagecast::store::{Job, JobState, Location, Store};
use reqwest::StatusCode;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::app::{self, Process, get, post, ready_status};
use crate::support::asking;
use crate::support::postgres::{Cluster, Database};

const PROFILE: &str = r#"{"age": 30, "tenure_months": 3, "days_since_last_active": 9}"#;

fn replica(url: &str, folder: &Path) -> Process {
    let data = format!("--data-dir={}", folder.display());
    let mut command = app::binary(&["serve", "--listen=127.0.0.1:0", "--customers=1500", &data]);
    Process::spawn(command.env("DATABASE_URL", url))
}

async fn open(url: &str) -> Store {
    let location = Location::Postgres { url: url.into() };
    Store::open(&location, Duration::ZERO, &|_| ())
        .await
        .unwrap()
}

/// Waits for a job's state, and for a phase if one is named.
async fn job_in(store: &Store, job: &Job, state: JobState, phase: &str) -> Job {
    let begun = Instant::now();
    loop {
        if let Ok(Some(now)) = store.job(job.id).await {
            if now.state == state && (phase.is_empty() || now.phase == phase) {
                return now;
            }
            assert!(!now.state.is_final(), "{now:?}");
            assert!(begun.elapsed() < Duration::from_mins(2), "{now:?}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A prediction: the version that made it, and its number.
async fn prediction(client: &reqwest::Client, service: &Process) -> (String, f64) {
    let url = format!("http://{}/predict/churn", service.address());
    let request = client.post(url).header("content-type", "application/json");
    let answer = request.body(PROFILE).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let answer: Value = answer.json().await.unwrap();
    let version = answer["model_version"].as_str().unwrap().to_owned();
    (version, answer["probability"].as_f64().unwrap())
}

/// Activates a set, waits until every replica serves it, and tells its number.
async fn activated(store: &Store, services: &[Process], version: &str) -> f64 {
    store.activate_model_set(version, Utc::now()).await.unwrap();
    let begun = Instant::now();
    for service in services {
        while ready_status(service.address()).unwrap().1["model_version"] != version {
            assert!(
                begun.elapsed() < Duration::from_secs(2),
                "two seconds is the promise"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let client = app::client();
    let (served, number) = prediction(&client, &services[0]).await;
    assert_eq!(served, version);
    number
}

/// Has the replicas train a set on other customers, and tells its version.
async fn another_set(store: &Store) -> String {
    let service = Service::new(Utc::now);
    let plan = Plan::new(1500, 99).unwrap();
    let made = asking::generated(&service, store, &plan, None)
        .await
        .unwrap();
    job_in(store, &made, JobState::Complete, "").await;
    let asked = TrainingRequest {
        targets: vec!["churn".to_owned()],
        ..TrainingRequest::default()
    };
    let trained = asking::trained(&service, store, made.cohort_id.unwrap(), &asked);
    let trained = job_in(store, &trained.await.unwrap(), JobState::Complete, "").await;
    trained.result.unwrap()["version"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_predictions_during_twenty_activations_are_all_right() {
    const CLIENTS: usize = 4;
    const EACH: usize = 2500;
    let database = Database::fresh().await;
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut services = folders.each_ref().map(|f| replica(&database.url, f.path()));
    services.iter_mut().for_each(Process::wait_until_ready);
    let store = open(&database.url).await;
    let first = store.active_version().await.unwrap().unwrap();
    let second = another_set(&store).await;
    assert_eq!(
        store.active_version().await.unwrap().unwrap(),
        first,
        "training activates nothing"
    );

    let numbers = [
        (second.clone(), activated(&store, &services, &second).await),
        (first.clone(), activated(&store, &services, &first).await),
    ];
    assert!((numbers[0].1 - numbers[1].1).abs() > 1e-6, "{numbers:?}");
    let (services, numbers) = (Arc::new(services), Arc::new(numbers));
    let mut clients = tokio::task::JoinSet::new();
    for i in 0..CLIENTS {
        let (services, numbers) = (Arc::clone(&services), Arc::clone(&numbers));
        clients.spawn(async move {
            let client = app::client();
            for n in 0..EACH {
                let answer = prediction(&client, &services[(i + n) % 2]).await;
                assert!(numbers.contains(&answer), "{answer:?} of {numbers:?}");
            }
        });
    }
    let client = app::client();
    let mut before = 0;
    for n in 0..20 {
        // No count falls while models come and go.
        let now = predictions(&client, &services[0]).await;
        assert!(now >= before, "{now} after {before}");
        before = now;
        let version = &numbers[n % 2].0;
        store.activate_model_set(version, Utc::now()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(120)).await;
    }
    assert_eq!(clients.join_all().await.len(), CLIENTS);
    // Each of them is counted, and the two that were asked before, whichever models
    // it was answered by.
    let mut counted = 0;
    for service in &*services {
        counted += predictions(&client, service).await;
    }
    assert_eq!(counted, CLIENTS * EACH + 2);
}

/// How many predictions of churn a replica says that it made.
async fn predictions(client: &reqwest::Client, service: &Process) -> usize {
    let url = format!("http://{}/metrics", service.address());
    let text = client.get(url).send().await.unwrap().text().await.unwrap();
    let series = "engagecast_predictions_total{target=\"churn\"} ";
    let count = text.lines().find_map(|line| line.strip_prefix(series));
    count.expect("a count").parse().expect("a number")
}

#[tokio::test]
async fn a_job_whose_replica_is_killed_is_done_by_another_one() {
    let database = Database::fresh().await;
    let folder = tempfile::tempdir().unwrap();
    let start = || replica(&database.url, folder.path());
    let mut one = start();
    one.wait_until_ready();
    let store = open(&database.url).await;
    let service = Service::new(Utc::now);

    // In the middle of a load.
    let plan = Plan::new(100_000, 5).unwrap();
    let made = asking::generated(&service, &store, &plan, None)
        .await
        .unwrap();
    job_in(&store, &made, JobState::Running, "generating").await;
    one.signal("KILL");
    one.wait();
    let mut two = start();
    let done = job_in(&store, &made, JobState::Complete, "").await;
    assert_eq!(done.attempts, 2);
    let cohort = store
        .cohort(made.cohort_id.unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(cohort.customers, 100_000);
    let cohorts = store.cohorts(None, 10).await.unwrap();
    assert_eq!(cohorts.len(), 2);

    // In the middle of a training, on the first and smaller one.
    two.wait_until_ready();
    let trained = asking::trained(&service, &store, cohorts[1].id, &TrainingRequest::default())
        .await
        .unwrap();
    job_in(&store, &trained, JobState::Running, "training").await;
    two.signal("KILL");
    two.wait();
    assert_eq!(store.model_sets(None, 10).await.unwrap().len(), 1);
    let _three = start();
    let done = job_in(&store, &trained, JobState::Complete, "").await;
    assert_eq!(done.attempts, 2);
    assert_eq!(store.model_sets(None, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_replica_that_ends_in_order_hands_its_job_over_at_once() {
    let database = Database::fresh().await;
    let folders: [TempDir; 2] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut one = replica(&database.url, folders[0].path());
    one.wait_until_ready();
    let store = open(&database.url).await;
    let plan = Plan::new(100_000, 5).unwrap();
    let service = Service::new(Utc::now);
    let made = asking::generated(&service, &store, &plan, None)
        .await
        .unwrap();
    job_in(&store, &made, JobState::Running, "generating").await;
    assert!(one.terminate().success());
    let waiting = store.job(made.id).await.unwrap().unwrap();
    assert_eq!((waiting.state, waiting.attempts), (JobState::Queued, 0));
    let _two = replica(&database.url, folders[1].path());
    job_in(&store, &made, JobState::Complete, "").await;
}

#[tokio::test]
async fn a_start_without_the_database_serves_the_models_it_had() {
    let cluster = Cluster::private();
    cluster.start();
    let url = cluster.url("postgres");
    let folder = tempfile::tempdir().unwrap();
    let client = app::client();
    let mut service = replica(&url, folder.path());
    service.wait_until_ready();
    assert!(folder.path().join("active-models.cache").exists());
    let before = prediction(&client, &service).await;
    // Whoever is ready has the copy, even where it is stopped at once.
    service.signal("KILL");
    service.wait();

    cluster.kill();
    let mut service = replica(&url, folder.path());
    service.wait_until_ready();
    assert_eq!(prediction(&client, &service).await, before);
    service.wait_for_log("the models of the data folder serve until it is back");
    let (_, ready) = ready_status(service.address()).unwrap();
    assert_eq!(ready["database"]["status"], "unavailable");
    let refused = get(service.address(), "/cohorts/latest")
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);

    cluster.start();
    let begun = Instant::now();
    while get(service.address(), "/cohorts/latest")
        .send()
        .await
        .unwrap()
        .status()
        != StatusCode::OK
    {
        assert!(begun.elapsed() < Duration::from_secs(8));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // It works on jobs, and follows the models, as if nothing had been.
    let store = open(&url).await;
    let version = another_set(&store).await;
    activated(&store, &[service], &version).await;
}

#[tokio::test]
async fn jobs_and_predictions_survive_a_restart_of_the_database() {
    let cluster = Cluster::private();
    cluster.start();
    let folder = tempfile::tempdir().unwrap();
    let mut service = replica(&cluster.url("postgres"), folder.path());
    service.wait_until_ready();
    let store = open(&cluster.url("postgres")).await;
    let plan = Plan::new(100_000, 5).unwrap();
    let asking = Service::new(Utc::now);
    let made = asking::generated(&asking, &store, &plan, None)
        .await
        .unwrap();
    job_in(&store, &made, JobState::Running, "generating").await;
    cluster.kill();
    for _ in 0..20 {
        let answer = post(service.address(), "/predict/churn", PROFILE)
            .send()
            .await;
        assert_eq!(answer.unwrap().status(), StatusCode::OK);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    cluster.start();
    let done = job_in(&store, &made, JobState::Complete, "").await;
    assert_eq!(
        done.attempts, 1,
        "the database's failure is not held against it"
    );
    let cohort = store
        .cohort(made.cohort_id.unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(cohort.customers, 100_000);
}
