//! A request's trace: taken over from its headers, and told in its answer.
//!
//! Of the request stand in its span the method, the route and the version; the
//! rest of an address may name a customer. Invariant: what a client sends as a
//! trace is taken over only where it is one.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};

use super::guard::Seen;
use crate::traces::{self, Link, Value};

const PARENT: HeaderName = HeaderName::from_static("traceparent");
const STATE: HeaderName = HeaderName::from_static("tracestate");

/// What is asked for every few seconds by machines, and interests nobody unless
/// it is part of a trace already.
const QUIET: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Begins the span of a request.
pub fn begin<B>(request: &Request<B>) -> traces::Request {
    let quiet = QUIET.contains(&request.uri().path());
    let method = known(request.method()).unwrap_or("HTTP");
    traces::Request::begin(method, caller(request.headers()), quiet)
}

/// Ends it with an answer.
pub fn end(
    trace: &traces::Request,
    method: &Method,
    seen: Option<&Seen>,
    status: StatusCode,
    id: &HeaderValue,
) {
    trace.end(status.is_server_error(), || {
        let route = seen.map(|seen| seen.post.route.clone());
        let name = known(method).unwrap_or("HTTP");
        let title = match &route {
            Some(route) => format!("{name} {route}"),
            None => name.to_owned(),
        };
        let code = i64::from(status.as_u16());
        let mut told: Vec<(_, Value)> = vec![
            (
                "http.request.method",
                known(method).unwrap_or("_OTHER").into(),
            ),
            ("http.response.status_code", code.into()),
            ("url.scheme", "http".into()),
            ("network.protocol.version", "1.1".into()),
        ];
        if let Ok(id) = id.to_str() {
            told.push(("engagecast.request_id", id.to_owned().into()));
        }
        if let Some(route) = route {
            told.push(("http.route", route.into()));
        }
        if status.is_server_error() {
            told.push(("error.type", status.as_str().to_owned().into()));
        }
        (title, told)
    });
}

/// Tells the client where its request is in the trace.
pub fn tell(trace: &traces::Request, headers: &mut HeaderMap) {
    let Some(link) = trace.link() else {
        return;
    };
    for (name, value) in [(PARENT, link.parent()), (STATE, link.state())] {
        if !value.is_empty()
            && let Ok(value) = HeaderValue::try_from(value)
        {
            headers.insert(name, value);
        }
    }
}

/// The trace of whoever asks.
fn caller(headers: &HeaderMap) -> Option<Link> {
    let mut parents = headers.get_all(PARENT).iter();
    // Which of two would it be?
    let (Some(parent), None) = (parents.next(), parents.next()) else {
        return None;
    };
    let states = headers.get_all(STATE).iter();
    let states: Vec<_> = states.filter_map(|state| state.to_str().ok()).collect();
    Link::read(parent.to_str().ok()?, &states.join(","))
}

/// A method that clients are known to use; others may be any text.
fn known(method: &Method) -> Option<&'static str> {
    const KNOWN: [&str; 9] = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
    ];
    KNOWN.into_iter().find(|known| *known == method.as_str())
}
