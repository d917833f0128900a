//! Deleting cohorts, by hand and by rule, and what is swept up.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use engagecast::store::{JobKind, NewJob, Retention, Store, StoreError};
use serde_json::json;
use uuid::Uuid;

use super::{Place, assert_same, eventually, model_set, new_cohort, read, store_cohort};
use crate::support::batches::batch;

on_both!(
    a_deleted_cohort_is_gone_at_once_and_others_stay,
    a_reader_of_a_cohort_that_is_deleted_is_not_told_less_than_all,
    models_outlive_the_cohort_they_were_trained_on,
    keeps_as_many_cohorts_as_it_is_told,
    keeps_cohorts_as_long_as_it_is_told,
    a_cohort_that_a_job_needs_is_not_swept,
    leftovers_are_swept,
);

const ROWS: &str = "SELECT count(*) FROM customers";
const LEFT: &str = "SELECT count(*) FROM dropped_cohorts";

async fn a_deleted_cohort_is_gone_at_once_and_others_stay(place: Place) {
    let store = place.open().await;
    let gone = store_cohort(&store, &new_cohort("gone", 1), &[batch(0, 5000)]).await;
    let stays = store_cohort(&store, &new_cohort("stays", 0), &[batch(0, 50)]).await;
    let begun = Instant::now();
    assert!(store.delete_cohort(gone.id, Utc::now()).await.unwrap());
    assert_eq!(store.cohort(gone.id).await.unwrap(), None);
    // 50 ms are the figure, on a machine that does nothing else.
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(store.latest_cohort().await.unwrap(), Some(stays.clone()));
    let error = store.customers(gone.id).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownCohort(_)));
    let overview = format!(
        "SELECT count(*) FROM cohort_overview WHERE cohort_id = '{}'",
        gone.id
    );
    assert_eq!(place.number(&overview).await, 0);
    let removed = async || place.number(ROWS).await == 50 && place.number(LEFT).await == 0;
    eventually("its customers are removed", removed).await;
    assert_same(&read(&store, stays.id).await, &[batch(0, 50)]);
    assert!(!store.delete_cohort(gone.id, Utc::now()).await.unwrap());
}

