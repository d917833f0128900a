//! The database, for the handlers that need it, and what is asked of its content
//! again and again.

use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Api;
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
    Ok(tagged(headers, json, "application/json"))
}

/// Bytes that a client may keep and ask for again.
pub fn tagged(headers: &HeaderMap, bytes: Vec<u8>, kind: &'static str) -> Response<Body> {
    let digest = Sha256::digest(&bytes);
    let digest = super::cursor::hex(&digest[..12]);
    // Weak: the same content may be compressed for another client.
    let tag = format!("W/\"{digest}\"");
    let known = headers.get_all(IF_NONE_MATCH).iter().any(|value| {
        let text = value.to_str().unwrap_or_default();
        text.split(',').any(|known| {
            let known = known.trim();
            known == "*" || known.trim_start_matches("W/") == tag.trim_start_matches("W/")
        })
    });
    let mut response = if known {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        Response::new(Body::from(bytes))
    };
    let headers = response.headers_mut();
    if !known {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    response
}
