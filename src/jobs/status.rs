//! How far the start is: what `/readyz` says and the terminal shows.

use std::time::Duration;

use tokio::sync::watch;
use uuid::Uuid;

/// What the service is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Opening the database and bringing its tables up to date.
    OpeningDatabase,
    /// Waiting for a database that can't be reached yet.
    WaitingForDatabase,
    /// Waiting for another process that makes the first cohort or its models.
    WaitingForPeer,
    /// Generating the first customers and storing them.
    Generating,
    /// Reading the stored customers to train on them.
    Reading,
    /// Training the models.
    Training,
    /// Saving the models.
    Saving,
    /// Serving predictions.
    Serving,
}

impl Phase {
    /// In the order in which a start goes through them.
    pub const ALL: [Self; 8] = [
        Self::OpeningDatabase,
        Self::WaitingForDatabase,
        Self::WaitingForPeer,
        Self::Generating,
        Self::Reading,
        Self::Training,
        Self::Saving,
        Self::Serving,
    ];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpeningDatabase => "opening_database",
            Self::WaitingForDatabase => "waiting_for_database",
            Self::WaitingForPeer => "waiting_for_peer",
            Self::Generating => "generating",
            Self::Reading => "reading",
            Self::Training => "training",
            Self::Saving => "saving",
            Self::Serving => "serving",
        }
    }
}

/// Whether the database answered when it was last asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    Connecting,
    Ok,
    Unavailable,
}

impl Database {
    pub const ALL: [Self; 3] = [Self::Connecting, Self::Ok, Self::Unavailable];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Ok => "ok",
            Self::Unavailable => "unavailable",
        }
    }
}

/// The cohort that is being generated.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    pub id: Uuid,
    pub name: String,
    pub customers: u64,
    pub seed: u64,
    pub generator_version: &'static str,
    pub created_at: chrono::DateTime<chrono::Utc>,
}

/// One moment of the service.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    pub phase: Phase,
    /// How much of the phase is done, 0 to 1.
    pub progress: f64,
    pub generating: Option<Pending>,
    pub database: Database,
    /// Whether the models that serve are those of the data folder, since the
    /// database was away at the start and has not been read since.
    pub from_cache: bool,
    /// Whether the service was told to stop.
    pub draining: bool,
}

/// The moments of the service, one after the other.
#[derive(Debug)]
pub struct Status(watch::Sender<Snapshot>);

impl Default for Status {
    fn default() -> Self {
        Self(watch::Sender::new(Snapshot {
            phase: Phase::OpeningDatabase,
            progress: 0.0,
            generating: None,
            database: Database::Connecting,
            from_cache: false,
            draining: false,
        }))
    }
}

impl Status {
    #[must_use]
    pub fn now(&self) -> Snapshot {
        self.0.borrow().clone()
    }

    /// For those who want to see each change.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Snapshot> {
        self.0.subscribe()
    }

    pub fn enter(&self, phase: Phase) {
        self.0.send_modify(|now| {
            now.phase = phase;
            now.progress = 0.0;
        });
    }

    /// Notes the progress of the phase; a step too small to see wakes nobody.
    pub fn advance(&self, progress: f64) {
        self.0.send_if_modified(|now| {
            let seen = progress >= now.progress + 0.001;
            if seen {
                now.progress = progress.min(1.0);
            }
            seen
        });
    }

    pub fn generating(&self, cohort: Option<Pending>) {
        self.0.send_modify(|now| now.generating = cohort);
    }

    pub fn database(&self, database: Database) {
        self.0.send_if_modified(|now| {
            let before = std::mem::replace(&mut now.database, database);
            before != database
        });
    }

    pub fn from_cache(&self, from_cache: bool) {
        self.0.send_modify(|now| now.from_cache = from_cache);
    }

    pub fn drain(&self) {
        self.0.send_modify(|now| now.draining = true);
    }
}

/// How often the database is asked whether it is there.
pub const DATABASE_CHECK: Duration = Duration::from_secs(1);
