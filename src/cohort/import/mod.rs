//! A team's own customers: any table whose columns are, or can be turned into,
//! some of the 72.
//!
//! [`Import`] streams a file in bounded memory. Each row comes out as a row of
//! the schema, or is set aside with its line, its column and the reason; no
//! row is both, none is neither, and no value of the file is repeated.

mod coerce;
mod columns;
mod duplicates;
mod error;
mod mapping;
mod numbers;
mod reader;
mod rejects;
mod summary;
mod values;

pub use error::ImportError;
pub use mapping::{Mapping, MappingFault, MappingFaults};
pub use reader::{Import, Imported};
pub use rejects::{Reject, RejectsFile};
pub use summary::{FoundColumn, IgnoredColumn, Reason, Summary, Warning};
