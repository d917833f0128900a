//! How much a file may ask of whoever reads it.
//!
//! A compressed file can be a thousand times what it weighs: what comes out of
//! it is counted, and reading stops where it is beyond measure.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bounds on a file that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest size of the file once it is unpacked, in bytes.
    pub unpacked_bytes: u64,
    /// Largest ratio of the unpacked size to the packed one.
    pub unpacked_ratio: u64,
    /// Largest row of a CSV file, in bytes: a longer one is set aside.
    pub row_bytes: usize,
    /// Most columns of a file, used or not.
    pub columns: usize,
    /// Most rows of a file.
    pub rows: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            unpacked_bytes: 1 << 40,
            unpacked_ratio: 200,
            row_bytes: 1 << 20,
            columns: 20_000,
            rows: 1_000_000_000,
        }
    }
}

impl Limits {
    /// A small file may unpack to anything up to this: a ratio says nothing there.
    const SMALL: u64 = 64 << 20;

    /// Whether a file of so many bytes may unpack to so many.
    pub(super) fn allow(&self, packed: u64, unpacked: u64) -> bool {
        let by_ratio = packed.saturating_mul(self.unpacked_ratio).max(Self::SMALL);
        unpacked <= self.unpacked_bytes.min(by_ratio)
    }
}

/// What [`Unpacked`] says where there is too much.
#[derive(Debug, thiserror::Error)]
#[error("it unpacks to more than is allowed")]
pub(super) struct TooMuch;

/// A stream that ends with an error where more comes out than is allowed.
pub(super) struct Unpacked<R> {
    inner: R,
    limits: Limits,
    /// Bytes of the file.
    packed: u64,
    out: u64,
}

impl<R: Read> Unpacked<R> {
    pub(super) fn new(inner: R, limits: Limits, packed: u64) -> Self {
        Self {
            inner,
            limits,
            packed,
            out: 0,
        }
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.out += read as u64;
        if self.limits.allow(self.packed, self.out) {
            Ok(read)
        } else {
            Err(io::Error::other(TooMuch))
        }
    }
}

/// A stream that says how much of it was read.
pub(super) struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Counted<R> {
    pub(super) fn new(inner: R, read: Arc<AtomicU64>) -> Self {
        Self { inner, read }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
