//! The tests of each capability, from outside.

mod artifacts;
mod command_line;
mod documentation;
mod facts;
mod features;
mod generator;
mod house;
mod invariants;
mod models;
mod one_customer;
mod problems;
mod segments;
mod serving;
mod starting;
mod stopping;
mod store;
mod support;
