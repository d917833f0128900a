//! The tests of each capability, from outside.

mod artifacts;
mod command_line;
mod documentation;
mod features;
mod files;
mod generator;
mod house;
mod import;
mod jobs;
mod models;
mod one_customer;
mod problems;
mod report;
mod report_http;
mod scoring;
mod serving;
mod starting;
mod stopping;
mod store;
mod support;
