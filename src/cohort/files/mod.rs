//! Cohorts as files: Parquet for tools, CSV for people, in and out.
//!
//! [`CohortFile`] writes batches; [`open_table`] reads any table, whoever wrote
//! it, in bounded memory. What the columns mean is not known here: that is
//! [`import`](super::import)'s.

mod csv_table;
mod error;
mod limits;
mod metadata;
mod pages;
mod parquet_deltas;
mod parquet_shapes;
mod parquet_table;
mod parquet_writer;
mod source;
mod split;
mod table;
mod thrift;
mod write;

pub use error::TableError;
pub use limits::Limits;
pub use metadata::FileMetadata;
pub use parquet_table::describe_parquet;
pub use source::Source;
pub(super) use table::Chunk;
pub use table::{BadRow, RowFault, Rows, TableReader, open_table};
pub use write::{CohortFile, FileError, partial_name};
