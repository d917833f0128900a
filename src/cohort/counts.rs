//! Poisson and binomial draws, set up in few operations: each customer has a
//! mean of its own, so a method can't spread its preparation over many draws.
//!
//! Small means by inversion, others by Hörmann's transformed rejection (PTRS and
//! BTRS, 1993), which accepts most draws without a logarithm.

use super::math::{exp, floor, ln, place};

/// Means from here on are drawn by rejection.
const LARGE_MEAN: f64 = 10.0;

/// Beyond, a sum of chances that has not reached its uniform number is at the
/// end of what rounding leaves of it.
const LONGEST_INVERSION: usize = 64;

/// 1/i, since a product is several times faster than a quotient.
const RECIPROCALS: [f64; LONGEST_INVERSION + 1] = {
    let mut table = [1.0; LONGEST_INVERSION + 1];
    let mut i = 1;
    while i <= LONGEST_INVERSION {
        #[expect(clippy::cast_precision_loss, reason = "at most the table's length")]
        let number = i as f64;
        table[i] = 1.0 / number;
        i += 1;
    }
    table
};

/// The number of events of a mean, from a source of uniform numbers.
#[inline]
pub fn poisson(mean: f64, uniform: &mut impl FnMut() -> f64) -> f64 {
    if mean >= LARGE_MEAN {
        return poisson_by_rejection(mean, uniform);
    }
    if mean <= 0.0 {
        return 0.0;
    }
    let mut left = uniform();
    let mut chance = exp(-mean);
    let mut events = 0;
    while left > chance && events < LONGEST_INVERSION {
        left -= chance;
        events += 1;
        chance *= mean * RECIPROCALS[events];
    }
    number(events)
}

#[expect(clippy::cast_precision_loss, reason = "at most the longest inversion")]
fn number(events: usize) -> f64 {
    events as f64
}

#[expect(
    clippy::many_single_char_names,
    reason = "the names of the published method"
)]
fn poisson_by_rejection(mean: f64, uniform: &mut impl FnMut() -> f64) -> f64 {
    let b = 0.931 + 2.53 * mean.sqrt();
    let a = -0.059 + 0.024_83 * b;
    let accepted_at_once = 0.9277 - 3.6224 / (b - 2.0);
    loop {
        let u = uniform() - 0.5;
        let v = uniform();
        let us = 0.5 - u.abs();
        let point = (2.0 * a / us + b) * u + mean + 0.43;
        if point < 0.0 || (us < 0.013 && v > us) {
            continue;
        }
        let k = floor(point);
        if us >= 0.07 && v <= accepted_at_once {
            return k;
        }
        let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        let hat = ln(v * inverse_alpha / (a / (us * us) + b));
        if hat <= k * ln(mean) - mean - ln_factorial(k) {
            return k;
        }
    }
}

/// The number of hits among trials, each of chance `p`.
#[inline]
pub fn binomial(trials: f64, p: f64, uniform: &mut impl FnMut() -> f64) -> f64 {
    if p > 0.5 {
        return trials - binomial(trials, 1.0 - p, uniform);
    }
    if trials * p >= LARGE_MEAN {
        return binomial_by_rejection(trials, p, uniform);
    }
    if trials <= 0.0 || p <= 0.0 {
        return 0.0;
    }
    let odds = p / (1.0 - p);
    let mut left = uniform();
    let mut chance = exp(trials * ln(1.0 - p));
    let mut hits = 0;
    // After all trials the next chance is 0, and `left` is what rounding leaves.
    while left > chance && hits < LONGEST_INVERSION && number(hits) < trials {
        left -= chance;
        let untried = trials - number(hits);
        hits += 1;
        chance *= odds * untried * RECIPROCALS[hits];
    }
    number(hits)
}

