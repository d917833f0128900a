//! The store, on both databases.

use std::path::Path;
use std::time::Duration;

use arrow_array::RecordBatch;
use chrono::DateTime;
use engagecast::schema::COLUMNS;
use engagecast::store::{
    Cohort, Location, NewCohort, Store, StoreError, StoredModel, StoredModelSet,
};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::postgres::Database;

/// Runs each of these tests on both databases.
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(crate::store::Place::Sqlite(tempfile::tempdir().unwrap())).await;
                }
            )*
        }
        mod on_postgres {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(crate::store::Place::Postgres(crate::support::postgres::Database::fresh().await)).await;
                }
            )*
        }
    };
}

pub(crate) use on_both;

mod away;
mod cohorts;
mod deleting;
mod jobs;
mod killed;
mod model_sets;
mod network;
mod opening;
mod pages;
mod postgres;
mod refusals;
mod sqlite;
mod tables;
mod upgrading;
mod views;

/// An empty database of either kind, gone when dropped.
pub(crate) enum Place {
    Sqlite(TempDir),
    Postgres(Database),
}

impl Place {
    pub(crate) fn location(&self) -> Location {
        match self {
            Self::Sqlite(folder) => sqlite(folder.path()),
            Self::Postgres(database) => postgres(&database.url),
        }
    }

    pub(crate) async fn open(&self) -> Store {
        open(&self.location()).await.unwrap()
    }

    /// The first column of a query's only row, by a client of its own.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let sql = AssertSqlSafe(sql);
        match self {
            Self::Sqlite(folder) => {
                let mut client = sqlite_client(folder.path()).await;
                sqlx::query_scalar(sql).fetch_one(&mut client).await
            }
            Self::Postgres(database) => {
                let mut client = PgConnection::connect(&database.url).await.unwrap();
                sqlx::query_scalar(sql).fetch_one(&mut client).await
            }
        }
        .unwrap()
    }

    pub(crate) async fn execute(&self, sql: &str) {
        let sql = AssertSqlSafe(sql);
        match self {
            Self::Sqlite(folder) => {
                let mut client = sqlite_client(folder.path()).await;
                sqlx::raw_sql(sql).execute(&mut client).await.unwrap();
            }
            Self::Postgres(database) => {
                let mut client = PgConnection::connect(&database.url).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut client).await.unwrap();
            }
        }
    }
}

fn sqlite(folder: &Path) -> Location {
    Location::Sqlite {
        folder: folder.to_owned(),
    }
}

fn postgres(url: &str) -> Location {
    Location::Postgres {
        url: url.to_owned(),
    }
}

async fn sqlite_client(folder: &Path) -> SqliteConnection {
    let path = folder.join("engagecast.sqlite");
    SqliteConnection::connect(path.to_str().unwrap())
        .await
        .unwrap()
}

async fn open(location: &Location) -> Result<Store, StoreError> {
    Store::open(location, Duration::ZERO, &|_| ()).await
}

fn new_cohort(name: &str, second: i64) -> NewCohort {
    NewCohort {
        id: Uuid::new_v4(),
        name: name.to_owned(),
        seed: Some(17),
        generator_version: "1.0".into(),
        spec: json!({"customers": 3, "nested": [1.5, null, "ü"]}),
        created_at: DateTime::from_timestamp(1_761_004_800 + second, 123_456_789).unwrap(),
    }
}

async fn store_cohort(store: &Store, new: &NewCohort, batches: &[RecordBatch]) -> Cohort {
    let mut writer = store.begin_cohort(new).await.unwrap();
    for batch in batches {
        writer.write(batch).await.unwrap();
    }
    writer.finish(json!({"of": new.name})).await.unwrap()
}

async fn read(store: &Store, cohort: Uuid) -> Vec<RecordBatch> {
    let mut customers = store.customers(cohort).await.unwrap();
    let mut batches = Vec::new();
    while let Some(batch) = customers.next().await {
        batches.push(batch.unwrap());
    }
    batches
}

fn model_set(version: &str, models: &[(&str, &[u8])]) -> StoredModelSet {
    StoredModelSet {
        version: version.to_owned(),
        cohort_id: Some(Uuid::from_u128(7)),
        created_at: DateTime::from_timestamp(1_761_004_800, 123_456_789).unwrap(),
        models: models
            .iter()
            .map(|(target, artifact)| StoredModel {
                target: (*target).to_owned(),
                artifact: artifact.to_vec(),
                card: json!({"target": target, "auc": 0.25, "of": [version]}),
            })
            .collect(),
    }
}

/// Waits for what another task or process does a moment later.
async fn eventually<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    for _ in 0..200 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{what}: not within five seconds");
}

fn assert_same(read: &[RecordBatch], written: &[RecordBatch]) {
    let join = |batches: &[RecordBatch]| {
        arrow_select::concat::concat_batches(&batches[0].schema(), batches).unwrap()
    };
    let (read, written) = (join(read), join(written));
    assert_eq!(read.num_rows(), written.num_rows());
    for (i, column) in COLUMNS.iter().enumerate() {
        assert_eq!(read.column(i), written.column(i), "{}", column.name);
    }
}
