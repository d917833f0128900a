//! The cluster that all test processes of a checkout share.
//!
//! The folder's life hangs on file locks, which the system gives back when a
//! process ends. `alive` is held, shared, by every test process. `start` is held
//! while one of them looks for the cluster or makes it. A watchdog process waits
//! for `alive` to be free, then puts everything away.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::Duration;

use super::Cluster;
use super::programs::{binaries, create_owned};

/// How long a cluster outlives its last user, for the next test process may be
/// about to start.
const GRACE: Duration = Duration::from_secs(5);

/// The cluster of all test processes; started by the first of them.
pub fn shared() -> &'static Cluster {
    static SHARED: OnceLock<(Cluster, File, Option<Child>)> = OnceLock::new();
    let make = || {
        // Before anything is made that would be put away with them.
        binaries();
        let base = base();
        let alive = join(&base);
        let start = open(&base.join("start"));
        start.lock().expect("file locks work");
        let cluster = Cluster {
            folder: base.join("shared"),
        };
        let mut watchdog = None;
        if !cluster.runs() {
            // First of all: this process may be killed while the cluster starts.
            watchdog = Some(watch(&base));
            // Left behind by a machine that went down, or there is none yet.
            drop(fs::remove_dir_all(&cluster.folder));
            cluster.make();
            cluster.start();
        }
        (cluster, alive, watchdog)
    };
    &SHARED.get_or_init(make).0
}

/// Declares that this process uses the folder: until it ends.
fn join(base: &Path) -> File {
    loop {
        create_owned(base);
        let path = base.join("alive");
        let Ok(alive) = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
        else {
            continue; // The watchdog removed the folder just now.
        };
        alive.lock_shared().expect("file locks work");
        let ours = alive.metadata().map(|m| m.ino()).ok();
        if ours == fs::metadata(&path).map(|m| m.ino()).ok() {
            return alive;
        }
    }
}

fn open(path: &Path) -> File {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

const WATCHED: &str = "ENGAGECAST_TEST_WATCHED_FOLDER";

/// Starts the watchdog: this binary again, in a process group of its own, so that
/// an interrupted test run doesn't take it along.
fn watch(base: &Path) -> Child {
    let program = std::env::current_exe().expect("the tests' own path");
    Command::new(program)
        .args([
            "--ignored",
            "--exact",
            "support::postgres::shared::watchdog",
        ])
        .env(WATCHED, base)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the watchdog starts")
}

/// The watchdog's body: not a test, and nothing where it isn't started as one.
#[test]
#[ignore = "the process that removes the throw-away cluster, started by the tests themselves"]
fn watchdog() {
    let Some(base) = std::env::var_os(WATCHED).map(PathBuf::from) else {
        return;
    };
    let alive = open(&base.join("alive"));
    loop {
        alive.lock().expect("file locks work");
        alive.unlock().expect("file locks work");
        sleep(GRACE);
        // Held to the end: who comes meanwhile waits for it, and then finds that
        // it is not the folder's any more.
        if alive.try_lock().is_ok() {
            break;
        }
    }
    for folder in fs::read_dir(&base).into_iter().flatten().flatten() {
        if folder.path().join("data").is_dir() {
            drop(Cluster {
                folder: folder.path(),
            });
        }
    }
    // In one step, for who comes now makes the folder anew.
    let gone = base.with_extension("gone");
    drop(fs::rename(&base, &gone));
    drop(fs::remove_dir_all(&gone));
}

/// The folder of this checkout's clusters, on a memory disk with room where there
/// is one. Its name is short, for the path of a socket may have 100 bytes.
fn base() -> PathBuf {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR"))
        .to_string_lossy()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    let user = fs::metadata("/proc/self").map_or(0, |m| m.uid());
    let memory = Path::new("/dev/shm");
    let parent = match free_megabytes(memory) {
        Some(free) if free > 1500 => memory.to_owned(),
        _ => std::env::temp_dir(),
    };
    parent.join(format!("engagecast-pg-{user}-{:08x}", checkout >> 32))
}

fn free_megabytes(folder: &Path) -> Option<u64> {
    let output = Command::new("df").arg("-Pm").arg(folder).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}
