//! Pages: of customers, of cohorts, of model sets.

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use chrono::Utc;
use engagecast::schema::column;
use engagecast::store::{After, Filter, FilterError, StoreError, Wanted};
use uuid::Uuid;

use super::{Place, assert_same, model_set, new_cohort, store_cohort};
use crate::support::batches::batch;

on_both!(
    pages_through_customers_by_their_ids,
    finds_customers_of_a_category,
    lists_cohorts_from_the_newest,
    lists_model_sets_and_tells_which_is_active,
);

const CREATOR: usize = column("is_creator");

fn wanted(filters: &[(&str, &str)], after: Option<&str>, limit: u32) -> Wanted {
    Wanted {
        filters: (filters.iter())
            .map(|(column, value)| Filter::parse(column, value).unwrap())
            .collect(),
        after: after.map(str::to_owned),
        limit,
    }
}

fn ids(batch: &RecordBatch) -> Vec<&str> {
    batch
        .column(0)
        .as_string::<i32>()
        .iter()
        .flatten()
        .collect()
}

async fn pages_through_customers_by_their_ids(place: Place) {
    let store = place.open().await;
    let cohort = store_cohort(&store, &new_cohort("a", 0), &[batch(50, 20), batch(0, 50)]).await;
    store_cohort(&store, &new_cohort("b", 0), &[batch(0, 90)]).await;
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = wanted(&[], after.as_deref(), 30);
        let page = store.customers_page(cohort.id, &page).await.unwrap();
        let Some(last) = ids(&page).last().map(ToString::to_string) else {
            break;
        };
        after = Some(last);
        pages.push(page);
    }
    assert_eq!(pages.len(), 3);
    assert_same(&pages, &[batch(0, 70)]);
    let error = store
        .customers_page(Uuid::new_v4(), &wanted(&[], None, 1))
        .await;
    assert!(matches!(error, Err(StoreError::UnknownCohort(_))));
}

async fn finds_customers_of_a_category(place: Place) {
    let store = place.open().await;
    let cohort = store_cohort(&store, &new_cohort("a", 0), &[batch(0, 500)]).await;
    let tricky = "O'Brien \"Bob\", \\N";
    let all = batch(0, 500);
    let names = all.column(0).as_string::<i32>();
    let places = all.column(column("location")).as_string::<i32>();
    let creators = all.column(CREATOR).as_boolean();
    let mut found = 0;
    for flag in [true, false] {
        let text = flag.to_string();
        let page = wanted(&[("location", tricky), ("is_creator", &text)], None, 500);
        let page = store.customers_page(cohort.id, &page).await.unwrap();
        let fits = |row: &usize| {
            places.is_valid(*row)
                && places.value(*row) == tricky
                && creators.is_valid(*row)
                && creators.value(*row) == flag
        };
        let expected: Vec<_> = (0..500).filter(fits).map(|row| names.value(row)).collect();
        assert_eq!(ids(&page), expected);
        found += expected.len();
    }
    assert!(found > 10);

    let refused = |column, value| Filter::parse(column, value).unwrap_err();
    assert_eq!(refused("no_such", "x"), FilterError::UnknownColumn);
    assert_eq!(refused("age", "20"), FilterError::NotFilterable);
    let error = refused("account_type", "'; DROP TABLE customers").to_string();
    assert!(
        error.contains("Free, Premium") && !error.contains("DROP"),
        "{error}"
    );
    assert!(
        refused("is_creator", "yes")
            .to_string()
            .contains("true, false")
    );
}

async fn lists_cohorts_from_the_newest(place: Place) {
    let store = place.open().await;
    let mut made = Vec::new();
    for second in [3, 1, 4, 1, 5] {
        made.push(store_cohort(&store, &new_cohort("a", second), &[batch(0, 1)]).await);
    }
    made.sort_by_key(|cohort| std::cmp::Reverse((cohort.created_at, cohort.id)));
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = store.cohorts(after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(After {
            at: last.created_at,
            id: last.id,
        });
        found.extend(page);
    }
    assert_eq!(found, made);
}

async fn lists_model_sets_and_tells_which_is_active(place: Place) {
    let store = place.open().await;
    for version in ["v1", "v2", "v3"] {
        let models: [(&str, &[u8]); 2] = [("ltv", b"1"), ("churn", b"2")];
        store
            .save_model_set(&model_set(version, &models), false)
            .await
            .unwrap();
    }
    store.activate_model_set("v2", Utc::now()).await.unwrap();
    assert_eq!(store.active_version().await.unwrap().unwrap(), "v2");
    let page = store.model_sets(None, 2).await.unwrap();
    let seen: Vec<_> = page
        .iter()
        .map(|set| (set.version.as_str(), set.active))
        .collect();
    assert_eq!(seen, [("v3", false), ("v2", true)]);
    assert_eq!(page[0].targets, ["churn", "ltv"]);
    let rest = store
        .model_sets(Some((page[1].created_at, "v2")), 2)
        .await
        .unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].version, "v1");
    let card = store.model_card("v1", "ltv").await.unwrap().unwrap();
    assert_eq!(card["of"][0], "v1");
    assert_eq!(store.model_card("v1", "virality").await.unwrap(), None);
    assert_eq!(store.model_set("v4").await.unwrap(), None);
    assert_eq!(
        store.model_set("v1").await.unwrap().unwrap().models.len(),
        2
    );
}
