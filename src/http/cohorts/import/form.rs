//! The form of an import, part by part.
//!
//! Invariant: what comes is not taken faster than it is handed on, and a head of
//! a part that does not end is given up; what splits the form into parts would
//! keep all of it.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use super::patient;
use crate::http::extract::{broke_off, too_slow};
use crate::http::line::TooSlow;
use crate::http::problem::{Kind, Problem};

/// Bytes that may come before some are handed on: far more than the head of a
/// part has.
const AHEAD: usize = 1 << 20;

/// A form that is still to come.
pub(super) struct Form {
    parts: Multipart,
    ahead: Ahead,
    patience: Duration,
}

/// A part of it.
pub(super) struct Part<'a> {
    pub field: Field<'a>,
    ahead: &'a Ahead,
    patience: Duration,
}

impl Form {
    pub(super) async fn of(request: Request, patience: Duration) -> Result<Self, Problem> {
        let ahead = Ahead(Arc::default());
        let request = request.map(|body| {
            Body::from_stream(Counted {
                body: body.into_data_stream(),
                ahead: ahead.clone(),
            })
        });
        let parts = Multipart::from_request(request, &()).await;
        Ok(Self {
            parts: parts.map_err(|_| malformed())?,
            ahead,
            patience,
        })
    }

    /// The next part; the one before was read to its end.
    pub(super) async fn next(&mut self) -> Result<Option<Part<'_>>, Problem> {
        let (ahead, patience) = (&self.ahead, self.patience);
        let next = patient(patience, ahead.few(self.parts.next_field())).await??;
        let next = next.map_err(|error| no_form(&error))?;
        Ok(next.map(|field| Part {
            field,
            ahead,
            patience,
        }))
    }
}

impl Part<'_> {
    /// Some more of its content.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Problem> {
        let chunk = patient(self.patience, self.ahead.few(self.field.chunk())).await??;
        chunk.map_err(|error| broke_off(&error, Kind::MalformedBody))
    }
}

/// How many bytes came since some were last handed on.
#[derive(Clone)]
struct Ahead(Arc<AtomicUsize>);

impl Ahead {
    fn is_much(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= AHEAD
    }

    /// Waits for what can be handed on, as long as not much came in vain.
    async fn few<T>(&self, next: impl Future<Output = T>) -> Result<T, Problem> {
        self.0.store(0, Ordering::Relaxed);
        let mut next = pin!(next);
        std::future::poll_fn(|context| match next.as_mut().poll(context) {
            Poll::Pending if self.is_much() => Poll::Ready(Err(malformed())),
            polled => polled.map(Ok),
        })
        .await
    }
}

/// A body that stops where much of it came and nothing was handed on.
struct Counted {
    body: BodyDataStream,
    ahead: Ahead,
}

impl Stream for Counted {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ahead.is_much() {
            // Nobody is to be woken: whoever polls looks whether it is much.
            return Poll::Pending;
        }
        let polled = self.body.poll_next_unpin(context);
        if let Poll::Ready(Some(Ok(data))) = &polled {
            self.ahead.0.fetch_add(data.len(), Ordering::Relaxed);
        }
        polled
    }
}

/// Why there is no next part.
fn no_form(error: &MultipartError) -> Problem {
    if TooSlow::caused(error) {
        too_slow()
    } else {
        malformed()
    }
}

fn malformed() -> Problem {
    Problem::new(Kind::MalformedBody, "The body is not a form with parts.")
}
