//! The elementary functions of the generator.
//!
//! Written out, or `libm`'s, instead of the standard library's: results don't
//! depend on the machine's C library.

pub use crate::schema::rounding::{cents, percent, round, whole};

/// A few units in the last place, far below what any column keeps; short enough
/// to be built into every loop that calls it.
#[inline]
pub fn exp(x: f64) -> f64 {
    let y = x * std::f64::consts::LOG2_E;
    if y < -1022.0 {
        return 0.0;
    }
    if y > 1023.0 {
        return f64::INFINITY;
    }
    let n = whole(y);
    power_of_two(n) * exp_near_0((y - n) * std::f64::consts::LN_2)
}

/// For |x| up to ln(2)/2: the Taylor series, whose next term is below 2e-16.
#[inline]
fn exp_near_0(x: f64) -> f64 {
    const C: [f64; 13] = [
        1.0,
        1.0,
        1.0 / 2.0,
        1.0 / 6.0,
        1.0 / 24.0,
        1.0 / 120.0,
        1.0 / 720.0,
        1.0 / 5_040.0,
        1.0 / 40_320.0,
        1.0 / 362_880.0,
        1.0 / 3_628_800.0,
        1.0 / 39_916_800.0,
        1.0 / 479_001_600.0,
    ];
    // In pairs and fours, so that the processor need not wait for each product.
    let (x2, x4) = (x * x, x * x * (x * x));
    let four = |i: usize| (C[i] + C[i + 1] * x) + (C[i + 2] + C[i + 3] * x) * x2;
    four(0) + x4 * (four(4) + x4 * (four(8) + x4 * C[12]))
}

/// 2 to the whole number `n`, from -1022 to 1023.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a whole number whose sum with 1023 is from 1 to 2046"
)]
fn power_of_two(n: f64) -> f64 {
    f64::from_bits(((n + 1023.0) as i64 as u64) << 52)
}

/// The natural logarithm; its ends are the library's.
#[inline]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    reason = "an exponent of at most 2046"
)]
pub fn ln(x: f64) -> f64 {
    const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    if !(f64::MIN_POSITIVE..=f64::MAX).contains(&x) {
        return libm::log(x);
    }
    // x = 2^n · m with m from √½ to √2, and ln(m) = 2·artanh((m - 1)/(m + 1)).
    let bits = x.to_bits();
    let n = (bits.wrapping_sub(SQRT_HALF) as i64) >> 52;
    let m = f64::from_bits(bits.wrapping_sub((n << 52).cast_unsigned()));
    let s = (m - 1.0) / (m + 1.0);
    n as f64 * std::f64::consts::LN_2 + artanh_near_0(s) * 2.0
}

/// For |s| up to 0.172: the Taylor series, whose next term is below 1e-18.
#[inline]
fn artanh_near_0(s: f64) -> f64 {
    let (z, z2) = (s * s, s * s * (s * s));
    let two = |k: f64| 1.0 / k + z / (k + 2.0);
    let z4 = z2 * z2;
    let low = two(1.0) + z2 * two(5.0);
    let high = two(9.0) + z2 * two(13.0);
    s * (low + z4 * (high + z4 * (two(17.0) + z2 / 21.0)))
}

/// `x` to the power `y`, for a positive `x`.
#[inline]
pub fn pow(x: f64, y: f64) -> f64 {
    exp(y * ln(x))
}

/// The logarithm of one more, for amounts, which are 0 or far from it.
pub fn ln_1p(x: f64) -> f64 {
    ln(1.0 + x)
}

/// The logistic function.
pub fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + exp(-x))
}

/// The inverse of [`logistic`].
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
