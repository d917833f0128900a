//! The active models in the data folder, for a start while the database is away.
//!
//! One file, replaced whole. It begins with a mark and the SHA-256 of the rest, so
//! that a file that is damaged, cut off or something else is taken for none.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;

use super::kept_file::replace;
use crate::store::{StoredModel, StoredModelSet};

const FILE: &str = "active-models.cache";
/// As other files have them.
const RIGHTS: u32 = 0o666;
const MARK: [u8; 8] = *b"ECMODEL1";
const DIGEST: usize = 32;

/// Where the active models are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelCache {
    folder: PathBuf,
}

impl ModelCache {
    /// The cache of a data folder.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    /// Keeps a set in place of the former. That it can't is worth a line in the log
    /// and nothing more.
    pub(super) fn keep(&self, set: &StoredModelSet) -> impl Future<Output = ()> + use<> {
        let (cache, set) = (self.clone(), set.clone());
        async move {
            let path = cache.path();
            let written =
                spawn_blocking(move || replace(&cache.folder, FILE, RIGHTS, &encoded(&set))).await;
            if let Ok(Err(error)) = written {
                let path = path.display();
                tracing::warn!(
                    "the active models are not kept for a start without the database: {path}: {error}"
                );
            }
        }
    }

    /// The set that was kept; none where there is none, or not all of it.
    pub(super) async fn read(&self) -> Option<StoredModelSet> {
        let path = self.path();
        spawn_blocking(move || decoded(&fs::read(path).ok()?))
            .await
            .ok()
            .flatten()
    }
}

/// The mark, the digest, the length of a JSON header, the header, the artifacts.
fn encoded(set: &StoredModelSet) -> Vec<u8> {
    let models: Vec<Value> = (set.models.iter())
        .map(|m| json!({ "target": m.target, "card": m.card, "bytes": m.artifact.len() }))
        .collect();
    let header = json!({
        "version": set.version,
        "cohort_id": set.cohort_id,
        "created_at": set.created_at,
        "models": models,
    })
    .to_string();
    let mut rest = (header.len() as u64).to_le_bytes().to_vec();
    rest.extend_from_slice(header.as_bytes());
    for model in &set.models {
        rest.extend_from_slice(&model.artifact);
    }
    [&MARK[..], &Sha256::digest(&rest), &rest].concat()
}

fn decoded(bytes: &[u8]) -> Option<StoredModelSet> {
    let (digest, rest) = bytes.strip_prefix(&MARK)?.split_at_checked(DIGEST)?;
    if Sha256::digest(rest)[..] != *digest {
        return None;
    }
    let (length, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (header, mut rest) = rest.split_at_checked(length)?;
    let header: Value = serde_json::from_slice(header).ok()?;
    let mut models = Vec::new();
    for model in header["models"].as_array()? {
        let length = usize::try_from(model["bytes"].as_u64()?).ok()?;
        let (artifact, after) = rest.split_at_checked(length)?;
        rest = after;
        models.push(StoredModel {
            target: model["target"].as_str()?.to_owned(),
            artifact: artifact.to_vec(),
            card: model["card"].clone(),
        });
    }
    Some(StoredModelSet {
        version: header["version"].as_str()?.to_owned(),
        cohort_id: serde_json::from_value(header["cohort_id"].clone()).ok()?,
        created_at: serde_json::from_value(header["created_at"].clone()).ok()?,
        models,
    })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    fn set() -> StoredModelSet {
        StoredModelSet {
            version: "v1".into(),
            cohort_id: Some(Uuid::from_u128(7)),
            created_at: DateTime::from_timestamp_micros(1_761_004_800_123_456).unwrap(),
            models: [("churn", &b"abc"[..]), ("ltv", b"")]
                .map(|(target, artifact)| StoredModel {
                    target: target.into(),
                    artifact: artifact.into(),
                    card: json!({ "of": target }),
                })
                .into(),
        }
    }

    #[tokio::test]
    async fn gives_back_what_was_kept_last() {
        let folder = tempfile::tempdir().unwrap();
        let cache = ModelCache::of(&folder.path().join("made"));
        assert_eq!(cache.read().await, None);
        let mut other = set();
        other.version = "v0".into();
        cache.keep(&other).await;
        cache.keep(&set()).await;
        assert_eq!(cache.read().await, Some(set()));
        assert_eq!(fs::read_dir(&cache.folder).unwrap().count(), 1);
    }

    #[test]
    fn takes_a_damaged_file_for_none() {
        let bytes = encoded(&set());
        assert_eq!(decoded(&bytes), Some(set()));
        for cut in 0..bytes.len() {
            assert_eq!(decoded(&bytes[..cut]), None, "cut off at {cut}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(decoded(&changed), None, "changed at {at}");
        }
    }
}
