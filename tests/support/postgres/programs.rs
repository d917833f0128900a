//! The local PostgreSQL programs: where they are, and how they are run.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

const MISSING: &str = "no PostgreSQL server was found: scripts/test installs one; or install it \
                       yourself (on Debian and Ubuntu: apt-get install postgresql), or set PG_BINDIR \
                       to the folder of its initdb and pg_ctl";

/// One of PostgreSQL's programs, as a user that it agrees to run as.
pub fn tool(name: &str) -> Command {
    let mut command = Command::new(binaries().join(name));
    for (variable, _) in std::env::vars() {
        if variable.starts_with("PG") {
            command.env_remove(variable);
        }
    }
    // A folder that the other user may enter.
    command.current_dir("/").stdin(Stdio::null());
    if let Some((uid, gid)) = other_user() {
        command.uid(uid).gid(gid);
    }
    command
}

/// Runs a program with its output in files: a server that it starts would hold a
/// pipe open, and whoever reads the tests' output would wait for it.
pub fn run(command: &mut Command) -> Output {
    let files = [unnamed_file(), unnamed_file()];
    let handle = |file: &File| Stdio::from(file.try_clone().expect("a handle"));
    let status = command
        .stdout(handle(&files[0]))
        .stderr(handle(&files[1]))
        .status()
        .unwrap_or_else(|e| panic!("{}: {e}", command.get_program().display()));
    let [stdout, stderr] = files.map(read_from_start);
    Output {
        status,
        stdout,
        stderr,
    }
}

fn unnamed_file() -> File {
    tempfile::tempfile().expect("a temporary file")
}

fn read_from_start(mut file: File) -> Vec<u8> {
    use io::{Read, Seek};
    let mut bytes = Vec::new();
    file.rewind()
        .and_then(|()| file.read_to_end(&mut bytes))
        .expect("a temporary file can be read");
    bytes
}

pub fn assert_done(what: &str, output: &Output, log: Option<&Path>) {
    let log = log.and_then(|path| fs::read_to_string(path).ok());
    assert!(
        output.status.success(),
        "{what} failed\n{}{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        log.unwrap_or_default()
    );
}

/// PostgreSQL refuses to run as root: then it runs as `postgres`.
fn other_user() -> Option<(u32, u32)> {
    let root = fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0);
    if !root {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("/etc/passwd can be read");
    let ids = users.lines().find_map(|line| {
        let mut fields = line.strip_prefix("postgres:")?.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    assert!(
        ids.is_some(),
        "PostgreSQL doesn't run as root, and there is no user named postgres: \
         create one (useradd --system postgres), or run the tests as another user"
    );
    ids
}

/// A folder that PostgreSQL may write to.
pub fn create_owned(folder: &Path) {
    fs::create_dir_all(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    if let Some((uid, gid)) = other_user() {
        // The watchdog may remove the folder at this very moment.
        drop(chown(folder, Some(uid), Some(gid)));
    }
}

/// The folder of `initdb` and `pg_ctl`: `PG_BINDIR`, else the newest of
/// `/usr/lib/postgresql`, else where `PATH` or `pg_config` say.
pub fn binaries() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        let usable =
            |folder: &PathBuf| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file();
        if let Some(folder) = std::env::var_os("PG_BINDIR").map(PathBuf::from) {
            assert!(usable(&folder), "PG_BINDIR has no initdb and pg_ctl in it");
            return folder;
        }
        packaged()
            .into_iter()
            .chain(std::env::split_paths(
                &std::env::var_os("PATH").unwrap_or_default(),
            ))
            .chain(configured())
            .find(usable)
            .unwrap_or_else(|| panic!("{MISSING}"))
    })
}

fn packaged() -> Vec<PathBuf> {
    let version = |path: &Path| -> Option<u32> { path.file_name()?.to_str()?.parse().ok() };
    let folders = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut versions: Vec<_> = (folders.flatten().map(|entry| entry.path()))
        .filter_map(|path| Some((version(&path)?, path.join("bin"))))
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions.into_iter().map(|(_, path)| path).collect()
}

fn configured() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(folder.trim()))
}
