//! The elementary functions of the generator.
//!
//! Written out over tables, or `libm`'s, instead of the standard library's: results don't
//! depend on the machine's C library.

use crate::schema::rounding::UNIT_STEP;
pub use crate::schema::rounding::{cents, percent, round, whole};

/// How many parts the tables have: powers of two by 64ths, logarithms by 128ths.
const POWERS: usize = 64;
const LOGS: usize = 128;

/// 2^(i/64).
static POWER: [f64; POWERS] = powers();
/// A reciprocal of a number in each part, and the logarithm of that number.
static LOG: [(f64, f64); LOGS] = logs();

/// A few units in the last place, far below what any column keeps; short enough
/// to be built into every loop that calls it.
#[inline]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    reason = "the length of a table, a place in it, and the exponent's bits"
)]
pub fn exp(x: f64) -> f64 {
    const STEPS: f64 = POWERS as f64;
    let y = x * (std::f64::consts::LOG2_E * STEPS);
    if y < -1022.0 * STEPS {
        return 0.0;
    }
    if y > 1023.0 * STEPS {
        return f64::INFINITY;
    }
    // The last bits of the sum are the whole number nearest to y.
    let sum = y + UNIT_STEP;
    let n = sum
        .to_bits()
        .wrapping_sub(UNIT_STEP.to_bits())
        .cast_signed();
    let r = (y - (sum - UNIT_STEP)) * (std::f64::consts::LN_2 / STEPS);
    // The Taylor series for |r| up to ln(2)/128, whose next term is below 4e-17.
    let r2 = r * r;
    let more = r + r2 * ((0.5 + r * (1.0 / 6.0)) + r2 * (1.0 / 24.0 + r * (1.0 / 120.0)));
    let root = POWER[n as usize % POWERS];
    let power = f64::from_bits((((n >> POWERS.trailing_zeros()) + 1023) as u64) << 52);
    (root + root * more) * power
}

const fn powers() -> [f64; POWERS] {
    let mut table = [1.0; POWERS];
    let mut i = 1;
    while i < POWERS {
        #[expect(clippy::cast_precision_loss, reason = "the length of a table")]
        let x = i as f64 / POWERS as f64 * std::f64::consts::LN_2;
        // Horner's scheme from the smallest term on.
        let mut sum = 1.0;
        let mut k = 20.0;
        while k > 0.0 {
            sum = 1.0 + sum * x / k;
            k -= 1.0;
        }
        table[i] = sum;
        i += 1;
    }
    table
}

/// The lowest m of x = 2^n · m, about √½: where a part begins.
const LOWEST: u64 = 0x3fe6_a000_0000_0000;
const PART_BITS: u32 = 52 - LOGS.trailing_zeros();

/// The natural logarithm; its ends are the library's.
#[inline]
#[expect(clippy::cast_precision_loss, reason = "an exponent of at most 2046")]
pub fn ln(x: f64) -> f64 {
    if !(f64::MIN_POSITIVE..=f64::MAX).contains(&x) {
        return libm::log(x);
    }
    let above = x.to_bits().wrapping_sub(LOWEST);
    let n = above.cast_signed() >> 52;
    let m = f64::from_bits(x.to_bits().wrapping_sub((n << 52).cast_unsigned()));
    let (reciprocal, log) = LOG[(above >> PART_BITS) as usize % LOGS];
    let r = m * reciprocal - 1.0;
    // The Taylor series of ln(1 + r) for |r| up to 1/128, whose next term is below 2e-18.
    let r2 = r * r;
    let tail =
        (-0.5 + r * (1.0 / 3.0)) + r2 * ((-0.25 + r * 0.2) + r2 * (-1.0 / 6.0 + r * (1.0 / 7.0)));
    n as f64 * std::f64::consts::LN_2 + (log + (r + r2 * tail))
}

