//! What a client may keep and ask for again: 304 where it has not changed.
//!
//! Invariant: the tag is a digest of the content, so that it depends on all that
//! the content does, on every replica alike.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use sha2::{Digest, Sha256};

/// The tag of some content. Weak: it may be compressed for another client.
pub fn of(bytes: &[u8]) -> HeaderValue {
    let digest = super::cursor::hex(&Sha256::digest(bytes)[..12]);
    let tag = HeaderValue::try_from(format!("W/\"{digest}\""));
    tag.unwrap_or(HeaderValue::from_static("W/\"\""))
}

/// The content, unless the client says that it has it.
pub fn answer(
    headers: &HeaderMap,
    tag: &HeaderValue,
    bytes: Bytes,
    kind: &'static str,
) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    if is_known(headers, tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        *response.body_mut() = Body::from(bytes);
        let kind = HeaderValue::from_static(kind);
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    let headers = response.headers_mut();
    headers.insert(ETAG, tag.clone());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}

/// Whether one of the tags that the client has is this one, weak or not.
fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let own = opaque(tag.to_str().unwrap_or_default());
    headers.get_all(IF_NONE_MATCH).iter().any(|sent| {
        let mut tags = sent.to_str().unwrap_or_default().split(',');
        tags.any(|tag| tag.trim() == "*" || opaque(tag) == own)
    })
}
