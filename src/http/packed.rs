//! What never changes while the process lives, and is compressed once: a
//! stranger may ask for it, and asking again must cost next to nothing.
//!
//! Invariant: only what the program itself has is kept, so it is bounded.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;

use axum::body::Body;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::weights;

/// What was compressed, by its name. Whoever comes while something is being
/// compressed waits for that.
static PACKED: Mutex<Option<HashMap<String, Bytes>>> = Mutex::const_new(None);

/// Answers with bytes that always go by this name, compressed for those who ask.
pub async fn answer(
    asked: &HeaderMap,
    name: &str,
    kind: HeaderValue,
    bytes: Cow<'static, [u8]>,
) -> Response<Body> {
    let packed = if takes_gzip(asked) {
        Some(packed(name, &bytes).await)
    } else {
        None
    };
    let is_packed = packed.is_some();
    let mut response = Response::new(match packed {
        Some(packed) => Body::from(packed),
        None => Body::from(bytes),
    });
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if is_packed {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

async fn packed(name: &str, bytes: &[u8]) -> Bytes {
    let mut all = PACKED.lock().await;
    let all = all.get_or_insert_default();
    if let Some(packed) = all.get(name) {
        return packed.clone();
    }
    let bytes = bytes.to_vec();
    let packed = spawn_blocking(move || gzip(&bytes)).await;
    let packed = Bytes::from(packed.unwrap_or_default());
    all.insert(name.to_owned(), packed.clone());
    packed
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    // Memory takes all that is written to it.
    let _ = packed.write_all(bytes);
    packed.finish().unwrap_or_default()
}

/// Whether a client says that it reads gzip.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let weight = |wanted: &str| {
        let mut listed = weights::listed(headers, ACCEPT_ENCODING);
        listed.find_map(|(name, weight)| name.eq_ignore_ascii_case(wanted).then_some(weight))
    };
    // What is not named is meant by the star.
    weight("gzip")
        .or_else(|| weight("*"))
        .is_some_and(|weight| weight > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_those_who_ask_for_it() {
        for (said, takes) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000", false),
            ("identity", false),
            ("xgzip", false),
            ("*", true),
            ("gzip;q=0, *", false),
            ("br, *;q=0", false),
        ] {
            let value = HeaderValue::from_static(said);
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, value)]);
            assert_eq!(takes_gzip(&headers), takes, "{said}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn what_was_compressed_is_not_compressed_again() {
        let bytes = [b'a'; 100];
        let first = packed("of-a-test", &bytes).await;
        let again = packed("of-a-test", &bytes).await;
        assert_eq!(first.as_ptr(), again.as_ptr());
        assert!(first.len() < bytes.len());
    }
}
