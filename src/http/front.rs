//! What every request passes through before and after its handler: its id, its
//! time limit, the rendering of problems, and the catching of panics.
//!
//! One function instead of a layer for each: a prediction takes microseconds,
//! and so would they. Invariant: every answer carries `x-request-id`, and every
//! failure is a problem.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::http::header::{CONNECTION, CONTENT_LENGTH, DATE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use bytes::Bytes;
use chrono::Utc;
use tower::Service;
use tracing::Level;
use tracing::field::display;
use uuid::Uuid;

use super::guard::{Seen, Visit};
use super::metrics::Metrics;
use super::panics;
use super::problem::{Kind, Problem};
use super::trace;
use crate::traces;

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The router behind its front. Cheap to clone: one for each connection.
#[derive(Clone)]
pub struct Front {
    router: Router,
    metrics: Arc<Metrics>,
    timeout: Duration,
    upload: Duration,
}

/// Uploads have a time limit of their own.
const UPLOADS: &str = "/cohorts/import";

impl Front {
    #[must_use]
    pub fn new(router: Router, metrics: Arc<Metrics>, timeout: Duration, upload: Duration) -> Self {
        Self {
            router,
            metrics,
            timeout,
            upload,
        }
    }

    /// Answers one request, whatever happens.
    pub async fn answer<B>(mut self, mut request: Request<B>) -> Response<Body>
    where
        B: HttpBody<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static,
    {
        let id = take_over(&request).unwrap_or_else(fresh_id);
        let uri = request.uri().clone();
        let begun = Instant::now();
        let method = request.method().clone();
        let trace = trace::begin(&request);
        // For whoever notes what was done, and by which request.
        request.headers_mut().insert(REQUEST_ID, id.clone());
        let visit = Visit::default();
        request.extensions_mut().insert(visit.clone());

        let limit = if uri.path() == UPLOADS {
            self.upload
        } else {
            self.timeout
        };
        let mut response = guarded(pin!(self.router.call(request)), limit, &id, &trace).await;
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            response = render(&problem, &response, &id, uri.path());
        }
        let took = begun.elapsed();
        let seen = visit.seen();
        let meter = seen.map_or_else(|| self.metrics.unmatched(), |seen| &seen.post.meter);
        meter.count(response.status(), took);
        trace::end(&trace, &method, seen, response.status(), &id);
        if tracing::enabled!(Level::INFO) {
            log(&method, seen, response.status(), took, &id, &trace);
        }
        let headers = response.headers_mut();
        trace::tell(&trace, headers);
        headers.insert(REQUEST_ID, id);
        // What customers are called must not become a page of somebody's.
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
}

/// An answer to no request, as it is sent: to who has no connection, or sends what
/// is none.
pub struct Unasked {
    pub bytes: Bytes,
    pub id: HeaderValue,
}

impl Front {
    /// Answers with a problem, before which nothing was read; the connection ends
    /// with it.
    #[must_use]
    pub fn unasked(&self, problem: &Problem) -> Unasked {
        let id = fresh_id();
        let (status, mut headers, body) = problem.parts(id.to_str().unwrap_or_default(), "");
        self.metrics.unmatched().count(status, Duration::ZERO);
        let now = Utc::now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        for (name, value) in [
            (DATE, HeaderValue::try_from(now).ok()),
            (CONTENT_LENGTH, Some(body.len().into())),
            (CONNECTION, Some(HeaderValue::from_static("close"))),
            (
                X_CONTENT_TYPE_OPTIONS,
                Some(HeaderValue::from_static("nosniff")),
            ),
            (REQUEST_ID, Some(id.clone())),
        ] {
            headers.extend(value.map(|value| (name, value)));
        }
        // It has its words after it.
        let mut bytes = format!("HTTP/1.1 {status}\r\n").into_bytes();
        for (name, value) in &headers {
            bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&body);
        Unasked {
            bytes: bytes.into(),
            id,
        }
    }
}

/// The handler's answer, or the problem that it panicked or took too long.
async fn guarded<F>(
    mut handler: Pin<&mut F>,
    limit: Duration,
    id: &HeaderValue,
    trace: &traces::Request,
) -> Response<Body>
where
    F: Future<Output = Result<Response<Body>, Infallible>>,
{
    let mut polled = poll_fn(|cx| {
        let _within = trace.enter();
        match panics::catch(|| handler.as_mut().poll(cx)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(Ok(response))) => Poll::Ready(Ok(response)),
            Err(words) => Poll::Ready(Err(words)),
        }
    });
    // Most requests are answered at once: only the others need a timer.
    let first = poll_fn(|cx| Poll::Ready(Pin::new(&mut polled).poll(cx))).await;
    let outcome = match first {
        Poll::Ready(outcome) => Ok(outcome),
        Poll::Pending => tokio::time::timeout(limit, polled).await,
    };
    match outcome {
        Ok(Ok(response)) => response,
        Ok(Err(words)) => {
            tracing::error!(request_id = ?id, "{words}");
            axum::response::IntoResponse::into_response(Problem::new(
                Kind::Internal,
                "The request could not be answered; the log has the cause.",
            ))
        }
        Err(_) => axum::response::IntoResponse::into_response(Problem::new(
            Kind::RequestTimeout,
            "The request was not complete, or not answered, within the time that a request may take.",
        )),
    }
}

