//! Asking a service for jobs.

use engagecast::cohort::Plan;
use engagecast::jobs::{Service, TrainingRequest};
use engagecast::store::{Job, Store, StoreError};
use uuid::Uuid;

pub async fn generated(
    service: &Service,
    store: &Store,
    plan: &Plan,
    name: Option<String>,
) -> Result<Job, StoreError> {
    let new = service.generating(plan, name);
    service.submit(store, &new, None).await?;
    Ok(new.queued())
}

pub async fn trained(
    service: &Service,
    store: &Store,
    cohort: Uuid,
    asked: &TrainingRequest,
) -> Result<Job, StoreError> {
    let new = service.training(store, cohort, asked).await?;
    service.submit(store, &new, None).await?;
    Ok(new.queued())
}
