//! Models of a small cohort, trained once for all tests that ask them.

use std::sync::LazyLock;

use arrow_array::RecordBatch;
use chrono::{DateTime, Utc};
use engagecast::features::{Profile, profiles};
use engagecast::models::{Lesson, Model, ModelSet, Source, Target, TrainError, Watch};
use uuid::Uuid;

use super::cohort::cohort;

/// How many customers the models learnt from.
pub const CUSTOMERS: usize = 2000;

pub const SEED: u64 = 5;

/// The models that most tests ask, trained once.
pub static MODELS: LazyLock<ModelSet> = LazyLock::new(|| {
    let cohort = cohort(CUSTOMERS, 1);
    let source = source();
    let lesson = Lesson::new(&cohort, &source, moment());
    let trained = lesson.train_all(Target::ALL, &Watch::NOBODY);
    let trained = trained.expect("the cohort can be learnt");
    assert_eq!(trained.left_out, []);
    ModelSet::new(Some(Uuid::nil()), moment(), trained.models)
});

pub fn trained(cohort: &[RecordBatch], target: Target) -> Result<Model, TrainError> {
    Lesson::new(cohort, &source(), moment()).train(target, &Watch::NOBODY)
}

pub fn source() -> Source {
    Source {
        cohort_id: Some(Uuid::nil()),
        cohort_name: "test".into(),
        customers: CUSTOMERS as u64,
        generator_version: Some("none".into()),
        seed: Some(SEED),
    }
}

pub fn moment() -> DateTime<Utc> {
    DateTime::from_timestamp(1_761_004_800, 0).expect("a moment")
}

pub fn model(target: Target) -> &'static Model {
    MODELS.get(target).expect("all targets are trained")
}

/// Customers that no model has seen.
pub fn strangers() -> Vec<Profile> {
    let batches = cohort(400, 99);
    let customers = batches.iter().flat_map(|b| profiles(b).expect("a batch"));
    customers.collect()
}

pub fn read(body: &str) -> Profile {
    Profile::from_json(body.as_bytes()).expect("a customer")
}
