//! Long work in the background, and what it leaves for those who serve.
//!
//! This is where generating, importing, storing and training meet: the rooms below
//! do not know of each other. CPU work runs on blocking threads, never on those
//! that answer requests.

mod audit;
mod cache;
mod control;
mod customers;
mod drift;
mod failure;
mod first_start;
mod follow;
mod generate;
mod import;
mod import_job;
mod kept_file;
mod keys;
mod runner;
mod served;
mod status;
mod stored;
mod submit;
mod teach;
mod train_job;
mod training;
mod truth;

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use arc_swap::ArcSwapOption;
use chrono::{DateTime, Utc};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::models::ModelSet;
use crate::store::Store;
use audit::Audit;
use control::Control;
use served::Former;

pub use cache::ModelCache;
pub use drift::Pooled;
pub use failure::JobProblem;
pub use first_start::{FirstStart, FirstStartError, bootstrap};
pub use follow::Upkeep;
pub use import::{ImportFileError, NewImport, Piece, import_file, read_file};
pub use keys::{
    Allowance, BadToken, Found, Key, KeyCopy, KeyScope, KeySettings, Keys, KeysError, NewKey,
    Token, create_key,
};
pub use runner::JobSettings;
pub use served::Counts;
pub use status::{Database, Pending, Phase, Snapshot, Status};
pub use stored::{StoredModelError, model_set};
pub use submit::{ImportRequest, TrainingRequest};

/// What the running service has. Requests read it while jobs fill it.
pub struct Service {
    pub status: Status,
    /// The models that serve, swapped whole. The prediction path reads nothing else.
    pub models: ArcSwapOption<ModelSet>,
    /// Those that served before.
    former: Former,
    /// The database, once it is open.
    pub store: OnceLock<Store>,
    /// Who may call.
    pub keys: Keys,
    /// What is done with admin keys.
    pub audit: Audit,
    /// Told when keys may have changed: at least once a second.
    keys_changed: Notify,
    /// This process, among those that share the database.
    id: Uuid,
    clock: fn() -> DateTime<Utc>,
    /// Told when there may be a job to do.
    new_jobs: Notify,
    /// The jobs that this process works on.
    running: Mutex<HashMap<Uuid, Control>>,
}

impl Service {
    /// A service that has nothing yet.
    #[must_use]
    pub fn new(clock: fn() -> DateTime<Utc>) -> Self {
        Self {
            status: Status::default(),
            models: ArcSwapOption::empty(),
            former: Former::default(),
            store: OnceLock::new(),
            keys: Keys::default(),
            audit: Audit::default(),
            keys_changed: Notify::new(),
            id: Uuid::new_v4(),
            clock,
            new_jobs: Notify::new(),
            running: Mutex::default(),
        }
    }

    /// The same with keys that are asked for in this way.
    #[must_use]
    pub fn with_keys(self, settings: KeySettings) -> Self {
        let keys = Keys::new(settings);
        Self { keys, ..self }
    }

    /// The present, for what is stored.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }
}

impl Default for Service {
    fn default() -> Self {
        Self::new(Utc::now)
    }
}
