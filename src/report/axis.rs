//! Axes: where a number stands between the ends, and what its ticks say.

use super::document::{Axis, Mark};
use super::figures::Figures;

/// An axis from 0 to a round number.
pub(super) struct Linear {
    top: f64,
    step: f64,
}

impl Linear {
    /// The axis that holds `largest` with room for a label above it.
    pub fn holding(largest: f64) -> Self {
        let largest = if largest.is_finite() && largest > 0.0 {
            largest
        } else {
            1.0
        };
        let rough = largest * 1.08 / 4.0;
        let magnitude = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .map(|step| step * magnitude)
            .into_iter()
            .find(|step| *step >= rough)
            .unwrap_or(10.0 * magnitude);
        let top = (largest * 1.08 / step).ceil() * step;
        Self { top, step }
    }

    /// The axis of shares from 0 to 1.
    pub fn whole() -> Self {
        Self {
            top: 1.0,
            step: 0.25,
        }
    }

    pub fn at(&self, value: f64) -> f64 {
        place(value / self.top)
    }

    pub fn named(&self, label: &str, write: impl Fn(f64) -> String) -> Axis {
        let mut ticks = Vec::new();
        let mut value = 0.0;
        while value <= self.top * 1.000_001 {
            ticks.push(Mark {
                at: self.at(value),
                text: write(value),
            });
            value += self.step;
        }
        Axis {
            label: label.to_owned(),
            ticks,
        }
    }

    /// How many decimals tell its ticks apart.
    pub fn decimals(&self) -> usize {
        match self.step {
            step if step >= 1.0 && step.fract() == 0.0 => 0,
            step if step >= 0.1 && (step * 10.0).fract().abs() < 1e-9 => 1,
            _ => 2,
        }
    }
}

/// A logarithmic axis over whole powers of ten.
pub(super) struct Log {
    from: i32,
    to: i32,
}

impl Log {
    /// The axis that holds all amounts from `least` to `most`, both above 0.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the logarithm of an amount is within a hundred"
    )]
    pub fn holding(least: f64, most: f64) -> Self {
        let from = least.log10().floor().clamp(-9.0, 15.0) as i32;
        let to = most.log10().ceil().clamp(-9.0, 15.0) as i32;
        Self {
            from,
            to: to.max(from + 1),
        }
    }

    pub fn at(&self, value: f64) -> f64 {
        place((value.log10() - f64::from(self.from)) / f64::from(self.to - self.from))
    }

    pub fn named(&self, label: &str, figures: &Figures) -> Axis {
        Axis {
            label: label.to_owned(),
            ticks: (self.from..=self.to)
                .map(|exponent| Mark {
                    at: self.at(10_f64.powi(exponent)),
                    text: figures.decade(exponent),
                })
                .collect(),
        }
    }
}

/// A position to four decimals: finer than a pixel of any page.
pub(super) fn place(part: f64) -> f64 {
    if part.is_finite() {
        (part.clamp(0.0, 1.0) * 1e4).round() / 1e4
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_axis_ends_on_a_round_number_above_its_largest() {
        let axis = Linear::holding(0.642);
        assert!((axis.top - 0.8).abs() < 1e-12);
        let ticks = axis.named("x", |v| format!("{v:.1}")).ticks;
        let texts: Vec<_> = ticks.iter().map(|t| t.text.as_str()).collect();
        assert_eq!(texts, ["0.0", "0.2", "0.4", "0.6", "0.8"]);
        assert!((axis.at(0.4) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn an_axis_of_nothing_is_an_axis_still() {
        for largest in [0.0, -3.0, f64::NAN, f64::INFINITY] {
            assert!(
                Linear::holding(largest)
                    .named("x", |v| v.to_string())
                    .ticks
                    .len()
                    > 2
            );
        }
        assert!(
            Log::holding(5.0, 5.0)
                .named("x", &Figures::default())
                .ticks
                .len()
                == 2
        );
    }

    #[test]
    fn a_logarithmic_axis_has_a_tick_for_every_tenfold() {
        let axis = Log::holding(0.02, 4_178.0).named("x", &Figures::default());
        let texts: Vec<_> = axis.ticks.iter().map(|t| t.text.as_str()).collect();
        assert_eq!(texts, ["0.01", "0.1", "1", "10", "100", "1k", "10k"]);
    }
}
