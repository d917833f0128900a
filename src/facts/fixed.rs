//! Sums that come out the same in any order: whole numbers in fixed point.
//!
//! A count is held in ones, every other number in millionths, halves to even:
//! exact for generated columns, which have at most three decimals, and to a
//! millionth for imported ones. Whole numbers add up alike however the rows are
//! split, so the facts of the parts are those of the whole to the last bit.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::schema::rounding::{self, UNIT_STEP};

/// A value in fixed point; [`MISSING`] where there is none.
pub(super) type Fixed = i64;

/// Stands for a null; no value comes near it.
pub(super) const MISSING: Fixed = i64::MIN;

/// The fixed-point unit of numbers with decimals.
pub(super) const MILLIONTHS: f64 = 1e6;

/// No value is larger: 2.3·10^12 in millionths, beyond what a column may hold,
/// and the sum of two still fits.
const LARGEST: Fixed = 1 << 61;

/// Below this, adding [`UNIT_STEP`] rounds halves to even, without a call.
const FAST: f64 = 2_251_799_813_685_248.0;

/// `x`, in units of which there are so many in one.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "a number too large becomes the largest"
)]
pub(super) fn fixed(x: f64, units: f64) -> Fixed {
    let scaled = x * units;
    if scaled.abs() < FAST {
        return rounding::whole(scaled) as Fixed;
    }
    if !x.is_finite() {
        return MISSING;
    }
    whole(scaled.round_ties_even() as Fixed)
}

/// The same for many at a time, where they are as small as they mostly are.
pub(super) fn all_fixed(values: &[f64], units: f64, out: &mut [Fixed]) {
    let fast = |x: &f64| (x * units).abs() < FAST;
    // Without stopping at the first that is not: that would be slower.
    if values.iter().fold(true, |all, x| all & fast(x)) {
        for (out, x) in out.iter_mut().zip(values) {
            let bits = (x * units + UNIT_STEP).to_bits();
            *out = bits.cast_signed() - UNIT_STEP.to_bits().cast_signed();
        }
    } else {
        for (out, &x) in out.iter_mut().zip(values) {
            *out = fixed(x, units);
        }
    }
}

/// A whole number, in ones.
#[inline]
pub(super) fn whole(x: i64) -> Fixed {
    x.clamp(-LARGEST, LARGEST)
}

/// Count, sum and sum of squares of values of one fixed-point unit; nulls are
/// in none of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Moments {
    pub count: u64,
    pub sum: i128,
    pub squares: i128,
}

impl Moments {
    #[inline]
    pub fn add(&mut self, x: Fixed) {
        self.count += 1;
        self.sum += i128::from(x);
        // Squares are not negative, nor are products of what columns hold, so
        // that stopping at the largest number is order-free too.
        self.squares = self.squares.saturating_add(product(x, x));
    }

    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.squares = self.squares.saturating_add(other.squares);
    }

    pub fn mean(&self, units: f64) -> Option<f64> {
        (self.count > 0).then(|| to_f64(self.sum) / units / count(self.count))
    }

    pub fn total(&self, units: f64) -> f64 {
        to_f64(self.sum) / units
    }

    /// The standard deviation of a sample, from two values up.
    pub fn deviation(&self, units: f64) -> Option<f64> {
        let n = i128::from(self.count);
        if self.count < 2 || self.squares == i128::MAX {
            return None;
        }
        let spread = spread(n, self.squares, self.sum, self.sum);
        let n = count(self.count);
        Some((spread.max(0.0) / n / (n - 1.0)).sqrt() / units)
    }
}

/// Values of up to a few hundred customers.
#[derive(Clone, Copy)]
pub(super) struct Chunk<'a> {
    pub values: &'a [Fixed],
    /// Whether all are known and small.
    pub plain: bool,
}

/// Whether all are known and below 2^31, so that squares fit 64 bits: 2,147 in
/// millionths.
pub(super) fn are_small(values: &[Fixed]) -> bool {
    let bits = values.iter().fold(0, |bits, &x| bits | x.cast_unsigned());
    bits < 1 << 31
}

impl Moments {
    /// The sums of some values of a chunk, by their places.
    pub fn of(chunk: Chunk, rows: impl ExactSizeIterator<Item = usize>) -> Self {
        if chunk.plain {
            return Self::of_plain(chunk.values, rows);
        }
        let mut moments = Self::default();
        for row in rows {
            let x = chunk.values[row];
            if x != MISSING {
                moments.add(x);
            }
        }
        moments
    }

    /// The same where all are known and small: the halves of the squares add up
    /// in 64 bits each, without carrying.
    fn of_plain(values: &[Fixed], rows: impl ExactSizeIterator<Item = usize>) -> Self {
        const HALF: u64 = u32::MAX as u64;
        let count = rows.len() as u64;
        let (mut sum, mut low, mut high) = (0, 0, 0);
        for row in rows {
            let x = values[row].cast_unsigned();
            let square = x * x;
            sum += x;
            low += square & HALF;
            high += square >> 32;
        }
        Self {
            count,
            sum: sum.into(),
            squares: (i128::from(high) << 32) + i128::from(low),
        }
    }
}

/// What the correlation of two values takes, over the rows that have both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pair {
    pub x: Moments,
    pub y: Moments,
    pub products: i128,
}

