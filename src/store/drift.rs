//! What each process counted of those whom it predicts for: whole counts, written
//! again and again over the former, so that one that is written twice counts once.

use chrono::{DateTime, SubsecRound, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use super::id::Id;
use super::{Store, StoreError, changing, check, on_either};

/// The counts of one process for one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinCounts {
    pub process: Uuid,
    /// The model set.
    pub version: String,
    pub target: String,
    /// In the order of the model's bins; the store doesn't look inside.
    pub counts: Vec<u64>,
    /// When the process began to serve the model set.
    pub since: DateTime<Utc>,
}

type Row = (Id, String, String, Json<Vec<u64>>, DateTime<Utc>);

const WRITE: &str = "INSERT INTO drift_counts \
    (process, version, target, counts, since, written_at) VALUES ($1, $2, $3, $4, $5, $6) \
    ON CONFLICT (version, target, process) DO UPDATE \
    SET counts = excluded.counts, written_at = excluded.written_at";
const OTHERS: &str = "SELECT process, version, target, counts, since FROM drift_counts \
    WHERE version = $1 AND target = $2 AND process <> $3 ORDER BY process";

/// Writes all counts in one transaction of either database.
macro_rules! write {
    ($pool:expr, $counts:expr, $now:expr) => {
        async {
            let mut transaction = $pool.begin().await?;
            for counts in $counts {
                sqlx::query(WRITE)
                    .bind(Id(counts.process))
                    .bind(&counts.version)
                    .bind(&counts.target)
                    .bind(Json(&counts.counts))
                    .bind(counts.since.trunc_subsecs(6))
                    .bind($now.trunc_subsecs(6))
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await
        }
    };
}

impl Store {
    /// Keeps counts in place of those that the same process had written of the
    /// same model.
    ///
    /// # Errors
    /// Where the database fails; then nothing is changed.
    pub async fn write_bin_counts(
        &self,
        counts: &[BinCounts],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        changing!(self, "store what was counted", pool => write!(pool, counts, now))
    }

    /// What other processes counted of a model.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn bin_counts_of_others(
        &self,
        version: &str,
        target: &str,
        process: Uuid,
    ) -> Result<Vec<BinCounts>, StoreError> {
        check::text("the model set's version", version)?;
        check::text("the model's target", target)?;
        let rows: Vec<Row> = on_either!(self, "read what was counted", pool =>
            sqlx::query_as(OTHERS).bind(version).bind(target).bind(Id(process)).fetch_all(pool))?;
        let counts = |(process, version, target, counts, since): Row| BinCounts {
            process: process.0,
            version,
            target,
            counts: counts.0,
            since,
        };
        Ok(rows.into_iter().map(counts).collect())
    }
}
