//! From a customer to the numbers that a model reads.
//!
//! [`Profile`] is one customer as numbers, read from JSON ([`Profile::from_json`])
//! or from a record batch ([`profiles`]); [`Table`] is any number of them, from
//! whatever columns there are. [`Encoder`] turns a profile, or whole batches of
//! columns, into the input row of one model, in an order fixed when the model was
//! trained; [`SharedEncoder`] does so once for several models.
//!
//! Invariant: a customer encodes to the same row whichever way it came in (but an
//! empty text, which is missing in a table).
//!
//! Imports `schema` alone.

mod batch;
mod encoder;
mod fault;
mod json;
mod names;
mod profile;
mod table;

pub use batch::{BatchError, Column as BatchColumn, profiles};
pub use encoder::{Encoder, EncoderError, Holds, MAX_WIDTH, Place, SharedEncoder, SharedRow};
pub use fault::{FieldError, ProfileError, unknown as unknown_column};
pub use names::nearest as nearest_column;
pub use profile::{ColumnSet, Profile, Shown};
pub use table::{BLOCK, Block, Lane, Recognised, Table, unfit_columns};
