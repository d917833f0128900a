//! The tests of each capability, from outside.

mod artifacts;
mod features;
mod models;
mod support;
