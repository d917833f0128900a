//! Loads a cohort with statements of many rows each, in one transaction.

use std::sync::Arc;

use arrow_array::RecordBatch;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use uuid::Uuid;

use super::{File, rows};
use crate::store::cohorts::list_cohort;
use crate::store::columns::values;
use crate::store::writer::{Ending, Message, Outcome, Queue};
use crate::store::{Cohort, NewCohort, StoreError};

/// A connection that takes the right to write with the first rows, and keeps it
/// to the end: nobody waits for a cohort that is still being calibrated.
pub(in crate::store) struct Load {
    file: File,
    connection: SqliteConnection,
    new: NewCohort,
    begun: bool,
}

impl File {
    pub(in crate::store) async fn begin_load(&self, new: NewCohort) -> Result<Load, StoreError> {
        // Statements of this size are no use in a log.
        let options = self.options.clone().disable_statement_logging();
        let connection = options.connect().await.map_err(|e| self.load_error(&e))?;
        Ok(Load {
            file: self.clone(),
            connection,
            new,
            begun: false,
        })
    }

    fn load_error(&self, error: &sqlx::Error) -> StoreError {
        let duplicate = (error.as_database_error())
            .is_some_and(|e| e.is_unique_violation() && e.message().contains("customer_id"));
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
        let mut customers = 0;
        let full = rows::insert(self.new.id, rows::ROWS);
        while let Some(message) = queue.recv().await {
            match message {
                Message::Rows(batch) => {
                    self.begin().await?;
                    self.insert(&batch, &full).await?;
                    customers += batch.num_rows();
                }
                Message::Finish(mut ending) => {
                    self.begin().await?;
                    let customers = i64::try_from(customers).unwrap_or(i64::MAX);
                    let facts = std::mem::take(&mut ending.facts);
                    let cohort = Cohort::complete(self.new, customers, facts);
                    commit(self.connection, &cohort, &ending)
                        .await
                        .map_err(|e| self.file.load_error(&e))?;
                    return Ok(Some(cohort));
                }
            }
        }
        // Closing rolls back.
        drop(self.connection.close().await);
        Ok(None)
    }

    async fn begin(&mut self) -> Result<(), StoreError> {
        if !self.begun {
            sqlx::raw_sql("BEGIN IMMEDIATE")
                .execute(&mut self.connection)
                .await
                .map_err(|e| self.file.load_error(&e))?;
            self.begun = true;
        }
        Ok(())
    }

    /// Inserts a batch; `full` is the statement for as many rows as one can take.
    async fn insert(&mut self, batch: &RecordBatch, full: &Arc<str>) -> Result<(), StoreError> {
        let columns = values(batch)?;
        for start in (0..batch.num_rows()).step_by(rows::ROWS) {
            let end = batch.num_rows().min(start + rows::ROWS);
            let statement = match end - start {
                rows::ROWS => Arc::clone(full),
                fewer => rows::insert(self.new.id, fewer),
            };
            let arguments = rows::arguments(&columns, start..end)
                .map_err(|e| self.file.load_error(&sqlx::Error::Encode(e)))?;
            sqlx::query_with(AssertSqlSafe(statement), arguments)
                .execute(&mut self.connection)
                .await
                .map_err(|e| self.file.load_error(&e))?;
        }
        Ok(())
    }
}

/// Lists the cohort.
async fn commit(
    mut connection: SqliteConnection,
    cohort: &Cohort,
    ending: &Ending,
) -> sqlx::Result<()> {
    let open = &mut connection;
    list_cohort!(open, cohort, ending).await?;
    sqlx::raw_sql("COMMIT").execute(&mut connection).await?;
    connection.close().await
}
