//! What the HTTP interface keeps: uploads, rejects, keys, deeds, answers.

use chrono::{DateTime, TimeDelta, Utc};
use engagecast::store::{
    After, ApiKey, AuditEntry, Claim, IdempotentCall, JobKind, NewJob, Reject, StoreError,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Place;

on_both!(
    takes_a_file_in_pieces_and_gives_it_back,
    keeps_what_an_import_set_aside,
    keeps_keys_and_revokes_them,
    lists_deeds_from_the_latest,
    a_call_that_is_sent_twice_is_done_once,
    a_call_whose_process_is_gone_is_done_again,
);

fn moment(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_761_004_800 + second, 0).unwrap()
}

async fn takes_a_file_in_pieces_and_gives_it_back(place: Place) {
    let store = place.open().await;
    let id = Uuid::new_v4();
    let pieces: Vec<Vec<u8>> = (0..4_u8)
        .map(|i| vec![i; 300_000 + usize::from(i)])
        .collect();
    let early = store.append_upload(id, 0, b"x").await;
    assert!(matches!(early, Err(StoreError::UnknownUpload(_))));
    store.begin_upload(id, moment(0)).await.unwrap();
    for (number, piece) in (0..).zip(&pieces) {
        store.append_upload(id, number, piece).await.unwrap();
    }
    assert_eq!(store.upload_bytes(id).await.unwrap(), None, "not complete");
    assert_eq!(store.finish_upload(id).await.unwrap(), 1_200_006);
    assert_eq!(store.upload_bytes(id).await.unwrap(), Some(1_200_006));
    for (number, piece) in (0..).zip(&pieces) {
        assert_eq!(
            store.read_upload(id, number).await.unwrap().as_ref(),
            Some(piece)
        );
    }
    assert_eq!(store.read_upload(id, 4).await.unwrap(), None);
    let late = store.append_upload(id, 4, b"x").await;
    assert!(matches!(late, Err(StoreError::UnknownUpload(_))));
    store.delete_upload(id).await.unwrap();
    assert_eq!(store.read_upload(id, 0).await.unwrap(), None);
    assert_eq!(place.number("SELECT count(*) FROM upload_chunks").await, 0);
}

async fn keeps_what_an_import_set_aside(place: Place) {
    let store = place.open().await;
    let cohort = Uuid::new_v4();
    let rejects: Vec<Reject> = (0..2500)
        .map(|i| Reject {
            line: i + 2,
            column: (i % 2 == 0).then(|| "age".to_owned()),
            code: "out_of_range".into(),
            message: "must be an integer from 13 to 120".into(),
        })
        .collect();
    store.save_rejects(cohort, &rejects[..3]).await.unwrap();
    store.save_rejects(cohort, &rejects).await.unwrap();
    let mut found = Vec::new();
    let mut after = 0;
    loop {
        let page = store.rejects(cohort, after, 999).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        after = *last;
        found.extend(page.into_iter().map(|(_, reject)| reject));
    }
    assert_eq!(found, rejects);
}

fn key(name: &str, hash: u8) -> ApiKey {
    ApiKey {
        id: Uuid::new_v4(),
        name: name.into(),
        scope: "read".into(),
        hash: vec![hash; 32],
        created_at: moment(i64::from(hash)),
        expires_at: Some(moment(1000)),
        revoked_at: None,
        last_used_at: None,
        rate_limit: hash.is_multiple_of(2).then_some(100),
    }
}

async fn keeps_keys_and_revokes_them(place: Place) {
    let store = place.open().await;
    let (one, other) = (key("one", 1), key("other", 2));
    assert!(store.insert_key(&one).await.unwrap());
    assert!(store.insert_key(&other).await.unwrap());
    assert!(!store.insert_key(&key("again", 1)).await.unwrap());
    assert_eq!(store.keys().await.unwrap(), [one.clone(), other.clone()]);

    store
        .touch_keys(&[(one.id, moment(50)), (other.id, moment(60))])
        .await
        .unwrap();
    store.touch_keys(&[(one.id, moment(40))]).await.unwrap();
    assert!(store.revoke_key(one.id, moment(70)).await.unwrap());
    assert!(store.revoke_key(one.id, moment(80)).await.unwrap());
    assert!(!store.revoke_key(Uuid::new_v4(), moment(80)).await.unwrap());
    let found = store.keys().await.unwrap();
    assert_eq!(found[0].last_used_at, Some(moment(50)), "never earlier");
    assert_eq!(
        found[0].revoked_at,
        Some(moment(70)),
        "the first time counts"
    );
    assert_eq!(found[1].revoked_at, None);
}

