//! `Idempotency-Key`: a call that creates work, sent twice, does it once.
//!
//! Invariant: the second call gets the first one's answer, whichever process
//! answered that; a key is never used for two different calls. The job and its
//! answer are kept in one transaction, so there is no work without an answer.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use super::problem::{self, FieldProblem, Kind, Problem};
use super::{Api, cursor};
use crate::store::{Claim, IdempotentCall, NewJob};

/// Longer keys are no keys.
const LONGEST: usize = 255;

/// What such a call may be sent with.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "documents what `once` reads")]
pub struct KeyHeader {
    /// The same key again gives the first call's answer
    #[param(
        rename = "Idempotency-Key",
        required = false,
        min_length = 1,
        max_length = 255,
        pattern = "^[!-~]+$"
    )]
    key: Option<String>,
}

/// What a call that creates work answers: 202, where to look, and what is there.
pub struct Accepted {
    /// The work, which is yet to be asked for.
    pub job: NewJob,
    pub location: String,
    pub body: Value,
}

/// A hash of what a call asks for.
pub fn fingerprint(asked: &[u8]) -> String {
    cursor::hex(&Sha256::digest(asked))
}

/// Asks for the job of a call, unless its caller did under the same key.
pub async fn once<F>(
    api: &Api,
    (caller, headers): (&str, &HeaderMap),
    route: &str,
    fingerprint: &str,
    prepare: impl FnOnce() -> F,
) -> Result<Response<Body>, Problem>
where
    F: Future<Output = Result<Accepted, Problem>>,
{
    let Some(key) = key(headers)? else {
        return asked_for(api, None, prepare).await;
    };
    let call = IdempotentCall {
        caller,
        key,
        route,
        fingerprint,
    };
    let store = api.store()?;
    match store.claim_idempotency(call, api.service.now()).await? {
        Claim::First => (),
        Claim::Same(before) => {
            return answer(
                before["location"].as_str().unwrap_or_default(),
                &before["body"],
            );
        }
        Claim::Running => {
            return Err(Problem::new(
                Kind::Conflict,
                "The first call with this Idempotency-Key is still being worked on: try again.",
            ));
        }
        Claim::Different => {
            return Err(Problem::new(
                Kind::KeyReused,
                "Another request was sent with this Idempotency-Key: take a new key for a new request.",
            ));
        }
    }
    let done = asked_for(api, Some(call), prepare).await;
    if done.is_err() {
        // The key is free again; if not now, then when the claim is old.
        let _ = store.forget_idempotency(call).await;
    }
    done
}

/// Asks for a job, unless as much waits as the service takes on.
async fn asked_for<F>(
    api: &Api,
    call: Option<IdempotentCall<'_>>,
    prepare: impl FnOnce() -> F,
) -> Result<Response<Body>, Problem>
where
    F: Future<Output = Result<Accepted, Problem>>,
{
    room(api).await?;
    let accepted = prepare().await?;
    let kept = json!({ "location": accepted.location, "body": accepted.body });
    let answered = call.map(|call| (call, &kept));
    let store = api.store()?;
    api.service.submit(store, &accepted.job, answered).await?;
    answer(&accepted.location, &accepted.body)
}

/// Whether a call whose body is still to come may be taken on: as far as can be
/// told by now, there is room, or the call was answered before.
pub async fn expect_room(api: &Api, (caller, headers): (&str, &HeaderMap)) -> Result<(), Problem> {
    let Err(full) = room(api).await else {
        return Ok(());
    };
    match key(headers)? {
        Some(key) if api.store()?.knows_idempotency(caller, key).await? => Ok(()),
        _ => Err(full),
    }
}

/// Whether one more job may wait.
async fn room(api: &Api) -> Result<(), Problem> {
    if api.store()?.waiting_jobs().await? >= api.limits.waiting_jobs {
        return Err(Problem::new(
            Kind::Busy,
            "As many jobs as the service takes on wait to be begun: try again later.",
        ));
    }
    Ok(())
}

fn key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = value.to_str().ok();
    let visible = |key: &&str| key.bytes().all(|byte| byte.is_ascii_graphic());
    let key = key.filter(|key| (1..=LONGEST).contains(&key.len()));
    let key = key.filter(visible);
    key.map(Some).ok_or_else(|| {
        let message = "must be 1 to 255 visible ASCII characters";
        let fault = FieldProblem::new("Idempotency-Key", "invalid_text", message);
        Problem::fields(Kind::InvalidRequest, vec![fault])
    })
}

fn answer(location: &str, body: &Value) -> Result<Response<Body>, Problem> {
    let json = serde_json::to_vec(body).map_err(|error| problem::internal(&error))?;
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = StatusCode::ACCEPTED;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(location) = HeaderValue::from_str(location) {
        headers.insert(LOCATION, location);
    }
    Ok(response)
}
