//! Schema versions: the step from the one before with data in it, and two
//! versions of the program side by side.

use std::borrow::Cow;

use chrono::Utc;
use engagecast::store::{JobKind, NewJob, StoreError};
use serde_json::json;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection, PgConnection, SqlStr, SqliteConnection};
use uuid::Uuid;

use super::{Place, assert_same, model_set, new_cohort, open, postgres, read, store_cohort};
use crate::support::batches::batch;
use crate::support::postgres::Database;

on_both!(
    brings_the_version_before_up_to_date_with_all_its_data,
    works_on_a_newer_schema_that_allows_it,
);

const COHORT: &str = "0198f000-0000-7000-8000-000000000001";

/// Makes the schema of version 1, with a cohort and a model set in it.
async fn version_one(place: &Place) {
    let migration = |text: &'static str| {
        Migrator::with_migrations(vec![Migration::new(
            1,
            Cow::Borrowed("cohorts and models"),
            MigrationType::Simple,
            SqlStr::from_static(text),
            false,
        )])
    };
    match place {
        Place::Postgres(database) => {
            let text = include_str!("../../migrations/postgres/0001_cohorts_and_models.sql");
            let mut client = PgConnection::connect(&database.url).await.unwrap();
            let migrator = migration(text);
            migrator.run_direct(None, &mut client, false).await.unwrap();
            let partition = format!("customers_{}", COHORT.replace('-', ""));
            place
                .execute(&format!(
                    "CREATE TABLE {partition} PARTITION OF customers FOR VALUES IN ('{COHORT}')"
                ))
                .await;
        }
        Place::Sqlite(folder) => {
            let text = include_str!("../../migrations/sqlite/0001_cohorts_and_models.sql");
            let path = folder.path().join("engagecast.sqlite");
            let url = format!("sqlite://{}?mode=rwc", path.display());
            let mut client = SqliteConnection::connect(&url).await.unwrap();
            let migrator = migration(text);
            migrator.run_direct(None, &mut client, false).await.unwrap();
        }
    }
    place
        .execute(&format!(
            "INSERT INTO customers (cohort_id, customer_id, age, is_creator, lifetime_value_usd) \
                 VALUES ('{COHORT}', 'c-1', 30, true, 12.5), ('{COHORT}', 'c-2', NULL, false, NULL); \
             INSERT INTO cohorts (id, name, seed, customers, generator_version, spec, facts, created_at) \
                 VALUES ('{COHORT}', 'old', 17, 2, '1', '{{\"seed\": 17}}', '{{\"of\": \"old\"}}', \
                         '2025-10-21T00:00:00+00:00'); \
             INSERT INTO model_sets (version, cohort_id, created_at) \
                 VALUES ('v1', '{COHORT}', '2025-10-21T00:00:00+00:00'); \
             INSERT INTO models (version, target, artifact, card) VALUES ('v1', 'churn', '', '{{}}'); \
             INSERT INTO active_model_set (only_row, version, activated_at) \
                 VALUES (true, 'v1', '2025-10-21T00:00:00+00:00')"
        ).replace("'churn', ''", match place {
            Place::Postgres(_) => "'churn', '\\x0102'",
            Place::Sqlite(_) => "'churn', x'0102'",
        }))
        .await;
}

async fn brings_the_version_before_up_to_date_with_all_its_data(place: Place) {
    version_one(&place).await;
    let store = place.open().await;
    let old = store.latest_cohort().await.unwrap().unwrap();
    assert_eq!(
        (old.name.as_str(), old.customers, old.seed),
        ("old", 2, Some(17))
    );
    assert_eq!(old.id.to_string(), COHORT);
    assert_eq!(read(&store, old.id).await[0].num_rows(), 2);
    let set = store.active_model_set().await.unwrap().unwrap();
    assert_eq!(
        (set.version.as_str(), set.models[0].artifact.as_slice()),
        ("v1", &[1, 2][..])
    );
    // What is new works on what is old.
    let new = store_cohort(&store, &new_cohort("new", 9_000_000), &[batch(0, 10)]).await;
    let job = NewJob {
        id: Uuid::new_v4(),
        kind: JobKind::Train,
        input: json!({}),
        cohort_id: Some(old.id),
        created_at: Utc::now(),
    };
    store.enqueue_job(&job, None).await.unwrap();
    store
        .save_model_set(&model_set("v2", &[("churn", b"2")]), true)
        .await
        .unwrap();
    let rows = "SELECT customers FROM cohort_overview WHERE name = 'old'";
    assert_eq!(place.number(rows).await, 2);
    assert!(store.delete_cohort(old.id, Utc::now()).await.unwrap());
    assert_same(&read(&store, new.id).await, &[batch(0, 10)]);
}

#[tokio::test]
async fn a_dump_restored_elsewhere_has_everything() {
    let (from, to) = (Database::fresh().await, Database::fresh().await);
    let store = open(&postgres(&from.url)).await.unwrap();
    let cohort = store_cohort(&store, &new_cohort("a", 0), &[batch(0, 300)]).await;
    let other = store_cohort(&store, &new_cohort("b", 1), &[batch(0, 20)]).await;
    let set = model_set("v1", &[("churn", b"1")]);
    store.save_model_set(&set, true).await.unwrap();
    from.move_into(&to);

    let store = open(&postgres(&to.url)).await.unwrap();
    assert_eq!(store.cohort(cohort.id).await.unwrap(), Some(cohort.clone()));
    assert_same(&read(&store, cohort.id).await, &[batch(0, 300)]);
    let active = store.active_model_set().await.unwrap().unwrap();
    assert_eq!(active.models, set.models);
    // It can be gone on with.
    store_cohort(&store, &new_cohort("c", 2), &[batch(0, 10)]).await;
    assert!(store.delete_cohort(other.id, Utc::now()).await.unwrap());
}

async fn works_on_a_newer_schema_that_allows_it(place: Place) {
    place.open().await.close().await;
    let newer = |oldest: i64| {
        format!(
            "DELETE FROM _sqlx_migrations WHERE version = 77; DELETE FROM schema_versions WHERE version = 77; \
             INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 SELECT 77, description, success, checksum, 0 FROM _sqlx_migrations WHERE version = 1; \
             INSERT INTO schema_versions (version, oldest_program) VALUES (77, {oldest})"
        )
    };
    place.execute(&newer(2)).await;
    let store = place.open().await;
    store_cohort(&store, &new_cohort("a", 0), &[batch(0, 10)]).await;
    store.close().await;
    place.execute(&newer(77)).await;
    let error = open(&place.location()).await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { .. }), "{error:?}");
}
