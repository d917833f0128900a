//! A key itself, as its owner has it: the only place where one is made or read.
//!
//! Invariant: it is never printed but by [`Token::reveal`].

use std::fmt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

/// What keys begin with, so that whoever finds one knows what it opens.
const PREFIX: &str = "engagecast_";
/// Random bytes of a key.
const RANDOM: usize = 32;
/// Characters of a key of one's own.
const LENGTHS: std::ops::RangeInclusive<usize> = 32..=256;

/// The SHA-256 of a key.
pub type Hash = [u8; 32];

/// A key itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum BadToken {
    #[error("{}: the admin key can't be read: {error}", file.display())]
    Read {
        file: PathBuf,
        error: std::io::Error,
    },
    #[error(
        "{}: it must hold one key of 32 to 256 visible ASCII characters and nothing else, such as `openssl rand -hex 32` prints: {found}",
        file.display()
    )]
    NoKey { file: PathBuf, found: String },
    #[error("the system gives no random bytes: {0}")]
    Random(#[from] getrandom::Error),
}

impl Token {
    /// A key of 256 random bits.
    ///
    /// # Errors
    /// Where the system has no random bytes.
    pub fn fresh() -> Result<Self, BadToken> {
        let mut bytes = [0; RANDOM];
        getrandom::fill(&mut bytes)?;
        let mut text = PREFIX.to_owned();
        for byte in bytes {
            for nibble in [byte >> 4, byte & 0xf] {
                text.extend(char::from_digit(nibble.into(), 16));
            }
        }
        Ok(Self(text))
    }

    /// The key that a file holds, with white space around it or without.
    ///
    /// # Errors
    /// Where the file can't be read or holds none; what it holds is not told.
    pub fn of_file(file: &Path) -> Result<Self, BadToken> {
        let bytes = std::fs::read(file).map_err(|error| BadToken::Read {
            file: file.to_owned(),
            error,
        })?;
        let key = bytes.trim_ascii();
        let bad = |found: String| BadToken::NoKey {
            file: file.to_owned(),
            found,
        };
        if !LENGTHS.contains(&key.len()) {
            return Err(bad(format!("it has {} characters", key.len())));
        }
        if !key.iter().all(u8::is_ascii_graphic) {
            return Err(bad("some are no visible ASCII characters".into()));
        }
        Ok(Self(String::from_utf8_lossy(key).into_owned()))
    }

    /// The key itself, for the one who asked for it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn hash(&self) -> Hash {
        Sha256::digest(&self.0).into()
    }

    /// The hash of what a caller presents; none where that is longer than any key.
    #[must_use]
    pub(super) fn hash_of(presented: &[u8]) -> Option<Hash> {
        (presented.len() <= *LENGTHS.end()).then(|| Sha256::digest(presented).into())
    }

    /// An id that follows from the key, and that nothing of it follows from.
    pub(super) fn id(&self) -> Uuid {
        let digest = Sha256::new()
            .chain_update(b"engagecast key id")
            .chain_update(self.hash())
            .finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Builder::from_custom_bytes(bytes).into_uuid()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_key_has_256_random_bits_and_is_not_printed() {
        let (one, other) = (Token::fresh().unwrap(), Token::fresh().unwrap());
        let random = one.reveal().strip_prefix("engagecast_").unwrap();
        assert_eq!(random.len(), 64);
        assert!(random.bytes().all(|b| b.is_ascii_hexdigit()));
        assert_ne!(one, other);
        assert_eq!(format!("{one:?}"), "[redacted]");
        assert_eq!(Token::hash_of(one.reveal().as_bytes()), Some(one.hash()));
    }

    #[test]
    fn a_file_holds_one_key_or_is_refused_without_telling_what_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let secret = "correct-horse-battery-staple-1234567";
        let read = |text: &str| {
            std::fs::write(&file, text).unwrap();
            Token::of_file(&file)
        };
        assert_eq!(read(&format!("  {secret}\n")).unwrap().reveal(), secret);
        let long = "x".repeat(257);
        for text in [
            "",
            "\n",
            "short-secret",
            &long,
            &format!("{secret} {secret}"),
        ] {
            let refusal = read(text).unwrap_err().to_string();
            assert!(refusal.contains("32 to 256 visible ASCII"), "{refusal}");
            assert!(refusal.contains(&*file.to_string_lossy()), "{refusal}");
            assert!(!refusal.contains("secret") && !refusal.contains("horse"));
        }
        let missing = Token::of_file(&folder.path().join("none")).unwrap_err();
        assert!(missing.to_string().contains("can't be read"));
    }
}
