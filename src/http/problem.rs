//! Every failure as an RFC 9457 problem: the one place where the house's errors
//! become HTTP.
//!
//! A handler returns a [`Problem`]; the [front](super::front) renders it, since
//! only there are the request's id and path at hand. Invariant: no problem
//! repeats a value that was sent, and none of status 5xx says anything of the
//! inside.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::oip;
use crate::features::{FieldError, ProfileError};

/// What went wrong, as a client tells problems apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    MalformedRequest,
    AddressTooLong,
    HeadTooLarge,
    MalformedJson,
    MalformedBody,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    RequestTimeout,
    Conflict,
    BodyTooLarge,
    UnsupportedMediaType,
    InvalidCustomer,
    InvalidTable,
    InvalidRequest,
    InvalidQuery,
    UnreachableSpec,
    KeyReused,
    TooManyRequests,
    Internal,
    NotReady,
    Busy,
    DatabaseUnavailable,
}

impl Kind {
    /// Status, name in the problem's type, title.
    #[expect(clippy::too_many_lines, reason = "one table of all kinds")]
    const fn facts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::MalformedRequest => (
                StatusCode::BAD_REQUEST,
                "malformed-request",
                "The request is not HTTP",
            ),
            Self::AddressTooLong => (
                StatusCode::URI_TOO_LONG,
                "address-too-long",
                "The address is too long",
            ),
            Self::HeadTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "head-too-large",
                "The head of the request is too large",
            ),
            Self::MalformedJson => (
                StatusCode::BAD_REQUEST,
                "malformed-json",
                "The body is not a JSON object",
            ),
            Self::MalformedBody => (
                StatusCode::BAD_REQUEST,
                "malformed-body",
                "The body is not of the format that it declares",
            ),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized", "A key is needed"),
            Self::Forbidden => (
                StatusCode::FORBIDDEN,
                "forbidden",
                "The key's scope does not allow it",
            ),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "not-found",
                "There is nothing at this address",
            ),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "This address does not take this method",
            ),
            Self::NotAcceptable => (
                StatusCode::NOT_ACCEPTABLE,
                "not-acceptable",
                "The answer can't be had in this format",
            ),
            Self::Conflict => (
                StatusCode::CONFLICT,
                "conflict",
                "The state of things does not allow it",
            ),
            Self::RequestTimeout => (
                StatusCode::REQUEST_TIMEOUT,
                "request-timeout",
                "The request took too long",
            ),
            Self::BodyTooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "body-too-large",
                "The body is too large",
            ),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "The body's media type is not supported",
            ),
            Self::InvalidCustomer => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid-customer",
                "The customer is not valid",
            ),
            Self::InvalidTable => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid-table",
                "The columns are not valid",
            ),
            Self::InvalidRequest => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid-request",
                "The request is not valid",
            ),
            Self::UnreachableSpec => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "unreachable-spec",
                "There is no such population",
            ),
            Self::KeyReused => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency-key-reused",
                "The Idempotency-Key belongs to another request",
            ),
            Self::InvalidQuery => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid-query",
                "The query is not valid",
            ),
            Self::TooManyRequests => (
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-requests",
                "The key has made as many requests as it may",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "Something went wrong on our side",
            ),
            Self::NotReady => (
                StatusCode::SERVICE_UNAVAILABLE,
                "not-ready",
                "The service is not ready yet",
            ),
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "The service has as much to do as it takes on",
            ),
            Self::DatabaseUnavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "database-unavailable",
                "The database can't be asked now",
            ),
        }
    }
}

/// A failure on its way to the client.
#[derive(Debug, Clone)]
pub struct Problem {
    kind: Kind,
    detail: Cow<'static, str>,
    errors: Vec<FieldProblem>,
}

/// One field at fault.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = FieldError)]
pub struct FieldProblem {
    /// The column or query parameter at fault.
    #[schema(example = "age")]
    pub field: String,
    /// What is wrong, for programs.
    #[schema(example = "out_of_range")]
    pub code: Cow<'static, str>,
    /// What is wrong, for people. It never repeats the value that was sent.
    #[schema(example = "must be an integer from 13 to 120")]
    pub message: String,
    /// What was asked for, where a statistic can't be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 99.9)]
    pub asked: Option<f64>,
    /// The nearest value that can be had, where a statistic can't be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 97.1)]
    pub nearest: Option<f64>,
}

