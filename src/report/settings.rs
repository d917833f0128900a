//! What a reader can choose of a report, and what it is of.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::figures::{Currency, LOCALES, Locale};
use super::initiatives::LEVERS;

/// The cohort and the models that a report is of.
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    pub cohort_id: Uuid,
    /// What a person calls it: any text.
    pub name: String,
    pub seed: Option<u64>,
    pub generator_version: String,
    pub created_at: DateTime<Utc>,
    /// The model set whose cards the report shows.
    pub model_version: Option<String>,
}

/// The largest number of customers that effects are scaled to.
const MOST_CUSTOMERS: u64 = 10_000_000_000;

/// Locale, currency, and what the recommendations assume.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    pub locale: Locale,
    pub currency: Currency,
    /// Customers that the effects are scaled to; the cohort's own where none.
    pub customers: Option<u64>,
    /// The assumed change of each initiative, in percent, in the order of [`LEVERS`].
    pub changes_pct: [f64; LEVERS.len()],
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            locale: Locale::default(),
            currency: Currency::default(),
            customers: None,
            changes_pct: LEVERS.map(|lever| lever.change_pct),
        }
    }
}

/// A setting that can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {message}")]
pub struct SettingsFault {
    pub field: String,
    pub message: String,
}

impl Settings {
    /// The settings that a command line gives: locale, currency, customers, and
    /// `initiative=percent`.
    ///
    /// # Errors
    /// The first that can't be.
    pub fn of(
        locale: &str,
        currency: &str,
        customers: Option<&str>,
        assumed: &[String],
    ) -> Result<Self, SettingsFault> {
        let mut settings = Self::default();
        settings.set("locale", locale)?;
        settings.set("currency", currency)?;
        if let Some(customers) = customers {
            settings.set("customers", customers)?;
        }
        for assumption in assumed {
            let (lever, change) = assumption.split_once('=').unwrap_or((assumption, ""));
            settings.set(lever, change)?;
        }
        Ok(settings)
    }

    /// Sets one by its name: `locale`, `currency`, `customers`, or an
    /// initiative's.
    ///
    /// # Errors
    /// Where there is no such setting, or it can't have that value.
    pub fn set(&mut self, field: &str, value: &str) -> Result<(), SettingsFault> {
        let wrong = |message: String| SettingsFault {
            field: field.chars().take(64).collect(),
            message,
        };
        match field {
            "locale" => {
                self.locale = Locale::named(value).ok_or_else(|| {
                    let tags: Vec<_> = LOCALES.iter().map(|l| l.tag).collect();
                    wrong(format!("must be one of {}", tags.join(", ")))
                })?;
            }
            "currency" => {
                self.currency = Currency::named(value)
                    .ok_or_else(|| wrong("must be three letters, such as USD".into()))?;
            }
            "customers" => {
                let number = value.parse().ok();
                let number = number.filter(|n| (1..=MOST_CUSTOMERS).contains(n));
                self.customers = Some(
                    number
                        .ok_or_else(|| wrong("must be an integer from 1 to 10000000000".into()))?,
                );
            }
            _ => {
                let lever = LEVERS.iter().position(|lever| lever.id == field);
                let lever = lever
                    .ok_or_else(|| wrong(format!("is not a parameter; there are {}", names())))?;
                let change = value.parse().ok().filter(|c| (0.1..=50.0).contains(c));
                self.changes_pct[lever] = change
                    .ok_or_else(|| wrong("must be a number from 0.1 to 50, in percent".into()))?;
            }
        }
        Ok(())
    }

    /// All of it in one text, for a cache's key.
    #[must_use]
    pub fn key(&self) -> String {
        let mut key = format!("{} {}", self.locale.tag, self.currency.code());
        if let Some(customers) = self.customers {
            let _ = write!(key, " {customers}");
        }
        for change in self.changes_pct {
            let _ = write!(key, " {change}");
        }
        key
    }
}

/// The names of all settings, for a message.
fn names() -> String {
    let levers = LEVERS.iter().map(|lever| lever.id);
    let names: Vec<_> = ["locale", "currency", "customers"]
        .into_iter()
        .chain(levers)
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_a_query_says() {
        let mut settings = Settings::default();
        let default = settings.key();
        for (field, value) in [
            ("locale", "de-de"),
            ("currency", "eur"),
            ("customers", "1000000"),
            ("bundle", "7.5"),
        ] {
            settings.set(field, value).unwrap();
        }
        assert_eq!(settings.locale.tag, "de-DE");
        assert_eq!(settings.customers, Some(1_000_000));
        assert_ne!(settings.key(), default);
    }

    #[test]
    fn refuses_with_the_name_and_what_it_takes() {
        let mut settings = Settings::default();
        for (field, value, expected) in [
            ("locale", "xx", "en-US"),
            ("currency", "$", "three letters"),
            ("customers", "0", "1 to 10000000000"),
            ("bundle", "NaN", "0.1 to 50"),
            ("bundel", "1", "locale, currency, customers"),
        ] {
            let fault = settings.set(field, value).unwrap_err();
            assert!(fault.message.contains(expected), "{fault}");
            assert_eq!(fault.field, field);
        }
        assert_eq!(settings, Settings::default());
    }
}
