//! The store, on both databases.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use arrow_array::{Array, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use chrono::{DateTime, SubsecRound, Utc};
use engagecast::schema::{COLUMNS, Kind, column};
use engagecast::store::{Cohort, Location, NewCohort, NewModelSet, Store, StoreError, StoredModel};
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::batches::{any_batch, batch, with_column};
use crate::support::postgres::{Cluster, Database, with_database};

/// An empty database of either kind, gone when dropped.
enum Place {
    Sqlite(TempDir),
    Postgres(Database),
}

impl Place {
    fn location(&self) -> Location {
        match self {
            Self::Sqlite(folder) => sqlite(folder.path()),
            Self::Postgres(database) => postgres(&database.url),
        }
    }

    async fn open(&self) -> Store {
        open(&self.location()).await.unwrap()
    }

    /// The first column of a query's only row, by a client of its own.
    async fn number(&self, sql: &str) -> i64 {
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

    async fn execute(&self, sql: &str) {
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

/// Runs each of these tests on both databases.
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(super::Place::Sqlite(tempfile::tempdir().unwrap())).await;
                }
            )*
        }
        mod on_postgres {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(super::Place::Postgres(super::Database::fresh().await)).await;
                }
            )*
        }
    };
}

on_both!(
    reads_back_what_was_written_in_its_order,
    reads_a_cohort_of_no_customers,
    keeps_all_that_is_said_of_a_cohort,
    shows_nothing_of_a_cohort_before_it_is_finished,
    leaves_nothing_of_a_cohort_that_is_dropped,
    the_latest_cohort_is_the_most_recent_one,
    keeps_cohorts_apart,
    refuses_values_that_a_database_cannot_hold,
    refuses_a_batch_of_other_columns,
    refuses_a_customer_who_stands_twice,
    refuses_a_seed_that_is_too_large,
    knows_no_customers_of_an_unknown_cohort,
    can_be_read_again_after_a_reader_left_early,
    activates_one_model_set_in_place_of_another,
    a_model_set_that_fails_changes_nothing,
    finds_everything_after_opening_again,
    opens_an_empty_database_from_several_sides_at_once,
    one_at_a_time_holds_the_bootstrap_lock,
    refuses_a_schema_of_a_newer_program,
    refuses_a_schema_that_was_never_released,
    answers_a_ping_until_it_is_closed,
);

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
    assert_eq!(place.number("SELECT count(*) FROM customers").await, 0);
    writer.finish(json!({})).await.unwrap();
    assert!(store.latest_cohort().await.unwrap().is_some());
    assert_eq!(place.number("SELECT count(*) FROM customers").await, 5000);
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
    assert_eq!(place.number("SELECT count(*) FROM customers").await, 0);
    assert_eq!(place.number("SELECT count(*) FROM cohorts").await, 0);
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

async fn refuses_values_that_a_database_cannot_hold(place: Place) {
    let store = place.open().await;
    let mut writer = store.begin_cohort(&new_cohort("a", 0)).await.unwrap();
    let good = batch(0, 3);
    let moments = |moment| {
        TimestampMicrosecondArray::from(vec![None, Some(moment), None]).with_timezone("UTC")
    };
    let numbers = |x| Arc::new(Float64Array::from(vec![None, Some(x), Some(1.0)]));
    let bad: Vec<(&str, Arc<dyn Array>)> = vec![
        (
            "location",
            Arc::new(StringArray::from(vec!["a", "b\0c", "d"])),
        ),
        (
            "customer_id",
            Arc::new(StringArray::from(vec!["a", "\0", "d"])),
        ),
        ("engagement_score", numbers(f64::NAN)),
        ("lifetime_value_usd", numbers(f64::NEG_INFINITY)),
        ("data_generated_at", Arc::new(moments(i64::MAX))),
        (
            "data_generated_at",
            Arc::new(moments(253_402_300_800_000_000)),
        ),
        (
            "data_generated_at",
            Arc::new(moments(-62_135_596_800_000_001)),
        ),
    ];
    for (name, values) in bad {
        let bad = with_column(&good, engagecast::schema::find(name).unwrap(), values);
        let error = writer.write(&bad).await.unwrap_err();
        assert!(matches!(error, StoreError::Unstorable { .. }), "{error:?}");
        assert!(error.to_string().contains(name), "{error}");
    }
    // None of it was sent: the cohort can go on.
    writer.write(&good).await.unwrap();
    assert_eq!(writer.finish(json!({})).await.unwrap().customers, 3);

    let mut new = new_cohort("b\0", 0);
    let error = store.begin_cohort(&new).await.unwrap_err();
    assert!(error.to_string().contains("the cohort's name"), "{error}");
    new.name = "b".into();
    let writer = store.begin_cohort(&new).await.unwrap();
    let error = writer.finish(json!({"a": ["b\0"]})).await.unwrap_err();
    assert!(error.to_string().contains("the cohort's facts"), "{error}");
}

