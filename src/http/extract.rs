//! Reads what a request carries: its JSON body within the limit, and the
//! parameters of its query.

use std::error::Error;

use axum::body::{Body, HttpBody};
use axum::extract::Query;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Uri};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use super::coding;
use super::line::TooSlow;
use super::problem::{FieldProblem, Kind, Problem};

/// The largest number of reasons that can be asked for.
pub const MOST_REASONS: usize = 20;

/// The whole body of a request that says that it is JSON.
pub async fn json(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Problem> {
    if !is_json(headers) {
        return Err(Problem::new(
            Kind::UnsupportedMediaType,
            "Send JSON, with the header `content-type: application/json` (curl: -H 'content-type: application/json').",
        ));
    }
    coding::none(headers)?;
    let body = whole(body, limit).await?;
    if body.is_empty() {
        return Err(Problem::new(
            Kind::MalformedJson,
            "The body is empty: send a JSON object.",
        ));
    }
    Ok(body)
}

/// `application/json`, or a type that builds on it, whatever its parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return false;
    };
    let bytes = value.as_bytes();
    if bytes == b"application/json" {
        return true;
    }
    let end = bytes.iter().position(|&b| b == b';');
    let essence = bytes[..end.unwrap_or(bytes.len())].trim_ascii();
    let essence = essence.to_ascii_lowercase();
    essence == b"application/json"
        || essence.starts_with(b"application/") && essence.ends_with(b"+json")
}

/// The whole body.
pub async fn whole(mut body: Body, limit: usize) -> Result<Bytes, Problem> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(too_large(limit));
    }
    let first = next(&mut body).await?.unwrap_or_default();
    if first.len() == announced && body.is_end_stream() {
        return Ok(first);
    }
    let mut bytes = BytesMut::from(first);
    while let Some(more) = next(&mut body).await? {
        if bytes.len() + more.len() > limit {
            return Err(too_large(limit));
        }
        bytes.extend_from_slice(&more);
    }
    if bytes.len() > limit {
        return Err(too_large(limit));
    }
    Ok(bytes.freeze())
}

/// The next data of a body; trailers are of no interest.
async fn next(body: &mut Body) -> Result<Option<Bytes>, Problem> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broke_off(&error, Kind::MalformedJson))?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// Why a body did not come to its end.
pub fn broke_off(error: &(dyn Error + 'static), kind: Kind) -> Problem {
    if TooSlow::caused(error) {
        return too_slow();
    }
    Problem::new(kind, "The body broke off before its end.")
}

pub fn too_slow() -> Problem {
    Problem::new(
        Kind::RequestTimeout,
        "The body stopped coming before its end, or came too slowly.",
    )
}

pub fn too_large(limit: usize) -> Problem {
    Problem::new(
        Kind::BodyTooLarge,
        format!("The body may have {limit} bytes at most."),
    )
}

/// How many reasons the query asks for: `explain=k`, and nothing else.
pub fn explain(uri: &Uri) -> Result<usize, Problem> {
    if uri.query().is_none_or(str::is_empty) {
        return Ok(0);
    }
    let refuse = |errors| Problem::fields(Kind::InvalidQuery, errors);
    let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else {
        return Err(refuse(vec![fault(
            "explain",
            "malformed",
            "the query can't be read",
        )]));
    };
    let mut reasons = None;
    let mut errors = Vec::new();
    for (name, value) in pairs {
        if name != "explain" {
            let name: String = name.chars().take(64).collect();
            errors.push(fault(
                &name,
                "unknown_parameter",
                "is not a parameter; the only one is explain",
            ));
        } else if reasons.is_some() {
            errors.push(fault(&name, "duplicate", "must be given once"));
        } else {
            reasons = value.parse().ok().filter(|&k| k <= MOST_REASONS);
            if reasons.is_none() {
                errors.push(fault(
                    &name,
                    "out_of_range",
                    "must be an integer from 0 to 20",
                ));
            }
        }
    }
    if errors.is_empty() {
        Ok(reasons.unwrap_or(0))
    } else {
        Err(refuse(errors))
    }
}

fn fault(field: &str, code: &'static str, message: &str) -> FieldProblem {
    FieldProblem::new(field, code, message)
}
