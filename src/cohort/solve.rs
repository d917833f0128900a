//! Finding the constant that makes a statistic hit its target.

/// Where a function is 0, or nearest to it.
#[derive(Debug, Clone, Copy)]
pub struct Root {
    pub at: f64,
    /// What the function is there; 0 for a root.
    pub missed_by: f64,
}

/// A root of the monotone `f` in `[lo, hi]`, sought first around `guess`.
///
/// Brackets outwards from the guess, then Chandrupatla's method (1997): inverse
/// quadratic interpolation where it is safe, bisection elsewhere; begun at the
/// chord's root, and ended early where `f` is within `close` of 0. An `f` that
/// moves in steps is within nothing of 0 (`close` is 0) and begun in the middle.
/// Where `f` has no root in the interval, the end at which it comes nearest to 0.
pub fn root(f: impl Fn(f64) -> f64, close: f64, guess: f64, (lo, hi): (f64, f64)) -> Root {
    let found = |at| Root { at, missed_by: 0.0 };
    let mut step = 0.02 * guess.abs() + 0.005;
    let end = |x: f64| (x, f(x));
    let mut low = end((guess - step).clamp(lo, hi));
    let mut high = end((guess + step).clamp(lo, hi));
    if (low.1 > 0.0) != (high.1 > 0.0) {
        return found(chandrupatla(f, close, high, low));
    }
    while low.0 > lo || high.0 < hi {
        step *= 4.0;
        // The root lies beyond the end at which |f| is smaller.
        let down = high.0 >= hi || (low.0 > lo && low.1.abs() < high.1.abs());
        let (inner, outer) = if down {
            (low, end((low.0 - step).max(lo)))
        } else {
            (high, end((high.0 + step).min(hi)))
        };
        if (inner.1 > 0.0) != (outer.1 > 0.0) {
            return found(chandrupatla(f, close, outer, inner));
        }
        *(if down { &mut low } else { &mut high }) = outer;
    }
    let (at, missed_by) = if low.1.abs() < high.1.abs() {
        low
    } else {
        high
    };
    Root { at, missed_by }
}

#[expect(
    clippy::many_single_char_names,
    reason = "the names of the published method"
)]
fn chandrupatla(
    f: impl Fn(f64) -> f64,
    close: f64,
    (mut a, mut fa): (f64, f64),
    (mut b, mut fb): (f64, f64),
) -> f64 {
    let chord = fa / (fa - fb);
    let mut t = if close > 0.0 && chord.is_finite() {
        chord.clamp(0.01, 0.99)
    } else {
        0.5
    };
    for _ in 0..80 {
        let x = a + t * (b - a);
        let fx = f(x);
        let (c, fc);
        if (fx > 0.0) == (fa > 0.0) {
            (c, fc) = (a, fa);
        } else {
            (c, fc) = (b, fb);
            (b, fb) = (a, fa);
        }
        (a, fa) = (x, fx);
        let (best, f_best) = if fa.abs() < fb.abs() {
            (a, fa)
        } else {
            (b, fb)
        };
        let tolerance = 1e-9 * best.abs() + 1e-9;
        let limit = tolerance / (b - c).abs();
        if limit > 0.5 || f_best.abs() <= close {
            return best;
        }
        let xi = (a - b) / (c - b);
        let phi = (fa - fb) / (fc - fb);
        let safe = phi * phi < xi && (1.0 - phi) * (1.0 - phi) < 1.0 - xi;
        t = if safe {
            fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        } else {
            0.5
        };
        t = t.clamp(limit, 1.0 - limit);
    }
    a
}

/// The value that exactly `count` of `scores` exceed (ties apart); all of them
/// where there are fewer.
pub fn threshold(mut scores: Vec<f64>, count: usize) -> f64 {
    if count == 0 || scores.is_empty() {
        return f64::MAX;
    }
    let at = scores.len().saturating_sub(count);
    let (_, value, _) = scores.select_nth_unstable_by(at, f64::total_cmp);
    *value - 1e-12
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn finds_a_root_far_from_the_guess() {
        for (guess, target) in [(0.1, 50.0), (90.0, 0.3), (3.0, 3.0)] {
            let x = root(
                |x| x * x * x - target * target * target,
                0.0,
                guess,
                (0.0, 100.0),
            )
            .at;
            assert!((x / target - 1.0).abs() < 1e-7, "{x} for {target}");
        }
    }

    #[test]
    fn a_good_guess_costs_few_evaluations() {
        let calls = Cell::new(0);
        let f = |x: f64| {
            calls.set(calls.get() + 1);
            x.exp() - 2.0
        };
        let x = root(f, 1e-12, 0.69, (-8.0, 8.0)).at;
        assert!((x - std::f64::consts::LN_2).abs() < 1e-8);
        assert!(calls.get() <= 7, "{}", calls.get());
    }

    #[test]
    fn without_a_root_it_answers_the_nearest_end_and_by_how_much_it_misses() {
        for (offset, at, missed_by) in [(10.0, 0.0, 10.0), (-10.0, 4.0, -6.0_f64)] {
            let root = root(|x| x + offset, 0.0, 1.0, (0.0, 4.0));
            assert_eq!(root.at.to_bits(), f64::to_bits(at));
            assert_eq!(root.missed_by.to_bits(), missed_by.to_bits());
        }
    }

    #[test]
    fn exactly_the_asked_number_passes_a_threshold() {
        let scores: Vec<f64> = (0..1000).map(|i| f64::from((i * 7919) % 1000)).collect();
        for count in [1, 67, 999, 1000] {
            let t = threshold(scores.clone(), count);
            assert_eq!(scores.iter().filter(|s| **s > t).count(), count);
        }
        assert_eq!(threshold(vec![1.0], 0).to_bits(), f64::MAX.to_bits());
    }
}
