//! Numbers as people read them, in the chosen locale and currency.
//!
//! Invariant: every number that a reader sees is written here; templates and
//! charts get text. The locale changes how numbers and dates look, the currency
//! is a label: nothing is converted.

use chrono::{DateTime, Datelike, Utc};

/// How numbers and dates are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locale {
    /// BCP 47.
    pub tag: &'static str,
    group: &'static str,
    /// How many digits a group has beyond the first three.
    digits: usize,
    decimal: &'static str,
    /// Between a number and its percent sign.
    percent: &'static str,
    currency_first: bool,
    month_first: bool,
    /// Typst's name of the usual sheet.
    pub paper: &'static str,
}

/// The locales that are known; the text is English in all of them.
#[rustfmt::skip] // A table: one locale a line.
pub const LOCALES: &[Locale] = &[
    Locale { tag: "en-US", group: ",", digits: 3, decimal: ".", percent: "", currency_first: true, month_first: true, paper: "a4" },
    Locale { tag: "en-GB", group: ",", digits: 3, decimal: ".", percent: "", currency_first: true, month_first: false, paper: "a4" },
    Locale { tag: "de-DE", group: ".", digits: 3, decimal: ",", percent: NBSP, currency_first: false, month_first: false, paper: "a4" },
    Locale { tag: "de-CH", group: "’", digits: 3, decimal: ".", percent: "", currency_first: true, month_first: false, paper: "a4" },
    Locale { tag: "fr-FR", group: NBSP, digits: 3, decimal: ",", percent: NBSP, currency_first: false, month_first: false, paper: "a4" },
    Locale { tag: "es-ES", group: ".", digits: 3, decimal: ",", percent: NBSP, currency_first: false, month_first: false, paper: "a4" },
    Locale { tag: "pt-BR", group: ".", digits: 3, decimal: ",", percent: "", currency_first: true, month_first: false, paper: "a4" },
    Locale { tag: "en-IN", group: ",", digits: 2, decimal: ".", percent: "", currency_first: true, month_first: false, paper: "a4" },
];

const NBSP: &str = "\u{a0}";

impl Locale {
    /// The locale of that tag, whatever the case of its letters.
    #[must_use]
    pub fn named(tag: &str) -> Option<Self> {
        let known = LOCALES.iter().find(|l| l.tag.eq_ignore_ascii_case(tag));
        known.copied()
    }
}

impl Default for Locale {
    fn default() -> Self {
        LOCALES[0]
    }
}

/// A currency by its ISO 4217 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The currency of that code: three letters.
    #[must_use]
    pub fn named(code: &str) -> Option<Self> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        let letters = bytes.iter().all(u8::is_ascii_alphabetic);
        letters.then(|| Self(bytes.map(|b| b.to_ascii_uppercase())))
    }

    #[must_use]
    pub fn code(&self) -> &str {
        // Made of ASCII letters alone.
        std::str::from_utf8(&self.0).unwrap_or("USD")
    }

    fn symbol(self) -> Option<&'static str> {
        match self.code() {
            "USD" => Some("$"),
            "EUR" => Some("€"),
            "GBP" => Some("£"),
            "JPY" => Some("¥"),
            "INR" => Some("₹"),
            "BRL" => Some("R$"),
            _ => None,
        }
    }
}

impl Default for Currency {
    fn default() -> Self {
        Self(*b"USD")
    }
}

