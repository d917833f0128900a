//! A Postgres that goes away, falls silent, or is cut off in the middle.

use std::time::{Duration, Instant};

use chrono::Utc;
use engagecast::store::{JobKind, NewJob, Store, StoreError};
use serde_json::json;
use uuid::Uuid;

use super::{assert_same, eventually, model_set, new_cohort, open, postgres, read, store_cohort};
use crate::support::batches::batch;
use crate::support::postgres::{Cluster, USER};
use crate::support::proxy::Proxy;

/// A server of its own, and a store that reaches it through a network that can
/// fail.
async fn behind_a_network() -> (Cluster, Proxy, Store) {
    let cluster = Cluster::private();
    cluster.start();
    let proxy = Proxy::to(cluster.socket());
    let store = open(&postgres(&proxy.url(USER, "postgres"))).await.unwrap();
    (cluster, proxy, store)
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_middle_of_a_copy_leaves_nothing() {
    let (cluster, proxy, store) = behind_a_network().await;
    let direct = open(&postgres(&cluster.url("postgres"))).await.unwrap();
    let new = new_cohort("a", 0);
    for bytes in [1_000, 300_000, 2_000_000] {
        let mut writer = store.begin_cohort(&new).await.unwrap();
        proxy.cut_after(bytes);
        let mut outcome = Ok(());
        for i in 0..20 {
            outcome = writer.write(&batch(i * 1000, 1000)).await;
            if outcome.is_err() {
                break;
            }
        }
        let error = match outcome {
            Err(error) => error,
            Ok(()) => writer.finish(json!({})).await.unwrap_err(),
        };
        assert!(error.is_unreachable(), "{error:?}");
        assert_eq!(direct.cohort(new.id).await.unwrap(), None);
        proxy.restore();
    }
    let cohort = store_cohort(&store, &new, &[batch(0, 100)]).await;
    assert_same(&read(&direct, cohort.id).await, &[batch(0, 100)]);
}

#[tokio::test]
async fn a_reader_whose_connection_breaks_hears_of_it() {
    let (_cluster, proxy, store) = behind_a_network().await;
    let written: Vec<_> = (0..8).map(|i| batch(i * 8192, 8192)).collect();
    let cohort = store_cohort(&store, &new_cohort("a", 0), &written).await;
    let mut customers = store.customers(cohort.id).await.unwrap();
    customers.next().await.unwrap().unwrap();
    proxy.cut();
    let mut failed = false;
    while let Some(batch) = customers.next().await {
        failed = matches!(batch, Err(error) if error.is_unreachable());
    }
    assert!(failed, "less than all is not taken for all");
    let refused = store.customers(cohort.id).await.unwrap_err();
    assert!(refused.is_unreachable(), "{refused:?}");
}

/// Runs some of all that is asked of a store; each must fail for the same reason
/// and soon.
async fn everything_says_so_within_a_second(store: &Store) {
    let job = NewJob {
        id: Uuid::new_v4(),
        kind: JobKind::Generate,
        input: json!({}),
        cohort_id: None,
        created_at: Utc::now(),
    };
    let set = model_set("v9", &[("churn", b"1")]);
    let (new, now) = (new_cohort("n", 0), Utc::now());
    let id = Uuid::new_v4();
    macro_rules! soon {
        ($($call:expr),+ $(,)?) => {$({
            let begun = Instant::now();
            let error: StoreError = $call.await.map(drop).unwrap_err();
            assert!(error.is_unreachable(), "{error:?}");
            let took = begun.elapsed();
            assert!(took < Duration::from_millis(1400), "{}: {took:?}", stringify!($call));
        })+};
    }
    soon!(
        store.ping(),
        store.latest_cohort(),
        store.cohorts(None, 10),
        store.customers(id),
        store.enqueue_job(&job, None),
        store.claim_job(id, now),
        store.cancel_job(id, now),
        store.active_model_set(),
        store.save_model_set(&set, true),
        store.activate_model_set("v1", now),
        store.delete_cohort(id, now),
        store.keys(),
        store.begin_upload(id, now),
        store.append_upload(id, 0, b"x"),
        store.begin_cohort(&new),
    );
}

async fn works_again(store: &Store) {
    let begun = Instant::now();
    let answers = async || store.latest_cohort().await.is_ok();
    eventually("it works again", answers).await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    store_cohort(store, &new_cohort("after", 9), &[batch(0, 10)]).await;
}

#[tokio::test]
async fn a_server_that_falls_silent_is_noticed_within_a_second() {
    let (_cluster, proxy, store) = behind_a_network().await;
    store_cohort(&store, &new_cohort("before", 0), &[batch(0, 10)]).await;
    // Connections that wait for something to do fall silent as well.
    futures_util::future::join_all((0..8).map(|_| store.ping())).await;
    proxy.fall_silent();
    everything_says_so_within_a_second(&store).await;
    proxy.restore();
    works_again(&store).await;
}

#[tokio::test]
async fn a_server_that_is_gone_is_noticed_within_a_second() {
    let (_cluster, proxy, store) = behind_a_network().await;
    proxy.cut();
    everything_says_so_within_a_second(&store).await;
    proxy.restore();
    works_again(&store).await;
}
