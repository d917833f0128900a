//! Synthetic cohorts: realistic customers of social-media and dating apps, drawn
//! so that the published statistics come out as stated.
//!
//! A [`Plan`] says how many customers of which population ([`CohortSpec`]) and
//! which seed; [`Plan::generate`] gives them as Arrow batches. The same plan and
//! [`GENERATOR_VERSION`] give the same customers on any number of threads.

mod batch;
mod block;
mod check;
mod churn;
mod constants;
mod counts;
mod dating;
mod draft;
mod draw;
mod engagement;
mod files;
mod identity;
mod import;
mod math;
mod missing;
mod pilot;
mod plan;
mod premium;
mod revenue;
mod social;
mod solve;
mod spec;
mod truth;
mod unreachable;
mod variables;

pub use check::{Check, Checked, Report};
pub use files::{
    BadRow, CohortFile, FileError, FileMetadata, Limits, RowFault, Rows, Source, TableError,
    TableReader, describe_parquet, open_table, partial_name,
};
pub use import::{
    FoundColumn, IgnoredColumn, Import, ImportError, Imported, Mapping, MappingFault,
    MappingFaults, Reason, Reject, RejectsFile, Summary, Warning,
};
pub use missing::Mask;
pub use plan::{Batches, Calibration, MAX_CUSTOMERS, MAX_SEED, Plan, PlanError};
pub use spec::{CohortSpec, SpecFault, SpecFaults, UncheckedSpec};
pub use truth::{TruthField, truth_fields};
pub use unreachable::{Unreachable, Unreached};

/// Changes whenever the same plan gives other customers.
pub const GENERATOR_VERSION: &str = "2";
