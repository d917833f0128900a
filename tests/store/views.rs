//! What analysts ask: the views, and the examples of their page.

use engagecast::cohort::Plan;
use engagecast::facts::Facts;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use super::{Place, new_cohort, store_cohort};
use crate::support::postgres::Database;

on_both!(the_views_say_what_the_customers_say);

/// A cohort of the generator.
fn generated(customers: u64) -> Vec<arrow_array::RecordBatch> {
    let plan = Plan::new(customers, 3).unwrap();
    plan.generate(&|_| ()).unwrap().collect()
}

async fn the_views_say_what_the_customers_say(place: Place) {
    let store = place.open().await;
    let batches = generated(1500);
    let mut facts = Facts::default();
    for batch in &batches {
        facts.observe(batch);
    }
    let statistic = |id: &str| {
        let all = facts.statistics();
        all.iter()
            .find(|s| s.id == id)
            .and_then(|s| s.value)
            .unwrap()
    };
    let cohort = store_cohort(&store, &new_cohort("a", 0), &batches).await;
    store_cohort(&store, &new_cohort("empty", 1), &[]).await;

    // In thousandths, since a number is what can be asked for.
    let of = |column: &str, view: &str| {
        format!(
            "SELECT CAST(round(1000 * sum({column})) AS bigint) FROM {view} WHERE cohort_id = '{}'",
            cohort.id
        )
    };
    let churn = place.number(&of("churn_rate_pct", "cohort_overview")).await;
    assert!((churn - thousandths(statistic("churn_rate_pct"))).abs() <= 1);
    let arpu = place.number(&of("arpu_month_usd", "cohort_overview")).await;
    assert!((arpu - thousandths(statistic("arpu_usd"))).abs() <= 1);
    let customers = of("customers", "cohort_overview");
    assert_eq!(place.number(&customers).await, 1_500_000);
    let banded = of("customers", "churn_by_tenure");
    assert_eq!(place.number(&banded).await, 1_500_000);
    let shares = of("share_of_earnings_pct", "creator_earnings");
    assert!((place.number(&shares).await - 100_000).abs() <= 1);
    assert_eq!(
        place.number("SELECT count(*) FROM cohort_overview").await,
        2
    );
    let best = format!(
        "SELECT count(*) FROM creator_earnings a JOIN creator_earnings b USING (cohort_id) \
         WHERE a.earnings_tenth < b.earnings_tenth AND a.least_usd_month < b.most_usd_month \
         AND cohort_id = '{}'",
        cohort.id
    );
    assert_eq!(
        place.number(&best).await,
        0,
        "the best-earning tenth is the first"
    );
}

#[expect(clippy::cast_possible_truncation, reason = "a small number")]
fn thousandths(value: f64) -> i64 {
    (value * 1000.0).round() as i64
}

/// The examples of the page, as they would be pasted.
fn examples() -> Vec<String> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/analysts.md");
    let page = std::fs::read_to_string(page).unwrap();
    let blocks = page.split("```sql").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap())
        // What follows the word on its line is for scripts/check-commands.
        .map(|block| block.split_once('\n').unwrap().1.to_owned())
        .collect()
}

#[tokio::test]
async fn the_examples_for_analysts_work_as_pasted() {
    let database = Database::fresh().await;
    let place = Place::Postgres(database);
    let store = place.open().await;
    store_cohort(&store, &new_cohort("a", 0), &generated(1500)).await;
    let mut set = super::model_set("v1", &[("churn", b"1")]);
    set.models[0].card = serde_json::json!({
        "candidates": [{"name": "forest", "serves": true, "metrics": {"auc": 0.8}},
                       {"name": "baseline", "serves": false, "metrics": {"auc": 0.7}}]
    });
    store.save_model_set(&set, true).await.unwrap();
    let Place::Postgres(database) = &place else {
        unreachable!()
    };
    let mut client = PgConnection::connect(&database.url).await.unwrap();
    let examples = examples();
    let (account, questions) = examples.split_first().unwrap();
    // A role is the server's, not the database's: it is not kept.
    let account =
        format!("BEGIN; {account}; SET ROLE analyst; SELECT count(*) FROM customers; ROLLBACK");
    sqlx::raw_sql(AssertSqlSafe(account))
        .execute(&mut client)
        .await
        .unwrap();
    assert_eq!(questions.len(), 5);
    for question in questions {
        let rows = sqlx::query(AssertSqlSafe(question.clone()))
            .fetch_all(&mut client)
            .await;
        let rows = rows.unwrap_or_else(|e| panic!("{e}: {question}"));
        assert!(!rows.is_empty(), "{question}");
        assert!(rows[0].len() >= 3);
    }
}

#[tokio::test]
async fn every_table_and_view_says_what_it_is_for() {
    let database = Database::fresh().await;
    super::open(&super::postgres(&database.url)).await.unwrap();
    let mut client = PgConnection::connect(&database.url).await.unwrap();
    let silent: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace \
         AND relkind IN ('r', 'p', 'v') AND relname NOT LIKE '\\_sqlx%' \
         AND obj_description(oid) IS NULL",
    )
    .fetch_all(&mut client)
    .await
    .unwrap();
    assert!(silent.is_empty(), "{silent:?}");
}
