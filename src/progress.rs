//! Long work, shown to whoever sits at the terminal: a bar there, and a line
//! now and then where stderr is not one.

use std::io::{IsTerminal, stderr};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;

use crate::jobs::{Phase, Snapshot};
use crate::telemetry;

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Positions of a bar: a tenth of a percent each.
const STEPS: u64 = 1000;

/// One piece of work, from 0 to 1.
pub enum Progress {
    Bar(ProgressBar),
    Lines { what: &'static str, next: Instant },
}

impl Progress {
    /// Shows that `what` begins.
    #[must_use]
    pub fn begin(what: &'static str) -> Self {
        if stderr().is_terminal() {
            let style =
                ProgressStyle::with_template("{msg:<24} {wide_bar} {percent:>3}% {elapsed}");
            let bar = ProgressBar::new(STEPS)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
                .with_message(what);
            Self::Bar(telemetry::bars().add(bar))
        } else {
            tracing::info!("{what}");
            let next = Instant::now() + LINE_EVERY;
            Self::Lines { what, next }
        }
    }

    /// Shows how much is done.
    pub fn set(&mut self, share: f64) {
        match self {
            Self::Bar(bar) => bar.set_position(steps(share, STEPS)),
            Self::Lines { what, next } => {
                if Instant::now() >= *next {
                    tracing::info!("{what}: {}%", steps(share, 100));
                    *next += LINE_EVERY;
                }
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
            telemetry::bars().remove(bar);
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of a small number of steps"
)]
fn steps(share: f64, all: u64) -> u64 {
    (share.clamp(0.0, 1.0) * all as f64) as u64
}

/// Follows the service until it serves, and then says where. That it listens is not
/// said before it is known to stay: without a key it ends once its database is open.
pub async fn show(mut status: watch::Receiver<Snapshot>, address: SocketAddr, stays: bool) {
    let begun = Instant::now();
    let mut said = false;
    let mut shown: Option<(Phase, Progress)> = None;
    loop {
        let now = status.borrow_and_update().clone();
        if !said && (stays || is_open(now.phase)) {
            said = true;
            tracing::info!("listening on http://{address}");
        }
        if now.phase == Phase::Serving {
            drop(shown);
            ready(address, begun);
            return;
        }
        match &mut shown {
            Some((phase, progress)) if *phase == now.phase => progress.set(now.progress),
            _ => {
                // The old bar goes before the new one comes.
                drop(shown.take());
                shown = title(now.phase).map(|what| (now.phase, Progress::begin(what)));
            }
        }
        if status.changed().await.is_err() {
            return;
        }
    }
}

/// Whether the database is open, and its keys are known.
fn is_open(phase: Phase) -> bool {
    !matches!(phase, Phase::OpeningDatabase | Phase::WaitingForDatabase)
}

/// What a phase is called on the terminal; the short ones are not shown.
fn title(phase: Phase) -> Option<&'static str> {
    match phase {
        Phase::WaitingForDatabase => Some("waiting for the database"),
        Phase::Generating => Some("generating customers"),
        Phase::Reading => Some("reading customers"),
        Phase::Training => Some("training models"),
        Phase::OpeningDatabase | Phase::WaitingForPeer | Phase::Saving | Phase::Serving => None,
    }
}

fn ready(address: SocketAddr, begun: Instant) {
    let seconds = begun.elapsed().as_secs_f64();
    // An address such as 0.0.0.0 is for listening only.
    let host = if address.ip().is_unspecified() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    };
    tracing::info!(
        "ready on http://{address} after {seconds:.1} s; the interface is at http://{host}/docs. Try:\n  \
         curl -s http://{host}/predict/churn -H 'content-type: application/json' \
         -d '{{\"tenure_months\": 3, \"days_since_last_active\": 9}}'"
    );
}
