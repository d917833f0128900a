//! The elementary functions of the generator.
//!
//! `libm` instead of the standard library: its results don't depend on the
//! machine's C library, so the same seed gives the same bytes.

pub use libm::{exp, log as ln, log1p as ln_1p, pow};

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

/// `x` to so many decimals, halves to even.
pub fn round(x: f64, places: u8) -> f64 {
    const SCALE: [f64; 4] = [1.0, 10.0, 100.0, 1000.0];
    let scale = SCALE[usize::from(places)];
    (x * scale).round_ties_even() / scale
}

/// Dollars as whole cents.
pub fn cents(usd: f64) -> f64 {
    (usd * 100.0).round_ties_even()
}

/// `part` per hundred of `whole`, two decimals; 0 where there is no whole.
pub fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 {
        round(100.0 * part / whole, 2)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_halves_to_even() {
        assert_eq!(round(0.125, 2).to_bits(), 0.12_f64.to_bits());
        assert_eq!(round(0.375, 2).to_bits(), 0.38_f64.to_bits());
        assert_eq!(cents(19.99).to_bits(), 1999_f64.to_bits());
    }

    #[test]
    fn a_rate_without_a_whole_is_zero() {
        assert_eq!(percent(3.0, 0.0).to_bits(), 0_f64.to_bits());
        assert_eq!(percent(1.0, 3.0).to_bits(), 33.33_f64.to_bits());
    }

    #[test]
    fn the_normal_distribution_function_has_its_known_values() {
        assert!((normal_cdf(0.0) - 0.5).abs() < 1e-15);
        assert!((normal_cdf(1.959_963_984_540_054) - 0.975).abs() < 1e-12);
        assert!((logistic(logit(0.3)) - 0.3).abs() < 1e-15);
    }
}
