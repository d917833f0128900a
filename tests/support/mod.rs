//! What the tests share.

pub mod batches;
pub mod cohort;
pub mod postgres;
