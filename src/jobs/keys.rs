//! Keys of the HTTP interface, as this process knows them: all in memory, so
//! that nobody who calls waits for the database.
//!
//! They are read anew when the database tells of a change, and twice a second
//! besides, so a key that is revoked is good for a second at most, on every
//! replica. While the database is away the keys are those that were last seen.
//! Invariants: only hashes are kept, and a key is looked for by its hash alone,
//! so how long that takes says nothing of any key.

mod copy;
mod rate;
mod token;

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::Service;
use crate::store::{ApiKey, Store, StoreError};

pub use copy::KeyCopy;
pub use rate::{Allowance, Rate};
pub use token::{BadToken, Hash, Token};

/// How long nothing is heard of before one looks.
const LOOK: Duration = Duration::from_millis(500);
/// How often it is written which keys were used.
const WRITE: Duration = Duration::from_secs(5);

/// What a key is good for; each scope includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyScope {
    /// Predictions, and the metadata that clients of them ask for.
    Predict,
    /// Everything that is there, without changing it.
    Read,
    /// Everything.
    Admin,
}

impl KeyScope {
    pub const ALL: [Self; 3] = [Self::Predict, Self::Read, Self::Admin];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Predict => "predict",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for KeyScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for KeyScope {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|scope| scope.name() == name);
        found.ok_or_else(|| "must be predict, read or admin".to_owned())
    }
}

/// A key that is good, or was when it was last looked for.
#[derive(Debug)]
pub struct Key {
    pub id: Uuid,
    pub name: Arc<str>,
    pub scope: KeyScope,
    expires_at: Option<DateTime<Utc>>,
    /// How much it may ask for, where that is limited.
    pub rate: Option<Rate>,
    used: AtomicBool,
    /// The second in which it was last refused what it asked for.
    refused: AtomicI64,
}

impl Key {
    fn new(row: &ApiKey, scope: KeyScope, default_rate: Option<u32>) -> Self {
        Self {
            id: row.id,
            name: row.name.as_str().into(),
            scope,
            expires_at: row.expires_at,
            rate: row.rate_limit.or(default_rate).and_then(Rate::new),
            used: AtomicBool::new(false),
            refused: AtomicI64::new(i64::MIN),
        }
    }

    fn is_as(&self, other: &Self) -> bool {
        let facts = |key: &Self| {
            let limit = key.rate.as_ref().map(Rate::limit);
            (key.id, key.scope, key.expires_at, limit)
        };
        facts(self) == facts(other) && self.name == other.name
    }

    /// Notes that it was used, for whoever writes that down.
    pub fn touch(&self) {
        // Most find it noted, and write to no memory that others read.
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }

    /// Notes that it was refused something; whether it is the first time in this
    /// second.
    pub fn is_first_refusal(&self, now: DateTime<Utc>) -> bool {
        let second = now.timestamp();
        self.refused.swap(second, Ordering::Relaxed) != second
    }
}

/// What is known of what a caller presented.
#[derive(Debug)]
pub enum Found {
    Key(Arc<Key>),
    /// There is no such key, or it is no longer good.
    Unknown,
    /// It is none of those that are known, and the database, which may know it,
    /// could not be asked yet.
    NotYet,
}

/// How keys are asked for.
#[derive(Debug, Clone, Default)]
pub struct KeySettings {
    /// Whether somebody without a key may do everything.
    pub anonymous: bool,
    /// An admin key that is there from the first moment.
    pub seed: Option<Token>,
    /// Requests a second of a key that has no limit of its own.
    pub rate: Option<u32>,
    /// Where the keys are kept for a start without the database.
    pub copy: Option<KeyCopy>,
}

/// All keys of the service.
#[derive(Debug)]
pub struct Keys {
    settings: KeySettings,
    held: ArcSwap<Held>,
}

#[derive(Debug, Default)]
struct Held {
    known: HashMap<Hash, Arc<Key>>,
    /// Whether these are all, as the database says.
    complete: bool,
}

/// Why the service must not serve.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "it would be reachable from other machines and has no key: make one with `engagecast keys create --scope admin --name NAME`, name a file that holds one with --admin-key-file, or let everybody in with --allow-anonymous"
    )]
    None,
}

impl Default for Keys {
    fn default() -> Self {
        Self::new(KeySettings::default())
    }
}

impl Keys {
    #[must_use]
    pub fn new(settings: KeySettings) -> Self {
        let keys = Self {
            settings,
            held: ArcSwap::default(),
        };
        keys.hold(&[], false);
        keys
    }

    /// Whether somebody without a key may do everything.
    #[must_use]
    pub fn anonymous(&self) -> bool {
        self.settings.anonymous
    }

    /// Whether somebody is let in, as far as is known.
    #[must_use]
    pub fn admits(&self) -> bool {
        self.anonymous() || !self.held.load().known.is_empty()
    }

    /// Looks for what a caller presented.
    pub fn find(&self, presented: &[u8], now: impl FnOnce() -> DateTime<Utc>) -> Found {
        let held = self.held.load();
        let hash = Token::hash_of(presented);
        match hash.and_then(|hash| held.known.get(&hash)) {
            Some(key) if key.expires_at.is_some_and(|end| end <= now()) => Found::Unknown,
            Some(key) => Found::Key(Arc::clone(key)),
            None if held.complete || hash.is_none() => Found::Unknown,
            None => Found::NotYet,
        }
    }

