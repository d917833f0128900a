//! The tests of each capability, from outside.

mod support;
