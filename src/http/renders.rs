//! Reports that are laid out: how many at a time, and what of them is kept.
//!
//! Invariants: one report is laid out at a time and a few wait, beyond that a
//! client is told to come back; what is kept is bounded in bytes, and the oldest
//! goes first.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderValue;
use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::etag;
use super::problem::{self, Kind, Problem};

/// Renders that are kept: some fifty reports with their charts.
const MOST_BYTES: usize = 32 << 20;

/// Those that wait or are laid out.
const MOST_WAITING: usize = 16;

/// A finished answer.
#[derive(Clone)]
pub struct Render {
    pub bytes: Bytes,
    pub tag: HeaderValue,
    pub kind: &'static str,
}

impl Render {
    pub fn new(bytes: Vec<u8>, kind: &'static str) -> Self {
        Self {
            tag: etag::of(&bytes),
            bytes: bytes.into(),
            kind,
        }
    }
}

/// All that is kept and may be laid out.
pub struct Renders {
    kept: Mutex<VecDeque<(String, Render)>>,
    waiting: Arc<Semaphore>,
    turn: Arc<Semaphore>,
}

impl Default for Renders {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            waiting: Arc::new(Semaphore::new(MOST_WAITING)),
            turn: Arc::new(Semaphore::new(1)),
        }
    }
}

impl Renders {
    /// What was laid out before, under everything that it depends on.
    pub fn find(&self, key: &str) -> Option<Render> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(known, _)| known == key)?;
        // The one used last stands at the end.
        let found = kept.remove(at)?;
        let render = found.1.clone();
        kept.push_back(found);
        Some(render)
    }

    /// Lays out on a thread that may block, in turn, and keeps the result.
    pub async fn render(
        &self,
        key: String,
        work: impl FnOnce() -> Result<Render, Problem> + Send + 'static,
    ) -> Result<Render, Problem> {
        let place = Arc::clone(&self.waiting).try_acquire_owned();
        let _place = place.map_err(|_| {
            Problem::new(
                Kind::Busy,
                "As many reports as the service takes on are being laid out: try again soon.",
            )
        })?;
        let turn = Arc::clone(&self.turn).acquire_owned().await;
        let turn = turn.map_err(|error| problem::internal(&error))?;
        // Somebody may have asked for the same and been first.
        if let Some(render) = self.find(&key) {
            return Ok(render);
        }
        let done = spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        let render = done.await.map_err(|error| problem::internal(&error))??;
        self.keep(key, render.clone());
        Ok(render)
    }

    fn keep(&self, key: String, render: Render) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(known, _)| *known != key);
        kept.push_back((key, render));
        let mut bytes: usize = kept.iter().map(|(_, render)| render.bytes.len()).sum();
        while bytes > MOST_BYTES {
            let Some((_, oldest)) = kept.pop_front() else {
                break;
            };
            bytes -= oldest.bytes.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(size: usize) -> Render {
        Render::new(vec![0; size], "text/plain")
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_oldest_goes() {
        let renders = Renders::default();
        for name in ["a", "b", "c"] {
            renders.keep(name.into(), render(MOST_BYTES / 3));
        }
        assert!(renders.find("a").is_some(), "a is used last now");
        renders.keep("d".into(), render(MOST_BYTES / 3));
        assert!(renders.find("b").is_none());
        assert!(renders.find("a").is_some() && renders.find("d").is_some());
        renders.keep("huge".into(), render(MOST_BYTES + 1));
        assert!(renders.find("huge").is_none(), "it would be all there is");
    }

    #[tokio::test]
    async fn no_more_wait_than_there_are_places() {
        let renders = Arc::new(Renders::default());
        let _turn = Arc::clone(&renders.turn).acquire_owned().await.unwrap();
        let _places = Arc::clone(&renders.waiting)
            .acquire_many_owned(16)
            .await
            .unwrap();
        let refused = renders.render("k".into(), || Ok(render(1))).await;
        assert_eq!(refused.err().unwrap().status().as_u16(), 503);
    }

    #[test]
    fn the_tag_is_that_of_the_bytes() {
        assert_eq!(render(3).tag, render(3).tag);
        assert_ne!(render(3).tag, render(4).tag);
    }
}
