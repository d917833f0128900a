//! The tests of each capability, from outside.

mod features;
mod models;
mod store;
mod support;