async fn lists_deeds_from_the_latest(place: Place) {
    let store = place.open().await;
    let entry = |second| AuditEntry {
        id: Uuid::now_v7(),
        at: moment(second),
        key_id: (second % 2 == 0).then(Uuid::new_v4),
        key_name: "ops".into(),
        action: "models.activate".into(),
        object: format!("v{second}"),
        request_id: "r-1".into(),
        status: (second > 0).then_some(202),
    };
    let entries: Vec<_> = (0..3).map(entry).collect();
    for entry in &entries {
        store.append_audit(entry).await.unwrap();
    }
    let page = store.audit(None, 2).await.unwrap();
    assert_eq!(page, [entries[2].clone(), entries[1].clone()]);
    let after = After {
        at: page[1].at,
        id: page[1].id,
    };
    assert_eq!(store.audit(Some(after), 2).await.unwrap(), entries[..1]);
}

const CALL: IdempotentCall = IdempotentCall {
    caller: "key-1",
    key: "once",
    route: "POST /cohorts",
    fingerprint: "abc",
};

fn new_job(input: Value) -> NewJob {
    NewJob {
        id: Uuid::now_v7(),
        kind: JobKind::Generate,
        input,
        cohort_id: None,
        created_at: moment(0),
    }
}

async fn a_call_that_is_sent_twice_is_done_once(place: Place) {
    let store = place.open().await;
    let now = moment(0);
    let claims = (0..8).map(|_| store.claim_idempotency(CALL, now));
    let claims = futures_util::future::join_all(claims).await;
    let first = claims.iter().filter(|c| matches!(c, Ok(Claim::First)));
    assert_eq!(first.count(), 1, "{claims:?}");
    let running = claims.iter().filter(|c| matches!(c, Ok(Claim::Running)));
    assert_eq!(running.count(), 7);

    let answer = json!({"status": 202, "location": "/cohorts/1"});
    // A job that can't be stored leaves the call as it was.
    let job = new_job(json!({"text": "\u{0}"}));
    let stored = store.enqueue_job(&job, Some((CALL, &answer))).await;
    assert!(matches!(stored, Err(StoreError::Unstorable { .. })));
    let job = new_job(json!({}));
    let answered = Some((CALL, &answer));
    store.enqueue_job(&job, answered).await.unwrap();
    // The same again is stored neither as a job nor as an answer.
    let other = json!({"status": 202, "location": "/cohorts/2"});
    let twice = store.enqueue_job(&job, Some((CALL, &other))).await;
    assert!(matches!(twice, Err(StoreError::Failed { .. })), "{twice:?}");
    assert_eq!(store.waiting_jobs().await.unwrap(), 1);
    let again = store.claim_idempotency(CALL, now).await.unwrap();
    assert_eq!(again, Claim::Same(answer.clone()));
    for other in [
        IdempotentCall {
            fingerprint: "abd",
            ..CALL
        },
        IdempotentCall {
            route: "POST /models",
            ..CALL
        },
    ] {
        let claim = store.claim_idempotency(other, now).await.unwrap();
        assert_eq!(claim, Claim::Different);
    }
    let another = IdempotentCall {
        caller: "key-2",
        ..CALL
    };
    assert_eq!(
        store.claim_idempotency(another, now).await.unwrap(),
        Claim::First
    );
    // One that came to nothing may be tried again; one that was answered not.
    store.forget_idempotency(another).await.unwrap();
    assert_eq!(
        store.claim_idempotency(another, now).await.unwrap(),
        Claim::First
    );
    store.forget_idempotency(CALL).await.unwrap();
    let again = store.claim_idempotency(CALL, now).await.unwrap();
    assert_eq!(again, Claim::Same(answer));
    // A day later it is forgotten.
    store.sweep(now + TimeDelta::hours(25)).await.unwrap();
    assert_eq!(
        store.claim_idempotency(CALL, now).await.unwrap(),
        Claim::First
    );
}

async fn a_call_whose_process_is_gone_is_done_again(place: Place) {
    let store = place.open().await;
    assert_eq!(
        store.claim_idempotency(CALL, moment(0)).await.unwrap(),
        Claim::First
    );
    assert_eq!(
        store.claim_idempotency(CALL, moment(60)).await.unwrap(),
        Claim::Running
    );
    let other = IdempotentCall {
        fingerprint: "abd",
        ..CALL
    };
    assert_eq!(
        store.claim_idempotency(other, moment(600)).await.unwrap(),
        Claim::Different
    );
    assert_eq!(
        store.claim_idempotency(CALL, moment(600)).await.unwrap(),
        Claim::First
    );
}
