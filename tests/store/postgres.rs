//! What only Postgres does: several writers at once, and being away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use engagecast::store::{Store, StoreError};
use serde_json::json;

use super::{Place, assert_same, new_cohort, open, postgres, read, store_cohort};
use crate::support::batches::batch;
use crate::support::postgres::{Cluster, Database, with_database};

#[tokio::test]
async fn writes_two_cohorts_at_once_while_others_are_read() {
    let place = Place::Postgres(Database::fresh().await);
    let store = place.open().await;
    let old = store_cohort(&store, &new_cohort("old", 0), &[batch(0, 100)]).await;
    let (a, b) = (new_cohort("a", 1), new_cohort("b", 2));
    let mut writer_a = store.begin_cohort(&a).await.unwrap();
    let mut writer_b = store.begin_cohort(&b).await.unwrap();
    for i in 0..3 {
        writer_a.write(&batch(i * 1000, 1000)).await.unwrap();
        assert_same(&read(&store, old.id).await, &[batch(0, 100)]);
        writer_b.write(&batch(i * 2000, 2000)).await.unwrap();
    }
    let (a, b) = tokio::join!(writer_a.finish(json!({})), writer_b.finish(json!({})));
    assert_same(&read(&store, a.unwrap().id).await, &[batch(0, 3000)]);
    assert_same(&read(&store, b.unwrap().id).await, &[batch(0, 6000)]);
}

#[tokio::test]
async fn a_url_that_is_malformed_is_refused_without_repeating_it() {
    for url in [
        "postgres://ada:hunter2@",
        "ada:hunter2",
        "postgres://a:1#hunter2@h/d",
    ] {
        let error = open(&postgres(url)).await.unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn an_unknown_database_is_named_and_not_waited_for() {
    let database = Database::fresh().await;
    let url = with_database(&database.url, "no_such_place");
    let wait = Duration::from_secs(20);
    let begun = Instant::now();
    let error = Store::open(&postgres(&url), wait, &|e| panic!("waits for {e}"))
        .await
        .unwrap_err();
    assert!(begun.elapsed() < wait);
    assert!(
        matches!(error, StoreError::UnknownDatabase { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("\"no_such_place\""), "{error}");
}

#[tokio::test]
async fn refused_credentials_are_not_waited_for_nor_repeated() {
    let cluster = Cluster::private();
    cluster.authenticate("local all guarded scram-sha-256");
    cluster.start();
    let database = Database::on(&cluster.url("postgres")).await;
    let url = database.url.clone();
    Place::Postgres(database)
        .execute("CREATE ROLE guarded LOGIN SUPERUSER PASSWORD 'correct horse'")
        .await;
    let with = |user: &str| postgres(&url.replace("engagecast@", &format!("{user}@")));
    let wait = Duration::from_secs(20);
    for user in ["guarded:hunter2", "guarded", "nobody-knows:hunter2"] {
        let error = Store::open(&with(user), wait, &|e| panic!("waits for {e}"))
            .await
            .unwrap_err();
        assert!(matches!(error, StoreError::Refused { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        assert_eq!(error.to_string().lines().count(), 1);
    }
}

#[tokio::test]
async fn a_server_that_appears_later_is_waited_for() {
    let cluster = Cluster::private();
    let location = postgres(&cluster.url("postgres"));
    let begun = Instant::now();
    let error = Store::open(&location, Duration::from_millis(300), &|_| ())
        .await
        .unwrap_err();
    assert!(error.is_unreachable(), "{error:?}");
    assert!(begun.elapsed() >= Duration::from_millis(300));

    let tries = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&tries);
    let opening = tokio::spawn(async move {
        let count = |error: &StoreError| {
            assert!(error.is_unreachable(), "{error:?}");
            counted.fetch_add(1, Ordering::Relaxed);
        };
        Store::open(&location, Duration::from_secs(30), &count).await
    });
    tokio::time::sleep(Duration::from_millis(400)).await;
    let cluster = tokio::task::spawn_blocking(move || {
        cluster.start();
        cluster
    });
    let cluster = cluster.await.unwrap();
    opening.await.unwrap().unwrap().ping().await.unwrap();
    assert!(tries.load(Ordering::Relaxed) >= 2);
    drop(cluster);
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let begun = Instant::now();
    let location = postgres(&format!("postgres://ada:hunter2@127.0.0.1:{port}/shop"));
    let error = open(&location).await.unwrap_err();
    assert!(error.is_unreachable(), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_host_that_does_not_exist_is_unreachable() {
    let location = postgres("postgres://ada:hunter2@no-such-host.invalid/shop");
    let error = open(&location).await.unwrap_err();
    assert!(error.is_unreachable(), "{error:?}");
    assert!(
        error.to_string().contains("no-such-host.invalid:5432"),
        "{error}"
    );
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_crash_of_the_server_leaves_whole_cohorts_only() {
    let cluster = Cluster::private();
    cluster.start();
    let store = open(&postgres(&cluster.url("postgres"))).await.unwrap();
    let whole = store_cohort(&store, &new_cohort("whole", 0), &[batch(0, 100)]).await;
    let new = new_cohort("half", 1);
    let mut writer = store.begin_cohort(&new).await.unwrap();
    writer.write(&batch(0, 8192)).await.unwrap();
    cluster.kill();
    let error = writer.finish(json!({})).await.unwrap_err();
    assert!(error.is_unreachable(), "{error:?}");
    assert!(store.ping().await.unwrap_err().is_unreachable());

    cluster.start();
    // The same store goes on.
    assert_eq!(store.latest_cohort().await.unwrap(), Some(whole.clone()));
    assert_same(&read(&store, whole.id).await, &[batch(0, 100)]);
    store_cohort(&store, &new, &[batch(0, 10)]).await;
}
