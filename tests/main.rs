//! The tests of each capability, from outside.

mod documents;
mod features;
mod generator;
mod models;
mod store;
mod support;
