//! The database, for the handlers that need it, and what is asked of its content
//! again and again.

use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, Response};
use serde::Serialize;
use uuid::Uuid;

use super::Api;
use super::etag;
use super::predictions::Named;
use super::problem::{self, Kind, Problem};
use crate::store::{Cohort, Store, StoreError};

impl Api {
    /// The database, if it was ever there.
    pub fn store(&self) -> Result<&Store, Problem> {
        self.service.store.get().ok_or_else(problem::away)
    }
}

/// The name in a path; what is no UTF-8 names nothing.
pub fn named(path: Named) -> Result<String, Problem> {
    path.map(|Path(name)| name).map_err(|_| nothing())
}

pub fn nothing() -> Problem {
    Problem::new(Kind::NotFound, "See /docs for what there is.")
}

pub fn no_cohort() -> Problem {
    Problem::new(
        Kind::NotFound,
        "There is no such cohort; GET /cohorts lists those that are there.",
    )
}

/// The id of a cohort that a path names, `latest` included.
pub async fn cohort_id(store: &Store, name: &str) -> Result<Uuid, Problem> {
    if name == "latest" {
        return store.latest_cohort_id().await?.ok_or_else(no_cohort);
    }
    Uuid::parse_str(name).map_err(|_| no_cohort())
}

/// A complete cohort that a path names.
pub async fn cohort(store: &Store, name: &str) -> Result<Cohort, Problem> {
    let found = match name {
        "latest" => store.latest_cohort().await?,
        name => {
            let id = Uuid::parse_str(name).map_err(|_| no_cohort())?;
            store.cohort(id).await?
        }
    };
    found.ok_or_else(no_cohort)
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::UnknownCohort(_) => no_cohort(),
            StoreError::UnknownModelSet(_) => super::models::no_set(),
            StoreError::Unstorable { what, why } => Self::new(
                Kind::InvalidRequest,
                format!("{what} can't be stored: {why}."),
            ),
            passing if passing.is_passing() => {
                tracing::warn!(%error, "the database can't be asked");
                problem::away()
            }
            _ => problem::internal(&error),
        }
    }
}

/// JSON that a client may keep and ask for again: 304 where it has not changed.
pub fn cached(headers: &HeaderMap, body: &impl Serialize) -> Result<Response<Body>, Problem> {
    let json = serde_json::to_vec(body).map_err(|error| problem::internal(&error))?;
    Ok(etag::answer(
        headers,
        &etag::of(&json),
        json.into(),
        "application/json",
    ))
}
