//! Which rows teach, which stop the teaching, which calibrate and which judge.
//!
//! A row's part is drawn from the seed and the row's place in the cohort alone,
//! so that it is the same on any machine and whatever comes after the row.

/// What a row is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Fits the candidates.
    Train,
    /// Tells the forest when to stop growing.
    Validation,
    /// Sizes the intervals.
    Calibration,
    /// Judges; no candidate has seen it.
    HoldOut,
}

const HOLD_OUT: f64 = 0.2;
const VALIDATION: f64 = 0.08;
const CALIBRATION: f64 = 0.1;

/// The part of a row. Without intervals to size, no row calibrates.
pub(super) fn part(seed: u64, row: usize, calibrates: bool) -> Part {
    let u = draw(seed, row, Draw::Part);
    if u < HOLD_OUT {
        Part::HoldOut
    } else if u < HOLD_OUT + VALIDATION {
        Part::Validation
    } else if calibrates && u < HOLD_OUT + VALIDATION + CALIBRATION {
        Part::Calibration
    } else {
        Part::Train
    }
}

/// What a number is drawn for: draws for different ends are independent.
#[derive(Clone, Copy)]
pub(super) enum Draw {
    Part,
    /// Whether a row is also learnt from with gaps.
    Gaps,
    /// The share of its columns that are then missing.
    GapShare,
    /// Whether a column is one of them.
    Gap(usize),
    /// Whether a row is among those that fit the baseline.
    Baseline,
}

/// A number in [0, 1) for this seed, row and end: the finaliser of `SplitMix64`
/// (Steele, Lea and Flood 2014) over the three.
pub(super) fn draw(seed: u64, row: usize, end: Draw) -> f64 {
    let end = match end {
        Draw::Part => 1,
        Draw::Gaps => 2,
        Draw::GapShare => 3,
        Draw::Baseline => 4,
        Draw::Gap(column) => 16 + column as u64,
    };
    let bits = mix(mix(mix(seed) ^ row as u64) ^ end);
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
    let u = (bits >> 11) as f64 / (1_u64 << 53) as f64;
    u
}

fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_is_held_out() {
        let held = (0..100_000)
            .filter(|&row| part(7, row, true) == Part::HoldOut)
            .count();
        // Six standard deviations of a binomial share.
        assert!((19_241..=20_759).contains(&held), "{held} of 100,000");
    }

    #[test]
    fn the_part_depends_on_seed_and_row_only() {
        let parts = |seed| (0..64).map(|row| part(seed, row, true)).collect::<Vec<_>>();
        assert_eq!(parts(1), parts(1));
        assert_ne!(parts(1), parts(2));
        for row in 0..10_000 {
            let without = part(3, row, false);
            assert_ne!(without, Part::Calibration);
            if part(3, row, true) == Part::HoldOut {
                assert_eq!(without, Part::HoldOut);
            }
        }
    }
}
