//! A file of the data folder that stands in for the database while that is away:
//! there whole or not at all, whoever else writes it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use uuid::Uuid;

/// Writes a file in place of the former, with these rights.
pub(super) fn replace(folder: &Path, name: &str, rights: u32, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    // Other processes may share the folder, and in containers each is number 1.
    let partial = folder.join(format!("{name}.{}", Uuid::new_v4().simple()));
    let mut options = OpenOptions::new();
    options.create_new(true).write(true).mode(rights);
    let written = options.open(&partial).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&partial, folder.join(name))
    });
    if written.is_err() {
        drop(fs::remove_file(&partial));
    }
    written
}
