//! What the text of a setting means: numbers with their range, times with their
//! unit, and secrets.

use std::fmt;
use std::time::Duration;

/// A value that must not be seen: a password, or a URL that holds one.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The value itself, for the one who needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Takes any text: whether it is a URL is said by the one who opens it, without
/// repeating it, as the parser of the command line would.
#[expect(clippy::unnecessary_wraps, reason = "the shape of a value parser")]
pub fn secret(text: &str) -> Result<Secret, String> {
    Ok(Secret(text.to_owned()))
}

pub const MAX_CUSTOMERS: u64 = 1_000_000_000;
pub const MAX_SEED: u64 = i64::MAX.unsigned_abs();

pub fn customers(text: &str) -> Result<u64, String> {
    integer(text, 1, MAX_CUSTOMERS).ok_or_else(|| "must be from 1 to 1,000,000,000".into())
}

/// As text, since the report has its own word on the same in a query.
pub fn report_customers(text: &str) -> Result<String, String> {
    let number = integer(text, 1, 10_000_000_000).map(|number| number.to_string());
    number.ok_or_else(|| "must be from 1 to 10,000,000,000".into())
}

pub fn seed(text: &str) -> Result<u64, String> {
    integer(text, 0, MAX_SEED).ok_or_else(|| "must be from 0 to 9,223,372,036,854,775,807".into())
}

/// A whole number in a range, with `_` or `,` between its digits if one likes.
fn integer(text: &str, min: u64, max: u64) -> Option<u64> {
    let digits = text.replace(['_', ','], "");
    digits
        .parse()
        .ok()
        .filter(|number| (min..=max).contains(number))
}

pub fn share(text: &str) -> Result<f64, String> {
    let share = text
        .parse()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "must be from 0 to 1".into())
}

pub fn up_to_an_hour(text: &str) -> Result<Duration, String> {
    duration(text, 0.0)
}

pub fn a_moment(text: &str) -> Result<Duration, String> {
    duration(text, 0.001)
}

pub fn some_time(text: &str) -> Result<Duration, String> {
    duration(text, 0.1)
}

/// Seconds, with an optional `s`.
fn duration(text: &str, min: f64) -> Result<Duration, String> {
    const MAX: f64 = 3600.0;
    let seconds = text.strip_suffix('s').unwrap_or(text).trim().parse::<f64>();
    match seconds {
        Ok(seconds) if (min..=MAX).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("must be from {min} to {MAX} seconds")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_may_carry_their_unit() {
        assert_eq!(up_to_an_hour("30"), Ok(Duration::from_secs(30)));
        assert_eq!(up_to_an_hour("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(some_time("0.5 s"), Ok(Duration::from_millis(500)));
    }

    #[test]
    fn refuses_a_duration_out_of_range_with_the_range() {
        for text in ["-1", "3601", "NaN", "inf", "a while", ""] {
            let refusal = up_to_an_hour(text).unwrap_err();
            assert_eq!(refusal, "must be from 0 to 3600 seconds", "{text}");
        }
        assert!(some_time("0").is_err());
    }

    #[test]
    fn refuses_customers_and_seeds_out_of_range() {
        assert_eq!(customers("1_000_000_000"), Ok(1_000_000_000));
        for text in ["0", "-1", "10000000000", "1e5", "many", ""] {
            assert!(customers(text).unwrap_err().contains("1 to 1,000,000,000"));
        }
        assert_eq!(seed("9223372036854775807"), Ok(i64::MAX.unsigned_abs()));
        for text in ["-1", "9223372036854775808", "18446744073709551616"] {
            assert!(seed(text).unwrap_err().contains("0 to 9,223"));
        }
    }

    #[test]
    fn a_secret_is_not_printed() {
        let secret = secret("postgres://user:hunter2@host/db").unwrap();
        assert_eq!(format!("{secret:?}"), "[redacted]");
    }
}
