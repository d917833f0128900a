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
//! | [`store`] | cohorts, customers and models in Postgres or SQLite |

pub mod cohort;
pub mod facts;
pub mod schema;
pub mod store;
