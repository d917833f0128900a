//! The form in which facts are kept with a cohort.
//!
//! It names its version first: facts of the version before are read without what
//! it did not measure, those of any other are refused with what to do about it.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use super::aggregate::{Facts, Tallies};

/// Raised whenever what is stored changes: columns, tables, pairs or bins.
const VERSION: u64 = 3;

/// The oldest that is read: it has no kept revenue.
const OLDEST: u64 = 2;

#[derive(Serialize)]
struct Stored<'a> {
    version: u64,
    #[serde(flatten)]
    tallies: &'a Tallies,
}

impl Serialize for Facts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tallies = &self.0;
        let version = VERSION;
        Stored { version, tallies }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Facts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = Value::deserialize(deserializer)?;
        // The first version did not say so.
        let version = stored.get("version").and_then(Value::as_u64).unwrap_or(1);
        if !(OLDEST..=VERSION).contains(&version) {
            return Err(de::Error::custom(format!(
                "the facts of this cohort are of version {version}, this program reads versions \
                 {OLDEST} to {VERSION}: make the cohort again with this program, or read it with the one \
                 that made it"
            )));
        }
        let mut tallies: Tallies = serde_json::from_value(stored).map_err(de::Error::custom)?;
        if version < VERSION {
            tallies.widen();
        }
        if !tallies.is_whole() {
            return Err(de::Error::custom("the facts of this cohort are damaged"));
        }
        Ok(Self(tallies))
    }
}
