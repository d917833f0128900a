//! The tests of each capability, from outside.

mod documents;
mod generator;
mod store;
mod support;
