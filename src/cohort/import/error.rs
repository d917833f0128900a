//! Why a file can't be imported at all.

use super::mapping::MappingFaults;
use crate::cohort::files::TableError;

/// Why no customer of a file can be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Table(#[from] TableError),
    /// The mapping is at fault, or does not fit the file.
    #[error(transparent)]
    Mapping(#[from] MappingFaults),
    #[error(
        "none of its {0} columns is a column of a customer: the first line must have the names, and other names need a mapping"
    )]
    NoColumn(usize),
}

impl ImportError {
    /// A short word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Table(error) => error.code(),
            Self::Mapping(_) => "invalid_mapping",
            Self::NoColumn(_) => "no_known_column",
        }
    }
}
