//! Long work in the background, and what it leaves for those who serve.
//!
//! This is where generating, storing and training meet: the rooms below do not
//! know of each other. CPU work runs on blocking threads, never on those that
//! answer requests.

mod customers;
mod first_start;
mod import;
mod status;
mod training;

use std::sync::OnceLock;

use arc_swap::ArcSwapOption;

use crate::models::ModelSet;
use crate::store::Store;

pub use first_start::{FirstStart, FirstStartError, bootstrap};
pub use import::{ImportFileError, NewImport, Piece, import_file, read_file};
pub use status::{Database, Pending, Phase, Snapshot, Status};

/// What the running service has. Requests read it while jobs fill it.
#[derive(Default)]
pub struct Service {
    pub status: Status,
    /// The models that serve, swapped whole. The prediction path reads nothing else.
    pub models: ArcSwapOption<ModelSet>,
    /// The database, once it is open.
    pub store: OnceLock<Store>,
}

impl Service {
    /// Asks the database now and then whether it is there. Never ends.
    pub async fn watch_database(&self) -> ! {
        loop {
            tokio::time::sleep(status::DATABASE_CHECK).await;
            let Some(store) = self.store.get() else {
                continue;
            };
            let database = match store.ping().await {
                Ok(()) => Database::Ok,
                Err(_) => Database::Unavailable,
            };
            if self.status.now().database != database {
                tracing::info!(database = database.name(), "the database's state changed");
            }
            self.status.database(database);
        }
    }
}
