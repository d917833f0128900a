//! What admin keys did: a list that only grows.

use chrono::{DateTime, SubsecRound, Utc};
use uuid::Uuid;

use super::id::Id;
use super::{After, Store, StoreError, change, check, on_either};

/// One deed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    /// None where no key was needed.
    pub key_id: Option<Uuid>,
    /// What the key was called then; empty where no key was needed.
    pub key_name: String,
    /// What was done, such as `models.activate`.
    pub action: String,
    /// What it was done to.
    pub object: String,
    pub request_id: String,
    /// What it was answered; none where the client left before, or there was no
    /// request.
    pub status: Option<u16>,
}

type Row = (
    Id,
    DateTime<Utc>,
    Option<Id>,
    String,
    String,
    String,
    String,
    Option<i32>,
);

// One whose answer was lost is written again.
const APPEND: &str = "INSERT INTO audit_log \
    (id, at, key_id, key_name, action, object, request_id, status) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING";
const PAGE: &str = "SELECT id, at, key_id, key_name, action, object, request_id, status \
    FROM audit_log ORDER BY at DESC, id DESC LIMIT $1";
const PAGE_AFTER: &str = "SELECT id, at, key_id, key_name, action, object, request_id, status \
    FROM audit_log WHERE (at, id) < ($2, $3) ORDER BY at DESC, id DESC LIMIT $1";

impl Store {
    /// Notes a deed; the same one again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Unstorable`] for a text that a database can't hold; else
    /// where the database fails.
    pub async fn append_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        for text in [
            &entry.key_name,
            &entry.action,
            &entry.object,
            &entry.request_id,
        ] {
            check::text("an entry of the audit log", text)?;
        }
        change!(
            self,
            "write the audit log",
            sqlx::query(APPEND)
                .bind(Id(entry.id))
                .bind(entry.at.trunc_subsecs(6))
                .bind(entry.key_id.map(Id))
                .bind(&entry.key_name)
                .bind(&entry.action)
                .bind(&entry.object)
                .bind(&entry.request_id)
                .bind(entry.status.map(i32::from))
        )?;
        Ok(())
    }

    /// What was done, the latest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn audit(
        &self,
        after: Option<After>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let rows: Vec<Row> = match after {
            None => on_either!(self, "read the audit log", pool =>
                sqlx::query_as(PAGE).bind(i64::from(limit)).fetch_all(pool))?,
            Some(after) => on_either!(self, "read the audit log", pool =>
                sqlx::query_as(PAGE_AFTER)
                    .bind(i64::from(limit))
                    .bind(after.at)
                    .bind(Id(after.id))
                    .fetch_all(pool))?,
        };
        Ok(rows.into_iter().map(AuditEntry::from_row).collect())
    }
}

impl AuditEntry {
    fn from_row(row: Row) -> Self {
        let (id, at, key_id, key_name, action, object, request_id, status) = row;
        Self {
            id: id.0,
            at,
            key_id: key_id.map(|id| id.0),
            key_name,
            action,
            object,
            request_id,
            status: status.and_then(|status| u16::try_from(status).ok()),
        }
    }
}
