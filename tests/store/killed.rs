//! A process that is killed while it writes a cohort leaves nothing of it.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use chrono::Utc;
use engagecast::store::Location;
use serde_json::json;
use uuid::Uuid;

use super::{Place, assert_same, eventually, new_cohort, open, postgres, read, sqlite};
use crate::support::batches::batch;

on_both!(
    leaves_nothing_of_a_cohort_whose_process_is_killed,
    the_same_cohort_can_be_written_again_after_its_process_was_killed,
);

/// Where the other process finds its database, and the file it makes once it has
/// written something.
const DATABASE: &str = "ENGAGECAST_TEST_KILLED_DATABASE";
const MARK: &str = "ENGAGECAST_TEST_KILLED_MARK";

/// What another process writes, until it is killed in the middle.
const HALF: Uuid = Uuid::from_u128(0x5eed);

/// Has another process write a part of a cohort, and kills it.
fn write_half(place: &Place) {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let database = match place.location() {
        Location::Sqlite { folder } => folder.into_os_string(),
        Location::Postgres { url } => url.into(),
    };
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "store::killed::writer"])
        .env(DATABASE, database)
        .env(MARK, &mark)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while !mark.exists() {
        assert!(process.try_wait().unwrap().is_none(), "it has ended");
        std::thread::sleep(Duration::from_millis(10));
    }
    process.kill().unwrap();
    process.wait().unwrap();
}

async fn the_same_cohort_can_be_written_again_after_its_process_was_killed(place: Place) {
    let store = place.open().await;
    write_half(&place);
    // As a job is done again by whoever takes it over.
    let mut new = new_cohort("whole", 0);
    new.id = HALF;
    let mut writer = store.begin_cohort(&new).await.unwrap();
    writer.write(&batch(0, 300)).await.unwrap();
    writer.finish(json!({})).await.unwrap();
    assert_same(&read(&store, HALF).await, &[batch(0, 300)]);
    assert_eq!(place.number("SELECT count(*) FROM customers").await, 300);
}

async fn leaves_nothing_of_a_cohort_whose_process_is_killed(place: Place) {
    let store = place.open().await;
    write_half(&place);
    assert_eq!(store.latest_cohort().await.unwrap(), None);
    assert_eq!(
        place.number("SELECT count(*) FROM churn_by_tenure").await,
        0
    );
    store.sweep(Utc::now()).await.unwrap();
    assert_eq!(place.number("SELECT count(*) FROM customers").await, 0);
    if let Place::Postgres(_) = place {
        let partitions = "SELECT count(*) FROM pg_class \
                          WHERE relname LIKE 'customers\\_%' AND relkind = 'r'";
        let gone = async || place.number(partitions).await == 0;
        eventually("the partition is gone", gone).await;
    }
    // The next start can do the work.
    let mut writer = store.begin_cohort(&new_cohort("next", 0)).await.unwrap();
    writer.write(&batch(0, 100)).await.unwrap();
    let cohort = writer.finish(json!({})).await.unwrap();
    assert_same(&read(&store, cohort.id).await, &[batch(0, 100)]);
}

/// The other process: not a test, and nothing where it isn't started as one.
#[tokio::test]
#[ignore = "the process that is killed, started by the tests themselves"]
async fn writer() {
    let (Ok(database), Some(mark)) = (std::env::var(DATABASE), std::env::var_os(MARK)) else {
        return;
    };
    let location = if database.starts_with("postgres") {
        postgres(&database)
    } else {
        sqlite(&PathBuf::from(database))
    };
    let store = open(&location).await.unwrap();
    let mut new = new_cohort("half", 0);
    new.id = HALF;
    let mut writer = store.begin_cohort(&new).await.unwrap();
    for i in 0.. {
        writer.write(&batch(i * 1000, 1000)).await.unwrap();
        // By then the first batches are with the database.
        if i == 10 {
            std::fs::write(&mark, "").unwrap();
        }
    }
}
