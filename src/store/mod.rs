//! Keeps cohorts, their customers and trained models in a database: Postgres
//! where a URL names one, else a SQLite file in the data folder.
//!
//! The store keeps rows, facts and bytes without knowing who made them. Its
//! invariant: what can be read is complete. A cohort appears with all its
//! customers and its facts in one transaction, a model set with all its models,
//! and whatever was begun and not finished leaves nothing behind.
//!
//! Both databases answer to the same SQL where they can; what differs is how
//! rows are moved in bulk ([`postgres`], [`sqlite`]).

mod audit;
mod changes;
mod check;
mod claims;
mod cohorts;
mod columns;
mod deleting;
mod drift;
mod error;
mod filter;
mod id;
mod idempotency;
mod jobs;
mod keys;
mod location;
mod lock;
mod migrations;
mod model_sets;
mod pages;
mod postgres;
mod reader;
mod rejects;
mod sqlite;
mod sweep;
mod uploads;
mod writer;

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::MutexGuard;
use uuid::Uuid;

pub use audit::AuditEntry;
pub use changes::{Change, Changes};
pub use claims::{Beat, Heart, JobOutcome};
pub use cohorts::{Cohort, NewCohort};
pub use drift::BinCounts;
pub use error::StoreError;
pub use filter::{Filter, FilterError};
pub use idempotency::{Claim, IdempotentCall};
pub use jobs::{Job, JobKind, JobState, NewJob};
pub use keys::ApiKey;
pub use location::Location;
pub use lock::BootstrapLock;
pub use model_sets::{ModelSetSummary, StoredModel, StoredModelSet};
pub use pages::Wanted;
pub use reader::Customers;
pub use rejects::Reject;
pub use sweep::Retention;
pub use writer::{CohortWriter, JobEnding};

/// How many rows a batch has that is read back: enough for the work per batch to
/// vanish, little enough for a few of them to be held at once.
const BATCH_ROWS: usize = 8192;

/// How long a small statement may take, the wait for a connection included:
/// whoever asks over HTTP hears within a second that the database is away.
const QUICK: Duration = Duration::from_millis(950);
/// The same where much is moved, or many rows are looked through.
const LONG: Duration = Duration::from_secs(30);

/// A place in a list that has the newest first: the next page begins after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After {
    pub at: DateTime<Utc>,
    pub id: Uuid,
}

/// A database that is migrated and ready; cheap to clone.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
}

#[derive(Clone)]
enum Backend {
    Postgres(postgres::Server),
    Sqlite(sqlite::File),
}

/// Runs the same expression on the pool of either database, within [`QUICK`] or
/// the time that is named, with errors turned into the store's own.
///
/// SQLite has no server that could be silent: its own limit is that on waiting
/// for another writer.
macro_rules! on_either {
    ($store:expr, $doing:expr, $pool:ident => $body:expr) => {
        on_either!($store, $doing, within crate::store::QUICK, $pool => $body)
    };
    ($store:expr, $doing:expr, within $limit:expr, $pool:ident => $body:expr) => {{
        let span = crate::traces::Span::call($doing);
        let done = match &$store.backend {
            crate::store::Backend::Postgres(server) => {
                span.tell("db.system.name", "postgresql");
                let $pool = server.pool();
                match span.around(tokio::time::timeout($limit, $body)).await {
                    Ok(done) => done.map_err(|e: sqlx::Error| server.error($doing, &e)),
                    Err(_) => Err(server.silent()),
                }
            }
            crate::store::Backend::Sqlite(file) => {
                span.tell("db.system.name", "sqlite");
                let $pool = file.pool();
                let done = span.around($body).await;
                done.map_err(|e: sqlx::Error| file.error($doing, &e))
            }
        };
        if done.is_err() {
            span.fail();
        }
        done
    }};
}
use on_either;

/// The same for what changes something, which in SQLite is one at a time.
macro_rules! changing {
    ($store:expr, $doing:expr, $pool:ident => $body:expr) => {
        crate::store::changing!($store, $doing, within crate::store::QUICK, $pool => $body)
    };
    ($store:expr, $doing:expr, within $limit:expr, $pool:ident => $body:expr) => {{
        let _turn = $store.turn().await;
        crate::store::on_either!($store, $doing, within $limit, $pool => $body)
    }};
}
use changing;

/// Runs the same statement on either database, and counts the rows that it
/// changed.
macro_rules! change {
    ($store:expr, $doing:expr, $query:expr) => {
        change!($store, $doing, within crate::store::QUICK, $query)
    };
    ($store:expr, $doing:expr, within $limit:expr, $query:expr) => {
        crate::store::changing!($store, $doing, within $limit, pool => async {
            $query.execute(pool).await.map(|done| done.rows_affected())
        })
    };
}
use change;

impl Store {
    /// How many connections of the pool are used, and how many idle.
    #[must_use]
    pub fn connections(&self) -> (usize, usize) {
        let (all, idle) = match &self.backend {
            Backend::Postgres(server) => (server.pool().size(), server.pool().num_idle()),
            Backend::Sqlite(file) => (file.pool().size(), file.pool().num_idle()),
        };
        let all = usize::try_from(all).unwrap_or(idle);
        (all.saturating_sub(idle), idle)
    }

    /// Connects and brings the schema up to date.
    ///
    /// While Postgres can't be reached it is tried again, for `wait` at most;
    /// `waiting` hears of each failed try. A process that is migrating the schema
    /// is waited for as long. Nothing else is waited for.
    ///
    /// # Errors
    /// Where the database can't be reached in time or can't be used: see
    /// [`StoreError`].
    pub async fn open(
        location: &Location,
        wait: Duration,
        waiting: &(dyn Fn(&StoreError) + Sync),
    ) -> Result<Self, StoreError> {
        let backend = match location {
            Location::Postgres { url } => {
                Backend::Postgres(postgres::Server::open(url, wait, waiting).await?)
            }
            Location::Sqlite { folder } => Backend::Sqlite(sqlite::File::open(folder, wait).await?),
        };
        Ok(Self { backend })
    }

    /// Whether the database answers, within a second.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`] where it doesn't.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let _: i32 = on_either!(self, "answer", pool =>
            sqlx::query_scalar("SELECT 1").fetch_one(pool))?;
        Ok(())
    }

    /// Waits until it is one's turn to change something; Postgres sees to that
    /// itself.
    async fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        match &self.backend {
            Backend::Postgres(_) => None,
            Backend::Sqlite(file) => file.turn().await,
        }
    }

    /// What messages call the database: never a secret.
    fn place(&self) -> &str {
        match &self.backend {
            Backend::Postgres(server) => server.place(),
            Backend::Sqlite(file) => file.place(),
        }
    }

    /// Closes all idle connections, and waits for those in use.
    pub async fn close(self) {
        match &self.backend {
            Backend::Postgres(server) => server.pool().close().await,
            Backend::Sqlite(file) => file.pool().close().await,
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.place())
    }
}
