//! Answers that are made while they are sent.
//!
//! The head waits for the first bytes, so that what fails at once is a problem
//! and not half an answer. Invariants: what waits for a slow client is bounded;
//! once the client is gone the work ends at its next bytes; an answer that is
//! not whole never ends as if it were.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::formats::Format;
use super::problem::Problem;
use crate::traces::Span;

/// Bytes that may wait for the client. So much of an answer is made for one that
/// sends all of its request before it reads.
const WAITING: usize = 8 * 1024 * 1024;

/// Bytes that are handed to the connection at a time.
const PIECE: usize = 128 * 1024;

/// Why an answer was not completed.
pub enum Stopped {
    /// The client went away, or did not read for too long.
    Gone,
    Failed(Problem),
}

impl From<Problem> for Stopped {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

enum Piece {
    Bytes(
        Bytes,
        #[expect(dead_code, reason = "held until it is sent")] OwnedSemaphorePermit,
    ),
    End,
    Failed(Problem),
}

/// Where the bytes of an answer go.
pub struct Outlet {
    pieces: UnboundedSender<Piece>,
    room: Arc<Semaphore>,
    patience: Duration,
}

impl Outlet {
    /// Sends bytes, as soon as there is room for them.
    pub async fn send(&self, bytes: Vec<u8>) -> Result<(), Stopped> {
        let mut bytes = Bytes::from(bytes);
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(PIECE));
            let size = u32::try_from(piece.len()).unwrap_or(u32::MAX);
            let room = Arc::clone(&self.room).acquire_many_owned(size);
            let Ok(Ok(room)) = timeout(self.patience, room).await else {
                return Err(Stopped::Gone);
            };
            let sent = self.pieces.send(Piece::Bytes(piece, room));
            sent.map_err(|_| Stopped::Gone)?;
        }
        if self.pieces.is_closed() {
            return Err(Stopped::Gone);
        }
        Ok(())
    }

    /// Waits until the client is gone.
    pub async fn gone(&self) {
        self.pieces.closed().await;
    }
}

/// An answer in a format, made by `work`. A client that takes nothing for as
/// long as `patience` is given up.
pub async fn answer<F>(
    format: Format,
    patience: Duration,
    work: impl FnOnce(Arc<Outlet>) -> F,
) -> Result<Response<Body>, Problem>
where
    F: Future<Output = Result<(), Stopped>> + Send + 'static,
{
    let (pieces, mut made) = unbounded_channel();
    let outlet = Arc::new(Outlet {
        pieces: pieces.clone(),
        room: Arc::new(Semaphore::new(WAITING)),
        patience,
    });
    let work = work(outlet);
    let span = Span::part("stream");
    tokio::spawn(async move {
        let last = match span.around(work).await {
            Ok(()) => Piece::End,
            Err(Stopped::Failed(problem)) => {
                span.fail();
                Piece::Failed(problem)
            }
            Err(Stopped::Gone) => {
                span.fail();
                tracing::debug!("an answer was given up: its client is gone");
                return;
            }
        };
        // Nobody is there to be told, if nobody is there.
        let _ = pieces.send(last);
    });
    let body = match made.recv().await {
        Some(Piece::Bytes(first, _)) => {
            Body::from_stream(stream::once(std::future::ready(Ok(first))).chain(rest(made)))
        }
        Some(Piece::End) => Body::empty(),
        Some(Piece::Failed(problem)) => return Err(problem),
        None => return Err(super::problem::internal(&Broken)),
    };
    let mut response = Response::new(body);
    let kind = HeaderValue::from_static(format.media_type());
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

/// The answer could not be completed: the connection is cut, which the client
/// can tell from an end.
#[derive(Debug, thiserror::Error)]
#[error("the answer broke off")]
struct Broken;

fn rest(made: UnboundedReceiver<Piece>) -> impl futures_util::Stream<Item = Result<Bytes, Broken>> {
    stream::unfold(Some(made), async |made| {
        let mut made = made?;
        match made.recv().await {
            Some(Piece::Bytes(bytes, _)) => Some((Ok(bytes), Some(made))),
            Some(Piece::End) => None,
            Some(Piece::Failed(problem)) => {
                tracing::warn!(?problem, "an answer broke off in its middle");
                Some((Err(Broken), None))
            }
            None => Some((Err(Broken), None)),
        }
    })
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(50);

    async fn body(response: Response<Body>) -> Option<Bytes> {
        let collected = response.into_body().collect().await;
        collected.ok().map(http_body_util::Collected::to_bytes)
    }

    #[tokio::test]
    async fn what_is_sent_arrives_whole_and_in_order() {
        let response = answer(Format::Csv, PATIENCE, async |out: Arc<Outlet>| {
            for i in 0..100_u8 {
                out.send(vec![i; 20_000]).await?;
            }
            Ok(())
        });
        let body = body(response.await.ok().unwrap()).await.unwrap();
        assert_eq!(body.len(), 2_000_000);
        assert!(body.is_sorted());
    }

    #[tokio::test]
    async fn what_fails_before_its_first_bytes_is_a_problem() {
        let response = answer(Format::Csv, PATIENCE, async |_| {
            Err(Problem::new(super::super::problem::Kind::Busy, "later").into())
        });
        assert_eq!(response.await.unwrap_err().status(), 503);
    }

    #[tokio::test]
    async fn what_fails_later_does_not_end_as_if_it_were_whole() {
        let failing = answer(Format::Csv, PATIENCE, async |out: Arc<Outlet>| {
            out.send(vec![1; 10]).await?;
            Err(Problem::new(super::super::problem::Kind::Busy, "later").into())
        });
        assert_eq!(body(failing.await.ok().unwrap()).await, None);
        let panicking = answer(Format::Csv, PATIENCE, async |out: Arc<Outlet>| {
            out.send(vec![1; 10]).await?;
            panic!("a bug")
        });
        assert_eq!(body(panicking.await.ok().unwrap()).await, None);
    }

    #[tokio::test]
    async fn work_ends_when_its_client_leaves_or_sleeps() {
        for leaves in [true, false] {
            let (ended, has_ended) = tokio::sync::oneshot::channel();
            let response = answer(Format::Csv, PATIENCE, async move |out: Arc<Outlet>| {
                let mut sent = 0;
                while out.send(vec![1; 100_000]).await.is_ok() {
                    sent += 100_000;
                    tokio::task::yield_now().await;
                }
                let _ = ended.send(sent);
                Err(Stopped::Gone)
            });
            let response = response.await.ok().unwrap();
            let kept = (!leaves).then_some(response);
            let sent = has_ended.await.unwrap();
            assert!(sent <= WAITING + 100_000, "{sent}");
            drop(kept);
        }
    }
}
