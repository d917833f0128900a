//! The tests of each capability, from outside.

mod store;
mod support;
