//! The elementary functions of the generator.
//!
//! `libm` instead of the standard library: its results don't depend on the
//! machine's C library. (Those inside `rand_distr` do.)

pub use libm::log as ln;

pub use crate::schema::rounding::{cents, percent, round, whole};

/// By powers of two, for which `libm` has its fastest method; a few units in
/// the last place, far below what any column keeps.
pub fn exp(x: f64) -> f64 {
    libm::exp2(x * std::f64::consts::LOG2_E)
}

/// `x` to the power `y`, for a positive `x`.
pub fn pow(x: f64, y: f64) -> f64 {
    libm::exp2(y * libm::log2(x))
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
        assert_eq!(ln_1p(0.0).to_bits(), 0_f64.to_bits());
    }
}
