//! The table of customers follows the schema, and holds any batch.

use engagecast::schema::{COLUMNS, Kind};
use proptest::test_runner::{Config, TestRunner};
use sqlx::{Connection, PgConnection};

use super::{assert_same, new_cohort, open, postgres, read, sqlite, sqlite_client, store_cohort};
use crate::support::batches::any_batch;
use crate::support::postgres::Database;

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
