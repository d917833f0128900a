//! Engagecast: predictions and synthetic customers for social-media and dating
//! apps.
//!
//! # The house
//!
//! Imports run one way, and none sideways:
//!
//! ```text
//! main → {cli, app} → http → {jobs, report} → {cohort, models, store} → {features, facts} → schema
//! ```
//!
//! | room | owns |
//! |---|---|
//! | [`schema`] | the 72 columns of a customer |
//! | [`facts`] | the statistics of a cohort |
//! | [`features`] | from a customer to the numbers a model reads |
//! | [`cohort`] | synthetic customers, drawn and checked, and their files |
//! | [`models`] | training, serving and explaining predictions |
//! | [`store`] | cohorts, customers, models, jobs and keys in Postgres or SQLite |
//! | [`jobs`] | long work: the first start, the jobs of the database |
//! | [`report`] | the executive report: PDF, SVG and JSON |
//! | [`http`] | routes, problems, the OpenAPI document, the server |
//! | [`traces`] | spans of what runs, for a collector of OpenTelemetry |
//! | [`app`] | the running service, from its socket to its orderly end |
//! | [`cli`], [`config`], [`telemetry`], [`progress`] | commands, settings, log lines, bars |

pub mod app;
pub mod cli;
pub mod cohort;
pub mod config;
pub mod facts;
pub mod features;
pub mod http;
pub mod jobs;
pub mod models;
pub mod progress;
pub mod report;
pub mod schema;
pub mod store;
pub mod telemetry;
pub mod traces;
