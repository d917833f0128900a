//! What both databases refuse, and say so.

use std::sync::Arc;

use arrow_array::{Array, Float64Array, StringArray, TimestampMicrosecondArray};
use engagecast::schema::{COLUMNS, column};
use engagecast::store::StoreError;
use serde_json::json;

use super::{Place, new_cohort};
use crate::support::batches::{batch, with_column};

on_both!(
    refuses_values_that_a_database_cannot_hold,
    refuses_a_batch_of_other_columns,
    refuses_a_customer_who_stands_twice,
    refuses_a_seed_that_is_too_large,
);

async fn refuses_values_that_a_database_cannot_hold(place: Place) {
    let store = place.open().await;
    let mut writer = store.begin_cohort(&new_cohort("a", 0)).await.unwrap();
    let good = batch(0, 3);
    let moments = |moment| {
        TimestampMicrosecondArray::from(vec![None, Some(moment), None])
            .with_timezone(engagecast::schema::arrow::UTC)
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
