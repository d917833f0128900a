//! The baseline that a forest must beat: one weight for each place of the row.
//!
//! Places are standardised and cut off at five standard deviations, since counts
//! have long tails that one weight would follow without bound. A missing place
//! counts as the mean, so it adds nothing.

use serde::{Deserialize, Serialize};
use smartcore::linalg::basic::arrays::Array;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linear::logistic_regression::{LogisticRegression, LogisticRegressionParameters};
use smartcore::linear::ridge_regression::{RidgeRegression, RidgeRegressionParameters};

use super::TrainError;

/// How far from its mean a place counts, in standard deviations.
const CUT_OFF: f64 = 5.0;

/// The weight that keeps coefficients small where few rows tell them apart.
const PENALTY: f64 = 1.0;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Linear {
    intercept: f64,
    places: Vec<Place>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Place {
    weight: f64,
    mean: f64,
    /// The standard deviation; 1 where the place never varies.
    scale: f64,
}

impl Place {
    fn standardised(&self, x: f32) -> f64 {
        let x = f64::from(x);
        if x.is_nan() {
            return 0.0;
        }
        ((x - self.mean) / self.scale).clamp(-CUT_OFF, CUT_OFF)
    }
}

/// What the baseline learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// The log-odds of a label of 0 or 1.
    Logistic,
    /// The label itself.
    Ridge,
}

impl Linear {
    /// Fits to rows of `width` places, one label each.
    pub(super) fn fit(
        fit: Fit,
        matrix: &[f32],
        width: usize,
        labels: &[f64],
    ) -> Result<Self, TrainError> {
        let mut places: Vec<Place> = (0..width)
            .map(|p| moments(matrix.iter().skip(p).step_by(width).copied()))
            .collect();
        // Places that never vary would make the equations singular.
        let varying: Vec<usize> = (0..width).filter(|&p| places[p].weight != 0.0).collect();
        for place in &mut places {
            place.weight = 0.0;
        }
        let values: Vec<f64> = matrix
            .chunks_exact(width)
            .flat_map(|row| varying.iter().map(|&p| places[p].standardised(row[p])))
            .collect();
        let x = DenseMatrix::new(labels.len(), varying.len(), values, false)
            .map_err(|e| TrainError::Fit(e.to_string()))?;
        let (weights, intercept) = match fit {
            Fit::Logistic => logistic(&x, labels)?,
            Fit::Ridge => ridge(&x, labels)?,
        };
        for (&p, weight) in varying.iter().zip(weights) {
            places[p].weight = weight;
        }
        let linear = Self { intercept, places };
        if linear.is_sound() {
            Ok(linear)
        } else {
            Err(TrainError::Fit("the baseline did not converge".into()))
        }
    }

    /// Whether every number is one that can be reckoned with.
    pub(super) fn is_sound(&self) -> bool {
        self.intercept.is_finite()
            && self.places.iter().all(|p| {
                p.weight.is_finite() && p.mean.is_finite() && p.scale.is_finite() && p.scale > 0.0
            })
    }

    pub(super) fn width(&self) -> usize {
        self.places.len()
    }

    /// The margin of a row.
    pub(super) fn margin(&self, row: &[f32]) -> f64 {
        self.terms(row).fold(self.intercept, |sum, term| sum + term)
    }

    /// Adds what each place adds to the margin to `out`; returns the margin of
    /// a customer of means. Exact, as the places are taken to be independent.
    pub(super) fn contributions(&self, row: &[f32], out: &mut [f64]) -> f64 {
        for (out, term) in out.iter_mut().zip(self.terms(row)) {
            *out += term;
        }
        self.intercept
    }

    fn terms<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = f64> + 'a {
        self.places
            .iter()
            .zip(row)
            .map(|(place, &x)| place.weight * place.standardised(x))
    }
}

/// Mean and standard deviation of what is not missing. The weight says whether
/// it varies.
#[expect(clippy::cast_precision_loss, reason = "counts of rows")]
fn moments(values: impl Iterator<Item = f32> + Clone) -> Place {
    let present = values.filter(|x| !x.is_nan()).map(f64::from);
    let n = present.clone().count().max(1) as f64;
    let mean = present.clone().sum::<f64>() / n;
    let variance = present.map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    let scale = variance.sqrt();
    if scale > 1e-9 {
        let weight = 1.0;
        Place {
            weight,
            mean,
            scale,
        }
    } else {
        Place {
            weight: 0.0,
            mean,
            scale: 1.0,
        }
    }
}

