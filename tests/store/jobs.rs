//! Jobs as rows: one owner at a time, and nothing is lost.

use chrono::{SubsecRound, Utc};
use engagecast::store::{
    After, Heart, Job, JobEnding, JobKind, JobOutcome, JobState, NewJob, Store, StoreError,
};
use serde_json::json;
use uuid::Uuid;

use super::{Place, model_set, new_cohort, read};
use crate::support::batches::batch;

on_both!(
    keeps_all_that_is_said_of_a_job,
    the_oldest_job_is_taken_first_and_by_one_owner,
    an_owner_hears_that_its_job_is_cancelled,
    a_job_that_is_given_back_is_taken_again,
    a_job_is_taken_over_where_its_heartbeat_stands_still,
    lists_jobs_from_the_newest,
    a_cohort_and_the_end_of_its_job_become_visible_together,
    a_cohort_of_a_job_that_was_lost_is_not_stored,
    a_cohort_whose_job_was_asked_to_stop_at_its_end_is_not_stored,
    a_model_set_and_the_end_of_its_job_become_visible_together,
);

fn new_job(second: i64) -> NewJob {
    NewJob {
        id: Uuid::now_v7(),
        kind: JobKind::Train,
        input: json!({"targets": ["churn"], "ü": null}),
        cohort_id: Some(Uuid::from_u128(9)),
        created_at: chrono::DateTime::from_timestamp(1_761_004_800 + second, 123_456_789).unwrap(),
    }
}

async fn enqueued(store: &Store, second: i64) -> Job {
    let new = new_job(second);
    store.enqueue_job(&new, None).await.unwrap();
    new.queued()
}

async fn claimed(store: &Store, owner: Uuid) -> Option<Uuid> {
    let job = store.claim_job(owner, Utc::now()).await.unwrap();
    job.map(|job| job.id)
}

async fn state(store: &Store, job: Uuid) -> JobState {
    store.job(job).await.unwrap().unwrap().state
}

async fn keeps_all_that_is_said_of_a_job(place: Place) {
    let store = place.open().await;
    let new = new_job(0);
    store.enqueue_job(&new, None).await.unwrap();
    let job = new.queued();
    assert_eq!(job.created_at, new.created_at.trunc_subsecs(6));
    assert_eq!(store.job(new.id).await.unwrap(), Some(job.clone()));
    assert_eq!(store.waiting_jobs().await.unwrap(), 1);
    assert_eq!(job.input, new.input);
    assert_eq!((job.kind, job.cohort_id), (new.kind, new.cohort_id));
    assert_eq!(store.job(Uuid::new_v4()).await.unwrap(), None);

    let owner = Uuid::new_v4();
    let now = Utc::now().trunc_subsecs(6);
    let running = store.claim_job(owner, now).await.unwrap().unwrap();
    assert_eq!((running.state, running.attempts), (JobState::Running, 1));
    assert_eq!(running.started_at, Some(now));
    let heart = store.heartbeat(job.id, owner, now, "training", 0.25).await;
    assert_eq!(heart.unwrap(), Heart::Kept);
    let running = store.job(job.id).await.unwrap().unwrap();
    assert_eq!(
        (running.phase.as_str(), running.progress),
        ("training", 0.25)
    );

    let problem = json!({"code": "untrainable", "detail": "…"});
    let outcome = JobOutcome::Failed(problem.clone());
    store
        .finish_job(job.id, owner, &outcome, now)
        .await
        .unwrap();
    let failed = store.job(job.id).await.unwrap().unwrap();
    assert_eq!(
        (failed.state, failed.problem),
        (JobState::Failed, Some(problem))
    );
    assert_eq!(failed.finished_at, Some(now));
    assert_eq!(store.job_counts().await.unwrap(), [(JobState::Failed, 1)]);
}

