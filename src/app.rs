//! The running service: a socket, the first start behind it, and an orderly end.
//!
//! Invariant: it listens from the first moment, so whoever asks learns how far
//! it is; it ends only when told to, or with an error that says why it could
//! not start.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::config::{Config, Secret};
use crate::http::{self, InFlight, Limits, Pace, Patience, Room};
use crate::jobs::{
    self, BadToken, FirstStart, FirstStartError, JobSettings, KeyCopy, KeySettings, ModelCache,
    Service, Token, Upkeep,
};
use crate::progress;
use crate::report::{Settings, SettingsFault};
use crate::store::{Location, Retention};
use crate::traces::{self, Recording};

/// How long the database may take to be closed.
const CLOSING: Duration = Duration::from_secs(1);

/// How long it may take to write what admin keys did.
const AUDIT: Duration = Duration::from_secs(5);

/// Why the service ended without being told to.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error("can't listen on {address}: {error}")]
    Listen {
        address: SocketAddr,
        error: io::Error,
    },
    #[error(transparent)]
    FirstStart(#[from] FirstStartError),
    #[error(transparent)]
    AdminKey(#[from] BadToken),
    #[error("a background task stopped: {0}")]
    Stopped(#[from] tokio::task::JoinError),
    #[error("a setting of reports can't be: {0}")]
    Report(#[from] SettingsFault),
    #[error("{0}")]
    Traces(String),
}

/// The service, listening and not yet serving.
pub struct App {
    config: Config,
    keys: KeySettings,
    report: Settings,
    traces: Option<traces::Settings>,
    listener: TcpListener,
    address: SocketAddr,
}

impl App {
    /// Takes the address that the configuration names.
    ///
    /// # Errors
    /// Where the address can't be listened on, or a setting can't be.
    pub async fn build(config: Config) -> Result<Self, AppError> {
        let asked = &config.report;
        let customers = asked.customers.as_deref();
        let report = Settings::of(&asked.locale, &asked.currency, customers, &asked.assume)?;
        let keys = key_settings(&config)?;
        let traces = trace_settings(&config)?;
        let address = config.at.listen;
        let refuse = |error| AppError::Listen { address, error };
        let listener = TcpListener::bind(address).await.map_err(refuse)?;
        let address = listener.local_addr().map_err(refuse)?;
        Ok(Self {
            config,
            keys,
            report,
            traces,
            listener,
            address,
        })
    }

    /// Where the service listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is complete, then finishes what is in flight.
    ///
    /// # Errors
    /// Where the first start fails.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), AppError> {
        let Self {
            config,
            keys,
            report,
            traces,
            listener,
            address,
        } = self;
        let recording = traces.as_ref().map(Recording::start);
        let service = Arc::new(Service::new(Utc::now).with_keys(keys));
        let (stop, stopped) = oneshot::channel::<()>();
        let leaving = Arc::new(AtomicBool::new(false));
        let limits = limits(&config, report);
        let bounds = (patience(&config), room(&config));
        let server = tokio::spawn(http::serve(
            listener,
            http::front(Arc::clone(&service), limits),
            bounds,
            Arc::clone(&leaving),
            async move {
                let _ = stopped.await;
            },
        ));
        let stays = service.keys.admits();
        let shown = tokio::spawn(progress::show(service.status.watch(), address, stays));

        if service.keys.anonymous() && !address.ip().to_canonical().is_loopback() {
            tracing::warn!("whoever reaches {address} may do everything without a key");
        }
        // Until the last request is answered, and so not with the start.
        let mut keeping = keep(Arc::clone(&service));
        let ended = tokio::select! {
            error = Box::pin(start(&service, &config)) => Err(error),
            Err(error) = &mut keeping => Err(error.into()),
            () = shutdown => Ok(()),
        };
        shown.abort();
        service.status.drain();
        leaving.store(true, Ordering::Relaxed);
        if ended.is_ok() {
            tracing::info!("stopping: finishing the requests in flight");
        }
        service.hand_over_jobs().await;
        if ended.is_ok() {
            tokio::time::sleep(config.drain_delay).await;
        }
        drop(stop);
        // The server ends by itself; a panic in it would have been logged.
        let _ = server.await;
        // What was counted is worth no wait.
        let _ = tokio::time::timeout(CLOSING, service.hand_over_counts()).await;
        let _ = tokio::time::timeout(CLOSING, service.write_uses()).await;
        keeping.abort();
        if tokio::time::timeout(AUDIT, service.hand_over_audit())
            .await
            .is_err()
        {
            tracing::error!("not all that admin keys did could be written before the stop");
        }
        if let Some(store) = service.store.get() {
            // What is still using it was told to stop, and is not waited for.
            let _ = tokio::time::timeout(CLOSING, store.clone().close()).await;
        }
        if let Some(recording) = recording {
            recording.stop().await;
        }
        ended
    }
}

/// What requests may ask for, and how many at a time.
fn limits(config: &Config, report: Settings) -> Limits {
    Limits {
        max_body: config.max_body_bytes as usize,
        max_batch: config.max_batch_bytes as usize,
        max_upload: config.max_upload_bytes,
        upload: config.upload_timeout,
        max_cohort: config.max_cohort,
        max_synthetic: config.max_synthetic,
        waiting_jobs: config.max_waiting_jobs.into(),
        open_metrics: config.access.open_metrics,
        in_flight: InFlight {
            predictions: config.max_predictions as usize,
            heavy: config.max_heavy.into(),
            light: config.max_light as usize,
        },
        draws: config.max_draws.into(),
        request: config.request_timeout,
        patience: config.stall_timeout,
        report,
    }
}

/// How long clients are waited for.
fn patience(config: &Config) -> Patience {
    Patience {
        header: config.header_timeout,
        grace: config.shutdown_grace,
        pace: Pace {
            stall: config.stall_timeout,
            rate: config.min_rate,
        },
    }
}

/// How much is let in.
fn room(config: &Config) -> Room {
    Room {
        connections: config.max_connections as usize,
        delay: config.max_delay,
    }
}

/// Follows the keys and writes the audit log.
fn keep(service: Arc<Service>) -> JoinHandle<Infallible> {
    tokio::spawn(async move { tokio::join!(service.keep_keys(), service.keep_audit()).0 })
}

/// How keys are asked for.
fn key_settings(config: &Config) -> Result<KeySettings, BadToken> {
    let file = config.access.admin_key_file.as_deref();
    Ok(KeySettings {
        anonymous: config.access.anonymous(config.at.listen),
        seed: file.map(Token::of_file).transpose()?,
        rate: config.access.rate_limit,
        copy: is_on_a_server(config).then(|| KeyCopy::of(&config.store.data_dir)),
    })
}

/// Where spans are sent, if anywhere.
fn trace_settings(config: &Config) -> Result<Option<traces::Settings>, AppError> {
    let asked = &config.traces;
    let Some(collector) = asked.collector().map_err(AppError::Traces)? else {
        return Ok(None);
    };
    let known = [
        ("service.name", asked.service_name.clone()),
        ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
        ("service.instance.id", Uuid::new_v4().to_string()),
    ];
    // What an operator says comes before what the program knows.
    let named = asked.resource_attributes.clone();
    let mut attributes = named.map_or_else(Vec::new, |pairs| pairs.0);
    attributes.retain(|(name, _)| name != "service.name");
    for (name, value) in known {
        if !attributes.iter().any(|(n, _)| n == name) {
            attributes.push((name.to_owned(), value));
        }
    }
    Ok(Some(traces::Settings {
        authority: collector.authority,
        path: collector.path,
        headers: collector.headers,
        ratio: asked.trace_ratio,
        attributes,
    }))
}

/// Whether the database may be away: a file of one's own never is.
fn is_on_a_server(config: &Config) -> bool {
    matches!(location(config), Location::Postgres { .. })
}

fn location(config: &Config) -> Location {
    let url = config.store.database_url.as_ref().map(Secret::reveal);
    Location::of(url, &config.store.data_dir)
}

/// Brings the service up, keeps up with the database and works on jobs. Ends only
/// on an error.
async fn start(service: &Arc<Service>, config: &Config) -> AppError {
    let folder = &config.store.data_dir;
    let location = location(config);
    let cache = is_on_a_server(config).then(|| ModelCache::of(folder));
    let first = FirstStart {
        customers: config.first_cohort.customers,
        seed: config.first_cohort.seed,
        clock: Utc::now,
    };
    let wait = config.store.database_wait;
    let started = jobs::bootstrap(service, &location, wait, first, cache.as_ref()).await;
    let store = match started {
        Ok(store) => store,
        Err(error) => return error.into(),
    };
    let settings = JobSettings {
        at_a_time: config.jobs,
        folder: folder.clone(),
    };
    let upkeep = Upkeep {
        cache,
        retention: Retention {
            cohorts: config.keep_cohorts,
            age: config
                .keep_cohorts_for
                .map(|days| TimeDelta::days(days.into())),
        },
    };
    let working = service.run_jobs(store, settings);
    tokio::join!(working, service.keep_up(store, &upkeep)).0
}
