//! What the tests share.

pub mod app;
pub mod asking;
pub mod batches;
pub mod cohort;
pub mod collector;
pub mod generated;
pub mod postgres;
pub mod proxy;
pub mod raw;
pub mod trained;