async fn the_oldest_job_is_taken_first_and_by_one_owner(place: Place) {
    let store = place.open().await;
    let (late, early) = (enqueued(&store, 5).await, enqueued(&store, 1).await);
    let (one, other) = (Uuid::new_v4(), Uuid::new_v4());
    assert_eq!(claimed(&store, one).await, Some(early.id));
    assert_eq!(claimed(&store, other).await, Some(late.id));
    assert_eq!(claimed(&store, other).await, None);
    // What is another's can't be touched.
    let heart = store.heartbeat(early.id, other, Utc::now(), "", 0.0).await;
    assert_eq!(heart.unwrap(), Heart::Lost);
    let refused = store.release_job(early.id, other, Utc::now()).await;
    assert!(matches!(refused, Err(StoreError::LostJob(_))));
    // Many at once: each job goes to one.
    for second in 10..20 {
        enqueued(&store, second).await;
    }
    let claims = (0..20).map(|_| claimed(&store, Uuid::new_v4()));
    let mut got: Vec<_> = futures_util::future::join_all(claims)
        .await
        .into_iter()
        .flatten()
        .collect();
    got.sort();
    got.dedup();
    let left = async { while claimed(&store, one).await.is_some() {} };
    left.await;
    assert!(got.len() > 1, "{got:?}");
    assert_eq!(
        place
            .number("SELECT CAST(max(attempts) AS bigint) FROM jobs")
            .await,
        1
    );
}

async fn an_owner_hears_that_its_job_is_cancelled(place: Place) {
    let store = place.open().await;
    let job = enqueued(&store, 0).await.id;
    let owner = Uuid::new_v4();
    claimed(&store, owner).await;
    let told = store.cancel_job(job, Utc::now()).await.unwrap().unwrap();
    assert_eq!(
        (told.state, told.cancel_requested),
        (JobState::Running, true)
    );
    let heart = store.heartbeat(job, owner, Utc::now(), "", 0.0).await;
    assert_eq!(heart.unwrap(), Heart::Cancelled);
    // Given back instead, it is as good as cancelled.
    store.release_job(job, owner, Utc::now()).await.unwrap();
    assert_eq!(state(&store, job).await, JobState::Cancelled);
    assert_eq!(claimed(&store, owner).await, None);
    let after = store.cancel_job(job, Utc::now()).await.unwrap().unwrap();
    assert_eq!(after.state, JobState::Cancelled);
}

async fn a_job_that_is_given_back_is_taken_again(place: Place) {
    let store = place.open().await;
    let job = enqueued(&store, 0).await.id;
    let (one, other) = (Uuid::new_v4(), Uuid::new_v4());
    claimed(&store, one).await;
    store.release_job(job, one, Utc::now()).await.unwrap();
    assert_eq!(claimed(&store, other).await, Some(job));
    let job = store.job(job).await.unwrap().unwrap();
    assert_eq!(job.attempts, 1, "giving back is not held against it");
}

async fn a_job_is_taken_over_where_its_heartbeat_stands_still(place: Place) {
    let store = place.open().await;
    let job = enqueued(&store, 0).await.id;
    let (one, other) = (Uuid::new_v4(), Uuid::new_v4());
    claimed(&store, one).await;
    let seen = store.beats().await.unwrap()[0];
    assert_eq!((seen.job, seen.owner), (job, one));
    // It has moved since it was looked at.
    store
        .heartbeat(job, one, Utc::now(), "", 0.0)
        .await
        .unwrap();
    let taken = store.take_over_job(seen, other, Utc::now()).await.unwrap();
    assert_eq!(taken, None);
    let seen = store.beats().await.unwrap()[0];
    let taken = store.take_over_job(seen, other, Utc::now()).await.unwrap();
    assert_eq!(taken.unwrap().attempts, 2);
    let heart = store.heartbeat(job, one, Utc::now(), "", 0.0).await;
    assert_eq!(heart.unwrap(), Heart::Lost);
}

async fn lists_jobs_from_the_newest(place: Place) {
    let store = place.open().await;
    let mut jobs = Vec::new();
    for second in 0..5 {
        jobs.push(enqueued(&store, second).await);
    }
    jobs.reverse();
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = store.jobs(after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(After {
            at: last.created_at,
            id: last.id,
        });
        found.extend(page);
    }
    assert_eq!(found, jobs);
}

fn ending(job: Uuid, owner: Uuid) -> JobEnding {
    JobEnding {
        job,
        owner,
        result: json!({"customers": 100}),
        at: Utc::now(),
    }
}

