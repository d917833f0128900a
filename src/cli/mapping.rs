//! The mapping of a file's columns that a command is given, if it is.

use std::io;
use std::path::{Path, PathBuf};

use crate::cohort::{Mapping, MappingFaults};

/// Why a mapping can't be used.
#[derive(Debug, thiserror::Error)]
pub enum MapError {
    #[error("{} can't be read: {error}", file.display())]
    Read { file: PathBuf, error: io::Error },
    #[error("{}: {error}", file.display())]
    Faults { file: PathBuf, error: MappingFaults },
}

/// The mapping of a TOML file; without one, columns are known by their names.
///
/// # Errors
/// Where the file can't be read, or is no mapping.
pub fn mapping(file: Option<&Path>) -> Result<Mapping, MapError> {
    let Some(file) = file else {
        return Ok(Mapping::default());
    };
    let read = std::fs::read_to_string(file);
    let text = read.map_err(|error| MapError::Read {
        file: file.to_owned(),
        error,
    })?;
    Mapping::from_toml(&text).map_err(|error| MapError::Faults {
        file: file.to_owned(),
        error,
    })
}
