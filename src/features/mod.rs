//! From a customer to the numbers that a model reads.
//!
//! [`Profile`] is one customer as numbers, read from JSON ([`Profile::from_json`])
//! or from a record batch ([`profiles`]). [`Encoder`] turns a profile, or whole
//! batches of columns, into the input row of one model, in an order fixed when
//! the model was trained.
//!
//! Invariant: a customer encodes to the same row whichever way it came in.
//!
//! Imports `schema` alone.

mod batch;
mod encoder;
mod fault;
mod json;
mod names;
mod profile;

pub use batch::{BatchError, Column as BatchColumn, profiles};
pub use encoder::{Encoder, EncoderError, MAX_WIDTH};
pub use fault::{FieldError, ProfileError};
pub use names::nearest as nearest_column;
pub use profile::{ColumnSet, Profile, Shown};