async fn a_cohort_and_the_end_of_its_job_become_visible_together(place: Place) {
    let store = place.open().await;
    let job = enqueued(&store, 0).await.id;
    let owner = Uuid::new_v4();
    claimed(&store, owner).await;
    let new = new_cohort("a", 0);
    let mut writer = store.begin_cohort(&new).await.unwrap();
    writer.write(&batch(0, 100)).await.unwrap();
    assert_eq!(state(&store, job).await, JobState::Running);
    let cohort = writer
        .finish_job(json!({}), Vec::new(), ending(job, owner))
        .await
        .unwrap();
    assert_eq!(cohort.customers, 100);
    let done = store.job(job).await.unwrap().unwrap();
    assert_eq!(done.state, JobState::Complete);
    assert_eq!(done.result, Some(json!({"customers": 100})));
}

async fn a_cohort_of_a_job_that_was_lost_is_not_stored(place: Place) {
    let store = place.open().await;
    let job = enqueued(&store, 0).await.id;
    let (one, other) = (Uuid::new_v4(), Uuid::new_v4());
    claimed(&store, one).await;
    let seen = store.beats().await.unwrap()[0];
    store.take_over_job(seen, other, Utc::now()).await.unwrap();

    let new = new_cohort("a", 0);
    let mut writer = store.begin_cohort(&new).await.unwrap();
    writer.write(&batch(0, 100)).await.unwrap();
    let late = writer
        .finish_job(json!({}), Vec::new(), ending(job, one))
        .await;
    assert!(
        matches!(late, Err(StoreError::LostJob(id)) if id == job),
        "{late:?}"
    );
    assert_eq!(store.cohort(new.id).await.unwrap(), None);
    assert_eq!(place.number("SELECT count(*) FROM customers").await, 0);

    let mut writer = store.begin_cohort(&new).await.unwrap();
    writer.write(&batch(0, 100)).await.unwrap();
    let done = writer.finish_job(json!({}), Vec::new(), ending(job, other));
    done.await.unwrap();
    assert_eq!(read(&store, new.id).await[0].num_rows(), 100);
}

async fn a_cohort_whose_job_was_asked_to_stop_at_its_end_is_not_stored(place: Place) {
    let store = place.open().await;
    let job = enqueued(&store, 0).await.id;
    let owner = Uuid::new_v4();
    claimed(&store, owner).await;
    // After the owner's last heartbeat: it does not know, and ends its job. Not
    // amid the load, which on SQLite keeps all other changes waiting.
    store.cancel_job(job, Utc::now()).await.unwrap();
    let new = new_cohort("a", 0);
    let mut writer = store.begin_cohort(&new).await.unwrap();
    writer.write(&batch(0, 100)).await.unwrap();
    let late = writer
        .finish_job(json!({}), Vec::new(), ending(job, owner))
        .await;
    assert!(
        matches!(late, Err(StoreError::LostJob(id)) if id == job),
        "{late:?}"
    );
    assert_eq!(store.cohort(new.id).await.unwrap(), None);
    let outcome = JobOutcome::Cancelled;
    let ended = store.finish_job(job, owner, &outcome, Utc::now()).await;
    ended.unwrap();
    assert_eq!(state(&store, job).await, JobState::Cancelled);
}

async fn a_model_set_and_the_end_of_its_job_become_visible_together(place: Place) {
    let store = place.open().await;
    let job = enqueued(&store, 0).await.id;
    let owner = Uuid::new_v4();
    claimed(&store, owner).await;
    let set = model_set("v1", &[("churn", b"1")]);
    let others = ending(job, Uuid::new_v4());
    let late = store.save_model_set_of_job(&set, &others).await;
    assert!(matches!(late, Err(StoreError::LostJob(_))));
    assert_eq!(store.model_set("v1").await.unwrap(), None);
    let own = ending(job, owner);
    store.save_model_set_of_job(&set, &own).await.unwrap();
    assert_eq!(state(&store, job).await, JobState::Complete);
    assert_eq!(store.active_version().await.unwrap(), None);
    assert_eq!(
        store.model_set("v1").await.unwrap().unwrap().models,
        set.models
    );
}
