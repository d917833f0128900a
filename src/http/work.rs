//! Work that takes more than a moment: how much of it is taken on, and the
//! threads that it runs on.
//!
//! Invariant: the threads that answer predictions compute nothing long, and no
//! more waits for a thread than was taken on; beyond that a client is told to
//! come back.

use std::sync::Arc;
use std::thread::available_parallelism;

use axum::http::Extensions;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use super::guard::{Class, Gate};
use super::problem::{self, Problem};
use super::room::Place;
use crate::traces::Span;

/// What the service takes on at a time.
#[derive(Clone)]
pub struct Work {
    /// Has the room of heavy calls: each holds a few pieces of its own.
    gate: Gate,
    /// Cohorts drawn for a client: each may hold hundreds of megabytes.
    draws: Arc<Semaphore>,
    threads: Arc<Semaphore>,
}

impl Work {
    pub fn new(gate: Gate, draws: usize) -> Self {
        let threads = available_parallelism().map_or(1, usize::from);
        Self {
            gate,
            draws: Arc::new(Semaphore::new(draws)),
            threads: Arc::new(Semaphore::new(threads)),
        }
    }

    /// Takes on what a call of another class turned out to be, unless there are
    /// enough heavy ones.
    pub fn admit(&self) -> Result<Admission, Problem> {
        Ok(self.admission(self.gate.enter(Class::Heavy)?))
    }

    /// Goes on with a heavy call, which its guard has taken on already.
    pub fn admitted(&self, call: &Extensions) -> Result<Admission, Problem> {
        match call.get::<Place>() {
            Some(place) => Ok(self.admission(place.clone())),
            None => self.admit(),
        }
    }

    /// Goes on with the drawing of a cohort, unless there are enough.
    pub fn admitted_draw(&self, call: &Extensions) -> Result<Admission, Problem> {
        let draw = Arc::clone(&self.draws).try_acquire_owned();
        let draw = draw.map_err(|_| problem::no_room())?;
        Ok(Admission {
            _draw: Some(draw),
            ..self.admitted(call)?
        })
    }

    fn admission(&self, place: Place) -> Admission {
        Admission {
            _place: place,
            _draw: None,
            threads: Arc::clone(&self.threads),
        }
    }
}

/// The right to work, until it is dropped.
pub struct Admission {
    _place: Place,
    _draw: Option<OwnedSemaphorePermit>,
    threads: Arc<Semaphore>,
}

impl Admission {
    /// Runs a piece of work on a thread that may block. Where whoever asked is
    /// gone by then, what was begun is finished and thrown away.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let threads = Arc::clone(&self.threads);
        let thread = match Arc::clone(&threads).try_acquire_owned() {
            Ok(thread) => thread,
            Err(_) => Span::part("wait for a thread")
                .around(threads.acquire_owned())
                .await
                .map_err(|error| problem::internal(&error))?,
        };
        let _span = Span::part("compute");
        let done = spawn_blocking(move || {
            let _thread = thread;
            work()
        });
        done.await.map_err(|error| problem::internal(&error))
    }
}
