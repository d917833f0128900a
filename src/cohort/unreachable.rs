//! Targets that a population can't have.

use std::fmt;

/// A statistic that calibration can't bring to what was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Unreached {
    pub statistic: &'static str,
    pub asked: f64,
    /// The nearest value that the population can have.
    pub nearest: f64,
}

/// All statistics of a population that are out of reach.
#[derive(Debug, Clone, PartialEq)]
pub struct Unreachable(pub Vec<Unreached>);

impl std::error::Error for Unreachable {}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("this population can't have ")?;
        for (i, out) in self.0.iter().enumerate() {
            let before = if i == 0 { "" } else { "; " };
            write!(
                f,
                "{before}{} {}, the nearest is {}",
                out.statistic,
                out.asked,
                short(out.nearest)
            )?;
        }
        f.write_str("; ask for that or change what it depends on")
    }
}

/// A number to four significant digits.
fn short(x: f64) -> String {
    let digits = if x == 0.0 {
        0.0
    } else {
        x.abs().log10().floor()
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most a few hundred"
    )]
    let places = (3.0 - digits).max(0.0) as usize;
    format!("{x:.places$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_statistic_what_was_asked_and_the_nearest() {
        let out = |statistic, asked, nearest| Unreached {
            statistic,
            asked,
            nearest,
        };
        let all = Unreachable(vec![
            out("video_hours_week", 2.7, 14.283_71),
            out("iap_usd", 0.0, 0.001_234_56),
        ]);
        assert_eq!(
            all.to_string(),
            "this population can't have video_hours_week 2.7, the nearest is 14.28; \
             iap_usd 0, the nearest is 0.001235; ask for that or change what it depends on"
        );
    }
}
