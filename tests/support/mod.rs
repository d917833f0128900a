//! What the tests share.

pub mod batches;
pub mod postgres;
