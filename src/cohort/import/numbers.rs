//! Numbers from text, at the speed of a scan.

/// The powers of ten that a float holds exactly, as far as they are needed.
const TENS: [f64; 16] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

/// The number that a text is, rounded once: the float nearest to the decimal.
#[inline]
pub(super) fn number(text: &str) -> Option<f64> {
    plain(text.as_bytes()).or_else(|| other(text))
}

/// A short plain decimal: both the digits and the power of ten are exact, so
/// that their quotient is rounded once.
#[inline]
#[expect(clippy::cast_precision_loss, reason = "15 digits are below 2^53")]
fn plain(text: &[u8]) -> Option<f64> {
    const MOST_DIGITS: usize = 15;
    if text.len() > MOST_DIGITS + 1 {
        return None;
    }
    let mut digits = 0_u64;
    let mut count = 0;
    let mut point = None;
    for byte in text {
        match byte {
            b'0'..=b'9' => {
                digits = digits * 10 + u64::from(byte - b'0');
                count += 1;
            }
            b'.' if point.is_none() => point = Some(count),
            _ => return None,
        }
    }
    if count == 0 || count > MOST_DIGITS {
        return None;
    }
    let decimals = point.map_or(0, |point| count - point);
    Some(digits as f64 / TENS[decimals])
}

/// Any other number: with a sign, an exponent, or many digits. Words such as
/// `inf` are none.
fn other(text: &str) -> Option<f64> {
    let digits = text.trim_start_matches(['+', '-']);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    // Adding zero makes -0 a plain 0.
    text.parse::<f64>().ok().map(|x| x + 0.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_numbers_as_people_write_them() {
        for (text, value) in [
            ("0", 0.0_f64),
            ("3.0", 3.0),
            (".5", 0.5),
            ("7.", 7.0),
            ("-2.25", -2.25),
            ("+4", 4.0),
            ("1e3", 1000.0),
            ("0.1", 0.1),
            ("123456789012345678", 123_456_789_012_345_680.0),
        ] {
            assert_eq!(
                number(text).map(f64::to_bits),
                Some(value.to_bits()),
                "{text}"
            );
        }
        assert_eq!(number("-0").map(f64::to_bits), Some(0));
    }

    #[test]
    fn takes_no_word_for_a_number() {
        for text in [
            "",
            ".",
            "-",
            "inf",
            "-infinity",
            "NaN",
            "1,5",
            "0x10",
            "1 2",
            "12%",
            "1.2.3",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_the_standard_library_reads(whole in 0_u64..100_000_000_000, decimals in "[0-9]{0,12}") {
            let text = format!("{whole}.{decimals}");
            let expected: f64 = text.parse().unwrap();
            prop_assert_eq!(number(&text).unwrap().to_bits(), expected.to_bits());
        }
    }
}
