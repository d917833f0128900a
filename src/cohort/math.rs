//! The elementary functions of the generator.
//!
//! `libm` instead of the standard library: its results don't depend on the
//! machine's C library, so the same seed gives the same bytes.

pub use libm::{exp, log as ln, log1p as ln_1p, pow};

pub use crate::schema::rounding::{cents, percent, round};

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
}
