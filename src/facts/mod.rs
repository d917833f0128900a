//! What can be said of a cohort as a whole.
//!
//! [`Facts`] watch batches go by and can be merged, so that a cohort is never
//! held or read twice for its statistics. Each statistic is computed here and
//! nowhere else. [`Facts::statistics`] are the published ones, and
//! [`Facts::published`] everything that a report is made of.

mod aggregate;
mod fixed;
mod frame;
mod groups;
mod layouts;
mod pairs;
pub mod published;
mod scatter;
mod segments;
mod sketch;
mod statistics;
mod stored;
mod tables;

pub use aggregate::Facts;
pub use published::Published;
pub use segments::{MOST_SEGMENTS, SegmentName, SegmentTrait};
pub use sketch::QUANTILE_ERROR;
pub use statistics::Statistic;
