//! The keys in the data folder, for a start while the database is away.
//!
//! One file, replaced whole, that only its owner may read. It has hashes and no
//! keys, and begins with the SHA-256 of the rest: a file that is damaged or cut
//! off is taken for none.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::jobs::kept_file::replace;
use crate::store::ApiKey;

const FILE: &str = "keys.cache";
/// Its owner's alone.
const RIGHTS: u32 = 0o600;
const DIGEST: usize = 32;

/// Where the keys are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyCopy {
    folder: PathBuf,
}

/// A key that is good, as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    id: Uuid,
    name: String,
    scope: String,
    hash: Vec<u8>,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    rate_limit: Option<u32>,
}

impl KeyCopy {
    /// The copy in a data folder.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// Keeps the keys in place of the former. That it can't is worth a line in the
    /// log and nothing more.
    pub(super) async fn keep(&self, rows: &[ApiKey]) {
        let (copy, bytes) = (self.clone(), encoded(rows));
        if let Ok(Err(error)) =
            spawn_blocking(move || replace(&copy.folder, FILE, RIGHTS, &bytes)).await
        {
            let folder = self.folder.display();
            tracing::warn!(
                "the keys are not kept for a start without the database: {folder}: {error}"
            );
        }
    }

    /// The keys that were kept; none where there is no such file, or not all of it.
    pub(super) async fn read(&self) -> Option<Vec<ApiKey>> {
        let path = self.folder.join(FILE);
        spawn_blocking(move || decoded(&fs::read(path).ok()?))
            .await
            .ok()
            .flatten()
    }
}

fn encoded(rows: &[ApiKey]) -> Vec<u8> {
    let kept: Vec<Kept> = rows.iter().map(Kept::from).collect();
    let json = serde_json::to_vec(&kept).unwrap_or_default();
    [&Sha256::digest(&json)[..], &json].concat()
}

fn decoded(bytes: &[u8]) -> Option<Vec<ApiKey>> {
    let (digest, json) = bytes.split_at_checked(DIGEST)?;
    if Sha256::digest(json)[..] != *digest {
        return None;
    }
    let kept: Vec<Kept> = serde_json::from_slice(json).ok()?;
    Some(kept.into_iter().map(ApiKey::from).collect())
}

impl From<&ApiKey> for Kept {
    fn from(row: &ApiKey) -> Self {
        Self {
            id: row.id,
            name: row.name.clone(),
            scope: row.scope.clone(),
            hash: row.hash.clone(),
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            rate_limit: row.rate_limit,
        }
    }
}

impl From<Kept> for ApiKey {
    fn from(kept: Kept) -> Self {
        Self {
            id: kept.id,
            name: kept.name,
            scope: kept.scope,
            hash: kept.hash,
            created_at: kept.created_at,
            expires_at: kept.expires_at,
            revoked_at: kept.revoked_at,
            last_used_at: None,
            rate_limit: kept.rate_limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::{Token, seeded};
    use super::*;

    #[tokio::test]
    async fn gives_back_what_was_kept_and_lets_nobody_else_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let copy = KeyCopy::of(&folder.path().join("made"));
        assert_eq!(copy.read().await, None);
        let rows = [seeded(&Token::fresh().unwrap(), DateTime::UNIX_EPOCH)];
        copy.keep(&rows).await;
        assert_eq!(copy.read().await.unwrap(), rows);
        let path = copy.folder.join(FILE);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
        assert_eq!(copy.read().await, None, "a damaged one is none");
    }
}
