//! The tests of each capability, from outside.

mod artifacts;
mod command_line;
mod documentation;
mod features;
mod generator;
mod generator_populations;
mod generator_shape;
mod house;
mod models;
mod one_customer;
mod problems;
mod serving;
mod starting;
mod stopping;
mod store;
mod support;