    /// Takes these for the keys that are good.
    fn hold(&self, rows: &[ApiKey], complete: bool) {
        let before = self.held.load();
        let mut known: HashMap<Hash, Arc<Key>> = rows
            .iter()
            .filter(|row| row.revoked_at.is_none())
            .filter_map(|row| self.key(row, &before))
            .collect();
        if let (false, Some(seed)) = (complete, &self.settings.seed) {
            let row = seeded(seed, DateTime::UNIX_EPOCH);
            if !rows.iter().any(|known| known.hash == row.hash) {
                known.extend(self.key(&row, &before));
            }
        }
        self.held.store(Arc::new(Held { known, complete }));
    }

    /// A row as a key, the same as before where nothing of it has changed: that
    /// one knows how much it was used. What this version can't read is no key.
    fn key(&self, row: &ApiKey, before: &Held) -> Option<(Hash, Arc<Key>)> {
        let hash = Hash::try_from(row.hash.as_slice()).ok()?;
        let key = Key::new(row, row.scope.parse().ok()?, self.settings.rate);
        let same = before.known.get(&hash).filter(|known| known.is_as(&key));
        Some((hash, same.map_or_else(|| Arc::new(key), Arc::clone)))
    }

    /// Takes the keys that the data folder keeps, while the database is away.
    pub(super) async fn use_copy(&self) {
        if let Some(copy) = &self.settings.copy
            && let Some(rows) = copy.read().await
        {
            self.hold(&rows, false);
        }
    }

    fn used(&self, now: DateTime<Utc>) -> Vec<(Uuid, DateTime<Utc>)> {
        let held = self.held.load();
        let used = held.known.values();
        let used = used.filter(|key| key.used.swap(false, Ordering::Relaxed));
        used.map(|key| (key.id, now)).collect()
    }
}

/// What somebody asks of a key that is to be.
#[derive(Debug, Clone)]
pub struct NewKey {
    pub name: String,
    pub scope: KeyScope,
    pub expires_at: Option<DateTime<Utc>>,
    pub rate_limit: Option<u32>,
}

/// Makes a key and stores its hash; the key itself is the caller's alone.
///
/// # Errors
/// Where the database fails.
pub async fn create_key(
    store: &Store,
    token: &Token,
    new: NewKey,
    now: DateTime<Utc>,
) -> Result<Uuid, StoreError> {
    let key = ApiKey {
        id: Uuid::now_v7(),
        name: new.name,
        scope: new.scope.name().to_owned(),
        hash: token.hash().to_vec(),
        created_at: now,
        expires_at: new.expires_at,
        revoked_at: None,
        last_used_at: None,
        rate_limit: new.rate_limit,
    };
    store.insert_key(&key).await?;
    Ok(key.id)
}

/// The row of a key that comes from a file. It has the same id on every replica,
/// which tells nothing of it.
fn seeded(seed: &Token, now: DateTime<Utc>) -> ApiKey {
    ApiKey {
        id: seed.id(),
        name: "admin-key-file".into(),
        scope: KeyScope::Admin.name().into(),
        hash: seed.hash().to_vec(),
        created_at: now,
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
        rate_limit: None,
    }
}

impl Service {
    /// Takes over the keys of the store for the first time, and gives it the one
    /// that comes from a file.
    ///
    /// # Errors
    /// Where the database fails, or somebody needs a key and there is none.
    pub(super) async fn take_keys(&self, store: &Store) -> Result<(), KeysError> {
        if let Some(seed) = &self.keys.settings.seed
            && store.insert_key(&seeded(seed, self.now())).await?
        {
            tracing::info!("the key of --admin-key-file is an admin key from now on");
        }
        let rows = store.keys().await?;
        self.keys.hold(&rows, true);
        self.keep_copy(&rows).await;
        let held = self.keys.held.load();
        let now = self.now();
        let good = |key: &Arc<Key>| key.expires_at.is_none_or(|end| end > now);
        if self.keys.anonymous() || held.known.values().any(good) {
            return Ok(());
        }
        Err(KeysError::None)
    }

    /// Keeps up with the keys of the store, and writes which were used. Never ends.
    pub async fn keep_keys(&self) -> Infallible {
        let (never, ()) = tokio::join!(self.follow_keys(), async {
            loop {
                sleep(WRITE).await;
                self.write_uses().await;
            }
        });
        never
    }

    async fn follow_keys(&self) -> Infallible {
        let mut former = Vec::new();
        loop {
            let _ = timeout(LOOK, self.keys_changed.notified()).await;
            let Some(store) = self.store.get() else {
                continue;
            };
            match store.keys().await {
                Ok(mut rows) => {
                    self.keys.hold(&rows, true);
                    // When they were used is nothing that a copy needs.
                    for row in &mut rows {
                        row.last_used_at = None;
                    }
                    if rows != former {
                        self.keep_copy(&rows).await;
                        former = rows;
                    }
                }
                Err(error) if error.is_passing() => (),
                Err(error) => tracing::error!(%error, "can't look for keys"),
            }
        }
    }

    async fn keep_copy(&self, rows: &[ApiKey]) {
        if let Some(copy) = &self.keys.settings.copy {
            copy.keep(rows).await;
        }
    }

    /// Writes which keys were used since the last time. What fails is not worth
    /// trying again: the next use is written.
    pub async fn write_uses(&self) {
        let Some(store) = self.store.get() else {
            return;
        };
        let used = self.keys.used(self.now());
        if used.is_empty() {
            return;
        }
        match store.touch_keys(&used).await {
            Err(error) if !error.is_passing() => {
                tracing::warn!(%error, "can't write when keys were used");
            }
            _ => (),
        }
    }
}

#[cfg(test)]
mod tests;
