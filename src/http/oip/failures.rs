//! Failures as clients of the protocol read them, and as the OpenAPI document
//! has them.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use crate::http::outcomes::told_when;
use crate::http::problem::Problem;

/// Why a request by the Open Inference Protocol could not be answered.
#[derive(Serialize, ToSchema)]
#[schema(as = InferenceError)]
pub struct Failure {
    /// One or more sentences; they never repeat a value that was sent.
    #[schema(example = "age: its shape must be [n] or [n, 1].")]
    error: String,
}

impl Failure {
    /// The problem in the protocol's words, and its status there.
    pub fn of(problem: &Problem) -> (StatusCode, Self) {
        let status = match problem.status() {
            StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
            status => status,
        };
        let error = problem.in_words();
        (status, Self { error })
    }
}

/// Whether a path is the protocol's.
pub fn is_ours(path: &str) -> bool {
    path == "/v2" || path.starts_with("/v2/")
}

/// Declares types whose responses are these failures.
macro_rules! failures {
    ($($(#[$doc:meta])* $name:ident: $($status:literal $sentence:literal),+;)+) => {
        $(
            $(#[$doc])*
            pub struct $name;

            impl IntoResponses for $name {
                fn responses() -> BTreeMap<String, RefOr<Response>> {
                    BTreeMap::from([$(documented($status, $sentence)),+])
                }
            }
        )+
    };
}

failures! {
    /// What asking for predictions can end in.
    Infer:
        400 "The request is not one of the protocol, or its inputs are not a customer's columns",
        404 "No model has this name, or another version serves",
        408 "The request was not complete, or not answered, in time",
        413 "The body is larger than the service accepts, or has too many customers",
        415 "The body is compressed in a way that the service does not read",
        500 "Something went wrong on our side; the log has the cause under the request's id",
        503 "No model is trained yet, or as many such requests as the service takes on are being answered";
    /// What asking for a model can end in.
    Model:
        404 "No model has this name, or another version serves",
        500 "Something went wrong on our side; the log has the cause under the request's id",
        503 "No model is trained yet";
    Unready:
        500 "Something went wrong on our side; the log has the cause under the request's id",
        503 "No model is trained yet, or the server is stopping";
    Always:
        500 "Something went wrong on our side; the log has the cause under the request's id";
    /// What a guard refuses.
    NoKey:
        401 "There is no key, or none that this service knows",
        429 "The key has made as many requests a second as it may",
        503 "No model is trained yet, or the keys or the room for the request can't be had now";
    OtherMethod:
        405 "The method is none of those that the Allow header lists";
}

fn documented(status: u16, sentence: &str) -> (String, RefOr<Response>) {
    let response = ResponseBuilder::new().description(sentence).content(
        "application/json",
        ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("InferenceError")))
            .example(Some(json!({ "error": sentence })))
            .build(),
    );
    (
        status.to_string(),
        told_when(status, response).build().into(),
    )
}
