//! `POST /v2/models/{name}/infer`: customers in, predictions out, for clients of
//! the protocol.
//!
//! A few customers are answered where the request is read; more of them are work
//! like a batch, taken on and counted as one.

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response};

use super::answer::{self, HEADER_LENGTH};
use super::request::Request;
use super::shapes::{InferRequest, InferResponse};
use super::{Versioned, failures, model, versioned};
use crate::http::batch::scored;
use crate::http::coding::Coding;
use crate::http::openapi::Binary;
use crate::http::problem::{Kind, Problem};
use crate::http::{Api, extract};
use crate::models::score::reasons_as_text;
use crate::models::{ModelSet, Target};

/// Bytes of a body that is read and answered on a thread that answers all.
const SMALL: usize = 16 * 1024;

/// Customers that are answered there.
const FEW: usize = 4;

/// Predict by the Open Inference Protocol
///
/// The inputs are columns of customers, a tensor each, and the outputs columns of
/// predictions: `probability` and `tier`, or `value`, `lower` and `upper`, then
/// `percentile`, `applicable` and `error`. A customer at fault never fails the
/// others: its number is NaN (null in JSON), and `error` says why. Data may be in
/// the JSON or, by the binary tensor data extension, behind it; the body may be
/// compressed with gzip or deflate. Up to 100,000 customers a request.
#[utoipa::path(
    post,
    path = "/v2/models/{name}/infer",
    tag = "Open Inference Protocol",
    params(("name" = String, Path, description = "The target", example = "churn")),
    request_body(description = "The customers", content(
        (InferRequest = "application/json"),
        (Binary = "application/octet-stream"),
    )),
    responses(
        (status = 200, description = "The predictions", content(
            (InferResponse = "application/json"),
            (Binary = "application/octet-stream"),
        )),
        failures::Infer,
    )
)]
pub async fn infer(
    State(api): State<Api>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, Problem> {
    let (set, target) = model(&api, path.map(|Path(name)| (name, None)))?;
    answered(&api, set, target, headers, body).await
}

/// Predict with one version by the Open Inference Protocol
///
/// As `POST /v2/models/{name}/infer`, where this version is the one that serves.
#[utoipa::path(
    post,
    path = "/v2/models/{name}/versions/{version}/infer",
    tag = "Open Inference Protocol",
    params(
        ("name" = String, Path, description = "The target", example = "churn"),
        ("version" = String, Path, description = "The version that serves, or `active`", example = "active"),
    ),
    request_body(description = "The customers", content(
        (InferRequest = "application/json"),
        (Binary = "application/octet-stream"),
    )),
    responses(
        (status = 200, description = "The predictions", content(
            (InferResponse = "application/json"),
            (Binary = "application/octet-stream"),
        )),
        failures::Infer,
    )
)]
pub async fn infer_version(
    State(api): State<Api>,
    path: Versioned,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, Problem> {
    let (set, target) = model(&api, versioned(path))?;
    answered(&api, set, target, headers, body).await
}

async fn answered(
    api: &Api,
    set: Arc<ModelSet>,
    target: Target,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, Problem> {
    let coding = Coding::of(&headers)?;
    let length = header_length(&headers)?;
    let announced = body
        .size_hint()
        .upper()
        .and_then(|n| usize::try_from(n).ok());
    let limit = api.limits.max_batch;
    if coding.is_none() && announced.is_some_and(|bytes| bytes <= SMALL.min(limit)) {
        let body = extract::whole(body, limit).await?;
        let request = Request::read(&body, length)?;
        if request.rows <= FEW {
            return answer_to(&set, target, request);
        }
        let admission = api.work.admit()?;
        return admission
            .run(move || answer_to(&set, target, request))
            .await?;
    }
    let admission = api.work.admit()?;
    let body = extract::whole(body, limit).await?;
    admission
        .run(move || {
            let body = coding.map_or(Ok(body.clone()), |coding| coding.unpack(&body, limit))?;
            answer_to(&set, target, Request::read(&body, length)?)
        })
        .await?
}

fn answer_to(set: &ModelSet, target: Target, request: Request) -> Result<Response<Body>, Problem> {
    let wanted = &request.wanted;
    let scored = scored(set, target, wanted.explain, request.customers)?;
    answer::write(set, target, wanted, &reasons_as_text(&scored))
}

/// Where the JSON ends, if the client says so.
fn header_length(headers: &HeaderMap) -> Result<Option<usize>, Problem> {
    let Some(value) = headers.get(HEADER_LENGTH) else {
        return Ok(None);
    };
    let length = value.to_str().ok().and_then(|text| text.parse().ok());
    length.map(Some).ok_or_else(|| {
        Problem::new(
            Kind::MalformedBody,
            "Inference-Header-Content-Length must be the number of bytes that the JSON has.",
        )
    })
}
