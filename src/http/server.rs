//! Accepts connections and speaks HTTP/1.1 on them until told to stop.
//!
//! There are so many connections at a time and no more: whoever comes after
//! that is told so and let go.
//!
//! Stopping loses no request: what the kernel had accepted is still served, a
//! request in flight is finished within the grace, and a connection that only
//! idles is closed. Invariant: [`serve`] returns once no connection is left, or
//! the grace is over.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, StatusCode};
use bytes::Bytes;
use futures_util::FutureExt;
use hyper::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::delay::{Delay, Timed, TooLate, Wait};
use super::front::Front;
use super::line::{Line, Pace, Paced};
use super::problem::{Kind, Problem};

/// What a client on a slow line, or one that stays, is given.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// To send the head of a request, and between two requests.
    pub header: Duration,
    /// To finish what is in flight once the server stops.
    pub grace: Duration,
    /// To send a body, or to take an answer.
    pub pace: Pace,
}

/// How much is taken on before a handler sees any of it.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Connections at a time.
    pub connections: usize,
    /// How long requests may go on waiting for a thread.
    pub delay: Duration,
}

/// How long a connection without a request yet is kept when the server stops:
/// its request may be on the way.
const LAST_CALL: Duration = Duration::from_millis(300);

/// Answers up to this size are the kernel's as soon as they are made; a larger
/// one may still be on its way to a slow client, who is waited for.
const AT_ONCE: u64 = 16 * 1024;

/// Bytes of a request's head, and of what is read of a body at a time.
const HEAD: usize = 64 * 1024;

/// What all connections share.
#[derive(Clone)]
struct Shared {
    front: Front,
    patience: Patience,
    room: Arc<Semaphore>,
    delay: Arc<Delay>,
    leaving: Arc<AtomicBool>,
    stopped: watch::Receiver<bool>,
}

/// Serves until `stop` is complete, then drains. Once `leaving` is set, each
/// answer closes its connection, so that a proxy does not send another request
/// on it just when it ends.
pub async fn serve(
    listener: TcpListener,
    front: Front,
    (patience, room): (Patience, Room),
    leaving: Arc<AtomicBool>,
    stop: impl Future<Output = ()>,
) {
    let (stopping, stopped) = watch::channel(false);
    let shared = Shared {
        front,
        patience,
        room: Arc::new(Semaphore::new(room.connections)),
        delay: Arc::new(Delay::new(room.delay)),
        leaving,
        stopped,
    };
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => shared.take_on(stream, peer),
                Err(error) => pause_after(&error).await,
            },
        }
    }
    // The kernel has answered these clients already; closing would reset them.
    while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
        shared.take_on(stream, peer);
    }
    drop((listener, shared));
    stopping.send_replace(true);
    if tokio::time::timeout(patience.grace, stopping.closed())
        .await
        .is_err()
    {
        tracing::warn!("requests were still in flight when the shutdown grace was over");
    }
}

/// A failed accept is the connection's fault, or the machine is short of file
/// descriptors; then it would fail again at once.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    if !matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    ) {
        tracing::error!(%error, "can't accept a connection");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

impl Shared {
    fn take_on(&self, stream: TcpStream, peer: SocketAddr) {
        match Arc::clone(&self.room).try_acquire_owned() {
            Ok(place) => {
                let wait = Wait::new();
                let connection = self.clone().connection(stream, Arc::clone(&wait), place);
                let ended = async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(%peer, %error, "connection ended early");
                    }
                };
                tokio::spawn(Timed::new(ended, &wait));
            }
            Err(_) => self.turn_away(&stream),
        }
    }

    async fn connection(
        self,
        stream: TcpStream,
        wait: Arc<Wait>,
        _place: OwnedSemaphorePermit,
    ) -> hyper::Result<()> {
        // Answers are small and whole: waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        let pace = self.patience.pace;
        let mut stopped = self.stopped;
        let asked = Arc::new(AtomicBool::new(false));
        let answering = Arc::new(AtomicBool::new(false));
        let service = service_fn(|request| {
            asked.store(true, Ordering::Relaxed);
            answering.store(true, Ordering::Relaxed);
            let mut request = request.map(|body| Paced::new(body, pace));
            if self.delay.is_too_late(wait.last()) {
                request.extensions_mut().insert(TooLate);
            }
            let (front, answering) = (self.front.clone(), Arc::clone(&answering));
            let leaving = Arc::clone(&self.leaving);
            async move {
                let mut answer = front.answer(request).await;
                if leaving.load(Ordering::Relaxed) {
                    let close = HeaderValue::from_static("close");
                    answer.headers_mut().insert(CONNECTION, close);
                }
                let size = answer.body().size_hint().exact();
                answering.store(size.is_none_or(|bytes| bytes > AT_ONCE), Ordering::Relaxed);
                Ok::<_, Infallible>(answer)
            }
        });
        let front = self.front.clone();
        let line = Line::new(stream, pace, move |status| not_http(&front, status));
        let mut connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(self.patience.header)
                .max_buf_size(HEAD)
                .serve_connection(TokioIo::new(line), service)
        );
        tokio::select! {
            biased;
            ended = connection.as_mut() => return ended,
            _ = stopped.wait_for(|stopped| *stopped) => (),
        }
        // Told to end before it has read anything, it would end at once.
        if !asked.load(Ordering::Relaxed)
            && let Ok(ended) = tokio::time::timeout(LAST_CALL, connection.as_mut()).await
        {
            return ended;
        }
        connection.as_mut().graceful_shutdown();
        if let Ok(ended) = tokio::time::timeout(LAST_CALL, connection.as_mut()).await {
            return ended;
        }
        if answering.load(Ordering::Relaxed) {
            return connection.await;
        }
        Ok(())
    }

    /// Says that there is no room, as far as that can be done without waiting. What
    /// the client has sent already is read, since closing over it would take the
    /// words away from the client.
    fn turn_away(&self, stream: &TcpStream) {
        let full = "As many connections as the service takes on are open.";
        let answer = self.front.unasked(&Problem::new(Kind::Busy, full));
        let _ = stream.try_write(&answer.bytes);
        let _ = stream.try_read(&mut [0; 16 * 1024]);
    }
}

/// The answer to what is no request, with the status that its reader found.
fn not_http(front: &Front, status: StatusCode) -> Bytes {
    let problem = match status {
        StatusCode::URI_TOO_LONG => {
            Problem::new(Kind::AddressTooLong, "Send in a body what is as long.")
        }
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Problem::new(
            Kind::HeadTooLarge,
            format!("It may have {HEAD} bytes at most, and 100 headers."),
        ),
        _ => Problem::new(
            Kind::MalformedRequest,
            "Its first line or one of its headers can't be read as HTTP/1.1.",
        ),
    };
    let answer = front.unasked(&problem);
    tracing::info!(
        status = problem.status().as_u16(),
        request_id = ?answer.id,
        "answered what is no request"
    );
    answer.bytes
}
