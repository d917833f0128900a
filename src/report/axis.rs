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

    /// How many decimals its ticks have.
    pub fn decimals(&self) -> usize {
        decimals(self.step)
    }

    /// The same where it is of shares, which are written as percentages.
    pub fn decimals_as_percent(&self) -> usize {
        decimals(100.0 * self.step)
    }
}

/// The decimals that write a step in full. With fewer, ticks of even spacing would
/// have uneven numbers, or the same one.
fn decimals(step: f64) -> usize {
    let whole = |decimals: &i32| {
        let scaled = step * 10_f64.powi(*decimals);
        (scaled - scaled.round()).abs() <= 1e-6 * scaled
    };
    let needed = (0..MOST_DECIMALS).find(whole).unwrap_or(MOST_DECIMALS);
    usize::try_from(needed).unwrap_or_default()
}

/// Further decimals than these would be told by a double's rounding.
const MOST_DECIMALS: i32 = 12;

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
    fn ticks_are_written_in_full_whatever_the_step() {
        let written = |largest: f64| {
            let axis = Linear::holding(largest);
            let ticks = axis.named("x", |v| Figures::default().number(v, axis.decimals()));
            let texts: Vec<_> = ticks.ticks.into_iter().map(|t| t.text).collect();
            texts.join(" ")
        };
        assert_eq!(written(8.0), "0.0 2.5 5.0 7.5 10.0");
        assert_eq!(written(70.0), "0 20 40 60 80");
        assert_eq!(written(0.018), "0.000 0.005 0.010 0.015 0.020");
        assert_eq!(written(0.009), "0.0000 0.0025 0.0050 0.0075 0.0100");
        assert_eq!(Linear::holding(0.08).decimals_as_percent(), 1);
        assert_eq!(Linear::holding(0.018).decimals_as_percent(), 1);
        assert_eq!(Linear::whole().decimals_as_percent(), 0);
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
