//! Opening a store: migrations, several processes, closing.

use std::time::{Duration, Instant};

use engagecast::store::StoreError;

use super::{Place, assert_same, model_set, new_cohort, open, read, store_cohort};
use crate::support::batches::batch;

on_both!(
    finds_everything_after_opening_again,
    opens_an_empty_database_from_several_sides_at_once,
    one_at_a_time_holds_the_bootstrap_lock,
    refuses_a_schema_of_a_newer_program,
    refuses_a_schema_that_was_never_released,
    answers_a_ping_until_it_is_closed,
);

async fn finds_everything_after_opening_again(place: Place) {
    let store = place.open().await;
    let cohort = store_cohort(&store, &new_cohort("a", 0), &[batch(0, 50)]).await;
    let set = model_set("v1", &[("churn", b"1")]);
    store.save_model_set(&set, true).await.unwrap();
    store.close().await;

    let store = place.open().await;
    assert_eq!(store.latest_cohort().await.unwrap(), Some(cohort.clone()));
    assert_same(&read(&store, cohort.id).await, &[batch(0, 50)]);
    let found = store.active_model_set().await.unwrap().unwrap();
    assert_eq!(found.models, set.models);
}

async fn opens_an_empty_database_from_several_sides_at_once(place: Place) {
    let location = place.location();
    let opened = futures_util::future::join_all((0..5).map(|_| open(&location))).await;
    for store in opened {
        store.unwrap().ping().await.unwrap();
    }
}

async fn one_at_a_time_holds_the_bootstrap_lock(place: Place) {
    let (one, other) = (place.open().await, place.open().await);
    let at_once = Duration::ZERO;
    let lock = one.bootstrap_lock(at_once).await.unwrap().unwrap();
    let begun = Instant::now();
    let short = Duration::from_millis(300);
    assert!(other.bootstrap_lock(short).await.unwrap().is_none());
    assert!(begun.elapsed() >= short);
    let waiting = tokio::spawn(async move { other.bootstrap_lock(Duration::from_secs(20)).await });
    tokio::time::sleep(short).await;
    assert!(!waiting.is_finished());
    drop(lock);
    let lock = waiting.await.unwrap().unwrap().unwrap();
    assert!(one.bootstrap_lock(at_once).await.unwrap().is_none());
    lock.release().await;
    assert!(one.bootstrap_lock(at_once).await.unwrap().is_some());
}

async fn refuses_a_schema_of_a_newer_program(place: Place) {
    place.open().await.close().await;
    place
        .execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             SELECT 99, description, success, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
        )
        .await;
    let error = open(&place.location()).await.unwrap_err();
    assert!(
        matches!(error, StoreError::NewerSchema { found: 99, .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("newer version"), "{error}");
    // The refusal keeps no lock that a later start would wait for.
    place
        .execute("DELETE FROM _sqlx_migrations WHERE version = 99")
        .await;
    place.open().await;
}

async fn refuses_a_schema_that_was_never_released(place: Place) {
    place.open().await.close().await;
    place
        .execute("UPDATE _sqlx_migrations SET checksum = 'ab'")
        .await;
    let error = open(&place.location()).await.unwrap_err();
    assert!(
        matches!(error, StoreError::OtherSchema { version: 1, .. }),
        "{error:?}"
    );
}

async fn answers_a_ping_until_it_is_closed(place: Place) {
    let store = place.open().await;
    store.ping().await.unwrap();
    let clone = store.clone();
    store.close().await;
    assert!(clone.ping().await.is_err());
}
