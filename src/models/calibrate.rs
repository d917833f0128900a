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

/// The least share of a step that is tried.
const LEAST_SHARE: f64 = 1e-9;

/// What a loss may grow by, of it, and count as no larger.
const ROUNDING: f64 = 1e-12;

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

/// Newton's method for the likelihood of a line, its steps halved until they
/// better it: from margins far too sure a whole one leads to where all weights
/// vanish, and nothing leads back (Lin, Lin and Weng, *A note on Platt's
/// probabilistic outputs for support vector machines*, Machine Learning 68, 2007).
/// Labels are moved a little inwards, as Platt has it, so that the line stays
/// finite.
fn platt(margins: &[f64], labels: &[f64]) -> Link {
    let positives: f64 = labels.iter().sum();
    #[expect(clippy::cast_precision_loss, reason = "counts of rows")]
    let negatives = labels.len() as f64 - positives;
    let (yes, no) = (
        (positives + 1.0) / (positives + 2.0),
        1.0 / (negatives + 2.0),
    );
    let goals: Vec<f64> = labels
        .iter()
        .map(|&y| if y == 0.0 { no } else { yes })
        .collect();
    let mut line = Line {
        slope: 1.0,
        shift: 0.0,
    };
    let mut loss = line.loss(margins, &goals);
    for _ in 0..STEPS {
        let by = line.step(margins, &goals);
        let mut share = 1.0;
        loop {
            let next = Line {
                slope: line.slope - share * by.slope,
                shift: line.shift - share * by.shift,
            };
            let now = next.loss(margins, &goals);
            // At the end both are the same but for their last bits.
            if now <= loss + ROUNDING * loss {
                (line, loss) = (next, now);
                break;
            }
            share /= 2.0;
            if share < LEAST_SHARE {
                return line.link();
            }
        }
        if by.slope.abs() + by.shift.abs() < 1e-10 {
            break;
        }
    }
    line.link()
}

/// A line through log-odds, or a step from one to another.
#[derive(Clone, Copy)]
struct Line {
    slope: f64,
    shift: f64,
}

impl Line {
    fn link(self) -> Link {
        Link::Logistic {
            slope: self.slope,
            shift: self.shift,
        }
    }

    /// The logarithmic loss of its probabilities; not a number where it is none.
    fn loss(self, margins: &[f64], goals: &[f64]) -> f64 {
        let rows = margins.iter().zip(goals);
        rows.map(|(m, goal)| {
            let z = self.slope * m + self.shift;
            z.max(0.0) + (-z.abs()).exp().ln_1p() - goal * z
        })
        .sum()
    }

    /// How far Newton's method would take it back.
    fn step(self, margins: &[f64], goals: &[f64]) -> Self {
        let (mut g, mut h) = ([0.0; 2], [1e-9, 0.0, 1e-9]);
        for (&m, goal) in margins.iter().zip(goals) {
            let p = self.link().value(m);
            let (error, weight) = (p - goal, p * (1.0 - p));
            g[0] += error * m;
            g[1] += error;
            h[0] += weight * m * m;
            h[1] += weight * m;
            h[2] += weight;
        }
        let determinant = h[0] * h[2] - h[1] * h[1];
        Self {
            slope: (h[2] * g[0] - h[1] * g[1]) / determinant,
            shift: (h[0] * g[1] - h[1] * g[0]) / determinant,
        }
    }
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
    fn what_is_far_too_sure_is_set_right() {
        // Of rows as few as the least that are trained on have for it, and of many.
        for n in [40, 400, 3_000] {
            for (factor, off) in [(3.0, 1.0), (10.0, 0.0), (10.0, -20.0), (0.1, 5.0)] {
                let (margins, labels) = rows(n);
                let wrong: Vec<f64> = margins.iter().map(|m| factor * m + off).collect();
                let Link::Logistic { slope, shift } = platt(&wrong, &labels) else {
                    panic!("a line");
                };
                // As from margins that are right: a line of a line is a line.
                let Link::Logistic { slope: right, .. } = platt(&margins, &labels) else {
                    panic!("a line");
                };
                assert!(
                    (slope * factor / right - 1.0).abs() < 1e-3,
                    "{n} {factor}: {slope}"
                );
                assert!(shift.is_finite());
            }
        }
    }

    #[test]
    fn a_ranking_is_never_turned_round() {
        let (margins, labels) = rows(2_000);
        let turned: Vec<f64> = margins.iter().map(|m| -3.0 * m).collect();
        assert_eq!(calibrated(&turned, &labels), Link::LOGISTIC);
    }
}
