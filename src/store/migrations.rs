//! The schema's versions, which run at start. They only go forward; a database
//! that a newer version of the program migrated is refused.

use std::borrow::Cow;

use sqlx::SqlStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::StoreError;

/// A schema version, what it brings, and its text.
type Version = (i64, &'static str, &'static str);

pub(super) const POSTGRES: &[Version] = &[
    (
        1,
        "cohorts and models",
        include_str!("../../migrations/postgres/0001_cohorts_and_models.sql"),
    ),
    (
        2,
        "jobs, keys and views",
        include_str!("../../migrations/postgres/0002_jobs_keys_and_views.sql"),
    ),
    (
        3,
        "drift",
        include_str!("../../migrations/postgres/0003_drift.sql"),
    ),
    (
        4,
        "key limits and answers",
        include_str!("../../migrations/postgres/0004_key_limits_and_answers.sql"),
    ),
];

pub(super) const SQLITE: &[Version] = &[
    (
        1,
        "cohorts and models",
        include_str!("../../migrations/sqlite/0001_cohorts_and_models.sql"),
    ),
    (
        2,
        "jobs, keys and views",
        include_str!("../../migrations/sqlite/0002_jobs_keys_and_views.sql"),
    ),
    (
        3,
        "drift",
        include_str!("../../migrations/sqlite/0003_drift.sql"),
    ),
    (
        4,
        "key limits and answers",
        include_str!("../../migrations/sqlite/0004_key_limits_and_answers.sql"),
    ),
];

/// Why the schema could not be brought up to date.
pub(super) enum Refusal {
    Newer { found: i64, supported: i64 },
    Other { version: i64 },
    Database(sqlx::Error),
}

/// What runs the versions that a database doesn't have yet.
///
/// Several processes may do so at once: in Postgres the migrator holds an
/// advisory lock, in SQLite the caller holds a lock file. After a failure the
/// connection must be closed, since it may still hold the former.
///
/// To be run with `run_direct`: the future of `run` is not `Send` for a single
/// connection.
pub(super) fn migrator(versions: &[Version]) -> Migrator {
    let migrations = versions.iter().map(|&(version, description, sql)| {
        Migration::new(
            version,
            Cow::Borrowed(description),
            MigrationType::Simple,
            SqlStr::from_static(sql),
            false,
        )
    });
    Migrator::with_migrations(migrations.collect())
}

/// The oldest schema whose program works on the schema that is there, as the
/// version that made it says.
pub(super) const OLDEST_PROGRAM: &str = "SELECT oldest_program FROM schema_versions \
    WHERE version = (SELECT max(version) FROM _sqlx_migrations)";

/// Whether a later version of the program migrated the schema.
pub(super) fn is_newer(error: &MigrateError) -> bool {
    matches!(error, MigrateError::VersionMissing(_))
}

/// Goes on with a newer schema, if that declares that this program still works on
/// it: while replicas are upgraded one by one, both versions start and run.
pub(super) fn tolerate(
    versions: &[Version],
    oldest: Option<i64>,
    error: MigrateError,
) -> Result<(), MigrateError> {
    let supported = versions.iter().map(|v| v.0).max().unwrap_or(0);
    match oldest {
        Some(oldest) if oldest <= supported => Ok(()),
        _ => Err(error),
    }
}

/// What a failed migration means.
pub(super) fn refusal(versions: &[Version], error: MigrateError) -> Refusal {
    let supported = versions.iter().map(|v| v.0).max().unwrap_or(0);
    match error {
        MigrateError::VersionMissing(found) if found > supported => {
            Refusal::Newer { found, supported }
        }
        MigrateError::VersionMissing(version)
        | MigrateError::VersionMismatch(version)
        | MigrateError::Dirty(version) => Refusal::Other { version },
        MigrateError::Execute(e) | MigrateError::ExecuteMigration(e, _) => Refusal::Database(e),
        e => Refusal::Database(e.into()),
    }
}

impl Refusal {
    /// The same as the store's error about `place`.
    pub(super) fn into_error(
        self,
        place: &str,
        database: impl FnOnce(sqlx::Error) -> StoreError,
    ) -> StoreError {
        let place = place.to_owned();
        match self {
            Self::Newer { found, supported } => StoreError::NewerSchema {
                place,
                found,
                supported,
            },
            Self::Other { version } => StoreError::OtherSchema { place, version },
            Self::Database(e) => database(e),
        }
    }
}
