//! The OpenAPI document, and the page that shows it.
//!
//! The document is made from the routes themselves, so it can't list another
//! set of them. Invariant: the page loads nothing from elsewhere.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{IntoResponses, Modify, OpenApi, ToSchema};
use utoipa_swagger_ui::Config;

use super::guard::{self, Gate};
use super::predictions::Named;
use super::problem::{Kind, Problem, ProblemBody};
use super::{oip, outcomes, packed};

/// What the document says besides the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Engagecast",
        description = "Predicts churn, lifetime value and engagement for customers of social-media and dating apps.\n\nEvery failure is `application/problem+json` (RFC 9457), but under `/v2`, where it is what the Open Inference Protocol has; and every answer carries `x-request-id`: yours, where you sent one of at most 128 visible ASCII characters.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/", description = "This service")),
    components(schemas(ProblemBody, oip::Failure)),
    modifiers(&Keys),
    tags(
        (name = "Predictions", description = "What a customer will do"),
        (name = "Open Inference Protocol", description = "The same predictions, for clients of KServe, Triton and MLServer"),
        (name = "Models", description = "The models that serve"),
        (name = "Cohorts", description = "The customers that models are trained on"),
        (name = "Jobs", description = "Work that takes long"),
        (name = "Reports", description = "A cohort, told to those who decide"),
        (name = "Health", description = "Whether the service lives and serves"),
        (name = "Documentation", description = "This document"),
    )
)]
pub struct Document;

/// Bytes of the format that the media type names.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "documents bodies that are no text")]
pub struct Binary(Vec<u8>);

/// The document as it is served, printed and committed.
#[must_use]
pub fn document() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
        let mut document = super::routes(&Gate::default()).into_openapi();
        refuse_other_methods(&mut document);
        let mut text = document.to_pretty_json().unwrap_or_default();
        text.push('\n');
        text
    });
    &DOCUMENT
}

/// Every address refuses the methods that it does not have.
fn refuse_other_methods(document: &mut utoipa::openapi::OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let refusal = if oip::is_ours(path) {
            oip::OtherMethod::responses()
        } else {
            outcomes::OtherMethod::responses()
        };
        for operation in guard::operations(item) {
            for (status, response) in &refusal {
                let responses = &mut operation.responses.responses;
                responses
                    .entry(status.clone())
                    .or_insert_with(|| response.clone());
            }
        }
    }
}

/// How a key is sent.
struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "A key of `engagecast keys create`. Its scope is predict, read or admin, and each includes those before it. On a loopback address none is needed unless the service is told so.",
            ))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(scheme));
    }
}

/// This document
///
/// Made from the routes themselves; `engagecast openapi` prints the same.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "Documentation",
    responses((status = 200, description = "The OpenAPI 3.1 document", body = Object, example = json!({"openapi": "3.1.0"})))
)]
pub async fn openapi(headers: HeaderMap) -> Response {
    let kind = HeaderValue::from_static("application/json");
    let text = Cow::Borrowed(document().as_bytes());
    packed::answer(&headers, "openapi.json", kind, text).await
}

/// The page for people, with all that it needs.
pub fn docs<S: Clone + Send + Sync + 'static>() -> Router<S> {
    // The validator badge would ask a server on the internet.
    let config = Config::from("/openapi.json").validator_url("none");
    let config = Arc::new(config);
    Router::new()
        .route(
            "/docs",
            get(|| async { (StatusCode::PERMANENT_REDIRECT, [(LOCATION, "/docs/")]) }),
        )
        .route(
            "/docs/",
            get({
                let config = Arc::clone(&config);
                async move |headers: HeaderMap| asset("", &headers, config).await
            }),
        )
        .route(
            "/docs/{*file}",
            get(async move |file: Named, headers: HeaderMap| match file {
                Ok(Path(file)) => asset(&file, &headers, config).await,
                Err(_) => no_file(),
            }),
        )
}

fn no_file() -> Response {
    Problem::new(Kind::NotFound, "The documentation has no such file.").into_response()
}

async fn asset(file: &str, headers: &HeaderMap, config: Arc<Config<'static>>) -> Response {
    let Ok(Some(asset)) = utoipa_swagger_ui::serve(file, config) else {
        return no_file();
    };
    let kind = HeaderValue::from_str(&asset.content_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let bytes: Cow<'static, [u8]> = asset.bytes;
    // What is compressed already is sent as it is.
    let mut response = if asset.gzpipped {
        let mut response = bytes.into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, kind);
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response
    } else {
        packed::answer(headers, &format!("docs/{file}"), kind, bytes).await
    };
    let stays = HeaderValue::from_static("max-age=3600");
    response.headers_mut().insert(CACHE_CONTROL, stays);
    response
}