impl Pair {
    #[inline]
    pub fn add(&mut self, x: Fixed, y: Fixed) {
        self.x.add(x);
        self.y.add(y);
        self.products = self.products.saturating_add(product(x, y));
    }

    pub fn merge(&mut self, other: Self) {
        self.x.merge(other.x);
        self.y.merge(other.y);
        self.products = self.products.saturating_add(other.products);
    }

    /// Pearson's correlation; none where one of them never varies.
    pub fn correlation(&self) -> Option<f64> {
        let n = i128::from(self.x.count);
        let largest = [self.x.squares, self.y.squares, self.products];
        if n < 2 || largest.contains(&i128::MAX) {
            return None;
        }
        let of_x = spread(n, self.x.squares, self.x.sum, self.x.sum);
        let of_y = spread(n, self.y.squares, self.y.sum, self.y.sum);
        let both = spread(n, self.products, self.x.sum, self.y.sum);
        (of_x > 0.0 && of_y > 0.0).then(|| (both / of_x.sqrt() / of_y.sqrt()).clamp(-1.0, 1.0))
    }

    /// By how much y rises where x is one higher, in the units of y and x.
    pub fn slope(&self, x_units: f64, y_units: f64) -> Option<f64> {
        self.correlation()?;
        let n = i128::from(self.x.count);
        let of_x = spread(n, self.x.squares, self.x.sum, self.x.sum);
        let both = spread(n, self.products, self.x.sum, self.y.sum);
        Some(both / of_x * x_units / y_units)
    }
}

/// n·Σxy − Σx·Σy: exact where the products fit 128 bits, as they do for any
/// cohort that is not made of the largest numbers.
fn spread(n: i128, products: i128, x: i128, y: i128) -> f64 {
    let exact = (n.checked_mul(products)).zip(x.checked_mul(y));
    match exact.and_then(|(all, means)| all.checked_sub(means)) {
        Some(spread) => to_f64(spread),
        None => to_f64(n) * to_f64(products) - to_f64(x) * to_f64(y),
    }
}

#[inline]
fn product(x: Fixed, y: Fixed) -> i128 {
    i128::from(x) * i128::from(y)
}

#[expect(clippy::cast_precision_loss, reason = "the nearest is what is wanted")]
pub(super) fn to_f64(x: i128) -> f64 {
    x as f64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of customers, far below 2^53"
)]
pub(super) fn count(n: u64) -> f64 {
    n as f64
}

/// 128 bits in JSON: a number where it fits 64 bits, else its digits as text.
#[derive(Clone, Copy)]
pub(super) struct Wide(pub i128);

impl Serialize for Wide {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match i64::try_from(self.0) {
            Ok(small) => serializer.serialize_i64(small),
            Err(_) => serializer.collect_str(&self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Wide {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Number(i64),
            Digits(String),
        }
        match Form::deserialize(deserializer)? {
            Form::Number(small) => Ok(Self(small.into())),
            Form::Digits(digits) => digits.parse().map(Self).map_err(de::Error::custom),
        }
    }
}

// Stored as bare lists: there are thousands of them in the facts of a cohort.
impl Serialize for Moments {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.count, Wide(self.sum), Wide(self.squares)).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Moments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (count, Wide(sum), Wide(squares)) = Deserialize::deserialize(deserializer)?;
        Ok(Self {
            count,
            sum,
            squares,
        })
    }
}

impl Serialize for Pair {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.x, self.y, Wide(self.products)).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Pair {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (x, y, Wide(products)) = Deserialize::deserialize(deserializer)?;
        Ok(Self { x, y, products })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_the_nearest_millionth_one_by_one_and_together() {
        let values = [
            0.0,
            0.1,
            9.99,
            19.99,
            0.000_000_5,
            0.000_001_6,
            1e12,
            2e9,
            123.456_789_4,
        ];
        let known = [
            0,
            100_000,
            9_990_000,
            19_990_000,
            0,
            2,
            1_000_000_000_000_000_000,
        ];
        for (&x, expected) in values.iter().zip(known) {
            assert_eq!(fixed(x, MILLIONTHS), expected, "{x}");
        }
        for part in [&values[..6], &values[..]] {
            let mut out = vec![0; part.len()];
            all_fixed(part, MILLIONTHS, &mut out);
            let single: Vec<Fixed> = part.iter().map(|&x| fixed(x, MILLIONTHS)).collect();
            assert_eq!(out, single);
        }
        assert_eq!(fixed(f64::NAN, MILLIONTHS), MISSING);
        assert_eq!(fixed(f64::INFINITY, MILLIONTHS), MISSING);
        assert_eq!(fixed(f64::MAX, MILLIONTHS), LARGEST);
    }

    #[test]
    fn the_quick_sums_are_the_sums() {
        let values: Vec<Fixed> = (0..500).map(|i| i * 4_294_967).collect();
        assert!(are_small(&values) && !are_small(&[1 << 31]) && !are_small(&[MISSING]));
        let of = |plain| {
            Moments::of(
                Chunk {
                    values: &values,
                    plain,
                },
                0..values.len(),
            )
        };
        assert_eq!(of(true), of(false));
    }
}
