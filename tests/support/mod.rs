//! What the tests share.

pub mod cohort;
pub mod trained;
