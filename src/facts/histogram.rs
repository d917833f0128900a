//! A distribution of amounts in bounded memory, mergeable.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Sum;

/// Each bin is 1% wider than the one below, so a rank is known to 1% of its
/// amount, and shares of the total much better, since bins keep their sums.
const LOG_WIDTH: f64 = 0.01;

/// Amounts from 0 up, by size; means and shares of the total.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    total: Sum,
    /// Bins of the amounts above 0, by their number.
    bins: BTreeMap<i32, Sum>,
}

impl Histogram {
    pub fn add(&mut self, amount: f64) {
        self.total.add(amount);
        if amount > 0.0 {
            self.bins.entry(bin(amount)).or_default().add(amount);
        }
    }

    pub fn merge(&mut self, other: Self) {
        self.total.merge(other.total);
        for (bin, sum) in other.bins {
            self.bins.entry(bin).or_default().merge(sum);
        }
    }

    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        self.total.mean()
    }

    /// The share of the total that the largest amounts make up, of which there
    /// are so many per one of all (at least one).
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of customers, far below 2^53"
    )]
    pub fn top_share(&self, part: f64) -> Option<f64> {
        if self.total.sum <= 0.0 {
            return None;
        }
        let mut left = (part * self.total.count as f64).round_ties_even().max(1.0);
        let mut top = 0.0;
        for bin in self.bins.values().rev() {
            let taken = left.min(bin.count as f64);
            top += bin.sum * taken / bin.count as f64;
            left -= taken;
            if left <= 0.0 {
                break;
            }
        }
        Some(top / self.total.sum)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the logarithm of a finite amount is within a thousand"
)]
fn bin(amount: f64) -> i32 {
    (libm::log(amount) / LOG_WIDTH).floor() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(amounts: impl IntoIterator<Item = f64>) -> Histogram {
        let mut histogram = Histogram::default();
        amounts.into_iter().for_each(|a| histogram.add(a));
        histogram
    }

    #[test]
    fn the_top_share_is_exact_where_amounts_differ() {
        // 10 of 100 amounts are 9 times the others: 90 of 180.
        let amounts = (0..100).map(|i| if i % 10 == 0 { 9.0 } else { 1.0 });
        assert!((of(amounts).top_share(0.1).unwrap() - 0.5).abs() < 1e-12);
    }

    #[test]
    fn the_top_share_of_a_smooth_distribution_is_close() {
        let amounts: Vec<f64> = (1..=10_000).map(|i| 1e5 / f64::from(i)).collect();
        let exact = amounts[..1_000].iter().sum::<f64>() / amounts.iter().sum::<f64>();
        assert!((of(amounts).top_share(0.1).unwrap() / exact - 1.0).abs() < 1e-4);
    }

    #[test]
    fn nobody_has_a_share_of_nothing() {
        assert_eq!(of([]).mean(), None);
        assert_eq!(of([0.0, 0.0]).top_share(0.1), None);
        assert_eq!(of([0.0, 3.0]).top_share(0.1), Some(1.0));
    }
}
