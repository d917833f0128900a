//! What a request with an admin's power did, for the audit log.
//!
//! Invariant: each is noted once, when it is answered, or when it is given up
//! before that: then it has no status.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, Response, StatusCode};
use uuid::Uuid;

use super::front::REQUEST_ID;
use crate::jobs::{Key, Service};
use crate::store::AuditEntry;

/// Characters of an object: a longer path is that of nothing.
const LONGEST: usize = 200;

/// A deed that is being done.
pub struct Deed {
    service: Arc<Service>,
    entry: Option<AuditEntry>,
}

impl Deed {
    /// Begins one: `action` is done to what the request's path names.
    pub fn new(
        service: &Arc<Service>,
        key: Option<&Arc<Key>>,
        action: &str,
        request: &Request,
    ) -> Self {
        let entry = AuditEntry {
            id: Uuid::now_v7(),
            at: service.now(),
            key_id: key.map(|key| key.id),
            key_name: key.map_or("", |key| &key.name).to_owned(),
            action: action.to_owned(),
            object: short(request.uri().path()),
            request_id: text(request.headers(), &REQUEST_ID).unwrap_or_default(),
            status: None,
        };
        Self {
            service: Arc::clone(service),
            entry: Some(entry),
        }
    }

    /// Ends with an answer. What was made is what it was done to.
    pub fn answered<B>(mut self, response: &Response<B>) {
        if let Some(entry) = &mut self.entry {
            entry.status = Some(response.status().as_u16());
            if let Some(made) = text(response.headers(), &LOCATION) {
                entry.object = made;
            }
        }
    }

    /// Ends with a refusal.
    pub fn refused(mut self, status: StatusCode) {
        if let Some(entry) = &mut self.entry {
            entry.status = Some(status.as_u16());
        }
    }
}

impl Drop for Deed {
    fn drop(&mut self) {
        if let Some(entry) = self.entry.take() {
            self.service.audit.note(entry);
        }
    }
}

fn text(headers: &HeaderMap, name: &axum::http::HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(short(value))
}

fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