/// Writes numbers in one locale and currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    pub locale: Locale,
    pub currency: Currency,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl Figures {
    /// A number with so many decimals.
    #[must_use]
    pub fn number(&self, value: f64, decimals: usize) -> String {
        if !value.is_finite() {
            return "–".to_owned();
        }
        let text = format!("{:.decimals$}", value.abs());
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let mut written = String::with_capacity(text.len() + 8);
        if value < 0.0 && text.bytes().any(|b| (b'1'..=b'9').contains(&b)) {
            written.push('−');
        }
        for (i, digit) in whole.chars().enumerate() {
            let left = whole.len() - i;
            if i > 0 && left >= 3 && (left - 3).is_multiple_of(self.locale.digits) {
                written.push_str(self.locale.group);
            }
            written.push(digit);
        }
        if !fraction.is_empty() {
            written.push_str(self.locale.decimal);
            written.push_str(fraction);
        }
        written
    }

    /// A whole number of things.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of customers, far below 2^53"
    )]
    pub fn count(&self, count: u64) -> String {
        self.number(count as f64, 0)
    }

    /// A rate, with the decimals that its size calls for.
    #[must_use]
    pub fn rate(&self, value: f64) -> String {
        let decimals = match value.abs() {
            size if size >= 100.0 || size == 0.0 => 0,
            size if size >= 1.0 => 1,
            _ => 2,
        };
        self.number(value, decimals)
    }

    /// A percentage that is given as one: 49.2 is `49.2%`.
    #[must_use]
    pub fn percent(&self, percent: f64, decimals: usize) -> String {
        let number = self.number(percent, decimals);
        format!("{number}{}%", self.locale.percent)
    }

    /// A share as a percentage: .492 is `49.2%`.
    #[must_use]
    pub fn share(&self, share: f64, decimals: usize) -> String {
        self.percent(100.0 * share, decimals)
    }

    /// An amount: cents below a thousand, none above, millions short.
    #[must_use]
    pub fn money(&self, amount: f64) -> String {
        let size = amount.abs();
        if size >= 999_995.0 {
            self.money_short(amount)
        } else {
            self.with_currency(&self.number(amount, if size < 1_000.0 { 2 } else { 0 }))
        }
    }

    /// An amount to the unit.
    #[must_use]
    pub fn money_whole(&self, amount: f64) -> String {
        self.with_currency(&self.number(amount, 0))
    }

    /// An amount with three figures: `$18k`, `$1.01M`.
    #[must_use]
    pub fn money_short(&self, amount: f64) -> String {
        let (divisor, suffix) = thousands(amount.abs());
        let scaled = amount / divisor;
        let decimals = match scaled.abs() {
            size if suffix.is_empty() && size < 100.0 => 2,
            size if suffix.is_empty() || size >= 99.95 => 0,
            size if size >= 9.995 => 1,
            _ => 2,
        };
        self.with_currency(&format!("{}{suffix}", self.number(scaled, decimals)))
    }

    /// An amount that is an estimate: two figures, `$8.7k`, `$13k`.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the logarithm of an amount is within a hundred"
    )]
    pub fn money_rough(&self, amount: f64) -> String {
        let size = amount.abs();
        if !size.is_finite() || size < 10.0 {
            return self.money(amount);
        }
        let unit = 10_f64.powi(size.log10().floor() as i32 - 1);
        let rounded = (amount / unit).round() * unit;
        let (divisor, suffix) = thousands(rounded.abs());
        let scaled = rounded / divisor;
        let decimals = usize::from(!suffix.is_empty() && scaled.abs() < 9.95);
        self.with_currency(&format!("{}{suffix}", self.number(scaled, decimals)))
    }

    /// What stands after the number of a percentage.
    #[must_use]
    pub fn percent_sign(&self) -> String {
        format!("{}%", self.locale.percent)
    }

    fn with_currency(&self, number: &str) -> String {
        let (sign, size) = match number.strip_prefix('−') {
            Some(size) => ("−", size),
            None => ("", number),
        };
        match (self.currency.symbol(), self.locale.currency_first) {
            (Some(symbol), true) => format!("{sign}{symbol}{size}"),
            (None, true) => format!("{sign}{}{NBSP}{size}", self.currency.code()),
            (symbol, false) => {
                let label = symbol.unwrap_or(self.currency.code());
                format!("{sign}{size}{NBSP}{label}")
            }
        }
    }

    /// A day: `21 October 2025`, or as the locale has it.
    #[must_use]
    pub fn day(&self, moment: DateTime<Utc>) -> String {
        let month = MONTHS[moment.month0() as usize];
        if self.locale.month_first {
            format!("{month} {}, {}", moment.day(), moment.year())
        } else {
            format!("{} {month} {}", moment.day(), moment.year())
        }
    }

    /// What a tick of a logarithmic axis says: 0.01, 1, 100, 1k, 1M.
    #[must_use]
    pub fn decade(&self, exponent: i32) -> String {
        let value = 10_f64.powi(exponent);
        match exponent {
            i32::MIN..0 => self.number(value, exponent.unsigned_abs() as usize),
            0..3 => self.number(value, 0),
            3..6 => format!("{}k", self.number(value / 1e3, 0)),
            6..9 => format!("{}M", self.number(value / 1e6, 0)),
            _ => format!("{}B", self.number(value / 1e9, 0)),
        }
    }
}

