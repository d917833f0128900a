//! The collector at the other end: spans are posted to it over HTTP/1.1, one
//! request at a time, on a connection that is kept.
//!
//! Invariant: a request ends within its limit, whatever the collector does.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::Settings;

/// How long the collector may take to answer.
const LIMIT: Duration = Duration::from_secs(5);

/// Why spans were not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("it can't be reached: {0}")]
    Away(#[from] std::io::Error),
    #[error("it does not speak HTTP as it should: {0}")]
    Broken(#[from] hyper::Error),
    #[error("it did not answer within {} s", LIMIT.as_secs())]
    Slow,
    #[error("it answered {0}")]
    Refused(StatusCode),
    #[error("their sending was stopped")]
    Stopped,
}

impl Failure {
    /// Whether the same spans may be taken a moment later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Away(_) | Self::Broken(_) => true,
            Self::Refused(status) => matches!(status.as_u16(), 429 | 502 | 503 | 504),
            // Others would wait for longer.
            Self::Slow | Self::Stopped => false,
        }
    }
}

type Sender = SendRequest<Full<Bytes>>;

#[derive(Clone)]
pub(super) struct Collector {
    authority: Arc<str>,
    path: Arc<str>,
    headers: HeaderMap,
    kept: Arc<Mutex<Option<Sender>>>,
}

impl Collector {
    pub(super) fn new(settings: &Settings) -> Self {
        let mut headers = HeaderMap::new();
        for (name, value) in &settings.headers {
            // The configuration has seen to it that they are headers.
            if let (Ok(name), Ok(mut value)) = (
                HeaderName::try_from(name.as_str()),
                HeaderValue::try_from(value.as_str()),
            ) {
                value.set_sensitive(true);
                headers.append(name, value);
            }
        }
        if let Ok(host) = HeaderValue::try_from(settings.authority.as_str()) {
            headers.insert(HOST, host);
        }
        let kind = HeaderValue::from_static("application/x-protobuf");
        headers.insert(CONTENT_TYPE, kind);
        Self {
            authority: settings.authority.as_str().into(),
            path: settings.path.as_str().into(),
            headers,
            kept: Arc::default(),
        }
    }

    /// Sends a body and waits for it to be taken.
    pub(super) async fn post(&self, body: Bytes) -> Result<(), Failure> {
        let mut kept = self.kept.lock().await;
        let sent = timeout(LIMIT, async {
            let mut sender = self.connect(kept.take()).await?;
            let mut request = Request::post(&*self.path);
            if let Some(headers) = request.headers_mut() {
                headers.clone_from(&self.headers);
            }
            // The path was made to be one.
            let request = request
                .body(Full::new(body))
                .map_err(|_| Failure::Stopped)?;
            let answer = sender.send_request(request).await?;
            Ok::<_, Failure>((sender, answer.status()))
        });
        let (sender, status) = sent.await.map_err(|_| Failure::Slow)??;
        *kept = Some(sender);
        if status.is_success() {
            Ok(())
        } else {
            Err(Failure::Refused(status))
        }
    }

    /// The connection that was kept, if it still is one; else another.
    async fn connect(&self, kept: Option<Sender>) -> Result<Sender, Failure> {
        if let Some(mut kept) = kept
            && kept.ready().await.is_ok()
        {
            return Ok(kept);
        }
        let stream = TcpStream::connect(&*self.authority).await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Its end is seen by whoever sends next.
        tokio::spawn(connection);
        Ok(sender)
    }
}

impl fmt::Display for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.path)
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