#[expect(
    clippy::many_single_char_names,
    reason = "the names of the published method"
)]
fn binomial_by_rejection(n: f64, p: f64, uniform: &mut impl FnMut() -> f64) -> f64 {
    let odds = p / (1.0 - p);
    let spread = (n * p * (1.0 - p)).sqrt();
    let b = 1.15 + 2.53 * spread;
    let a = -0.0873 + 0.0248 * b + 0.01 * p;
    let centre = n * p + 0.5;
    let accepted_at_once = 0.92 - 4.2 / b;
    loop {
        let u = uniform() - 0.5;
        let v = uniform();
        let us = 0.5 - u.abs();
        let point = (2.0 * a / us + b) * u + centre;
        if point < 0.0 || point >= n + 1.0 {
            continue;
        }
        let k = floor(point);
        if us >= 0.07 && v <= accepted_at_once {
            return k;
        }
        let alpha = (2.83 + 5.1 / b) * spread;
        let mode = floor((n + 1.0) * p);
        let hat = ln(v * alpha / (a / (us * us) + b));
        // The logarithm of the chance of k to that of the mode.
        let ways = |k: f64| ln_factorial(k) + ln_factorial(n - k);
        if hat <= ways(mode) - ways(k) + (k - mode) * ln(odds) {
            return k;
        }
    }
}

/// The logarithm of k!, by Stirling's series from 10 on, to 1e-10.
fn ln_factorial(k: f64) -> f64 {
    const SMALL: [f64; 10] = [
        0.0,
        0.0,
        std::f64::consts::LN_2,
        1.791_759_469_228_055,
        3.178_053_830_347_945_8,
        4.787_491_742_782_046,
        6.579_251_212_010_101,
        8.525_161_361_065_415,
        10.604_602_902_745_25,
        12.801_827_480_081_469,
    ];
    const HALF_LN_TAU: f64 = 0.918_938_533_204_672_7;
    if k < 10.0 {
        return SMALL[place(k)];
    }
    let r = 1.0 / k;
    let r2 = r * r;
    let correction =
        r * (1.0 / 12.0 - r2 * (1.0 / 360.0 - r2 * (1.0 / 1260.0 - r2 * (1.0 / 1680.0))));
    (k + 0.5) * ln(k) - k + HALF_LN_TAU + correction
}

#[cfg(test)]
mod tests {
    use super::super::draw::{Phase, Streams};
    use super::*;

    const DRAWS: u32 = 60_000;

    /// How often each number is drawn.
    fn counted(mut draw: impl FnMut(&mut dyn FnMut() -> f64) -> f64) -> Vec<f64> {
        let streams = Streams::new(1, 3, Phase::Value);
        let mut counts = vec![0.0; 4_000];
        for row in 0..DRAWS {
            let mut stream = streams.row(u64::from(row));
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a small count"
            )]
            let k = draw(&mut || stream.uniform()) as usize;
            counts[k] += 1.0;
        }
        counts
    }

    /// Chi-square of what was drawn against the chances, over the numbers that
    /// are expected at least ten times; its limit is far in the tail.
    fn fits(counts: &[f64], ln_chance: impl Fn(f64) -> f64, what: &str) {
        let (mut chi, mut cells) = (0.0, 0.0);
        for (k, count) in (0_u32..).zip(counts) {
            let expected = f64::from(DRAWS) * ln_chance(f64::from(k)).exp();
            if expected >= 10.0 {
                chi += (count - expected).powi(2) / expected;
                cells += 1.0;
            }
        }
        let limit = cells + 5.0 * f64::sqrt(2.0 * cells) + 5.0;
        assert!(chi < limit, "{what}: {chi} over {cells} cells");
    }

    #[test]
    fn logarithms_of_factorials_are_close() {
        for k in 0..2_000 {
            let k = f64::from(k);
            assert!(
                (ln_factorial(k) - libm::lgamma(k + 1.0)).abs() < 1e-10 * k.max(1.0),
                "{k}"
            );
        }
    }

    #[test]
    fn poisson_draws_have_their_distribution() {
        for mean in [0.05, 1.0, 9.9, 10.0, 37.0, 900.0] {
            let counts = counted(|mut u| poisson(mean, &mut u));
            let ln_chance = |k: f64| k * mean.ln() - mean - libm::lgamma(k + 1.0);
            fits(&counts, ln_chance, &format!("mean {mean}"));
        }
    }

    #[test]
    fn binomial_draws_have_their_distribution() {
        for (n, p) in [
            (8.0, 0.4),
            (31.0, 0.8),
            (300.0, 0.02),
            (300.0, 0.3),
            (3_000.0, 0.9_f64),
        ] {
            let counts = counted(|mut u| binomial(n, p, &mut u));
            let ln_chance = |k: f64| {
                if k > n {
                    return f64::NEG_INFINITY;
                }
                libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0)
                    + k * p.ln()
                    + (n - k) * (1.0 - p).ln()
            };
            fits(&counts, ln_chance, &format!("{n} trials of {p}"));
        }
    }
}
