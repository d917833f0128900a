//! Two amounts against each other: a two-dimensional logarithmic histogram, and
//! the correlation of their logarithms.
//!
//! A tenfold has five bins, whatever the range, so that a chart's grid falls on
//! their edges and memory is bounded.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fixed::{Fixed, MILLIONTHS, MISSING, Pair, fixed, to_f64};

/// Bins of a tenfold.
pub const BINS_PER_DECADE: i32 = 5;

/// Customers by two amounts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Scatter {
    /// Customers of whom one of the amounts is 0.
    pub zeros: u64,
    /// The amounts themselves, where both are above 0.
    pub amounts: Pair,
    /// Their natural logarithms.
    pub logarithms: Pair,
    /// How many fall into each pair of bins, as x, y and customers.
    #[serde(with = "cells")]
    pub bins: BTreeMap<(i32, i32), u64>,
}

impl Scatter {
    /// Adds a customer; nothing where one of the amounts is missing.
    pub fn add(&mut self, x: Fixed, x_units: f64, y: Fixed, y_units: f64) {
        if x == MISSING || y == MISSING {
            return;
        }
        if x <= 0 || y <= 0 {
            self.zeros += 1;
            return;
        }
        self.amounts.add(x, y);
        let (x, y) = (to_f64(x.into()) / x_units, to_f64(y.into()) / y_units);
        let (ln_x, ln_y) = (libm::log(x), libm::log(y));
        self.logarithms
            .add(fixed(ln_x, MILLIONTHS), fixed(ln_y, MILLIONTHS));
        *self.bins.entry((decade_bin(x), decade_bin(y))).or_default() += 1;
    }

    pub fn merge(&mut self, other: &Self) {
        self.zeros += other.zeros;
        self.amounts.merge(other.amounts);
        self.logarithms.merge(other.logarithms);
        for (bin, count) in &other.bins {
            *self.bins.entry(*bin).or_default() += count;
        }
    }
}

/// The number of the bin that an amount above 0 falls into.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the logarithm of a number in fixed point is below a hundred"
)]
pub(super) fn decade_bin(x: f64) -> i32 {
    (libm::log10(x) * f64::from(BINS_PER_DECADE)).floor() as i32
}

/// Where a bin begins.
pub(super) fn edge(bin: i32) -> f64 {
    libm::pow(10.0, f64::from(bin) / f64::from(BINS_PER_DECADE))
}

mod cells {
    use super::{BTreeMap, Deserialize, Serialize};
    use serde::{Deserializer, Serializer};

    type Bins = BTreeMap<(i32, i32), u64>;

    pub fn serialize<S: Serializer>(bins: &Bins, serializer: S) -> Result<S::Ok, S::Error> {
        let cells: Vec<(i32, i32, u64)> = bins.iter().map(|(&(x, y), &n)| (x, y, n)).collect();
        cells.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bins, D::Error> {
        let cells = Vec::<(i32, i32, u64)>::deserialize(deserializer)?;
        Ok(cells.into_iter().map(|(x, y, n)| ((x, y), n)).collect())
    }
}
