//! What a file says of the cohort in it: enough to make it again.

use parquet::file::metadata::KeyValue;
use serde_json::Value;

use crate::cohort::{GENERATOR_VERSION, Plan};

const VERSION: &str = "engagecast.generator_version";
const CUSTOMERS: &str = "engagecast.customers";
const SEED: &str = "engagecast.seed";
const SPEC: &str = "engagecast.spec";

/// Where the customers of a file come from. The same four make the same
/// customers, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMetadata {
    pub customers: u64,
    pub seed: u64,
    /// What of the population differs from the default one, as JSON.
    pub spec: Value,
    pub generator_version: String,
}

impl From<&Plan> for FileMetadata {
    fn from(plan: &Plan) -> Self {
        Self {
            customers: plan.customers(),
            seed: plan.seed(),
            spec: plan.spec().to_json(),
            generator_version: GENERATOR_VERSION.to_owned(),
        }
    }
}

impl FileMetadata {
    /// As the key-value pairs of a Parquet file.
    pub(super) fn to_pairs(&self) -> Vec<KeyValue> {
        let pairs = [
            (VERSION, self.generator_version.clone()),
            (CUSTOMERS, self.customers.to_string()),
            (SEED, self.seed.to_string()),
            (SPEC, self.spec.to_string()),
        ];
        let pairs = pairs.map(|(key, value)| KeyValue::new(key.to_owned(), value));
        pairs.to_vec()
    }

    /// From the pairs of a Parquet file; none where another program wrote it.
    pub(super) fn from_pairs(pairs: &[KeyValue]) -> Option<Self> {
        let get = |key| {
            let pair = pairs.iter().find(|pair| pair.key == key)?;
            pair.value.as_deref()
        };
        Some(Self {
            customers: get(CUSTOMERS)?.parse().ok()?,
            seed: get(SEED)?.parse().ok()?,
            spec: serde_json::from_str(get(SPEC)?).ok()?,
            generator_version: get(VERSION)?.to_owned(),
        })
    }
}