async fn refuses_a_batch_of_other_columns(place: Place) {
    let store = place.open().await;
    let mut writer = store.begin_cohort(&new_cohort("a", 0)).await.unwrap();
    let fewer = batch(0, 3).project(&[0, 1, 2]).unwrap();
    let error = writer.write(&fewer).await.unwrap_err();
    assert!(error.to_string().contains("72"), "{error}");
    let mut swapped: Vec<_> = (0..COLUMNS.len()).collect();
    swapped.swap(column("posts_last_30_days"), column("comments_posted_week"));
    let swapped = batch(0, 3).project(&swapped).unwrap();
    assert!(writer.write(&swapped).await.is_err());
}

async fn refuses_a_customer_who_stands_twice(place: Place) {
    let store = place.open().await;
    let new = new_cohort("a", 0);
    let mut writer = store.begin_cohort(&new).await.unwrap();
    writer.write(&batch(0, 20)).await.unwrap();
    // SQLite may say so at once, Postgres says so at the end.
    let error = match writer.write(&batch(19, 20)).await {
        Ok(()) => writer.finish(json!({})).await.unwrap_err(),
        Err(error) => error,
    };
    assert!(matches!(error, StoreError::DuplicateCustomer), "{error:?}");
    assert_eq!(store.cohort(new.id).await.unwrap(), None);
    assert_eq!(place.number("SELECT count(*) FROM customers").await, 0);
}