/// Puts the problem's body under the headers that its answer has already, such
/// as `Allow`.
fn render(
    problem: &Problem,
    bare: &Response<Body>,
    id: &HeaderValue,
    path: &str,
) -> Response<Body> {
    let mut response = problem.render(id.to_str().unwrap_or_default(), path);
    for (name, value) in bare.headers() {
        if name != axum::http::header::CONTENT_LENGTH {
            response.headers_mut().append(name, value.clone());
        }
    }
    response
}

/// One line for a request: never what was sent, and of the address only the
/// route, since the rest may name a customer.
fn log(
    method: &Method,
    seen: Option<&Seen>,
    status: StatusCode,
    took: Duration,
    id: &HeaderValue,
    trace: &traces::Request,
) {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let route = seen.map_or("none", |seen| &seen.post.route);
    let key = seen.and_then(|seen| seen.key.as_deref());
    let trace = trace.link().map(|link| display(link.trace()));
    tracing::info!(%method, route, status = status.as_u16(), micros, request_id = ?id, trace_id = trace, key, "answered");
}

/// The id that the client gave, where it is one that may stand in a log.
fn take_over<B>(request: &Request<B>) -> Option<HeaderValue> {
    let id = request.headers().get(REQUEST_ID)?;
    let sane = (1..=128).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic);
    sane.then(|| id.clone())
}

/// An id of this process's own: a random prefix and a number.
fn fresh_id() -> HeaderValue {
    static PREFIX: std::sync::LazyLock<[u8; 9]> = std::sync::LazyLock::new(|| {
        let mut text = [b'-'; 9];
        let random = Uuid::new_v4().simple().to_string();
        text[..8].copy_from_slice(&random.as_bytes()[..8]);
        text
    });
    static COUNT: AtomicU64 = AtomicU64::new(0);

    let mut text = Vec::with_capacity(25);
    text.extend_from_slice(&*PREFIX);
    hex(COUNT.fetch_add(1, Ordering::Relaxed), &mut text);
    // Hexadecimal digits are valid in a header.
    HeaderValue::from_maybe_shared(Bytes::from(text)).unwrap_or(HeaderValue::from_static("0"))
}

/// Appends a number, at least eight digits of it.
fn hex(number: u64, text: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = (64 - number.leading_zeros()).div_ceil(4).max(8);
    for place in (0..digits).rev() {
        let nibble = (number >> (4 * place)) & 0xf;
        text.push(DIGITS[usize::try_from(nibble).unwrap_or(0)]);
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use http_body_util::BodyExt;
    use serde_json::Value;

    use super::*;

    async fn ask(router: Router, limit: Duration) -> (StatusCode, Value) {
        let request = Request::get("/here").header(REQUEST_ID, "asked");
        let request = request.body(Body::empty()).unwrap();
        let response = Front::new(router, Arc::default(), limit, limit)
            .answer(request)
            .await;
        assert_eq!(response.headers()[REQUEST_ID], "asked");
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_that_says_nothing_of_the_inside() {
        async fn handler() -> &'static str {
            tokio::task::yield_now().await;
            panic!("the password is hunter2")
        }
        let router = Router::new().route("/here", get(handler));
        let (status, body) = ask(router, Duration::from_secs(9)).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(body["type"], "urn:engagecast:problem:internal");
        assert_eq!(body["request_id"], "asked");
        assert!(!body.to_string().contains("hunter2"));
    }

    #[tokio::test]
    async fn a_handler_that_takes_too_long_is_given_up() {
        let router = Router::new().route("/here", get(std::future::pending::<&'static str>));
        let (status, body) = ask(router, Duration::from_millis(20)).await;
        assert_eq!(status, StatusCode::REQUEST_TIMEOUT);
        assert_eq!(body["type"], "urn:engagecast:problem:request-timeout");
    }

    #[test]
    fn fresh_ids_differ_and_are_visible() {
        let (one, other) = (fresh_id(), fresh_id());
        assert_ne!(one, other);
        assert_eq!(one.len(), 17);
        assert!(one.as_bytes().iter().all(u8::is_ascii_graphic));
        let mut text = Vec::new();
        hex(u64::MAX, &mut text);
        assert_eq!(text, b"ffffffffffffffff");
    }
}
