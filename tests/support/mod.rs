//! What the tests share.

pub mod cohort;
