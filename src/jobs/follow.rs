//! Keeps up with the database: is it there, which models are active, is there
//! work, what can be cleared away.
//!
//! Postgres tells of changes; all of it is also looked at now and then, so that
//! nothing depends on being told.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Service;
use super::cache::ModelCache;
use super::status::{DATABASE_CHECK, Database};
use super::stored::load;
use crate::store::{Change, Retention, Store, StoreError};

/// How long nothing is heard of before one looks.
const LOOK: Duration = Duration::from_secs(1);
/// How often leftovers are looked for.
const SWEEP: Duration = Duration::from_secs(30);

/// What is done to keep up with the database, besides looking.
#[derive(Debug, Clone, Default)]
pub struct Upkeep {
    /// Where the active models are kept for a start without the database.
    pub cache: Option<ModelCache>,
    pub retention: Retention,
}

impl Service {
    /// Follows the database, and clears away leftovers. Never ends.
    pub async fn keep_up(&self, store: &Store, upkeep: &Upkeep) {
        tokio::join!(
            self.watch_database(store),
            self.follow(store, upkeep.cache.as_ref()),
            self.clear_away(store, upkeep.retention),
            self.keep_counts(store),
        );
    }

    /// Asks the database now and then whether it is there.
    async fn watch_database(&self, store: &Store) {
        loop {
            let database = match store.ping().await {
                Ok(()) => Database::Ok,
                Err(_) => Database::Unavailable,
            };
            if self.status.now().database != database {
                tracing::info!(database = database.name(), "the database's state changed");
            }
            self.status.database(database);
            sleep(DATABASE_CHECK).await;
        }
    }

    /// Hears what others change, and passes it on.
    async fn follow(&self, store: &Store, cache: Option<&ModelCache>) {
        let mut changes = store.changes();
        let mut unusable = None;
        let mut looked = Instant::now();
        loop {
            let mut change = changes.next(LOOK).await;
            // One thing that changes all the time does not keep the others waiting.
            if looked.elapsed() >= LOOK {
                change = Change::Anything;
            }
            if change == Change::Anything {
                looked = Instant::now();
            }
            if matches!(change, Change::Jobs | Change::Anything) {
                self.new_jobs.notify_one();
            }
            if matches!(change, Change::Keys | Change::Anything) {
                self.keys_changed.notify_one();
            }
            if matches!(change, Change::Models | Change::Anything) {
                match self.take_active_models(store, cache, &mut unusable).await {
                    Err(error) if !error.is_passing() => {
                        tracing::error!(%error, "can't look for the active models");
                    }
                    _ => (),
                }
            }
        }
    }

    /// Serves the active models, if they are not those that serve already. A set
    /// that this version can't serve is named once, and the former goes on.
    pub(super) async fn take_active_models(
        &self,
        store: &Store,
        cache: Option<&ModelCache>,
        unusable: &mut Option<String>,
    ) -> Result<(), StoreError> {
        let Some(version) = store.active_version().await? else {
            return Ok(());
        };
        let serves =
            |version: &str| (self.models.load().as_ref()).is_some_and(|set| set.version == version);
        if serves(&version) || *unusable == Some(version) {
            return Ok(());
        }
        let Some(stored) = store.active_model_set().await? else {
            return Ok(());
        };
        let version = stored.version.clone();
        let kept = cache.map(|cache| cache.keep(&stored));
        match load(stored).await {
            Ok(set) => {
                self.serve(set);
                *unusable = None;
                tracing::info!(version, "another model set serves");
                if let Some(kept) = kept {
                    kept.await;
                }
            }
            Err(error) => {
                tracing::error!(%error, "the active model set can't serve; the former goes on");
                *unusable = Some(version);
            }
        }
        Ok(())
    }

    /// Clears away leftovers and what is not to be kept.
    async fn clear_away(&self, store: &Store, retention: Retention) {
        loop {
            let now = (self.clock)();
            let deleted = match store.delete_expired(retention, now).await {
                Ok(deleted) => store.sweep(now).await.map(|()| deleted),
                Err(error) => Err(error),
            };
            match deleted {
                Ok(deleted) if deleted.is_empty() => (),
                Ok(deleted) => tracing::info!(?deleted, "deleted cohorts that are not to be kept"),
                Err(error) if error.is_passing() => (),
                Err(error) => tracing::warn!(%error, "can't clear away leftovers"),
            }
            sleep(SWEEP).await;
        }
    }
}
