//! A client's line: how slowly it may send a body and take an answer.
//!
//! Invariant: only time that the service spends waiting for the client counts
//! against it, and no client holds a connection by a byte now and then.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::HttpBody;
use axum::http::StatusCode;
use bytes::{Buf, Bytes};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use super::front::REQUEST_ID;

/// The least that a client must keep up.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How long it may fall behind.
    pub stall: Duration,
    /// Bytes a second.
    pub rate: u32,
}

/// A client was slower than its pace allows.
#[derive(Debug, thiserror::Error)]
#[error("the client is too slow")]
pub struct TooSlow;

impl TooSlow {
    /// Whether it is the cause of an error.
    pub fn caused(error: &(dyn std::error::Error + 'static)) -> bool {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if error.is::<Self>() {
                return true;
            }
            cause = error.source();
        }
        false
    }
}

/// What is left of a client's time.
struct Meter {
    pace: Pace,
    left: Duration,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Meter {
    fn new(pace: Pace) -> Self {
        Self {
            pace,
            left: pace.stall,
            waiting: None,
        }
    }

    /// The client is waited for; ready when it has no time left.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<TooSlow> {
        let left = self.left;
        let begin = || (Instant::now(), Box::pin(tokio::time::sleep(left)));
        let (_, timer) = self.waiting.get_or_insert_with(begin);
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(TooSlow)
    }

    /// So many bytes have come, or were taken: they earn time.
    fn moved(&mut self, bytes: usize) {
        if let Some((since, _)) = self.waiting.take() {
            self.left = self.left.saturating_sub(since.elapsed());
            let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
            let earned = Duration::from_secs(1) * bytes / self.pace.rate;
            self.left = (self.left + earned).min(self.pace.stall);
        }
    }
}

/// A connection whose client must take what it is sent.
///
/// To what is no HTTP the library below answers with a bare head, and ends the
/// connection: the answer of `not_http` to that status is sent in its place.
pub struct Line<N> {
    stream: TcpStream,
    meter: Meter,
    not_http: N,
    /// What is left to be sent in place of a bare head.
    instead: Option<Bytes>,
}

impl<N: Fn(StatusCode) -> Bytes> Line<N> {
    pub fn new(stream: TcpStream, pace: Pace, not_http: N) -> Self {
        Self {
            stream,
            meter: Meter::new(pace),
            not_http,
            instead: None,
        }
    }

    fn write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, written)
    }

    /// Writes what ends with a bare head: first what is before that, then what is
    /// sent in its place.
    fn write_bare(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        (start, status): (usize, StatusCode),
    ) -> Poll<io::Result<usize>> {
        if start > 0 {
            return self.write(cx, &bytes[..start]);
        }
        let mut left = match self.instead.take() {
            Some(left) => left,
            None => (self.not_http)(status),
        };
        while !left.is_empty() {
            match self.write(cx, &left) {
                Poll::Ready(Ok(written)) => left.advance(written),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.instead = Some(left);
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn written(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(written) => {
                self.meter.moved(*written.as_ref().unwrap_or(&0));
                Poll::Ready(written)
            }
            Poll::Pending => {
                let late = ready!(self.meter.wait(cx));
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, late)))
            }
        }
    }
}

/// Where bytes that are to be sent end with a head that no handler made, and its
/// status: those have an id of their request.
fn bare(bytes: &[u8]) -> Option<(usize, StatusCode)> {
    const LONGEST: usize = 256;
    const LINE: &[u8] = b"HTTP/1.1 4";
    if !bytes.ends_with(b"\r\n\r\n") {
        return None;
    }
    let from = bytes.len().saturating_sub(LONGEST);
    let found = bytes[from..].windows(LINE.len()).rposition(|at| at == LINE);
    let start = from + found?;
    let head = &bytes[start..];
    let name = REQUEST_ID;
    let id = name.as_str().as_bytes();
    if head.windows(id.len()).any(|at| at == id) {
        return None;
    }
    let status = StatusCode::from_bytes(head.get(9..12)?).ok()?;
    Some((start, status))
}

impl<N: Unpin> AsyncRead for Line<N> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl<N: Fn(StatusCode) -> Bytes + Unpin> AsyncWrite for Line<N> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match bare(bytes) {
            Some(found) => self.write_bare(cx, bytes, found),
            None => self.write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // A bare head is the last of what there is, and has no body behind it.
        if let Some(last) = bytes.iter().rfind(|bytes| !bytes.is_empty())
            && let Some(found) = bare(last)
            && bytes.iter().filter(|bytes| !bytes.is_empty()).count() == 1
        {
            return self.write_bare(cx, last, found);
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A request's body whose client must send it.
pub struct Paced {
    body: Incoming,
    meter: Meter,
}

impl Paced {
    pub fn new(body: Incoming, pace: Pace) -> Self {
        Self {
            body,
            meter: Meter::new(pace),
        }
    }
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                let data = frame.as_ref().and_then(|frame| frame.as_ref().ok());
                let bytes = data.and_then(Frame::data_ref).map_or(0, Bytes::len);
                self.meter.moved(bytes);
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                let late = ready!(self.meter.wait(cx));
                Poll::Ready(Some(Err(late.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
