//! The tests of each capability, from outside.

mod artifacts;
mod command_line;
mod documentation;
mod facts;
mod features;
mod files;
mod generator;
mod generator_populations;
mod generator_shape;
mod house;
mod import;
mod invariants;
mod jobs;
mod models;
mod one_customer;
mod problems;
mod replicas;
mod scoring;
mod segments;
mod serving;
mod soak;
mod starting;
mod stopping;
mod store;
mod support;
mod training;