async fn a_reader_of_a_cohort_that_is_deleted_is_not_told_less_than_all(place: Place) {
    let store = place.open().await;
    let written: Vec<_> = (0..12).map(|i| batch(i * 8192, 8192)).collect();
    let cohort = store_cohort(&store, &new_cohort("a", 0), &written).await;
    let mut customers = store.customers(cohort.id).await.unwrap();
    let mut rows = customers.next().await.unwrap().unwrap().num_rows();
    store.delete_cohort(cohort.id, Utc::now()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut failed = false;
    while let Some(batch) = customers.next().await {
        match batch {
            Ok(batch) => rows += batch.num_rows(),
            Err(error) => {
                assert!(matches!(error, StoreError::UnknownCohort(_)), "{error:?}");
                failed = true;
            }
        }
    }
    assert!(failed || rows == 12 * 8192, "{rows}");
    eventually("its customers are removed", async || {
        store.sweep(Utc::now()).await.unwrap();
        place.number(ROWS).await == 0
    })
    .await;
}

async fn models_outlive_the_cohort_they_were_trained_on(place: Place) {
    let store = place.open().await;
    let cohort = store_cohort(&store, &new_cohort("a", 0), &[batch(0, 10)]).await;
    let mut set = model_set("v1", &[("churn", b"1")]);
    set.cohort_id = Some(cohort.id);
    store.save_model_set(&set, true).await.unwrap();
    assert!(store.cohort_exists(cohort.id).await.unwrap());
    store.delete_cohort(cohort.id, Utc::now()).await.unwrap();
    let found = store.active_model_set().await.unwrap().unwrap();
    assert_eq!(found.cohort_id, Some(cohort.id));
    assert!(!store.cohort_exists(cohort.id).await.unwrap());
}

/// Cohorts that are so many days old, by name.
async fn aged(store: &Store, days: &[i64]) -> Vec<Uuid> {
    let mut ids = Vec::new();
    for day in days {
        let mut new = new_cohort(&format!("{day} days"), 0);
        new.created_at = Utc::now() - TimeDelta::days(*day);
        ids.push(store_cohort(store, &new, &[batch(0, 5)]).await.id);
    }
    ids
}

fn most(cohorts: u32) -> Retention {
    Retention {
        cohorts: Some(cohorts),
        age: None,
    }
}

async fn keeps_as_many_cohorts_as_it_is_told(place: Place) {
    let store = place.open().await;
    let ids = aged(&store, &[5, 4, 3]).await;
    let off = Retention::default();
    assert!(
        store
            .delete_expired(off, Utc::now())
            .await
            .unwrap()
            .is_empty()
    );
    let deleted = store.delete_expired(most(2), Utc::now()).await.unwrap();
    assert_eq!(deleted, ids[..1]);
    assert!(
        store
            .delete_expired(most(2), Utc::now())
            .await
            .unwrap()
            .is_empty()
    );
    eventually("only two are left", async || place.number(ROWS).await == 10).await;
}

async fn keeps_cohorts_as_long_as_it_is_told(place: Place) {
    let store = place.open().await;
    let ids = aged(&store, &[9, 8, 7]).await;
    let old = Retention {
        cohorts: None,
        age: Some(TimeDelta::days(1)),
    };
    let deleted = store.delete_expired(old, Utc::now()).await.unwrap();
    assert_eq!(deleted, ids[..2], "the newest stays, however old it is");
}

async fn a_cohort_that_a_job_needs_is_not_swept(place: Place) {
    let store = place.open().await;
    let ids = aged(&store, &[3, 2, 1]).await;
    let job = NewJob {
        id: Uuid::new_v4(),
        kind: JobKind::Train,
        input: json!({}),
        cohort_id: Some(ids[0]),
        created_at: Utc::now(),
    };
    store.enqueue_job(&job, None).await.unwrap();
    let deleted = store.delete_expired(most(1), Utc::now()).await.unwrap();
    assert_eq!(deleted, ids[1..2]);
    store.cancel_job(job.id, Utc::now()).await.unwrap();
    let deleted = store.delete_expired(most(1), Utc::now()).await.unwrap();
    assert_eq!(deleted, ids[..1]);
}

async fn leftovers_are_swept(place: Place) {
    let store = place.open().await;
    let half = store_cohort(&store, &new_cohort("half", 0), &[batch(0, 70)]).await;
    let whole = store_cohort(&store, &new_cohort("whole", 1), &[batch(0, 30)]).await;
    // As an edited or restored database may be.
    place
        .execute(&format!("DELETE FROM cohorts WHERE id = '{}'", half.id))
        .await;
    let (old, young, wanted) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    let yesterday = Utc::now() - TimeDelta::days(1);
    for (upload, at) in [(old, yesterday), (young, Utc::now()), (wanted, yesterday)] {
        store.begin_upload(upload, at).await.unwrap();
        store.append_upload(upload, 0, b"abc").await.unwrap();
        store.finish_upload(upload).await.unwrap();
    }
    let job = NewJob {
        id: Uuid::new_v4(),
        kind: JobKind::Import,
        input: json!({"upload": wanted}),
        cohort_id: None,
        created_at: Utc::now(),
    };
    store.enqueue_job(&job, None).await.unwrap();
    store.sweep(Utc::now()).await.unwrap();
    assert_eq!(place.number(ROWS).await, 30);
    assert_eq!(place.number(LEFT).await, 0);
    assert_eq!(read(&store, whole.id).await[0].num_rows(), 30);
    assert_eq!(store.upload_bytes(old).await.unwrap(), None);
    assert_eq!(store.upload_bytes(young).await.unwrap(), Some(3));
    assert_eq!(store.upload_bytes(wanted).await.unwrap(), Some(3));
    assert_eq!(place.number("SELECT count(*) FROM upload_chunks").await, 2);
}
