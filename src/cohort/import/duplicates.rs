//! Customers that stand twice, in 10 to 21 bytes a customer.
//!
//! What is kept is a hash of each id. Two of `n` ids share a hash with a
//! probability of n² / 2⁶⁵: one in 37 million for a million customers.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hasher};

use arrow_array::StringArray;

/// Passes a hash on as it is.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// The ids seen so far.
#[derive(Default)]
pub(super) struct Seen(HashSet<u64, BuildHasherDefault<AsIs>>);

impl Seen {
    /// Notes an id by its hash; says whether it is new.
    pub(super) fn insert(&mut self, hash: u64) -> bool {
        self.0.insert(hash)
    }
}

/// The hashes of some ids.
pub(super) fn hashes(ids: &StringArray) -> Vec<u64> {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    ids.iter()
        .map(|id| hasher.hash_one(id.unwrap_or_default()))
        .collect()
}
