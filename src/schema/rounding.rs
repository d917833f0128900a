//! How stored values are rounded: the identities between columns hold on the
//! rounded values, so whoever draws and whoever checks must round alike.

/// `x` to so many decimals (at most three), halves to even.
#[must_use]
pub fn round(x: f64, places: u8) -> f64 {
    const SCALE: [f64; 4] = [1.0, 10.0, 100.0, 1000.0];
    let scale = SCALE[usize::from(places)];
    (x * scale).round_ties_even() / scale
}

/// Dollars as whole cents.
#[must_use]
pub fn cents(usd: f64) -> f64 {
    (usd * 100.0).round_ties_even()
}

/// `part` per hundred of `whole`, two decimals; 0 where there is no whole.
#[must_use]
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
}
