//! A distribution of amounts in bounded memory: quantiles, shares of the total
//! and inequality, mergeable.
//!
//! An amount falls in a bin by the leading bits of its floating-point form: 64
//! bins for each power of two, so that no two amounts of a bin are more than
//! 1/64 (1.6%) apart. Bins keep their sums, which makes shares of the total
//! much better than that.

use serde::{Deserialize, Serialize};

use super::fixed::{Fixed, MILLIONTHS, MISSING, Wide, count, to_f64};

/// How far a quantile may be from the true one, relative to it.
pub const QUANTILE_ERROR: f64 = 1.0 / 64.0;

/// Bits of the mantissa that a bin does not look at.
const DROPPED_BITS: u32 = 52 - 6;

/// The bins' numbers start at the smallest amount above 0, a millionth, and end
/// at the largest that fixed point can hold.
const BINS: usize = (1 << 6) * 64;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Bin {
    count: u64,
    sum: i128,
}

/// Amounts from 0 up, by size. An amount of 0 or less counts as 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub(super) struct Sketch {
    zeros: u64,
    /// Bins from the first that is used to the last.
    first: usize,
    bins: Vec<Bin>,
}

impl Sketch {
    /// Adds an amount in millionths; nothing where it is missing.
    pub fn add(&mut self, amount: Fixed) {
        if amount == MISSING {
            return;
        }
        if amount <= 0 {
            self.zeros += 1;
            return;
        }
        let bin = self.bin(number(amount));
        bin.count += 1;
        bin.sum += i128::from(amount);
    }

    pub fn merge(&mut self, other: &Self) {
        self.zeros += other.zeros;
        for (number, part) in other.used() {
            let bin = self.bin(number);
            bin.count += part.count;
            bin.sum += part.sum;
        }
    }

    pub fn count(&self) -> u64 {
        self.zeros + self.bins.iter().map(|b| b.count).sum::<u64>()
    }

    /// How many amounts are 0.
    pub fn zeros(&self) -> u64 {
        self.zeros
    }

    fn sum(&self) -> i128 {
        self.bins.iter().map(|b| b.sum).sum()
    }

    pub fn total(&self) -> f64 {
        to_f64(self.sum()) / MILLIONTHS
    }

    pub fn mean(&self) -> Option<f64> {
        let n = self.count();
        (n > 0).then(|| self.total() / count(n))
    }

    /// The amount that a part (0 to 1) of all are at most, as the mean of the
    /// amounts in its bin: within [`QUANTILE_ERROR`] of the true one.
    pub fn quantile(&self, part: f64) -> Option<f64> {
        let n = self.count();
        if n == 0 {
            return None;
        }
        let rank = (part * count(n)).ceil().clamp(1.0, count(n));
        let mut below = count(self.zeros);
        if rank <= below {
            return Some(0.0);
        }
        for bin in &self.bins {
            below += count(bin.count);
            if rank <= below {
                return Some(to_f64(bin.sum) / MILLIONTHS / count(bin.count));
            }
        }
        None
    }

    /// The share of the total that the largest amounts make up, of which there
    /// are so many per one of all (at least one).
    pub fn top_share(&self, part: f64) -> Option<f64> {
        let total = self.sum();
        if total <= 0 {
            return None;
        }
        let mut left = (part * count(self.count())).round_ties_even().max(1.0);
        let mut top = 0.0;
        for bin in self.bins.iter().rev().filter(|b| b.count > 0) {
            let taken = left.min(count(bin.count));
            top += to_f64(bin.sum) * taken / count(bin.count);
            left -= taken;
            if left <= 0.0 {
                break;
            }
        }
        Some(top / to_f64(total))
    }

    /// The Gini coefficient: 0 where all have the same, near 1 where one has
    /// all. The amounts of a bin are taken to be equal.
    pub fn gini(&self) -> Option<f64> {
        let (n, total) = (count(self.count()), to_f64(self.sum()));
        if total <= 0.0 {
            return None;
        }
        let mut rank = count(self.zeros);
        let mut weighted = 0.0;
        for bin in self.bins.iter().filter(|b| b.count > 0) {
            let here = count(bin.count);
            // The mean rank of the bin, from 1 up.
            weighted += to_f64(bin.sum) * (rank + f64::midpoint(here, 1.0));
            rank += here;
        }
        Some(((2.0 * weighted / total - n - 1.0) / n).max(0.0))
    }

