//! Cohorts: whole or not at all, and read back as they were written.

use chrono::{SubsecRound, Utc};
use engagecast::store::Cohort;
use serde_json::json;
use uuid::Uuid;

use super::{Place, assert_same, eventually, new_cohort, read, store_cohort};
use crate::support::batches::batch;

on_both!(
    reads_back_what_was_written_in_its_order,
    reads_a_cohort_of_no_customers,
    keeps_all_that_is_said_of_a_cohort,
    shows_nothing_of_a_cohort_before_it_is_finished,
    leaves_nothing_of_a_cohort_that_is_dropped,
    the_latest_cohort_is_the_most_recent_one,
    keeps_cohorts_apart,
    knows_no_customers_of_an_unknown_cohort,
    can_be_read_again_after_a_reader_left_early,
);

async fn reads_back_what_was_written_in_its_order(place: Place) {
    let store = place.open().await;
    // Ids that fall, so that an order by id would show.
    let written: Vec<_> = [(9000, 8192), (8000, 455), (7000, 1), (5000, 911)]
        .map(|(first, rows)| batch(first, rows))
        .into();
    let cohort = store_cohort(&store, &new_cohort("a", 0), &written).await;
    assert_eq!(cohort.customers, 8192 + 455 + 1 + 911);
    let read = read(&store, cohort.id).await;
    assert!(read.iter().all(|batch| batch.num_rows() <= 8192));
    assert_same(&read, &written);
}

async fn reads_a_cohort_of_no_customers(place: Place) {
    let store = place.open().await;
    let cohort = store_cohort(&store, &new_cohort("none", 0), &[]).await;
    assert_eq!(cohort.customers, 0);
    assert!(read(&store, cohort.id).await.is_empty());
}

async fn keeps_all_that_is_said_of_a_cohort(place: Place) {
    let store = place.open().await;
    let mut new = new_cohort("O'Brien's, ünïcode", 0);
    for seed in [Some(0), Some(u64::MAX >> 1), None] {
        new.id = Uuid::new_v4();
        new.seed = seed;
        let finished = store_cohort(&store, &new, &[batch(0, 3)]).await;
        let found = store.cohort(new.id).await.unwrap().unwrap();
        let expected = Cohort {
            id: new.id,
            name: new.name.clone(),
            seed,
            customers: 3,
            generator_version: new.generator_version.clone(),
            spec: new.spec.clone(),
            facts: json!({"of": new.name}),
            created_at: new.created_at.trunc_subsecs(6),
        };
        assert_eq!(found, expected);
        assert_eq!(finished, expected);
    }
}

async fn shows_nothing_of_a_cohort_before_it_is_finished(place: Place) {
    let store = place.open().await;
    let new = new_cohort("a", 0);
    let mut writer = store.begin_cohort(&new).await.unwrap();
    writer.write(&batch(0, 5000)).await.unwrap();
    assert_eq!(store.cohort(new.id).await.unwrap(), None);
    assert_eq!(store.latest_cohort().await.unwrap(), None);
    // Other processes that clear away leftovers take it for none.
    place.open().await.sweep(Utc::now()).await.unwrap();
    assert_eq!(
        place.number("SELECT count(*) FROM churn_by_tenure").await,
        0
    );
    if let Place::Postgres(_) = place {
        assert_eq!(place.number("SELECT count(*) FROM customers").await, 0);
    }
    writer.write(&batch(5000, 10)).await.unwrap();
    writer.finish(json!({})).await.unwrap();
    assert!(store.latest_cohort().await.unwrap().is_some());
    assert_eq!(place.number("SELECT count(*) FROM customers").await, 5010);
}

async fn leaves_nothing_of_a_cohort_that_is_dropped(place: Place) {
    let store = place.open().await;
    let new = new_cohort("a", 0);
    let mut writer = store.begin_cohort(&new).await.unwrap();
    writer.write(&batch(0, 5000)).await.unwrap();
    drop(writer);
    // The same cohort can be written again once the former is rolled back.
    if let Place::Postgres(_) = place {
        let tables = "SELECT count(*) FROM pg_class WHERE relname LIKE 'customers\\_%' \
                      AND relkind = 'r'";
        let sessions = "SELECT count(*) FROM pg_stat_activity \
                        WHERE datname = current_database() AND query LIKE 'COPY%'";
        eventually("the session ends", async || {
            place.number(sessions).await == 0
        })
        .await;
        assert_eq!(place.number(tables).await, 0);
    }
    assert_eq!(place.number("SELECT count(*) FROM cohorts").await, 0);
    let gone = async || place.number("SELECT count(*) FROM customers").await == 0;
    eventually("its customers are removed", gone).await;
    let cohort = store_cohort(&store, &new, &[batch(0, 10)]).await;
    assert_same(&read(&store, cohort.id).await, &[batch(0, 10)]);
}

async fn the_latest_cohort_is_the_most_recent_one(place: Place) {
    let store = place.open().await;
    assert_eq!(store.latest_cohort().await.unwrap(), None);
    for (name, second) in [("first", 1), ("third", 3), ("second", 2)] {
        store_cohort(&store, &new_cohort(name, second), &[batch(0, 1)]).await;
    }
    assert_eq!(store.latest_cohort().await.unwrap().unwrap().name, "third");
}

async fn keeps_cohorts_apart(place: Place) {
    let store = place.open().await;
    let a = store_cohort(&store, &new_cohort("a", 1), &[batch(0, 600)]).await;
    let b = store_cohort(&store, &new_cohort("b", 2), &[batch(300, 700)]).await;
    assert_same(&read(&store, a.id).await, &[batch(0, 600)]);
    assert_same(&read(&store, b.id).await, &[batch(300, 700)]);
}

async fn knows_no_customers_of_an_unknown_cohort(place: Place) {
    let store = place.open().await;
    let id = Uuid::new_v4();
    assert_eq!(store.cohort(id).await.unwrap(), None);
    let error = store.customers(id).await.unwrap_err();
    assert!(error.to_string().contains(&id.to_string()), "{error}");
}

async fn can_be_read_again_after_a_reader_left_early(place: Place) {
    let store = place.open().await;
    let written: Vec<_> = (0..4).map(|i| batch(i * 8192, 8192)).collect();
    let cohort = store_cohort(&store, &new_cohort("a", 0), &written).await;
    for _ in 0..10 {
        let mut customers = store.customers(cohort.id).await.unwrap();
        assert!(customers.next().await.unwrap().is_ok());
    }
    assert_same(&read(&store, cohort.id).await, &written);
}
