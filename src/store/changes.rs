//! What other processes changed in the database, as soon as they did.
//!
//! Postgres tells it (`LISTEN`); SQLite does not. Neither is relied on: whoever
//! waits for a change looks by itself now and then, for a message may be lost
//! with the connection that it was to come through.

use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{sleep, timeout};

use super::{Backend, Store};

/// The channel that the triggers of the schema tell their changes on.
const CHANNEL: &str = "engagecast";
/// The pause before a connection that was lost is made again.
const PAUSE: Duration = Duration::from_millis(500);
const QUEUE: usize = 16;

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Another model set is active.
    Models,
    /// There is a job to do, or to stop.
    Jobs,
    /// A key was made or revoked.
    Keys,
    /// Anything may have: nothing was heard for a while.
    Anything,
}

/// The changes of a database, from now on.
#[derive(Debug)]
pub struct Changes(Option<Receiver<Change>>);

impl Store {
    /// Listens for changes, until the answer is dropped.
    #[must_use]
    pub fn changes(&self) -> Changes {
        let Backend::Postgres(server) = &self.backend else {
            return Changes(None);
        };
        let (sender, receiver) = channel(QUEUE);
        // A connection that listens is of no use to anybody else.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(5))
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(server.options().clone());
        tokio::spawn(async move {
            while !sender.is_closed() {
                tokio::select! {
                    _ = tell(&pool, &sender) => sleep(PAUSE).await,
                    () = sender.closed() => (),
                }
            }
        });
        Changes(Some(receiver))
    }
}

/// Passes on what is told, until the connection is lost.
async fn tell(pool: &sqlx::PgPool, sender: &Sender<Change>) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    // What was told before was not heard.
    let _ = sender.try_send(Change::Anything);
    while let Some(told) = listener.try_recv().await? {
        let change = match told.payload() {
            "models" => Change::Models,
            "jobs" => Change::Jobs,
            "keys" => Change::Keys,
            _ => Change::Anything,
        };
        // A full queue is being looked through already.
        let _ = sender.try_send(change);
    }
    Ok(())
}

impl Changes {
    /// The next change; [`Change::Anything`] where none was heard of for so long.
    pub async fn next(&mut self, wait: Duration) -> Change {
        let heard = if let Some(queue) = &mut self.0 {
            timeout(wait, queue.recv()).await.ok().flatten()
        } else {
            sleep(wait).await;
            None
        };
        heard.unwrap_or(Change::Anything)
    }
}