impl FieldProblem {
    pub fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            code: code.into(),
            message: message.into(),
            asked: None,
            nearest: None,
        }
    }
}

impl From<FieldError> for FieldProblem {
    fn from(error: FieldError) -> Self {
        Self::new(error.field, error.code, error.message)
    }
}

/// A failure, as RFC 9457 has it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// The kind of problem, the same for every occurrence.
    #[serde(rename = "type")]
    #[schema(example = "urn:engagecast:problem:invalid-customer")]
    kind: String,
    /// The kind of problem in words.
    #[schema(example = "The customer is not valid")]
    title: &'static str,
    /// The status of the answer.
    #[schema(example = 422, minimum = 400, maximum = 599)]
    status: u16,
    /// What went wrong this time.
    #[schema(example = "1 field is at fault.")]
    detail: &'a str,
    /// The path that was asked for.
    #[schema(example = "/predict/churn")]
    instance: &'a str,
    /// The id of the request, as in the `x-request-id` header and in the log.
    #[schema(example = "7c9e6679-1a")]
    request_id: &'a str,
    /// The fields at fault, where fields are.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldProblem],
}

impl Problem {
    pub fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
        }
    }

    /// A problem with some fields, all of them named.
    pub fn fields(kind: Kind, errors: Vec<FieldProblem>) -> Self {
        let detail = match errors.len() {
            1 => "1 field is at fault.".to_owned(),
            n => format!("{n} fields are at fault."),
        };
        Self {
            kind,
            detail: detail.into(),
            errors,
        }
    }

    pub fn status(&self) -> StatusCode {
        self.kind.facts().0
    }

    /// The problem in one line, with all fields at fault.
    pub(super) fn in_words(&self) -> String {
        let errors = self.errors.iter().map(|error| match error.field.as_str() {
            "" => error.message.clone(),
            field => format!("{field}: {}", error.message),
        });
        match errors.collect::<Vec<_>>().join("; ") {
            errors if errors.is_empty() => self.detail.clone().into_owned(),
            errors => errors,
        }
    }

    /// What the client reads.
    pub(super) fn body<'a>(&'a self, request_id: &'a str, path: &'a str) -> ProblemBody<'a> {
        let (status, name, title) = self.kind.facts();
        ProblemBody {
            kind: format!("urn:engagecast:problem:{name}"),
            title,
            status: status.as_u16(),
            detail: &self.detail,
            instance: path,
            request_id,
            errors: &self.errors,
        }
    }

    /// The problem as the answer to the request of this id and path.
    pub(super) fn render(&self, request_id: &str, path: &str) -> Response<Body> {
        let (status, headers, body) = self.parts(request_id, path);
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }

    /// What such an answer is made of.
    pub(super) fn parts(&self, request_id: &str, path: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
        let (status, kind, json) = if oip::is_ours(path) {
            let (status, failure) = oip::Failure::of(self);
            (status, "application/json", serde_json::to_vec(&failure))
        } else {
            let json = serde_json::to_vec(&self.body(request_id, path));
            (self.status(), "application/problem+json", json)
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        (status, headers, json.unwrap_or_default())
    }
}

/// As much of a kind is being done as is taken on.
pub fn no_room() -> Problem {
    Problem::new(
        Kind::Busy,
        "As many such requests as the service takes on are being answered: try again soon.",
    )
}

/// The database does not answer.
pub fn away() -> Problem {
    Problem::new(
        Kind::DatabaseUnavailable,
        "The database does not answer; predictions do not need it.",
    )
}

/// A failure of our own: its cause is logged, and the client learns that there
/// is one.
pub fn internal(cause: &dyn std::error::Error) -> Problem {
    tracing::error!(%cause, "can't answer a request");
    Problem::new(
        Kind::Internal,
        "The request could not be answered; the log has the cause.",
    )
}

/// Leaves the problem to the front to render.
impl IntoResponse for Problem {
    fn into_response(self) -> axum::response::Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<ProfileError> for Problem {
    fn from(error: ProfileError) -> Self {
        match error {
            ProfileError::Syntax { line, column } => Self::new(
                Kind::MalformedJson,
                format!("The body is not JSON: see line {line}, column {column}."),
            ),
            ProfileError::NotAnObject => Self::new(
                Kind::MalformedJson,
                "The body is JSON, but not an object of columns and their values.",
            ),
            ProfileError::Fields(fields) => Self::fields(
                Kind::InvalidCustomer,
                fields.into_iter().map(FieldProblem::from).collect(),
            ),
        }
    }
}
