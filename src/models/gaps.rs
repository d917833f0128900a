//! Learning to do without some of the inputs.
//!
//! Generated customers are complete, but those that come to be predicted are
//! not. A tree that never met a missing value sends it an arbitrary way: on
//! customers with half their inputs gone, such a forest predicted churn worse
//! than a constant. So part of the training rows is learnt from twice, the
//! second time with inputs taken away.

use super::split::{Draw, draw};

/// The share of training rows that are also learnt from with gaps.
const SHARE: f64 = 0.25;

/// Takes inputs away: all places of a column together.
pub(super) struct Gaps {
    seed: u64,
    /// The column of each place.
    columns: Vec<usize>,
}

impl Gaps {
    pub(super) fn new(seed: u64, columns: impl Iterator<Item = usize>) -> Self {
        Self {
            seed,
            columns: columns.collect(),
        }
    }

    /// Gaps that are drawn anew.
    pub(super) fn another(&self, number: usize) -> Self {
        Self {
            seed: self.seed.wrapping_add((number as u64) << 40),
            columns: self.columns.clone(),
        }
    }

    /// Whether a training row is also learnt from with gaps.
    pub(super) fn chooses(&self, row: usize) -> bool {
        draw(self.seed, row, Draw::Gaps) < SHARE
    }

    /// Takes a share of its columns from a row that is learnt from: any share,
    /// so that the forest meets nearly complete and nearly empty customers.
    pub(super) fn open_any(&self, row: usize, places: &mut [f32]) {
        self.open(row, draw(self.seed, row, Draw::GapShare), places);
    }

    /// Takes each column from a row by this chance.
    pub(super) fn open(&self, row: usize, chance: f64, places: &mut [f32]) {
        for (place, &column) in places.iter_mut().zip(&self.columns) {
            if draw(self.seed, row, Draw::Gap(column)) < chance {
                *place = f32::NAN;
            }
        }
    }
}
