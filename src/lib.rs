//! Engagecast: predictions, synthetic customers and reports for social-media
//! and dating apps.
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
//! | [`store`] | cohorts, customers and models in Postgres or SQLite |

pub mod cohort;
pub mod facts;
pub mod features;
pub mod models;
pub mod schema;
pub mod store;
