//! Reads a cohort with `COPY … TO STDOUT` on its partition.
//!
//! A partition is filled once, front to back, and never changed, and `COPY` of a
//! table reads it front to back in one process: the rows come in the order they
//! were written.

use futures_util::StreamExt;
use sqlx::Executor;
use tokio::time::timeout;
use uuid::Uuid;

use super::{SILENCE, Server, copy, partition};
use crate::store::StoreError;
use crate::store::reader::Batches;

impl Server {
    /// Sends the customers of a cohort to `batches`, until all are sent or nobody
    /// takes them.
    pub(in crate::store) async fn read(self, cohort: Uuid, batches: Batches) {
        if let Err(error) = self.send_customers(cohort, &batches).await {
            // A reader that is gone doesn't need to know.
            drop(batches.send(Err(error)).await);
        }
    }

    async fn send_customers(&self, cohort: Uuid, batches: &Batches) -> Result<(), StoreError> {
        let failed = |e: sqlx::Error| match &e {
            // The cohort was deleted a moment ago.
            sqlx::Error::Database(error) if error.code().as_deref() == Some("42P01") => {
                StoreError::UnknownCohort(cohort)
            }
            e => self.error("read the customers", e),
        };
        let mut connection = self.connect().await?;
        // Else a scan of a large table may begin where another one is.
        let setting = connection.execute("SET synchronize_seqscans = off");
        self.patiently(setting, failed).await?;
        let statement = copy::out_of(&partition(cohort));
        let messages = connection.copy_out_raw(&statement);
        let mut messages = self.patiently(messages, failed).await?;
        let mut decoder = copy::Decoder::new();
        loop {
            let message = timeout(SILENCE, messages.next()).await;
            let Some(message) = message.map_err(|_| self.silent())? else {
                break;
            };
            decoder.feed(&message.map_err(failed)?);
            while let Some(batch) = decoder.next_batch().map_err(|e| self.undecodable(e))? {
                if batches.send(Ok(batch)).await.is_err() {
                    return Ok(());
                }
            }
        }
        if let Some(batch) = decoder.finish().map_err(|e| self.undecodable(e))? {
            // As above.
            drop(batches.send(Ok(batch)).await);
        }
        Ok(())
    }

    fn undecodable(&self, reason: String) -> StoreError {
        StoreError::Failed {
            place: self.place.clone(),
            doing: "read the customers",
            reason,
        }
    }
}
