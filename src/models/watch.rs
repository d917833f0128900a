//! How a training is watched, and stopped.

use std::sync::Mutex;

use super::TrainError;

/// Who hears how far a training is, and may stop it.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Hears the share that is done, from 0 to 1, never less than before.
    pub progress: &'a (dyn Fn(f64) + Sync),
    /// Is asked whether to stop: a forest stops at its next tree, a baseline or a
    /// judgement that has begun is finished.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl<'a> Watch<'a> {
    /// Nobody watches.
    pub const NOBODY: Watch<'static> = Watch {
        progress: &|_| (),
        cancelled: &|| false,
    };

    /// Watched by one who never stops it.
    #[must_use]
    pub fn progress(progress: &'a (dyn Fn(f64) + Sync)) -> Self {
        Self {
            progress,
            cancelled: &|| false,
        }
    }

    /// The same, but for whom the progress is told to.
    pub(super) fn telling<'b>(&self, progress: &'b (dyn Fn(f64) + Sync)) -> Watch<'b>
    where
        'a: 'b,
    {
        Watch {
            progress,
            cancelled: self.cancelled,
        }
    }

    pub(super) fn tell(&self, share: f64) {
        (self.progress)(share);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        (self.cancelled)()
    }

    /// # Errors
    /// If the training is to stop.
    pub(super) fn go_on(&self) -> Result<(), TrainError> {
        if self.is_cancelled() {
            return Err(TrainError::Cancelled);
        }
        Ok(())
    }
}

/// The progress of several pieces of work at once as one share.
pub(super) struct Together<'a> {
    watch: &'a Watch<'a>,
    /// How far each piece is.
    shares: Mutex<Vec<f64>>,
}

impl<'a> Together<'a> {
    pub(super) fn new(watch: &'a Watch<'a>, pieces: usize) -> Self {
        Self {
            watch,
            shares: Mutex::new(vec![0.0; pieces]),
        }
    }

    /// Tells how far one piece is. Told under the lock, so that nobody hears an
    /// older share after a newer one.
    #[expect(clippy::cast_precision_loss, reason = "a few pieces")]
    pub(super) fn tell(&self, piece: usize, share: f64) {
        if let Ok(mut shares) = self.shares.lock() {
            shares[piece] = share.max(shares[piece]);
            self.watch
                .tell(shares.iter().sum::<f64>() / shares.len() as f64);
        }
    }
}