/// What an amount of that size is told in.
fn thousands(size: f64) -> (f64, &'static str) {
    match size {
        size if size >= 999.5e6 => (1e9, "B"),
        size if size >= 999.5e3 => (1e6, "M"),
        size if size >= 1e3 => (1e3, "k"),
        _ => (1.0, ""),
    }
}

/// A text of a customer's, cut to a length that a line can hold, without
/// control and direction signs.
#[must_use]
pub fn plain(text: &str, longest: usize) -> String {
    let mut clean = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_format(*c));
    let mut kept: String = clean.by_ref().take(longest).collect();
    if clean.next().is_some() {
        kept.pop();
        kept.push('…');
    }
    kept
}

/// With a capital first letter.
#[must_use]
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// Signs that change how others look, and are not seen themselves.
fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_locale(tag: &str, currency: &str) -> Figures {
        Figures {
            locale: Locale::named(tag).unwrap(),
            currency: Currency::named(currency).unwrap(),
        }
    }

    #[test]
    fn amounts_have_the_digits_that_their_size_calls_for() {
        let figures = Figures::default();
        assert_eq!(figures.money(152.649), "$152.65");
        assert_eq!(figures.money(380_232.4), "$380,232");
        assert_eq!(figures.money(1_008_033.0), "$1.01M");
        assert_eq!(figures.money_short(17_603.0), "$17.6k");
        assert_eq!(figures.money_short(-2_736.0), "−$2.74k");
        assert_eq!(figures.money_short(999_600.0), "$1.00M");
        assert_eq!(figures.money(-0.001), "$0.00");
    }

    #[test]
    fn estimates_have_two_figures() {
        let figures = Figures::default();
        for (amount, written) in [
            (8_703.0, "$8.7k"),
            (12_850.0, "$13k"),
            (-2_187.0, "−$2.2k"),
            (259.6, "$260"),
            (43.29, "$43"),
            (4.254, "$4.25"),
            (996.0, "$1.0k"),
            (996_000.0, "$1.0M"),
            (87_034.0, "$87k"),
            (0.0, "$0.00"),
            (f64::NAN, "$–"),
        ] {
            assert_eq!(figures.money_rough(amount), written);
        }
    }

    #[test]
    fn rates_and_shares_are_short() {
        let figures = Figures::default();
        assert_eq!(figures.rate(2.81), "2.8");
        assert_eq!(figures.rate(0.814), "0.81");
        assert_eq!(figures.rate(332.1), "332");
        assert_eq!(figures.share(0.492, 1), "49.2%");
        assert_eq!(figures.number(f64::NAN, 2), "–");
    }

    #[test]
    fn a_locale_changes_signs_and_order() {
        let german = in_locale("de-de", "eur");
        assert_eq!(german.money(1234.0), "1.234\u{a0}€");
        assert_eq!(german.share(0.492, 1), "49,2\u{a0}%");
        assert_eq!(in_locale("en-GB", "CHF").money(12.0), "CHF\u{a0}12.00");
        assert_eq!(
            in_locale("en-IN", "INR").money_whole(12_345_678.0),
            "₹1,23,45,678"
        );
        assert!(Locale::named("xx-XX").is_none());
        assert!(Currency::named("US").is_none() && Currency::named("U$D").is_none());
    }

    #[test]
    fn decades_are_short() {
        let figures = Figures::default();
        let ticks = [-2, 0, 2, 3, 5, 6].map(|e| figures.decade(e));
        assert_eq!(ticks, ["0.01", "1", "100", "1k", "100k", "1M"]);
    }

    #[test]
    fn a_name_loses_its_hidden_signs_and_its_length() {
        assert_eq!(plain("a\u{202e}b\nc\u{0}", 10), "ab c");
        assert_eq!(plain(&"x".repeat(10_000), 5), "xxxx…");
        assert_eq!(plain("12345", 5), "12345");
    }
}