const fn logs() -> [(f64, f64); LOGS] {
    let mut table = [(1.0, 0.0); LOGS];
    let mut i = 0;
    while i < LOGS {
        let first = LOWEST + ((i as u64) << PART_BITS);
        let (first, end) = (first, first + (1 << PART_BITS));
        let one = 1_f64.to_bits();
        // The logarithm of 1 is exactly 0: its neighbours are measured from it.
        if first != one && end != one {
            let middle = f64::from_bits(first + (1 << (PART_BITS - 1)));
            let reciprocal = 1.0 / middle;
            table[i] = (reciprocal, -ln_near_1(reciprocal));
        }
        i += 1;
    }
    table
}

/// From √½ to √2: 2·artanh((x - 1)/(x + 1)) by its Taylor series.
const fn ln_near_1(x: f64) -> f64 {
    let s = (x - 1.0) / (x + 1.0);
    let mut sum = 0.0;
    let mut k = 25.0;
    while k > 0.0 {
        sum = sum * s * s + 1.0 / k;
        k -= 2.0;
    }
    2.0 * s * sum
}

/// `x` to the power `y`, for a positive `x`.
#[inline]
pub fn pow(x: f64, y: f64) -> f64 {
    exp(y * ln(x))
}

/// The logarithm of one more, for amounts, which are 0 or far from it.
#[inline]
pub fn ln_1p(x: f64) -> f64 {
    ln(1.0 + x)
}

/// The largest whole number up to `x`, which is below 2^51. (The standard
/// library's is a function call on processors before SSE4.1, which the default
/// target allows for.)
#[inline]
pub fn floor(x: f64) -> f64 {
    let nearest = whole(x);
    nearest - f64::from(u8::from(nearest > x))
}

/// A small whole number as a place in a table.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the last bits are asked for"
)]
pub fn place(x: f64) -> usize {
    (x + UNIT_STEP).to_bits() as u32 as usize
}

/// The logistic function.
#[inline]
pub fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + exp(-x))
}

/// The inverse of [`logistic`].
#[inline]
pub fn logit(p: f64) -> f64 {
    ln(p / (1.0 - p))
}

/// The distribution function of the standard normal.
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_and_places_are_those_of_the_standard_library() {
        for i in -500..1_500 {
            let x = f64::from(i) * 0.125;
            assert_eq!(floor(x).to_bits() << 1, x.floor().to_bits() << 1, "{x}");
        }
        for i in [0, 1, 2, 9, 64, 70_000_u32] {
            assert_eq!(place(f64::from(i)), i as usize);
        }
    }

    #[test]
    fn the_normal_distribution_function_has_its_known_values() {
        assert!((normal_cdf(0.0) - 0.5).abs() < 1e-15);
        assert!((normal_cdf(1.959_963_984_540_054) - 0.975).abs() < 1e-12);
        assert!((logistic(logit(0.3)) - 0.3).abs() < 1e-15);
    }

    #[test]
    fn powers_and_exponentials_are_close_to_exact() {
        for x in [-30.0, -1.0, 0.0, 0.5, 3.0, 20.0_f64] {
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-13, "{x}");
        }
        for (x, y) in [(0.3, 0.8), (40.0, 1.2), (1e-6, -1.0 / 2.1), (1.0, 5.0_f64)] {
            assert!((pow(x, y) / f64::powf(x, y) - 1.0).abs() < 1e-13, "{x} {y}");
        }
        for i in 1..20_000 {
            let x = f64::from(i) * 0.037;
            assert!(
                (ln(x) - x.ln()).abs() < 1e-15 * x.ln().abs().max(1.0),
                "{x}"
            );
            let y = f64::from(i - 10_000) * 0.05;
            let off = exp(y) / y.exp() - 1.0;
            assert!(off.abs() < 1e-15 + 2e-16 * y.abs(), "{y}: {off}");
        }
        assert_eq!(ln(0.0).to_bits(), f64::NEG_INFINITY.to_bits());
        assert_eq!(exp(f64::NEG_INFINITY).to_bits(), 0_f64.to_bits());
        assert_eq!(exp(f64::MAX).to_bits(), f64::INFINITY.to_bits());
        assert!(ln(-1.0).is_nan() && exp(f64::NAN).is_nan());
        assert_eq!(ln_1p(0.0).to_bits(), 0_f64.to_bits());
    }
}
