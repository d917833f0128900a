//! What models and sets of models have in common as bytes: a name, a version of
//! the format, a header in JSON, a body, and a digest over it all.
//!
//! ```text
//! magic (8) | format (u32) | header length (u64) | header (JSON) | body | SHA-256 (32)
//! ```
//!
//! Little-endian throughout. Reading trusts nothing: the digest finds what was
//! damaged, and no length leads beyond the bytes.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::ArtifactError;

const DIGEST: usize = 32;

/// One sort of artifact.
pub(in super::super) struct Kind {
    pub magic: [u8; 8],
    /// The format that is written, and the newest that is read.
    pub format: u32,
    /// What it is called in an error.
    pub name: &'static str,
}

impl Kind {
    /// The bytes of a header and what `write` adds after it.
    pub(in super::super) fn seal(
        &self,
        header: &impl Serialize,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Vec<u8> {
        // Numbers, strings and lists only: JSON can't refuse them.
        let header = serde_json::to_vec(header).unwrap_or_default();
        let mut bytes = Vec::with_capacity(header.len() + 1024);
        bytes.extend_from_slice(&self.magic);
        bytes.extend_from_slice(&self.format.to_le_bytes());
        bytes.extend_from_slice(&(header.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&header);
        write(&mut bytes);
        let digest = Sha256::digest(&bytes);
        bytes.extend_from_slice(&digest);
        bytes
    }

    /// The header, and the body after it.
    pub(in super::super) fn open<'a, H: DeserializeOwned>(
        &self,
        bytes: &'a [u8],
    ) -> Result<(H, Reader<'a>), ArtifactError> {
        let mut reader = Reader(bytes, self.name);
        if reader.take(self.magic.len())? != self.magic {
            return Err(self.corrupt("it does not begin as one"));
        }
        let found = u32::from_le_bytes(reader.array()?);
        if found > self.format {
            return Err(ArtifactError::NewerVersion {
                name: self.name,
                found,
                supported: self.format,
            });
        }
        if found == 0 {
            return Err(self.corrupt("there is no format 0"));
        }
        let body = bytes.len().checked_sub(DIGEST);
        let (body, digest) = bytes.split_at(body.ok_or_else(|| reader.truncated())?);
        if Sha256::digest(body)[..] != *digest {
            return Err(self.corrupt("its digest does not match"));
        }
        // The digest is longer than what was taken.
        let begun = bytes.len() - reader.0.len();
        let mut reader = Reader(body.get(begun..).unwrap_or_default(), self.name);
        let length = u64::from_le_bytes(reader.array()?);
        let length = usize::try_from(length).map_err(|_| reader.truncated())?;
        let header = serde_json::from_slice(reader.take(length)?).map_err(|e| self.corrupt(e))?;
        Ok((header, reader))
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "errors are passed on as they come"
    )]
    pub(in super::super) fn corrupt(&self, why: impl ToString) -> ArtifactError {
        ArtifactError::Corrupt {
            name: self.name,
            why: why.to_string(),
        }
    }
}

/// What is still to be read, and of what.
pub(in super::super) struct Reader<'a>(&'a [u8], &'static str);

impl<'a> Reader<'a> {
    pub(in super::super) fn take(&mut self, length: usize) -> Result<&'a [u8], ArtifactError> {
        let (taken, rest) = (self.0.split_at_checked(length)).ok_or_else(|| self.truncated())?;
        self.0 = rest;
        Ok(taken)
    }

    /// What is to be read of the next bytes.
    pub(in super::super) fn part(&mut self, length: usize) -> Result<Self, ArtifactError> {
        Ok(Self(self.take(length)?, self.1))
    }

    pub(in super::super) fn array<const N: usize>(&mut self) -> Result<[u8; N], ArtifactError> {
        let (taken, rest) = (self.0.split_first_chunk()).ok_or_else(|| self.truncated())?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(in super::super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in super::super) fn truncated(&self) -> ArtifactError {
        ArtifactError::Corrupt {
            name: self.1,
            why: "it ends too soon".into(),
        }
    }
}
