//! Jobs: done once, whoever does them and whatever happens to those who do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use engagecast::cohort::Plan;
use engagecast::jobs::{JobSettings, Service, TrainingRequest};
use engagecast::store::{Job, JobState, Store, StoreError};
use tempfile::TempDir;
use uuid::Uuid;

use crate::store::{Place, on_both};
use crate::support::asking;

on_both!(
    a_cohort_is_generated_in_the_background,
    a_waiting_job_is_cancelled_at_once,
    a_running_job_is_cancelled_within_a_second_and_leaves_nothing,
    several_processes_do_each_job_once,
    a_job_is_handed_over_by_a_process_that_ends,
    a_job_of_a_process_that_is_gone_is_taken_over,
    a_cohort_too_small_to_train_on_is_said_to_be,
);

/// A process that works on jobs, for as long as this lives.
struct Worker {
    service: Arc<Service>,
    task: tokio::task::JoinHandle<()>,
    _folder: TempDir,
}

impl Worker {
    fn start(store: &Store) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let service = Arc::new(Service::new(Utc::now));
        let settings = JobSettings {
            at_a_time: 1,
            folder: folder.path().to_owned(),
        };
        let (worker, store) = (Arc::clone(&service), store.clone());
        let task = tokio::spawn(async move {
            worker.run_jobs(&store, settings).await;
        });
        Self {
            service,
            task,
            _folder: folder,
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn plan(customers: u64) -> Plan {
    Plan::new(customers, 7).unwrap()
}

/// Waits for a job's state.
async fn job_in(store: &Store, job: Uuid, state: JobState) -> Job {
    let begun = Instant::now();
    loop {
        let now = store.job(job).await.unwrap().unwrap();
        if now.state == state {
            return now;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "{now:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn a_cohort_is_generated_in_the_background(place: Place) {
    let store = place.open().await;
    let worker = Worker::start(&store);
    let name = Some("mine".to_owned());
    let job = asking::generated(&worker.service, &store, &plan(300), name)
        .await
        .unwrap();
    assert_eq!(job.state, JobState::Queued);
    let done = job_in(&store, job.id, JobState::Complete).await;
    assert!((done.progress - 1.0).abs() < f64::EPSILON);
    assert_eq!(done.attempts, 1);
    assert!(done.started_at.unwrap() <= done.finished_at.unwrap());
    let id = job.cohort_id.unwrap();
    assert_eq!(done.result.unwrap()["cohort_id"], id.to_string());
    let cohort = store.cohort(id).await.unwrap().unwrap();
    assert_eq!((cohort.name.as_str(), cohort.customers), ("mine", 300));
    assert_eq!(cohort.seed, Some(7));
    let found = store.job_of_cohort(id).await.unwrap().unwrap();
    assert_eq!(found.id, job.id);
}

async fn a_waiting_job_is_cancelled_at_once(place: Place) {
    let store = place.open().await;
    let service = Service::new(Utc::now);
    let job = asking::generated(&service, &store, &plan(300), None).await;
    let job = job.unwrap();
    let cancelled = service.cancel(&store, job.id).await.unwrap().unwrap();
    assert_eq!(cancelled.state, JobState::Cancelled);
    assert!(cancelled.finished_at.is_some());
    let claimed = store.claim_job(Uuid::new_v4(), Utc::now()).await.unwrap();
    assert_eq!(claimed, None);
    assert_eq!(service.cancel(&store, Uuid::new_v4()).await.unwrap(), None);
}

async fn a_running_job_is_cancelled_within_a_second_and_leaves_nothing(place: Place) {
    let store = place.open().await;
    let worker = Worker::start(&store);
    // One that takes minutes.
    let job = asking::generated(&worker.service, &store, &plan(50_000_000), None)
        .await
        .unwrap();
    job_in(&store, job.id, JobState::Running).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    // Another process is asked, which the job does not run in.
    let other = Service::new(Utc::now);
    let begun = Instant::now();
    let told = other.cancel(&store, job.id).await.unwrap().unwrap();
    assert!(told.cancel_requested);
    job_in(&store, job.id, JobState::Cancelled).await;
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    let cohort = store.cohort(job.cohort_id.unwrap()).await.unwrap();
    assert_eq!(cohort, None);
    // The worker is free for the next one.
    let small = plan(100);
    let next = asking::generated(&worker.service, &store, &small, None);
    job_in(&store, next.await.unwrap().id, JobState::Complete).await;
    // In SQLite the rows of the cancelled one go a moment later.
    while place.number("SELECT count(*) FROM customers").await != 100 {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "something is left"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn several_processes_do_each_job_once(place: Place) {
    let store = place.open().await;
    let service = Service::new(Utc::now);
    let mut jobs = Vec::new();
    for _ in 0..8 {
        let job = asking::generated(&service, &store, &plan(50), None).await;
        jobs.push(job.unwrap());
    }
    let stores = [place.open().await, place.open().await, place.open().await];
    let _workers = stores.each_ref().map(Worker::start);
    for job in &jobs {
        let done = job_in(&store, job.id, JobState::Complete).await;
        assert_eq!(done.attempts, 1);
    }
    assert_eq!(place.number("SELECT count(*) FROM cohorts").await, 8);
    assert_eq!(place.number("SELECT count(*) FROM customers").await, 400);
}

async fn a_job_is_handed_over_by_a_process_that_ends(place: Place) {
    let store = place.open().await;
    let worker = Worker::start(&store);
    let job = asking::generated(&worker.service, &store, &plan(50_000_000), None)
        .await
        .unwrap();
    job_in(&store, job.id, JobState::Running).await;
    let begun = Instant::now();
    worker.task.abort();
    worker.service.hand_over_jobs().await;
    assert!(begun.elapsed() < Duration::from_secs(2));
    let waiting = store.job(job.id).await.unwrap().unwrap();
    assert_eq!(waiting.state, JobState::Queued);
    assert_eq!(waiting.attempts, 0, "an orderly end is not held against it");
}

async fn a_job_of_a_process_that_is_gone_is_taken_over(place: Place) {
    let store = place.open().await;
    let service = Service::new(Utc::now);
    let job = asking::generated(&service, &store, &plan(100), None).await;
    let job = job.unwrap();
    // A process takes it, and is never heard of again.
    let gone = Uuid::new_v4();
    store.claim_job(gone, Utc::now()).await.unwrap().unwrap();
    let _worker = Worker::start(&store);
    let done = job_in(&store, job.id, JobState::Complete).await;
    assert_eq!(done.attempts, 2);
    // Should it come back, it changes nothing.
    let late = store
        .heartbeat(job.id, gone, Utc::now(), "generating", 0.5)
        .await;
    assert_eq!(late.unwrap(), engagecast::store::Heart::Lost);
    let outcome = engagecast::store::JobOutcome::Cancelled;
    let late = store.finish_job(job.id, gone, &outcome, Utc::now()).await;
    assert!(matches!(late, Err(StoreError::LostJob(_))), "{late:?}");
    assert_eq!(store.job(job.id).await.unwrap().unwrap(), done);
}

async fn a_cohort_too_small_to_train_on_is_said_to_be(place: Place) {
    let store = place.open().await;
    let worker = Worker::start(&store);
    let service = &worker.service;
    let everything = TrainingRequest::default();
    let unknown = asking::trained(service, &store, Uuid::new_v4(), &everything).await;
    assert!(matches!(unknown, Err(StoreError::UnknownCohort(_))));
    let cohort = asking::generated(service, &store, &plan(50), None)
        .await
        .unwrap();
    job_in(&store, cohort.id, JobState::Complete).await;
    let job = asking::trained(service, &store, cohort.cohort_id.unwrap(), &everything);
    let failed = job_in(&store, job.await.unwrap().id, JobState::Failed).await;
    let problem = failed.problem.unwrap();
    assert_eq!(problem["code"], "untrainable", "{problem}");
}
