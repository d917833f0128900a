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

mod check;
mod cohorts;
mod columns;
mod error;
mod id;
mod location;
mod lock;
mod migrations;
mod model_sets;
mod postgres;
mod reader;
mod sqlite;
mod writer;

use std::fmt;
use std::time::Duration;

use tokio::time::timeout;

pub use cohorts::{Cohort, NewCohort};
pub use error::StoreError;
pub use location::Location;
pub use lock::BootstrapLock;
pub use model_sets::{NewModelSet, StoredModel, StoredModelSet};
pub use reader::Customers;
pub use writer::CohortWriter;

/// How many rows a batch has that is read back: enough for the work per batch to
/// vanish, little enough for a few of them to be held at once.
const BATCH_ROWS: usize = 8192;

/// How long an answer to a ping may take.
const PING: Duration = Duration::from_secs(2);

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

/// Runs the same expression on the pool of either database, with errors turned
/// into the store's own.
macro_rules! on_either {
    ($store:expr, $doing:expr, $pool:ident => $body:expr) => {
        match &$store.backend {
            crate::store::Backend::Postgres(server) => {
                let $pool = server.pool();
                $body.await.map_err(|e| server.error($doing, &e))
            }
            crate::store::Backend::Sqlite(file) => {
                let $pool = file.pool();
                $body.await.map_err(|e| file.error($doing, &e))
            }
        }
    };
}
use on_either;

impl Store {
    /// Connects and brings the schema up to date.
    ///
    /// While Postgres can't be reached it is tried again, for `wait` at most;
    /// `waiting` hears of each failed try. Nothing else is waited for.
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
            Location::Sqlite { folder } => Backend::Sqlite(sqlite::File::open(folder).await?),
        };
        Ok(Self { backend })
    }

    /// Whether the database answers, within two seconds.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`] where it doesn't.
    pub async fn ping(&self) -> Result<(), StoreError> {
        match timeout(PING, self.ask()).await {
            Ok(answer) => answer,
            Err(_) => Err(StoreError::Unreachable {
                place: self.place().to_owned(),
                reason: "it doesn't answer".into(),
            }),
        }
    }

    async fn ask(&self) -> Result<(), StoreError> {
        let _: i32 = on_either!(self, "answer", pool =>
            sqlx::query_scalar("SELECT 1").fetch_one(pool))?;
        Ok(())
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
