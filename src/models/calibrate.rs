//! Probabilities set right: of a hundred customers who are given seventy
//! percent, seventy are to leave.
//!
//! Where the calibration rows, which no fit has seen, show a calibration error
//! that chance does not explain, a line through the log-odds is fitted to them
//! (Platt 1999). It rises, so that it changes no ranking, and it stands in the
//! model's link, so that whatever a probability is used for is set right alike.

use super::metrics::{Sample, calibration_error, chance_of_calibration_error};
use super::scorer::Link;

/// By how many standard deviations an error must pass what chance explains.
const BEYOND_CHANCE: f64 = 3.0;

const STEPS: usize = 50;

/// The link that suits the margins of rows with these labels.
pub(super) fn calibrated(margins: &[f64], labels: &[f64]) -> Link {
    let found: Vec<f64> = margins.iter().map(|&m| Link::LOGISTIC.value(m)).collect();
    let (chance, deviation) = chance_of_calibration_error(&found);
    let error = calibration_error(&Sample::new(labels, &found), &vec![1.0; labels.len()]);
    if labels.is_empty() || error <= chance + BEYOND_CHANCE * deviation {
        return Link::LOGISTIC;
    }
    let link = platt(margins, labels);
    if link.is_sound() {
        link
    } else {
        Link::LOGISTIC
    }
}

/// Newton's method for the likelihood of a line; labels are moved a little
/// inwards, as Platt has it, so that the line stays finite.
fn platt(margins: &[f64], labels: &[f64]) -> Link {
    let (mut slope, mut shift) = (1.0, 0.0);
    let positives: f64 = labels.iter().sum();
    #[expect(clippy::cast_precision_loss, reason = "counts of rows")]
    let negatives = labels.len() as f64 - positives;
    let (yes, no) = (
        (positives + 1.0) / (positives + 2.0),
        1.0 / (negatives + 2.0),
    );
    for _ in 0..STEPS {
        let (mut g, mut h) = ([0.0; 2], [1e-9, 0.0, 1e-9]);
        for (&m, &y) in margins.iter().zip(labels) {
            let p = Link::Logistic { slope, shift }.value(m);
            let (error, weight) = (p - if y == 0.0 { no } else { yes }, p * (1.0 - p));
            g[0] += error * m;
            g[1] += error;
            h[0] += weight * m * m;
            h[1] += weight * m;
            h[2] += weight;
        }
        let determinant = h[0] * h[2] - h[1] * h[1];
        let by = [
            (h[2] * g[0] - h[1] * g[1]) / determinant,
            (h[0] * g[1] - h[1] * g[0]) / determinant,
        ];
        slope -= by[0];
        shift -= by[1];
        if by[0].abs() + by[1].abs() < 1e-10 {
            break;
        }
    }
    Link::Logistic { slope, shift }
}

#[cfg(test)]
mod tests {
    use super::super::split::{Draw, draw};
    use super::*;

    /// Log-odds, and labels drawn by them.
    fn rows(n: usize) -> (Vec<f64>, Vec<f64>) {
        let margins: Vec<f64> = (0..n)
            .map(|i| 4.0 * draw(2, i, Draw::Gap(0)) - 2.5)
            .collect();
        let labels = margins
            .iter()
            .enumerate()
            .map(|(i, &m)| f64::from(u8::from(draw(2, i, Draw::Gap(1)) < Link::LOGISTIC.value(m))));
        let labels = labels.collect();
        (margins, labels)
    }

    #[test]
    fn what_is_right_is_left_alone() {
        let (margins, labels) = rows(6_000);
        assert_eq!(calibrated(&margins, &labels), Link::LOGISTIC);
        assert_eq!(calibrated(&[], &[]), Link::LOGISTIC);
    }

    #[test]
    fn what_is_too_sure_or_shifted_is_set_right() {
        let (margins, labels) = rows(6_000);
        let wrong: Vec<f64> = margins.iter().map(|m| 2.0 * m + 1.0).collect();
        let Link::Logistic { slope, shift } = calibrated(&wrong, &labels) else {
            panic!("a line");
        };
        assert!((slope - 0.5).abs() < 0.05, "{slope}");
        assert!((shift + 0.5).abs() < 0.1, "{shift}");
    }

    #[test]
    fn a_ranking_is_never_turned_round() {
        let (margins, labels) = rows(2_000);
        let turned: Vec<f64> = margins.iter().map(|m| -3.0 * m).collect();
        assert_eq!(calibrated(&turned, &labels), Link::LOGISTIC);
    }
}
