//! What is done with admin keys, on its way to the audit log.
//!
//! A deed is noted in memory and written behind the call that did it, so none
//! waits for the database; while that is away deeds wait for it. Invariants:
//! what waits is bounded, what there is no room for stands in the service's log
//! instead, and a stop writes what waits.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use super::Service;
use crate::store::{AuditEntry, Store};

/// Deeds that wait: more than an hour of one a second.
const MOST: usize = 4096;
/// The pause before a database that is away is tried again.
const PAUSE: Duration = Duration::from_millis(500);

/// Deeds that are to be written.
#[derive(Debug, Default)]
pub struct Audit {
    waiting: Mutex<VecDeque<AuditEntry>>,
    noted: Notify,
}

impl Audit {
    /// Has a deed written.
    pub fn note(&self, deed: AuditEntry) {
        let mut waiting = self.waiting();
        if waiting.len() < MOST {
            waiting.push_back(deed);
            drop(waiting);
            self.noted.notify_one();
        } else {
            drop(waiting);
            tell(&deed, "too many deeds wait for the audit log");
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<AuditEntry>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn first(&self) -> Option<AuditEntry> {
        self.waiting().front().cloned()
    }

    /// Forgets a deed that was written; another may have come first meanwhile.
    fn done(&self, deed: &AuditEntry) {
        let mut waiting = self.waiting();
        if waiting.front().is_some_and(|first| first.id == deed.id) {
            waiting.pop_front();
        }
    }
}

/// Puts a deed into the service's log, where it can't be put into the other one.
fn tell(deed: &AuditEntry, why: &str) {
    tracing::error!(
        at = %deed.at,
        key = deed.key_name,
        action = deed.action,
        object = deed.object,
        status = deed.status,
        request_id = deed.request_id,
        "{why}"
    );
}

impl Service {
    /// Writes deeds as they are noted. Never ends.
    pub async fn keep_audit(&self) -> Infallible {
        loop {
            self.audit.noted.notified().await;
            while self.audit.first().is_some() {
                if let Some(store) = self.store.get()
                    && self.write_first(store).await
                {
                    continue;
                }
                sleep(PAUSE).await;
            }
        }
    }

    /// Writes what waits, before the process ends; what can't be written is told.
    pub async fn hand_over_audit(&self) {
        while let (Some(store), Some(_)) = (self.store.get(), self.audit.first()) {
            if !self.write_first(store).await {
                break;
            }
        }
        for deed in self.audit.waiting().drain(..) {
            tell(&deed, "the audit log can't be written before the stop");
        }
    }

    /// Writes the deed that waits longest; false where the database is away.
    async fn write_first(&self, store: &Store) -> bool {
        let Some(deed) = self.audit.first() else {
            return true;
        };
        match store.append_audit(&deed).await {
            Ok(()) => (),
            Err(error) if error.is_passing() => return false,
            Err(error) => tell(&deed, &format!("can't write the audit log: {error}")),
        }
        self.audit.done(&deed);
        true
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_waits_is_bounded() {
        let audit = Audit::default();
        for _ in 0..MOST + 10 {
            audit.note(AuditEntry {
                id: Uuid::now_v7(),
                at: Utc::now(),
                key_id: None,
                key_name: "ops".into(),
                action: "models.activate".into(),
                object: "/models/v1/activate".into(),
                request_id: "r-1".into(),
                status: Some(200),
            });
        }
        assert_eq!(audit.waiting().len(), MOST);
        let first = audit.first().unwrap();
        audit.done(&first);
        audit.done(&first);
        assert_eq!(audit.waiting().len(), MOST - 1, "forgotten once");
    }
}
