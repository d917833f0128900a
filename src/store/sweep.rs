//! What is cleared away now and then: what a process left that was killed, and
//! cohorts beyond the number or the age that an operator wants to keep.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use uuid::Uuid;

use super::id::Id;
use super::{Backend, LONG, Store, StoreError, change, on_either};

/// A file that was sent in and that no job asks for after this time never will be.
const UPLOAD: TimeDelta = TimeDelta::hours(6);
/// How long the answers to calls with an `Idempotency-Key` are kept.
const ANSWERS: TimeDelta = TimeDelta::hours(24);
/// How long what became of a job is kept.
const OUTCOMES: TimeDelta = TimeDelta::days(90);

/// How long the counts of a process that writes no more still say whom the models
/// are asked about.
const COUNTS: TimeDelta = TimeDelta::hours(24);

/// Which cohorts are kept; all of them, where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// So many of the newest.
    pub cohorts: Option<u32>,
    /// Those that are younger.
    pub age: Option<TimeDelta>,
}

// Partitions without a cohort: the two are written together, so these are the
// remains of a restored or edited database.
const ORPHANS: &str = "INSERT INTO dropped_cohorts (cohort_id, dropped_at) \
    SELECT found.id, $1 FROM (SELECT substr(relname, 11)::uuid AS id \
        FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid \
        WHERE inhparent = 'customers'::regclass AND relname ~ '^customers_[0-9a-f]{32}$') AS found \
    WHERE NOT EXISTS (SELECT 1 FROM cohorts WHERE id = found.id) \
    ON CONFLICT (cohort_id) DO NOTHING";
const UPLOADS: &str = "DELETE FROM uploads WHERE created_at < $1 AND NOT EXISTS \
    (SELECT 1 FROM jobs WHERE kind = 'import' AND state IN ('queued', 'running') \
     AND input ->> 'upload' = CAST(uploads.id AS text))";
const CALLS: &str = "DELETE FROM idempotency_keys WHERE created_at < $1";
// What an import set aside goes with its cohort, or with its job if it made none.
const REJECTS: &str = "DELETE FROM rejects WHERE cohort_id IN \
        (SELECT cohort_id FROM jobs WHERE kind = 'import' AND finished_at < $1) \
    AND NOT EXISTS (SELECT 1 FROM cohorts WHERE cohorts.id = rejects.cohort_id)";
const DRIFT: &str = "DELETE FROM drift_counts WHERE written_at < $1";
const JOBS: &str = "DELETE FROM jobs WHERE finished_at < $1";
const EXPIRED: &str = "SELECT id FROM (SELECT id, created_at, \
        row_number() OVER (ORDER BY created_at DESC, id DESC) AS place FROM cohorts) AS ranked \
    WHERE place > 1 AND (place > $1 OR created_at < $2) ORDER BY place DESC";

impl Store {
    /// Clears away what killed processes left, and the customers of deleted
    /// cohorts that were still being read.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn sweep(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let before = |age: TimeDelta| (now - age).trunc_subsecs(6);
        match &self.backend {
            Backend::Postgres(_) => {
                change!(self, "clear away leftovers", within LONG,
                    sqlx::query(ORPHANS).bind(before(TimeDelta::zero())))?;
            }
            Backend::Sqlite(file) => file.note_orphans(before(TimeDelta::zero())).await?,
        }
        for (statement, moment) in [
            (UPLOADS, before(UPLOAD)),
            (CALLS, before(ANSWERS)),
            (REJECTS, before(OUTCOMES)),
            (JOBS, before(OUTCOMES)),
            (DRIFT, before(COUNTS)),
        ] {
            change!(self, "clear away leftovers", within LONG, sqlx::query(statement).bind(moment))?;
        }
        self.remove_deleted().await
    }

    /// Deletes the cohorts that are not to be kept, and tells which. The newest
    /// one is kept in any case, and so is one that a job is to make or to read.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn delete_expired(
        &self,
        keep: Retention,
        now: DateTime<Utc>,
    ) -> Result<Vec<Uuid>, StoreError> {
        if keep == Retention::default() {
            return Ok(Vec::new());
        }
        let most = keep.cohorts.map_or(i64::MAX, i64::from);
        let oldest = keep.age.and_then(|age| now.checked_sub_signed(age));
        let oldest = oldest.unwrap_or(DateTime::UNIX_EPOCH).trunc_subsecs(6);
        let expired: Vec<Id> = on_either!(self, "look for old cohorts", pool =>
            sqlx::query_scalar(EXPIRED).bind(most).bind(oldest).fetch_all(pool))?;
        let mut deleted = Vec::new();
        for id in expired {
            if self.delete_unused_cohort(id.0, now).await? {
                deleted.push(id.0);
            }
        }
        Ok(deleted)
    }
}
