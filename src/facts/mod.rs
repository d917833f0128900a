//! What can be said of a cohort as a whole.
//!
//! [`Facts`] watch batches go by and can be merged, so that a cohort is never
//! held or read twice for its statistics. Each statistic is computed here and
//! nowhere else.

mod histogram;
mod statistics;
mod sums;

pub use histogram::Histogram;
pub use statistics::Statistic;
pub use sums::{Facts, Sum};
