//! What a running job says of itself, and is told.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// Why a job has to stop before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// Somebody asked for it.
    Cancelled,
    /// Another process has the job.
    Lost,
    /// This process ends; another one takes the job.
    HandOver,
}

/// Shared by the job, those who look after it, and the threads that work for it.
#[derive(Debug, Clone)]
pub(super) struct Control(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    told: watch::Sender<Option<Stop>>,
    stopped: AtomicBool,
    at: Mutex<(&'static str, f64)>,
}

impl Control {
    pub(super) fn new() -> Self {
        Self(Arc::new(Inner {
            told: watch::Sender::new(None),
            stopped: AtomicBool::new(false),
            at: Mutex::new(("", 0.0)),
        }))
    }

    /// Says what the job is doing, and how much of it is done (0 to 1).
    pub(super) fn report(&self, phase: &'static str, share: f64) {
        *self.0.at.lock().unwrap_or_else(PoisonError::into_inner) = (phase, share);
    }

    /// What was said last.
    pub(super) fn at(&self) -> (&'static str, f64) {
        *self.0.at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the job to stop.
    pub(super) fn tell(&self, stop: Stop) {
        self.0.stopped.store(true, Ordering::Relaxed);
        self.0.told.send_if_modified(|told| {
            let first = told.is_none();
            told.get_or_insert(stop);
            first
        });
    }

    /// Whether the job was told to stop: for threads, which look now and then.
    pub(super) fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::Relaxed)
    }

    /// Waits until the job is told to stop.
    pub(super) async fn stop(&self) -> Stop {
        let mut told = self.0.told.subscribe();
        loop {
            if let Some(stop) = *told.borrow_and_update() {
                return stop;
            }
            // The sender lives as long as this.
            let _ = told.changed().await;
        }
    }
}
