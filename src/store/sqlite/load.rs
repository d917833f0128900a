//! Loads a cohort some thousand rows at a time, so that others write in between.
//!
//! Until the cohort is listed, which is the last transaction, nobody sees its
//! rows: every reader goes through `cohorts`. Invariant: whoever writes them
//! holds the [`Claim`] to them, and what is left where that ends early is removed
//! by it, by the next load of the same cohort, or by whoever sweeps.

use std::sync::Arc;

use arrow_array::RecordBatch;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};
use uuid::Uuid;

use super::claim::Claim;
use super::{BUSY_LOAD, File, rows};
use crate::store::cohorts::list_cohort;
use crate::store::columns::values;
use crate::store::writer::{Ending, Message, Outcome, Queue};
use crate::store::{Cohort, NewCohort, StoreError};

/// Statements in one transaction: some hundredths of a second, which others wait
/// for.
const STATEMENTS: usize = 4;

/// A connection of its own, and the right to the cohort's rows.
pub(in crate::store) struct Load {
    file: File,
    connection: SqliteConnection,
    new: NewCohort,
    claim: Claim,
}

impl File {
    pub(in crate::store) async fn begin_load(&self, new: NewCohort) -> Result<Load, StoreError> {
        let claim = Claim::wait(self.folder(), new.id, BUSY_LOAD).await;
        let claim = claim.map_err(|cause| self.folder_error(cause))?;
        let claim = claim.ok_or_else(|| self.busy())?;
        if self.lists(new.id).await? {
            return Err(StoreError::Failed {
                place: self.place().to_owned(),
                doing: "store the cohort",
                reason: "one of the same id is there already".into(),
            });
        }
        // What a process left that worked on the same job before.
        self.remove_hidden(new.id, &claim).await?;
        // Statements of this size are no use in a log.
        let options = self.options.clone().disable_statement_logging();
        let connection = options.connect().await.map_err(|e| self.load_error(&e))?;
        Ok(Load {
            file: self.clone(),
            connection,
            new,
            claim,
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
    /// Stores what comes through the queue until it is finished, or removes it
    /// when that closes before.
    pub(in crate::store) async fn run(mut self, mut queue: Queue) -> Outcome {
        let outcome = self.fill(&mut queue).await;
        let Self {
            file,
            connection,
            new,
            claim,
        } = self;
        // An open transaction ends with it.
        drop(connection.close().await);
        if !matches!(outcome, Ok(Some(_))) {
            // Nobody sees what stays: whoever sweeps tries again.
            let _ = file.remove_hidden(new.id, &claim).await;
        }
        outcome
    }

    async fn fill(&mut self, queue: &mut Queue) -> Outcome {
        let mut customers = 0;
        let full = rows::insert(self.new.id, rows::ROWS);
        while let Some(message) = queue.recv().await {
            match message {
                Message::Rows(batch) => {
                    self.insert(&batch, &full).await?;
                    customers += batch.num_rows();
                }
                Message::Finish(mut ending) => {
                    let customers = i64::try_from(customers).unwrap_or(i64::MAX);
                    let facts = std::mem::take(&mut ending.facts);
                    let cohort = Cohort::complete(self.new.clone(), customers, facts);
                    let listed = self.list(&cohort, &ending).await;
                    listed.map_err(|e| self.file.load_error(&e))?;
                    return Ok(Some(cohort));
                }
            }
        }
        Ok(None)
    }

    /// Inserts a batch; `full` is the statement for as many rows as one can take.
    async fn insert(&mut self, batch: &RecordBatch, full: &Arc<str>) -> Result<(), StoreError> {
        let columns = values(batch)?;
        let mut statements = Vec::with_capacity(STATEMENTS);
        for start in (0..batch.num_rows()).step_by(rows::ROWS) {
            let end = batch.num_rows().min(start + rows::ROWS);
            let statement = match end - start {
                rows::ROWS => Arc::clone(full),
                fewer => rows::insert(self.new.id, fewer),
            };
            let arguments = rows::arguments(&columns, start..end)
                .map_err(|e| self.file.load_error(&sqlx::Error::Encode(e)))?;
            statements.push((statement, arguments));
            if statements.len() == STATEMENTS || end == batch.num_rows() {
                let stored = self.store(statements.drain(..)).await;
                stored.map_err(|e| self.file.load_error(&e))?;
            }
        }
        Ok(())
    }

    /// Runs some statements in a transaction, in turn with whatever else this
    /// process writes.
    async fn store(
        &mut self,
        statements: impl Iterator<Item = (Arc<str>, SqliteArguments)>,
    ) -> sqlx::Result<()> {
        let _turn = self.file.turn.lock().await;
        let open = &mut self.connection;
        sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut *open).await?;
        for (statement, arguments) in statements {
            let insert = sqlx::query_with(AssertSqlSafe(statement), arguments);
            insert.execute(&mut *open).await?;
        }
        sqlx::raw_sql("COMMIT").execute(open).await?;
        Ok(())
    }

    /// Lists the cohort.
    async fn list(&mut self, cohort: &Cohort, ending: &Ending) -> sqlx::Result<()> {
        let _turn = self.file.turn.lock().await;
        let open = &mut self.connection;
        sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut *open).await?;
        list_cohort!(open, cohort, ending).await?;
        sqlx::raw_sql("COMMIT").execute(open).await?;
        Ok(())
    }
}
