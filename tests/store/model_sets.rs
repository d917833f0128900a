//! Model sets: whole or not at all, one of them active.

use chrono::{SubsecRound, Utc};
use engagecast::store::StoreError;

use super::{Place, model_set};

on_both!(
    activates_one_model_set_in_place_of_another,
    a_model_set_that_fails_changes_nothing,
);

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
