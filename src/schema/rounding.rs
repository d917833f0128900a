//! How stored values are rounded: the identities between columns hold on the
//! rounded values, so whoever draws and whoever checks must round alike.

/// 1.5 · 2^52: the last bit of a number of this size is worth 1.
pub const UNIT_STEP: f64 = 6_755_399_441_055_744.0;

/// `x` to so many decimals (at most three), halves to even.
#[must_use]
#[inline]
pub fn round(x: f64, places: u8) -> f64 {
    const SCALE: [f64; 4] = [1.0, 10.0, 100.0, 1000.0];
    let scale = SCALE[usize::from(places)];
    whole(x * scale) / scale
}

/// Dollars as whole cents.
#[must_use]
#[inline]
pub fn cents(usd: f64) -> f64 {
    whole(usd * 100.0)
}

/// `part` per hundred of `whole`, two decimals; 0 where there is no whole.
#[must_use]
#[inline]
pub fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 {
        round(100.0 * part / whole, 2)
    } else {
        0.0
    }
}

/// The nearest whole number, halves to even, of an `x` below 2^51.
///
/// Adding a number whose last bit is worth 1 rounds in the processor's default
/// way; `round_ties_even` is a function call on processors before SSE4.1, which
/// the default target allows for.
#[must_use]
#[inline]
pub fn whole(x: f64) -> f64 {
    (x + UNIT_STEP) - UNIT_STEP
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
    fn whole_is_round_ties_even() {
        for i in -1_000..1_000 {
            let x = f64::from(i) * 0.25;
            assert_eq!(whole(x).to_bits() << 1, x.round_ties_even().to_bits() << 1);
        }
        let large = 1e14 + 0.5;
        assert_eq!(whole(large).to_bits(), large.round_ties_even().to_bits());
    }

    #[test]
    fn a_rate_without_a_whole_is_zero() {
        assert_eq!(percent(3.0, 0.0).to_bits(), 0_f64.to_bits());
        assert_eq!(percent(1.0, 3.0).to_bits(), 33.33_f64.to_bits());
    }
}
