//! Accepts connections and speaks HTTP/1.1 on them until told to stop.
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

use futures_util::FutureExt;
use hyper::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::front::Front;

/// What a client on a slow line, or one that stays, is given.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// To send the head of a request, and between two requests.
    pub header: Duration,
    /// To finish what is in flight once the server stops.
    pub grace: Duration,
}

/// How long a connection without a request yet is kept when the server stops:
/// its request may be on the way.
const LAST_CALL: Duration = Duration::from_millis(300);

/// Answers up to this size are the kernel's as soon as they are made; a larger
/// one may still be on its way to a slow client, who is waited for.
const AT_ONCE: u64 = 16 * 1024;

/// Serves until `stop` is complete, then drains.
pub async fn serve(
    listener: TcpListener,
    front: Front,
    patience: Patience,
    stop: impl Future<Output = ()>,
) {
    let (stopping, stopped) = watch::channel(false);
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => spawn(stream, peer, &front, patience, &stopped),
                Err(error) => pause_after(&error).await,
            },
        }
    }
    // The kernel has answered these clients already; closing would reset them.
    while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
        spawn(stream, peer, &front, patience, &stopped);
    }
    drop((listener, stopped));
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

fn spawn(
    stream: TcpStream,
    peer: SocketAddr,
    front: &Front,
    patience: Patience,
    stopped: &watch::Receiver<bool>,
) {
    let (front, stopped) = (front.clone(), stopped.clone());
    tokio::spawn(async move {
        if let Err(error) = connection(stream, front, patience, stopped).await {
            tracing::debug!(%peer, %error, "connection ended early");
        }
    });
}

async fn connection(
    stream: TcpStream,
    front: Front,
    patience: Patience,
    mut stopped: watch::Receiver<bool>,
) -> hyper::Result<()> {
    // Answers are small and whole: waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let asked = Arc::new(AtomicBool::new(false));
    let answering = Arc::new(AtomicBool::new(false));
    let service = service_fn(|request| {
        let (front, answering) = (front.clone(), Arc::clone(&answering));
        asked.store(true, Ordering::Relaxed);
        async move {
            answering.store(true, Ordering::Relaxed);
            let answer = front.answer(request).await;
            let size = answer.body().size_hint().exact();
            answering.store(size.is_none_or(|bytes| bytes > AT_ONCE), Ordering::Relaxed);
            Ok::<_, Infallible>(answer)
        }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(patience.header)
            .serve_connection(TokioIo::new(stream), service)
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
