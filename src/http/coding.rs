//! What `Content-Encoding` says of a body, and unpacking one within its limit.
//!
//! Invariant: no more comes out than the limit, whatever was packed.

use std::io::Read;

use axum::http::HeaderMap;
use axum::http::header::CONTENT_ENCODING;
use bytes::Bytes;
use flate2::read::{MultiGzDecoder, ZlibDecoder};

use super::extract;
use super::problem::{Kind, Problem};

/// How a body is packed.
#[derive(Clone, Copy)]
pub enum Coding {
    Gzip,
    /// In the zlib format, as HTTP means it.
    Deflate,
}

/// Refuses a packed body, rather than misreading it.
pub fn none(headers: &HeaderMap) -> Result<(), Problem> {
    match names(headers) {
        None => Ok(()),
        Some(_) => Err(Problem::new(
            Kind::UnsupportedMediaType,
            "Send the body as it is, without a content-encoding.",
        )),
    }
}

/// What a body is packed with, that header or no other.
fn names(headers: &HeaderMap) -> Option<&[u8]> {
    let name = headers.get(CONTENT_ENCODING)?.as_bytes().trim_ascii();
    (!name.eq_ignore_ascii_case(b"identity")).then_some(name)
}

impl Coding {
    /// The one of a body; none where it is as it is.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        match names(headers) {
            None => Ok(None),
            Some(name) if name.eq_ignore_ascii_case(b"gzip") => Ok(Some(Self::Gzip)),
            Some(name) if name.eq_ignore_ascii_case(b"deflate") => Ok(Some(Self::Deflate)),
            Some(_) => Err(Problem::new(
                Kind::UnsupportedMediaType,
                "The body may be compressed with gzip or deflate, or not at all.",
            )),
        }
    }

    /// The whole body, unpacked.
    pub fn unpack(self, packed: &[u8], limit: usize) -> Result<Bytes, Problem> {
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        let mut body = Vec::new();
        let read = match self {
            Self::Gzip => MultiGzDecoder::new(packed)
                .take(most)
                .read_to_end(&mut body),
            Self::Deflate => ZlibDecoder::new(packed).take(most).read_to_end(&mut body),
        };
        read.map_err(|_| {
            Problem::new(
                Kind::MalformedBody,
                "The body is not compressed as its content-encoding says, or it broke off.",
            )
        })?;
        if body.len() > limit {
            return Err(extract::too_large(limit));
        }
        Ok(body.into())
    }
}
