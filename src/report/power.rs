//! How many customers an experiment needs.
//!
//! Two arms of equal size, a two-sided test at 5% and a power of 80%, by the
//! normal approximation (Fleiss, Levin, Paik: Statistical Methods for Rates and
//! Proportions, third edition, equations 4.14 and 4.17 without the correction
//! for continuity).

/// The 97.5% point of the normal distribution: 5%, two-sided.
const Z_ALPHA: f64 = 1.959_963_985;
/// The 80% point.
const Z_BETA: f64 = 0.841_621_234;

/// Beyond this no experiment is run: the effect is too small to be seen.
const MOST: f64 = 1e9;

/// Customers per arm that show a share's change from `control` to `treated`.
#[must_use]
pub fn for_shares(control: f64, treated: f64) -> Option<u64> {
    let inside = |share: f64| (0.0..=1.0).contains(&share);
    if !inside(control) || !inside(treated) || (control - treated).abs() < f64::EPSILON {
        return None;
    }
    let mean = f64::midpoint(control, treated);
    let under_none = Z_ALPHA * (2.0 * mean * (1.0 - mean)).sqrt();
    let under_some = Z_BETA * (control * (1.0 - control) + treated * (1.0 - treated)).sqrt();
    whole(((under_none + under_some) / (treated - control)).powi(2))
}

/// Customers per arm that show a mean's change by `effect`, for a metric of
/// this standard deviation in either arm.
#[must_use]
pub fn for_means(deviation: f64, effect: f64) -> Option<u64> {
    if !(deviation > 0.0 && effect.abs() > 0.0) {
        return None;
    }
    whole(2.0 * ((Z_ALPHA + Z_BETA) * deviation / effect).powi(2))
}

/// The smallest change of a share that so many customers per arm show, by the
/// control's variance in both arms.
#[must_use]
pub fn visible_share(control: f64, per_arm: u64) -> Option<f64> {
    visible_mean((control * (1.0 - control)).sqrt(), per_arm)
}

/// The smallest change of a mean that so many customers per arm show.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of customers, far below 2^53"
)]
pub fn visible_mean(deviation: f64, per_arm: u64) -> Option<f64> {
    let known = deviation > 0.0 && per_arm >= 2;
    known.then(|| (Z_ALPHA + Z_BETA) * deviation * (2.0 / per_arm as f64).sqrt())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 2 and a thousand million"
)]
fn whole(customers: f64) -> Option<u64> {
    (customers <= MOST).then(|| customers.ceil().max(2.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_tables_for_shares() {
        // R: power.prop.test(p1 = .5, p2 = .55, power = .8) says 1564.529;
        // (p1 = .1, p2 = .12) says 3840.847.
        assert_eq!(for_shares(0.50, 0.55), Some(1565));
        assert_eq!(for_shares(0.10, 0.12), Some(3841));
    }

    #[test]
    fn agrees_with_the_formula_for_means() {
        // Half a standard deviation: 62.79 by the normal approximation.
        assert_eq!(for_means(1.0, 0.5), Some(63));
        assert_eq!(for_means(2.0, -1.0), Some(63));
    }

    #[test]
    fn what_is_visible_is_what_so_many_customers_are_needed_for() {
        let least = visible_mean(2.0, 1_000).unwrap();
        assert_eq!(for_means(2.0, least * 1.000_01), Some(1_000));
        // statsmodels: NormalIndPower().solve_power(nobs1=1000, power=.8, alpha=.05)
        // is .12529 of a standard deviation.
        assert!((least / 2.0 - 0.125_29).abs() < 1e-5);
        let least = visible_share(0.3, 5_000).unwrap();
        // The treated arm varies a little more than the control.
        assert!(for_shares(0.3, 0.3 + least).unwrap().abs_diff(5_000) < 200);
        assert_eq!(visible_mean(1.0, 1), None);
        assert_eq!(visible_share(0.0, 100), None);
    }

    #[test]
    fn nothing_shows_where_nothing_changes() {
        assert_eq!(for_shares(0.3, 0.3), None);
        assert_eq!(for_shares(0.9, 1.1), None);
        assert_eq!(for_means(0.0, 1.0), None);
        assert_eq!(for_means(1.0, 0.0), None);
        assert_eq!(for_means(1e9, 1e-9), None);
    }
}
