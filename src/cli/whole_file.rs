//! A file that a command makes at once: whoever reads it reads all of it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use crate::cohort::partial_name;

/// Writes beside the file and renames.
pub(super) fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = partial_name(file);
    let written = File::create(&partial)
        .and_then(|mut out| {
            out.write_all(bytes)?;
            out.sync_all()
        })
        .and_then(|()| fs::rename(&partial, file));
    if written.is_err() {
        // The failure that is told is the first one.
        drop(fs::remove_file(&partial));
    }
    written
}