async fn refuses_a_seed_that_is_too_large(place: Place) {
    let store = place.open().await;
    let mut new = new_cohort("a", 0);
    new.seed = Some(1 << 63);
    let error = store.begin_cohort(&new).await.unwrap_err();
    assert!(error.to_string().contains("the seed"), "{error}");
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

fn model_set(version: &str, models: &[(&str, &[u8])]) -> NewModelSet {
    NewModelSet {
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

async fn activates_one_model_set_in_place_of_another(place: Place) {
    let store = place.open().await;
    let active = async || store.active_model_set().await.unwrap();
    assert_eq!(active().await, None);

    let large: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
    let first = model_set("v1", &[("churn", &large), ("ltv", b"\0\xff")]);
    store.save_model_set(&first, false).await.unwrap();
    assert_eq!(active().await, None, "saving alone activates nothing");

    store.activate_model_set("v1", Utc::now()).await.unwrap();
    let found = active().await.unwrap();
    assert_eq!(found.version, "v1");
    assert_eq!(found.cohort_id, first.cohort_id);
    assert_eq!(found.created_at, first.created_at.trunc_subsecs(6));
    assert_eq!(found.models, first.models);

    let second = model_set("v2", &[("engagement", b"e")]);
    store.save_model_set(&second, true).await.unwrap();
    assert_eq!(active().await.unwrap().models, second.models);
    assert_eq!(
        place.number("SELECT count(*) FROM active_model_set").await,
        1
    );

    store.activate_model_set("v1", Utc::now()).await.unwrap();
    assert_eq!(active().await.unwrap().version, "v1");

    let error = store
        .activate_model_set("v3", Utc::now())
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::UnknownModelSet(_)), "{error:?}");
    assert_eq!(active().await.unwrap().version, "v1");
}

async fn a_model_set_that_fails_changes_nothing(place: Place) {
    let store = place.open().await;
    let first = model_set("v1", &[("churn", b"1")]);
    store.save_model_set(&first, true).await.unwrap();
    let again = model_set("v1", &[("ltv", b"2")]);
    let error = store.save_model_set(&again, true).await.unwrap_err();
    assert!(
        matches!(error, StoreError::DuplicateModelSet(_)),
        "{error:?}"
    );
    let twice = model_set("v2", &[("ltv", b"2"), ("ltv", b"3")]);
    assert!(store.save_model_set(&twice, true).await.is_err());
    assert!(
        store
            .save_model_set(&model_set("v3", &[]), true)
            .await
            .is_err()
    );
    let found = store.active_model_set().await.unwrap().unwrap();
    assert_eq!(found.models, first.models);
    assert_eq!(place.number("SELECT count(*) FROM model_sets").await, 1);
}

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
    let lock = one.bootstrap_lock().await.unwrap();
    assert!(other.try_bootstrap_lock().await.unwrap().is_none());
    let waiting = tokio::spawn(async move { other.bootstrap_lock().await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished());
    drop(lock);
    let lock = waiting.await.unwrap().unwrap();
    assert!(one.try_bootstrap_lock().await.unwrap().is_none());
    lock.release().await;
    assert!(one.try_bootstrap_lock().await.unwrap().is_some());
}

async fn refuses_a_schema_of_a_newer_program(place: Place) {
    place.open().await.close().await;
    place
        .execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             SELECT 99, description, success, checksum, 0 FROM _sqlx_migrations",
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

#[tokio::test]
async fn the_postgres_table_follows_the_schema() {
    let database = Database::fresh().await;
    open(&postgres(&database.url)).await.unwrap();
    let mut client = PgConnection::connect(&database.url).await.unwrap();
    let found: Vec<(String, String, bool, Option<String>)> = sqlx::query_as(
        "SELECT attname::text, format_type(atttypid, atttypmod), attnotnull, \
                col_description(attrelid, attnum) \
         FROM pg_attribute WHERE attrelid = 'customers'::regclass AND attnum > 0 \
         ORDER BY attnum",
    )
    .fetch_all(&mut client)
    .await
    .unwrap();
    assert_eq!(found[0].0, "cohort_id");
    assert_eq!(found[0].1, "uuid");
    assert_eq!(found.len(), 1 + COLUMNS.len());
    for (found, column) in found[1..].iter().zip(&COLUMNS) {
        let sql_type = match column.kind {
            Kind::Id | Kind::Category(_) | Kind::OpenCategory(_) => "text",
            Kind::Integer => "integer",
            Kind::BigInteger => "bigint",
            Kind::Decimal(_) => "double precision",
            Kind::Flag => "boolean",
            Kind::Timestamp => "timestamp with time zone",
        };
        let comment = match column.unit {
            "" => column.meaning.to_owned(),
            unit => format!("{} ({unit})", column.meaning),
        };
        let required = column.kind == Kind::Id;
        let expected = (column.name.into(), sql_type.into(), required, Some(comment));
        assert_eq!(*found, expected);
    }
}

#[tokio::test]
async fn the_sqlite_table_follows_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    open(&sqlite(folder.path())).await.unwrap();
    let mut client = sqlite_client(folder.path()).await;
    let found: Vec<(String, String, bool)> =
        sqlx::query_as("SELECT name, type, \"notnull\" FROM pragma_table_info('customers')")
            .fetch_all(&mut client)
            .await
            .unwrap();
    assert_eq!(found[0], ("cohort_id".into(), "TEXT".into(), true));
    assert_eq!(found.len(), 1 + COLUMNS.len());
    for (found, column) in found[1..].iter().zip(&COLUMNS) {
        let sql_type = match column.kind {
            Kind::Decimal(_) => "REAL",
            Kind::Integer | Kind::BigInteger | Kind::Flag => "INTEGER",
            _ => "TEXT",
        };
        let expected = (column.name.into(), sql_type.into(), column.kind == Kind::Id);
        assert_eq!(*found, expected);
    }
    let text: String = sqlx::query_scalar("SELECT sql FROM sqlite_schema WHERE name = 'customers'")
        .fetch_one(&mut client)
        .await
        .unwrap();
    for column in &COLUMNS {
        assert!(text.contains(column.meaning), "{}", column.name);
    }
}

#[test]
fn any_batch_survives_both_databases() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (database, stores) = runtime.block_on(async {
        let database = Database::fresh().await;
        let postgres = open(&postgres(&database.url)).await.unwrap();
        let sqlite = open(&sqlite(folder.path())).await.unwrap();
        (database, [postgres, sqlite])
    });
    let config = Config {
        cases: 24,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&any_batch(), |batch| {
            runtime.block_on(async {
                for store in &stores {
                    let written = std::slice::from_ref(&batch);
                    let cohort = store_cohort(store, &new_cohort("any", 0), written).await;
                    let read = read(store, cohort.id).await;
                    if batch.num_rows() > 0 {
                        assert_same(&read, written);
                    }
                }
            });
            Ok(())
        })
        .unwrap();
    drop(database);
}

mod of_postgres {
    use super::*;

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
}

mod of_sqlite {
    use super::*;

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
}
