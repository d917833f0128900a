//! Loads a cohort: its partition is made, filled by one `COPY`, attached and
//! listed in one transaction.
//!
//! The partition stays a table of its own until the end, so that the table
//! `customers` is locked for a moment only, and several cohorts can be loaded at
//! once while others are read.

use std::time::Duration;

use sqlx::{AssertSqlSafe, PgConnection};
use tokio::time::timeout;
use uuid::Uuid;

use super::{Server, close, copy, partition};
use crate::store::cohorts::list_cohort;
use crate::store::columns::values;
use crate::store::writer::{Ending, Message, Outcome, Queue};
use crate::store::{Cohort, NewCohort, StoreError};

/// Rows that are encoded and sent together: some hundred kilobytes, and no
/// longer than a fraction of a millisecond on an async thread.
const ROWS: usize = 512;

/// How long it may take to index the partition and to list the cohort.
const COMMIT: Duration = Duration::from_mins(30);

/// Ends the sessions that load the same cohort.
const END_OTHERS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
    WHERE application_name = $1 AND datname = current_database() \
    AND usename = current_user AND pid <> pg_backend_pid()";

/// An open transaction in which the partition is made already.
pub(in crate::store) struct Load {
    server: Server,
    connection: PgConnection,
    new: NewCohort,
}

impl Server {
    pub(in crate::store) async fn begin_load(&self, new: NewCohort) -> Result<Load, StoreError> {
        // A connection may take long; whether there is a server, not.
        self.answers().await?;
        let failed = |e: sqlx::Error| self.load_error(&e);
        let name = format!("engagecast cohort {}", new.id.simple());
        let mut connection = self.connect_as(&name).await?;
        // A process that was given up for dead, and works on the same job, would
        // keep the partition's name.
        let ending = sqlx::query(END_OTHERS).bind(&name).execute(&mut connection);
        self.patiently(ending, failed).await?;
        let partition = partition(new.id);
        let statements = [
            "SET lock_timeout = '30s'".to_owned(),
            "BEGIN".to_owned(),
            format!("CREATE TABLE {partition} (LIKE customers INCLUDING COMMENTS)"),
            format!(
                "ALTER TABLE {partition} ALTER COLUMN cohort_id SET DEFAULT '{}'",
                new.id
            ),
        ];
        for statement in statements {
            self.patiently(execute(&mut connection, statement), failed)
                .await?;
        }
        Ok(Load {
            server: self.clone(),
            connection,
            new,
        })
    }

    fn load_error(&self, error: &sqlx::Error) -> StoreError {
        let duplicate = (error.as_database_error())
            .is_some_and(|e| e.is_unique_violation() && e.constraint() != Some("cohorts_pkey"));
        if duplicate {
            return StoreError::DuplicateCustomer;
        }
        if matches!(error, sqlx::Error::RowNotFound) {
            return StoreError::LostJob(Uuid::nil());
        }
        self.error("store the cohort", error)
    }
}

impl Load {
    /// Stores what comes through the queue until it is finished, or rolls back
    /// when it closes before that.
    pub(in crate::store) async fn run(mut self, mut queue: Queue) -> Outcome {
        let Some((customers, mut ending)) = self.copy(&mut queue).await? else {
            close(self.connection).await;
            return Ok(None);
        };
        let customers = i64::try_from(customers).unwrap_or(i64::MAX);
        let facts = std::mem::take(&mut ending.facts);
        let cohort = Cohort::complete(self.new, customers, facts);
        let commit = commit(&mut self.connection, &cohort, &ending);
        match timeout(COMMIT, commit).await {
            Ok(done) => done.map_err(|e: sqlx::Error| self.server.load_error(&e))?,
            Err(_) => return Err(self.server.silent()),
        }
        close(self.connection).await;
        Ok(Some(cohort))
    }

    /// Copies the customers; none where nobody finishes the cohort.
    async fn copy(&mut self, queue: &mut Queue) -> Result<Option<(u64, Ending)>, StoreError> {
        let server = &self.server;
        let failed = |e: sqlx::Error| server.load_error(&e);
        let statement = copy::into(&partition(self.new.id));
        let copying = self.connection.copy_in_raw(&statement);
        let mut copying = server.patiently(copying, failed).await?;
        let mut buffer = copy::HEADER.to_vec();
        while let Some(message) = queue.recv().await {
            match message {
                Message::Rows(batch) => {
                    let columns = values(&batch)?;
                    for start in (0..batch.num_rows()).step_by(ROWS) {
                        let end = batch.num_rows().min(start + ROWS);
                        copy::encode(&columns, start..end, &mut buffer);
                        let sent = copying.send(buffer.as_slice());
                        server.patiently(sent, failed).await?;
                        buffer.clear();
                    }
                }
                Message::Finish(ending) => {
                    buffer.extend_from_slice(&copy::TRAILER);
                    let sent = copying.send(buffer.as_slice());
                    server.patiently(sent, failed).await?;
                    let customers = server.patiently(copying.finish(), failed).await?;
                    return Ok(Some((customers, *ending)));
                }
            }
        }
        let abandoned = copying.abort("the cohort was not finished");
        server.patiently(abandoned, failed).await?;
        Ok(None)
    }
}

/// Attaches the partition, which also builds its index, and lists the cohort.
async fn commit(
    connection: &mut PgConnection,
    cohort: &Cohort,
    ending: &Ending,
) -> sqlx::Result<()> {
    let attach = format!(
        "ALTER TABLE customers ATTACH PARTITION {} FOR VALUES IN ('{}')",
        partition(cohort.id),
        cohort.id
    );
    execute(connection, attach).await?;
    list_cohort!(connection, cohort, ending).await?;
    execute(connection, "COMMIT".to_owned()).await
}

/// Runs a statement whose only variable part is the id of a cohort.
async fn execute(connection: &mut PgConnection, statement: String) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await?;
    Ok(())
}
