//! Calls that a client marked with a key of its own, so that sending one twice
//! does its work once: the second gets the first one's answer.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde_json::Value;
use sqlx::types::Json;

use super::{Store, StoreError, change, check, on_either};

/// How long a call may be worked on; after that its process is gone, and the next
/// call of the same key does the work.
const WORKED_ON: TimeDelta = TimeDelta::minutes(2);

/// A call with an `Idempotency-Key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdempotentCall<'a> {
    /// Who calls: each has keys of its own.
    pub caller: &'a str,
    pub key: &'a str,
    /// What is called.
    pub route: &'a str,
    /// A hash of what is sent.
    pub fingerprint: &'a str,
}

/// What is to be done with such a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// It is the first: do it, or forget it.
    First,
    /// It was done: answer the same.
    Same(Value),
    /// It is being done.
    Running,
    /// The key was used for something else.
    Different,
}

// A row whose work was given up is taken over; in any other case nothing changes.
const CLAIM: &str = "INSERT INTO idempotency_keys \
    (caller, key, route, fingerprint, response, created_at) VALUES ($1, $2, $3, $4, NULL, $5) \
    ON CONFLICT (caller, key) DO UPDATE SET created_at = excluded.created_at \
    WHERE idempotency_keys.response IS NULL AND idempotency_keys.created_at < $6 \
    AND idempotency_keys.route = excluded.route \
    AND idempotency_keys.fingerprint = excluded.fingerprint";
const FOUND: &str = "SELECT route, fingerprint, response FROM idempotency_keys \
    WHERE caller = $1 AND key = $2";
/// Keeps the answer of a call that was claimed.
pub(super) const ANSWER: &str =
    "UPDATE idempotency_keys SET response = $3 WHERE caller = $1 AND key = $2";
const FORGET: &str =
    "DELETE FROM idempotency_keys WHERE caller = $1 AND key = $2 AND response IS NULL";

type Row = (String, String, Option<Json<Value>>);

impl Store {
    /// Claims the work of a call.
    ///
    /// # Errors
    /// [`StoreError::Unstorable`] for a key that a database can't hold; else where
    /// the database fails.
    pub async fn claim_idempotency(
        &self,
        call: IdempotentCall<'_>,
        now: DateTime<Utc>,
    ) -> Result<Claim, StoreError> {
        check::text("the Idempotency-Key", call.key)?;
        let doing = "look for a call";
        let claimed = change!(
            self,
            doing,
            sqlx::query(CLAIM)
                .bind(call.caller)
                .bind(call.key)
                .bind(call.route)
                .bind(call.fingerprint)
                .bind(now.trunc_subsecs(6))
                .bind((now - WORKED_ON).trunc_subsecs(6))
        )?;
        if claimed > 0 {
            return Ok(Claim::First);
        }
        let found: Option<Row> = on_either!(self, doing, pool => sqlx::query_as(FOUND)
            .bind(call.caller)
            .bind(call.key)
            .fetch_optional(pool))?;
        Ok(match found {
            Some((route, fingerprint, _))
                if route != call.route || fingerprint != call.fingerprint =>
            {
                Claim::Different
            }
            Some((_, _, Some(response))) => Claim::Same(response.0),
            // Where it was forgotten just now, the caller asks again.
            Some((_, _, None)) | None => Claim::Running,
        })
    }

    /// Whether a caller used a key before, for whatever.
    ///
    /// # Errors
    /// As for [`Store::claim_idempotency`].
    pub async fn knows_idempotency(&self, caller: &str, key: &str) -> Result<bool, StoreError> {
        check::text("the Idempotency-Key", key)?;
        let found: Option<Row> = on_either!(self, "look for a call", pool =>
            sqlx::query_as(FOUND).bind(caller).bind(key).fetch_optional(pool))?;
        Ok(found.is_some())
    }

    /// Forgets a claimed call that came to nothing: the next one may try again.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn forget_idempotency(&self, call: IdempotentCall<'_>) -> Result<(), StoreError> {
        change!(
            self,
            "forget a call",
            sqlx::query(FORGET).bind(call.caller).bind(call.key)
        )?;
        Ok(())
    }
}
