//! The 72 columns of a customer: the one place where a column's name, type,
//! unit, ranges, group and meaning are written.
//!
//! The Arrow schema ([`arrow`]), the row invariants ([`invariants`]), the SQL
//! table, the checks on what a client sends and the tables in the documentation
//! follow from [`COLUMNS`]; tests fail where one of them drifts.
//!
//! Imports nothing of this crate: every other module may import it.

pub mod arrow;
mod columns;
pub mod document;
pub mod invariants;
pub mod rounding;
mod values;

pub(crate) use columns::const_eq;
pub use columns::{
    CITIES, COLUMN_COUNT, COLUMNS, Column, GENDERS, Group, Kind, MOMENTS, PLATFORMS, Range,
    SNAPSHOT, TIER_PRICES_USD, TIERS, column, find,
};
pub use values::Values;
