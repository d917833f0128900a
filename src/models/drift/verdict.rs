//! How different two counts of the same bins are, and whether chance explains it.
//!
//! The population stability index (PSI) of shares p in training and q now is
//! the sum over the bins of (q − p) · ln(q / p). Where nothing has changed, PSI
//! of n rows against m is distributed as (1/n + 1/m) times a chi-square variable
//! with one degree of freedom less than there are bins (B. Yurdakul, J. Naranjo:
//! "Statistical properties of the population stability index", Journal of Risk
//! Model Validation 14(4), 2020). Its mean there is what chance adds; the
//! customary limits of 0.1 and 0.25 are held against what remains.

/// What is added to each count, so that an empty bin has a logarithm.
const HALF: f64 = 0.5;
/// From here on a change is moderate.
const MODERATE: f64 = 0.1;
/// From here on a change is major.
const MAJOR: f64 = 0.25;
/// The standard normal quantile of 1 − 1/5000: of some sixty inputs that have
/// not changed, one is called changed in about one of a hundred looks.
const Z: f64 = 3.540;

/// How different two counts of the same bins are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    pub psi: f64,
    /// The PSI to be expected of so many rows where nothing has changed.
    pub expected: f64,
    /// The PSI that chance exceeds once in 5000 times.
    pub critical: f64,
    pub verdict: Verdict,
}

/// What a shift amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Chance alone could look like a major change with so few rows.
    TooFew,
    /// Chance explains it, or it is smaller than matters.
    Stable,
    /// Beyond chance, and at least 0.1 more than chance adds.
    Moderate,
    /// Beyond chance, and at least 0.25 more than chance adds.
    Major,
}

impl Verdict {
    pub const ALL: [Self; 4] = [Self::TooFew, Self::Stable, Self::Moderate, Self::Major];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooFew => "too_few",
            Self::Stable => "stable",
            Self::Moderate => "moderate",
            Self::Major => "major",
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
impl Shift {
    /// Between the counts of training and those of now, bin by bin. A bin that
    /// is empty in both is no bin.
    #[must_use]
    pub fn between(training: &[u64], now: &[u64]) -> Self {
        let pairs = || (training.iter().zip(now)).filter(|&(&t, &n)| t + n > 0);
        let bins = pairs().count() as f64;
        let of_training: u64 = training.iter().sum();
        let of_now: u64 = now.iter().sum();
        if of_training == 0 || of_now == 0 {
            return Self {
                psi: 0.0,
                expected: 0.0,
                critical: 0.0,
                verdict: Verdict::TooFew,
            };
        }
        let (m, n) = (of_training as f64, of_now as f64);
        let psi = pairs()
            .map(|(&t, &c)| {
                let p = (t as f64 + HALF) / (m + HALF * bins);
                let q = (c as f64 + HALF) / (n + HALF * bins);
                (q - p) * (q / p).ln()
            })
            .sum();
        let scale = 1.0 / n + 1.0 / m;
        let expected = scale * (bins - 1.0);
        let critical = scale * chi_square(bins - 1.0);
        Self {
            psi,
            expected,
            critical,
            verdict: verdict(psi, expected, critical),
        }
    }
}

fn verdict(psi: f64, expected: f64, critical: f64) -> Verdict {
    let beyond = psi > critical;
    match psi - expected {
        more if beyond && more >= MAJOR => Verdict::Major,
        more if beyond && more >= MODERATE => Verdict::Moderate,
        _ if critical - expected > MAJOR => Verdict::TooFew,
        _ => Verdict::Stable,
    }
}

/// What a chi-square variable exceeds once in 5000 times (E. B. Wilson,
/// M. M. Hilferty, 1931): a few percent too much for one degree of freedom, right
/// for more.
fn chi_square(degrees: f64) -> f64 {
    if degrees < 1.0 {
        return 0.0;
    }
    let part = 2.0 / (9.0 * degrees);
    degrees * (1.0 - part + Z * part.sqrt()).powi(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_tables_of_chi_square() {
        // scipy.stats.chi2.isf(1 / 5000, k)
        for (degrees, exact) in [(1.0, 13.831), (5.0, 24.190), (10.0, 33.719), (20.0, 49.409)] {
            let found = chi_square(degrees);
            assert!((found / exact - 1.0).abs() < 0.07, "{degrees}: {found}");
        }
    }

    #[test]
    fn the_same_shares_have_no_psi() {
        let shift = Shift::between(&[0, 4000, 6000], &[0, 400, 600]);
        assert!(shift.psi < 1e-6, "{shift:?}");
        assert_eq!(shift.verdict, Verdict::Stable);
    }

    #[test]
    fn is_the_formula() {
        let shift = Shift::between(&[0, 9_999, 9_999], &[0, 1_999, 3_999]);
        let q = 1999.5 / 5999.0;
        let by_hand = (q - 0.5) * (q / 0.5_f64).ln() + (0.5 - q) * ((1.0 - q) / 0.5).ln();
        assert!((shift.psi - by_hand).abs() < 1e-12);
        assert!((shift.expected - (1.0 / 5998.0 + 1.0 / 19_998.0)).abs() < 1e-12);
    }

    #[test]
    fn few_rows_say_nothing_unless_the_change_is_glaring() {
        let training = [0, 1000, 1000, 1000, 1000];
        let verdict = |now: [u64; 5]| Shift::between(&training, &now).verdict;
        assert_eq!(verdict([0, 0, 0, 0, 0]), Verdict::TooFew);
        assert_eq!(verdict([0, 4, 1, 2, 3]), Verdict::TooFew);
        assert_eq!(verdict([60, 0, 0, 0, 0]), Verdict::Major);
        assert_eq!(verdict([0, 500, 500, 490, 510]), Verdict::Stable);
        assert_eq!(verdict([0, 800, 600, 350, 250]), Verdict::Moderate);
        assert_eq!(verdict([0, 1400, 300, 200, 100]), Verdict::Major);
    }

    #[test]
    fn a_column_that_is_no_longer_sent_is_a_major_change() {
        let shift = Shift::between(&[0, 5000, 5000], &[900, 50, 50]);
        assert_eq!(shift.verdict, Verdict::Major);
    }
}
