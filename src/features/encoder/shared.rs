//! One row that serves several models: each of their inputs is encoded once,
//! and each model copies its own places out of it.
//!
//! Invariant: what a model copies is what its own encoder writes, to the bit.

use super::{Encoder, MAX_WIDTH};
use crate::features::Profile;

/// The inputs of several encoders, each of them once.
#[derive(Debug, Clone)]
pub struct SharedEncoder {
    all: Encoder,
    /// By encoder.
    parts: Vec<Vec<Run>>,
}

/// Places that stand side by side in both rows.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// Where they stand in the shared row.
    from: usize,
    /// Where they stand in the encoder's own.
    at: usize,
    len: usize,
}

/// A customer, encoded for all of them.
#[derive(Debug)]
pub struct SharedRow<'a> {
    encoder: &'a SharedEncoder,
    places: Vec<f32>,
}

impl SharedEncoder {
    #[must_use]
    pub fn of<'a>(encoders: impl IntoIterator<Item = &'a Encoder>) -> Self {
        let mut all = Encoder {
            inputs: Vec::new(),
            width: 0,
        };
        let parts = encoders.into_iter().map(|e| runs(e, &mut all)).collect();
        Self { all, parts }
    }

    #[must_use]
    pub fn encode(&self, profile: &Profile) -> SharedRow<'_> {
        let mut places = vec![0.0; self.all.width];
        self.all.write(profile, &mut places);
        SharedRow {
            encoder: self,
            places,
        }
    }
}

/// Where an encoder's places stand in the shared row, which is made wider by
/// those of its inputs that are new.
fn runs(encoder: &Encoder, all: &mut Encoder) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for input in &encoder.inputs {
        // The same column may have other names in another model's vocabulary.
        let same = |known: &&super::Input| {
            known.column == input.column && known.encoding == input.encoding
        };
        let from = all.inputs.iter().find(same).map(|known| known.at);
        let from = from.unwrap_or_else(|| {
            let at = all.width;
            all.push(input.column, input.encoding.clone());
            at
        });
        let len = input.encoding.places();
        match runs.last_mut() {
            Some(run) if run.from + run.len == from => run.len += len,
            _ => runs.push(Run {
                from,
                at: input.at,
                len,
            }),
        }
    }
    runs
}

impl SharedRow<'_> {
    /// The row of one of the encoders, by its place among them.
    ///
    /// # Panics
    /// If there is no such encoder.
    pub fn of<'a>(&self, encoder: usize, buffer: &'a mut [f32; MAX_WIDTH]) -> &'a [f32] {
        let mut width = 0;
        for run in &self.encoder.parts[encoder] {
            let places = &self.places[run.from..run.from + run.len];
            buffer[run.at..run.at + run.len].copy_from_slice(places);
            width = run.at + run.len;
        }
        &buffer[..width]
    }
}
