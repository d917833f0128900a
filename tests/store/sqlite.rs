//! What only SQLite has: a file, and a folder that it is in.

use std::time::{Duration, Instant};

use chrono::Utc;
use engagecast::store::{Claim, IdempotentCall, StoreError};
use serde_json::json;

use super::{Place, assert_same, new_cohort, open, read, sqlite, store_cohort};
use crate::support::batches::batch;

fn one_line(error: &StoreError) -> String {
    let text = error.to_string();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[tokio::test]
async fn a_damaged_file_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("engagecast.sqlite");
    std::fs::write(&path, "this is no database ".repeat(500)).unwrap();
    let error = open(&sqlite(folder.path())).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    let text = one_line(&error);
    assert!(text.contains(path.to_str().unwrap()), "{text}");
    assert!(text.contains("backup"), "{text}");
}

#[tokio::test]
async fn a_file_that_is_cut_off_is_named_once_it_is_read() {
    let place = Place::Sqlite(tempfile::tempdir().unwrap());
    let store = place.open().await;
    let cohort = store_cohort(&store, &new_cohort("a", 0), &[batch(0, 2000)]).await;
    store.close().await;
    let Place::Sqlite(folder) = &place else {
        unreachable!()
    };
    let path = folder.path().join("engagecast.sqlite");
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    let found = async {
        let store = open(&place.location()).await?;
        let mut customers = store.customers(cohort.id).await?;
        while let Some(batch) = customers.next().await {
            batch?;
        }
        Ok::<_, StoreError>(())
    };
    let error = found.await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    for under in [file.clone(), file.join("data")] {
        let error = open(&sqlite(&under)).await.unwrap_err();
        assert!(matches!(error, StoreError::Folder { .. }), "{error:?}");
        assert!(one_line(&error).contains(under.to_str().unwrap()));
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("engagecast.sqlite");
    std::fs::create_dir(&path).unwrap();
    let error = open(&sqlite(folder.path())).await.unwrap_err();
    assert!(matches!(error, StoreError::Access { .. }), "{error:?}");
    assert!(one_line(&error).contains(path.to_str().unwrap()));
}

#[tokio::test]
async fn can_be_read_by_another_process_while_a_cohort_is_written() {
    let place = Place::Sqlite(tempfile::tempdir().unwrap());
    let (store, other) = (place.open().await, place.open().await);
    let old = store_cohort(&store, &new_cohort("old", 0), &[batch(0, 100)]).await;
    let mut writer = store.begin_cohort(&new_cohort("new", 1)).await.unwrap();
    writer.write(&batch(0, 5000)).await.unwrap();
    let third = place.open().await;
    for store in [&other, &third] {
        assert_eq!(store.latest_cohort().await.unwrap(), Some(old.clone()));
        assert_same(&read(store, old.id).await, &[batch(0, 100)]);
    }
    writer.finish(json!({})).await.unwrap();
    assert_eq!(other.latest_cohort().await.unwrap().unwrap().name, "new");
}

#[tokio::test]
async fn small_writes_find_their_turn_while_a_large_cohort_is_written() {
    let place = Place::Sqlite(tempfile::tempdir().unwrap());
    let store = place.open().await;
    let writing = tokio::spawn({
        let store = store.clone();
        async move {
            let mut writer = store.begin_cohort(&new_cohort("large", 0)).await.unwrap();
            for i in 0..60 {
                writer.write(&batch(i * 1000, 1000)).await.unwrap();
            }
            writer.finish(json!({})).await.unwrap()
        }
    });
    let mut slowest = Duration::ZERO;
    let mut written = 0;
    while !writing.is_finished() {
        let begun = Instant::now();
        let key = written.to_string();
        let call = IdempotentCall {
            caller: "",
            key: &key,
            route: "",
            fingerprint: "",
        };
        let claim = store.claim_idempotency(call, Utc::now()).await.unwrap();
        assert_eq!(claim, Claim::First);
        slowest = slowest.max(begun.elapsed());
        written += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let cohort = writing.await.unwrap();
    assert_eq!(cohort.customers, 60_000);
    assert!(written > 10, "{written}");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
}

#[tokio::test]
async fn two_cohorts_are_written_at_once() {
    let place = Place::Sqlite(tempfile::tempdir().unwrap());
    let (store, other) = (place.open().await, place.open().await);
    let mut one = store.begin_cohort(&new_cohort("one", 0)).await.unwrap();
    let mut two = other.begin_cohort(&new_cohort("two", 1)).await.unwrap();
    for i in 0..3 {
        one.write(&batch(i * 3000, 3000)).await.unwrap();
        two.write(&batch(i * 3000, 3000)).await.unwrap();
    }
    let (one, two) = (one.finish(json!({})).await, two.finish(json!({})).await);
    for cohort in [one.unwrap(), two.unwrap()] {
        let whole: Vec<_> = (0..3).map(|i| batch(i * 3000, 3000)).collect();
        assert_same(&read(&store, cohort.id).await, &whole);
    }
}

#[tokio::test]
async fn a_cohort_that_is_there_is_not_written_again() {
    let place = Place::Sqlite(tempfile::tempdir().unwrap());
    let store = place.open().await;
    let new = new_cohort("a", 0);
    store_cohort(&store, &new, &[batch(0, 20)]).await;
    let error = store.begin_cohort(&new).await.unwrap_err();
    assert!(error.to_string().contains("there already"), "{error}");
    assert_same(&read(&store, new.id).await, &[batch(0, 20)]);
}

#[tokio::test]
async fn a_person_can_read_ids_and_moments() {
    let place = Place::Sqlite(tempfile::tempdir().unwrap());
    let store = place.open().await;
    let cohort = store_cohort(&store, &new_cohort("a", 0), &[batch(0, 20)]).await;
    let sql = format!(
        "SELECT count(*) FROM customers WHERE cohort_id = '{}' \
         AND data_generated_at = '2025-10-21T00:00:00.123456+00:00'",
        cohort.id
    );
    assert!(place.number(&sql).await > 0);
}