    /// The bin with this number, of which there is one from now on.
    fn bin(&mut self, number: usize) -> &mut Bin {
        if self.bins.is_empty() {
            self.first = number;
        }
        if number < self.first {
            let room = self.first - number;
            self.bins.splice(0..0, vec![Bin::default(); room]);
            self.first = number;
        }
        let at = number - self.first;
        if at >= self.bins.len() {
            self.bins.resize(at + 1, Bin::default());
        }
        &mut self.bins[at]
    }

    fn used(&self) -> impl Iterator<Item = (usize, &Bin)> {
        let all = (self.first..).zip(&self.bins);
        all.filter(|(_, bin)| bin.count > 0)
    }
}

/// The number of the bin of an amount above 0.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "only the leading bits count"
)]
fn number(amount: Fixed) -> usize {
    let one = 1.0_f64.to_bits() >> DROPPED_BITS;
    let bits = (amount as f64).to_bits() >> DROPPED_BITS;
    ((bits - one) as usize).min(BINS - 1)
}

/// As it is stored: the zeros, and number, count and sum of each used bin.
#[derive(Serialize, Deserialize)]
struct Stored {
    zeros: u64,
    bins: Vec<(usize, u64, Wide)>,
}

impl From<Sketch> for Stored {
    fn from(sketch: Sketch) -> Self {
        Self {
            zeros: sketch.zeros,
            bins: (sketch.used())
                .map(|(number, bin)| (number, bin.count, Wide(bin.sum)))
                .collect(),
        }
    }
}

impl From<Stored> for Sketch {
    fn from(stored: Stored) -> Self {
        let mut sketch = Self {
            zeros: stored.zeros,
            ..Self::default()
        };
        for (number, count, Wide(sum)) in stored.bins {
            *sketch.bin(number.min(BINS - 1)) = Bin { count, sum };
        }
        sketch
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixed::fixed;
    use super::*;

    fn of(amounts: impl IntoIterator<Item = f64>) -> Sketch {
        let mut sketch = Sketch::default();
        for amount in amounts {
            sketch.add(fixed(amount, MILLIONTHS));
        }
        sketch
    }

    #[test]
    fn the_top_share_is_exact_where_amounts_differ() {
        // 10 of 100 amounts are 9 times the others: 90 of 180.
        let amounts = (0..100).map(|i| if i % 10 == 0 { 9.0 } else { 1.0 });
        assert!((of(amounts).top_share(0.1).unwrap() - 0.5).abs() < 1e-12);
    }

    #[test]
    fn shares_and_inequality_of_a_smooth_distribution_are_close() {
        let amounts: Vec<f64> = (1..=10_000).map(|i| 1e5 / f64::from(i)).collect();
        let total: f64 = amounts.iter().sum();
        let exact = amounts[..1_000].iter().sum::<f64>() / total;
        assert!((of(amounts.clone()).top_share(0.1).unwrap() / exact - 1.0).abs() < 1e-3);
        let n = 10_000.0;
        // Amounts fall with their number, so the last has rank 1.
        let ranked = (amounts.iter().zip(0..)).map(|(a, i)| a * (n - f64::from(i)));
        let gini = 2.0 * ranked.sum::<f64>() / total / n - (n + 1.0) / n;
        assert!((of(amounts).gini().unwrap() - gini).abs() < 1e-4);
    }

    #[test]
    fn a_quantile_is_within_its_documented_error() {
        let amounts: Vec<f64> = (1..=5_000)
            .map(|i| (f64::from(i) * 0.004).exp() / 7.0)
            .collect();
        let sketch = of(amounts.clone());
        for rank in [1_usize, 50, 500, 2_500, 4_999, 5_000] {
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let part = rank as f64 / 5_000.0;
            let found = sketch.quantile(part).unwrap();
            let exact = amounts[rank - 1];
            assert!((found / exact - 1.0).abs() <= QUANTILE_ERROR, "{rank}");
        }
    }

    #[test]
    fn nobody_has_a_share_of_nothing() {
        assert_eq!(of([]).mean(), None);
        assert_eq!(of([]).quantile(0.5), None);
        assert_eq!(of([0.0, 0.0]).top_share(0.1), None);
        assert_eq!(of([0.0, 0.0]).quantile(0.5), Some(0.0));
        assert_eq!(of([0.0, 3.0]).top_share(0.1), Some(1.0));
        assert_eq!(of([3.0, 3.0]).gini(), Some(0.0));
    }

    #[test]
    fn memory_is_bounded_for_any_amounts() {
        let mut sketch = Sketch::default();
        for shift in 0..63 {
            sketch.add(1 << shift);
            sketch.add((1 << shift) + 1);
        }
        sketch.add(i64::MAX);
        assert!(sketch.bins.len() <= BINS);
        assert_eq!(sketch.count(), 127);
    }
}
