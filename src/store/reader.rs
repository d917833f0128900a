//! Reads the customers of a cohort back, batch by batch.
//!
//! A task of its own owns the connection; it is a few batches ahead of the
//! reader and ends when the reader is dropped.

use arrow_array::RecordBatch;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use uuid::Uuid;

use super::{Backend, StoreError};

/// Batches that may wait for the reader.
const QUEUE: usize = 2;

pub(super) type Batches = Sender<Result<RecordBatch, StoreError>>;

/// The customers of one cohort, in the order they were written.
#[derive(Debug)]
pub struct Customers {
    queue: Receiver<Result<RecordBatch, StoreError>>,
}

impl Customers {
    #[expect(
        clippy::unused_async,
        reason = "whether opening needs the database is up to the backend"
    )]
    pub(super) async fn open(
        backend: &Backend,
        cohort: Uuid,
        customers: i64,
    ) -> Result<Self, StoreError> {
        let (sender, queue) = channel(QUEUE);
        match backend {
            Backend::Postgres(server) => {
                tokio::spawn(server.clone().read(cohort, sender));
            }
            Backend::Sqlite(file) => {
                tokio::spawn(file.clone().read(cohort, customers, sender));
            }
        }
        Ok(Self { queue })
    }

    /// The next customers, at most 8,192 of them; none after the last, and none
    /// after an error.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, StoreError>> {
        self.queue.recv().await
    }
}