type Weights = (Vec<f64>, f64);

fn logistic(x: &DenseMatrix<f64>, labels: &[f64]) -> Result<Weights, TrainError> {
    let labels: Vec<u8> = labels.iter().map(|&y| u8::from(y != 0.0)).collect();
    let parameters = LogisticRegressionParameters::default().with_alpha(PENALTY);
    let fitted = LogisticRegression::fit(x, &labels, parameters)
        .map_err(|e| TrainError::Fit(e.to_string()))?;
    let weights = fitted.coefficients().iterator(0).copied().collect();
    Ok((weights, *fitted.intercept().get((0, 0))))
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows")]
fn ridge(x: &DenseMatrix<f64>, labels: &[f64]) -> Result<Weights, TrainError> {
    // The places are standardised already, so the intercept is the mean label.
    let mean = labels.iter().sum::<f64>() / labels.len() as f64;
    let centred: Vec<f64> = labels.iter().map(|y| y - mean).collect();
    let parameters = RidgeRegressionParameters::default()
        .with_alpha(PENALTY)
        .with_normalize(false);
    let fitted = RidgeRegression::fit(x, &centred, parameters)
        .map_err(|e| TrainError::Fit(e.to_string()))?;
    let weights = fitted.coefficients().iterator(0).copied().collect();
    Ok((weights, mean))
}

#[cfg(test)]
mod tests {
    use super::super::split::{Draw, draw};
    use super::*;

    const WIDTH: usize = 3;

    /// Two places that matter, and one that never varies.
    fn rows(n: usize) -> (Vec<f32>, Vec<f64>) {
        let u = |row, k| draw(1, row, Draw::Gap(k));
        let (mut matrix, mut margins) = (Vec::new(), Vec::new());
        for row in 0..n {
            let places = [10.0 * u(row, 0), u(row, 1) - 0.5, 7.0];
            margins.push(0.4 * (places[0] - 5.0) - 3.0 * places[1] + 0.5);
            #[expect(clippy::cast_possible_truncation, reason = "any number will do")]
            matrix.extend(places.map(|x| x as f32));
        }
        (matrix, margins)
    }

    #[test]
    fn ridge_finds_the_weights_of_a_line() {
        let (matrix, margins) = rows(2000);
        let linear = Linear::fit(Fit::Ridge, &matrix, WIDTH, &margins).unwrap();
        for (row, known) in matrix.chunks(WIDTH).zip(&margins) {
            assert!((linear.margin(row) - known).abs() < 0.01);
        }
    }

    #[test]
    fn logistic_finds_the_log_odds() {
        let (matrix, margins) = rows(20_000);
        let labels: Vec<f64> = margins
            .iter()
            .enumerate()
            .map(|(row, margin)| {
                let p = 1.0 / (1.0 + (-margin).exp());
                f64::from(u8::from(draw(1, row, Draw::Part) < p))
            })
            .collect();
        let linear = Linear::fit(Fit::Logistic, &matrix, WIDTH, &labels).unwrap();
        for (row, known) in matrix.chunks(WIDTH).zip(&margins).take(200) {
            // A few standard errors of three weights on 20,000 rows.
            assert!((linear.margin(row) - known).abs() < 0.2);
        }
    }

    #[test]
    fn what_is_missing_or_never_varied_adds_nothing() {
        let (matrix, margins) = rows(500);
        let linear = Linear::fit(Fit::Ridge, &matrix, WIDTH, &margins).unwrap();
        let unknown = [f32::NAN, f32::NAN, 1e30];
        let mut terms = [0.0; WIDTH];
        let base = linear.contributions(&unknown, &mut terms);
        assert!(terms.iter().all(|&term| term == 0.0));
        assert!((linear.margin(&unknown) - base).abs() < 1e-12);
    }

    #[test]
    fn a_place_far_out_counts_as_five_deviations() {
        let (matrix, margins) = rows(500);
        let linear = Linear::fit(Fit::Ridge, &matrix, WIDTH, &margins).unwrap();
        let at = |x| linear.margin(&[x, 0.0, 7.0]);
        assert!((at(1e6) - at(1e9)).abs() < 1e-9);
        assert!(at(1e6) > at(15.0));
    }
}
