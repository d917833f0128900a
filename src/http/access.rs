//! Who calls, whether they may, and whether they have called too often: what a
//! [guard](super::guard) asks before it lets a request in.
//!
//! Invariant: a refusal says which scope is needed, and neither whether what was
//! asked for exists nor anything of what was presented.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response};
use axum::response::IntoResponse;

use super::guard::Scope;
use super::problem::{Kind, Problem};
use crate::jobs::{Allowance, Found, Key, KeyScope, Service};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// The answer to a request that is not let in; boxed, since there are few.
pub struct Refusal(Box<Response<Body>>);

impl Refusal {
    /// With a header that tells the client what to do.
    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers_mut().insert(name, value);
        self
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem.into_response()))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response<Body> {
        *self.0
    }
}

impl From<KeyScope> for Scope {
    fn from(scope: KeyScope) -> Self {
        match scope {
            KeyScope::Predict => Self::Predict,
            KeyScope::Read => Self::Read,
            KeyScope::Admin => Self::Admin,
        }
    }
}

/// Whose key it is; none where nobody needs one and none was presented.
pub fn caller(service: &Service, headers: &HeaderMap) -> Result<Option<Arc<Key>>, Refusal> {
    let keys = &service.keys;
    let Some(presented) = bearer(headers) else {
        // Who asks for credentials of another kind stands before the service.
        if keys.anonymous() {
            return Ok(None);
        }
        let problem = Problem::new(
            Kind::Unauthorized,
            "A key is needed: send the header `Authorization: Bearer` with one.",
        );
        let asked = HeaderValue::from_static("Bearer realm=\"engagecast\"");
        return Err(Refusal::from(problem).with(WWW_AUTHENTICATE, asked));
    };
    match keys.find(presented, || service.now()) {
        Found::Key(key) => {
            key.touch();
            Ok(Some(key))
        }
        Found::Unknown => {
            let problem = Problem::new(
                Kind::Unauthorized,
                "The key is none of this service: it is misspelt, revoked or has expired.",
            );
            let asked = "Bearer realm=\"engagecast\", error=\"invalid_token\"";
            let asked = HeaderValue::from_static(asked);
            Err(Refusal::from(problem).with(WWW_AUTHENTICATE, asked))
        }
        Found::NotYet => Err(Problem::new(
            Kind::DatabaseUnavailable,
            "The database, which knows the keys, could not be asked yet: try again soon.",
        )
        .into()),
    }
}

/// What a caller presents as its key.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    const SCHEME: &[u8] = b"bearer ";
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, key) = value.split_at_checked(SCHEME.len())?;
    (scheme.eq_ignore_ascii_case(SCHEME)).then(|| key.trim_ascii())
}

/// Whether a caller may use a route of this scope.
pub fn permit(key: &Key, needed: Scope) -> Result<(), Refusal> {
    if Scope::from(key.scope) >= needed {
        return Ok(());
    }
    let (detail, asked) = match needed {
        Scope::Admin => (
            "This needs a key of the scope admin.",
            "Bearer realm=\"engagecast\", error=\"insufficient_scope\", scope=\"admin\"",
        ),
        _ => (
            "This needs a key of the scope read or admin.",
            "Bearer realm=\"engagecast\", error=\"insufficient_scope\", scope=\"read\"",
        ),
    };
    let refusal = Refusal::from(Problem::new(Kind::Forbidden, detail));
    Err(refusal.with(WWW_AUTHENTICATE, HeaderValue::from_static(asked)))
}

/// Counts a request against its key's rate; what is left of it.
pub fn count(key: &Key) -> Result<Option<Allowance>, Refusal> {
    let Some(rate) = &key.rate else {
        return Ok(None);
    };
    let allowance = rate.take();
    let Some(wait) = allowance.wait else {
        return Ok(Some(allowance));
    };
    let problem = Problem::new(
        Kind::TooManyRequests,
        format!(
            "The key may make {} requests a second: see Retry-After.",
            allowance.limit
        ),
    );
    let mut refusal = Refusal::from(problem);
    tell(allowance, refusal.0.headers_mut());
    Err(refusal.with(RETRY_AFTER, seconds(wait).into()))
}

/// Tells a caller how much of its rate is left, as the IETF's draft
/// `draft-ietf-httpapi-ratelimit-headers-10` has it.
pub fn tell(allowance: Allowance, headers: &mut HeaderMap) {
    let Allowance {
        limit, remaining, ..
    } = allowance;
    let full = u8::from(remaining < limit);
    for (name, text) in [
        (POLICY, format!("\"key\";q={limit};w=1")),
        (STATE, format!("\"key\";r={remaining};t={full}")),
    ] {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
}

/// Whole seconds, at least one: by then it is over.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0 || wait.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_key_stands_after_the_scheme_however_that_is_written() {
        for value in ["Bearer abc", "bearer abc", "BEARER   abc "] {
            assert_eq!(bearer(&headers(value)), Some(&b"abc"[..]), "{value}");
        }
        for value in ["Basic abc", "Bearer", "abc", ""] {
            assert_eq!(bearer(&headers(value)), None, "{value}");
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
    }

    #[test]
    fn one_may_ask_again_after_whole_seconds() {
        for (millis, told) in [(0, 1), (1, 1), (1000, 1), (1001, 2)] {
            assert_eq!(seconds(Duration::from_millis(millis)), told);
        }
    }
}
