//! Log lines on stderr, and the progress of long work for those who watch.
//!
//! Invariant: a log line and a progress bar never tear each other apart, as
//! both go through the one [`bars`].

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

use indicatif::MultiProgress;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{LogArgs, LogFormat};
use crate::http::panics;

#[derive(Debug, thiserror::Error)]
#[error("--log: {0}")]
pub struct TelemetryError(#[from] ParseError);

/// Starts logging for the whole process. A second call changes nothing.
///
/// # Errors
/// Where the filter is not one.
pub fn start(log: &LogArgs) -> Result<(), TelemetryError> {
    let filter = EnvFilter::builder().parse(&log.filter)?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(Lines);
    // The only error is that logging was started before.
    let _ = match log.format {
        LogFormat::Text => lines.compact().with_target(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    panics::install();
    Ok(())
}

/// All progress bars of the process.
pub fn bars() -> &'static MultiProgress {
    static BARS: OnceLock<MultiProgress> = OnceLock::new();
    BARS.get_or_init(MultiProgress::new)
}

/// Where log lines go: stderr, above the progress bars.
struct Lines;

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        bars().suspend(|| io::stderr().write(line))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
