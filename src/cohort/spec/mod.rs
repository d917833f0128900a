//! What population to draw: the statistics to solve for, the mixes, what is
//! missing, and when the customers are observed.
//!
//! A [`CohortSpec`] is checked: every number is in its range and those that
//! follow from others agree with them. Whether all statistics can be had
//! together is known only when the constants are solved. The default is the
//! population of the source document.

mod faults;
mod mixes;
mod published;
mod unchecked;

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

pub use faults::{SpecFault, SpecFaults};
pub use mixes::Mixes;
use published::Origin;
pub use published::{Aim, PUBLISHED, Published, Values, statistic};
pub use unchecked::UncheckedSpec;

use super::missing::Missing;
use crate::schema::{COLUMNS, SNAPSHOT, TIER_PRICES_USD};

/// A population, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct CohortSpec {
    values: Values,
    mixes: Mixes,
    /// By column, in the schema's order.
    missing: Vec<Missing>,
    snapshot: DateTime<Utc>,
}

impl Default for CohortSpec {
    fn default() -> Self {
        Self {
            // What follows from others is NaN in the table, which equals nothing.
            values: published::values().map(|v| if v.is_nan() { 0.0 } else { v }),
            mixes: Mixes::default(),
            missing: Vec::new(),
            snapshot: document_snapshot(),
        }
    }
}

const PREMIUM: usize = statistic("premium_pct");
const SUBSCRIPTION: usize = statistic("subscription_usd");
const CREATORS: usize = statistic("creator_pct");
const EARNINGS: usize = statistic("creator_earnings_month_usd");
const TOP_TENTH: usize = statistic("top_tenth_creator_share");
const LIFT: usize = statistic("ltv_lift_both_platforms");
const WOMEN_TO_MEN: usize = statistic("women_to_men_match_rate");

impl CohortSpec {
    /// # Errors
    /// All faults of the JSON object, at once.
    pub fn from_json(spec: &Value) -> Result<Self, SpecFaults> {
        UncheckedSpec::from_json(spec)?.try_into()
    }

    /// # Errors
    /// Where the text is not TOML, or all faults of what it says, at once.
    pub fn from_toml(text: &str) -> Result<Self, SpecFaults> {
        Self::from_json(&unchecked::json_of_toml(text)?)
    }

    /// What differs from the default; read back it is this spec.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let default = Self::default();
        let mut spec = Map::new();
        let differs = |i: usize| self.values[i].to_bits() != default.values[i].to_bits();
        // Left out, the subscription would follow from the premium share.
        let said = |i: &usize| differs(*i) || (*i == SUBSCRIPTION && differs(PREMIUM));
        let targets = (0..PUBLISHED.len())
            .filter(said)
            .map(|i| (PUBLISHED[i].id.to_owned(), json!(self.values[i])));
        let missing = self.missing.iter().map(|m| {
            let column = COLUMNS[m.column].name;
            (column.to_owned(), m.to_json())
        });
        let parts = [
            ("targets", targets.collect()),
            ("mixes", self.mixes.to_json()),
            ("missing", missing.collect::<Map<_, _>>()),
        ];
        for (name, part) in parts {
            if !part.is_empty() {
                spec.insert(name.to_owned(), Value::Object(part));
            }
        }
        if self.snapshot != default.snapshot {
            spec.insert("snapshot".to_owned(), json!(self.snapshot.to_rfc3339()));
        }
        Value::Object(spec)
    }

    /// Of all that the spec says, 64 hexadecimal digits: equal specs have equal
    /// hashes.
    #[must_use]
    pub fn hash(&self) -> String {
        let text = self.to_json().to_string();
        Sha256::digest(text.as_bytes())
            .iter()
            .fold(String::new(), |mut hex, byte| {
                // Writing to a string can't fail.
                let _ = write!(hex, "{byte:02x}");
                hex
            })
    }

    /// Each published statistic by its id, with the value that the population
    /// should have; none where it has nothing to compute it from, such as the
    /// earnings of creators where there are none.
    pub fn targets(&self) -> impl Iterator<Item = (&'static str, Option<f64>)> {
        (0..PUBLISHED.len()).map(|i| (PUBLISHED[i].id, self.target_of(i)))
    }

    /// One of [`Self::targets`].
    #[must_use]
    pub fn target(&self, id: &str) -> Option<f64> {
        self.target_of(published::find(id)?)
    }

    fn target_of(&self, statistic: usize) -> Option<f64> {
        let [_, _, both] = self.mixes.platform;
        let [men, women, _] = self.mixes.gender;
        let there_is = match statistic {
            EARNINGS | TOP_TENTH => self.values[CREATORS] > 0.0,
            LIFT => both > 0.0 && both < 1.0,
            WOMEN_TO_MEN => men > 0.0 && women > 0.0,
            _ => true,
        };
        match PUBLISHED[statistic].origin {
            Origin::Solved(..) => there_is.then_some(self.values[statistic]),
            Origin::Follows(_, value) => value(&self.values),
        }
    }

    /// The values that the stages solve for.
    pub(super) fn values(&self) -> &Values {
        &self.values
    }

    pub(super) fn mixes(&self) -> &Mixes {
        &self.mixes
    }

    pub(super) fn missing(&self) -> &[Missing] {
        &self.missing
    }

    /// When the customers are observed.
    #[must_use]
    pub fn snapshot(&self) -> DateTime<Utc> {
        self.snapshot
    }

    /// The same population, observed at the default's snapshot with nothing
    /// missing: all that the constants depend on.
    pub(super) fn population(&self) -> Self {
        Self {
            snapshot: document_snapshot(),
            ..self.without_gaps()
        }
    }

    /// How much more a statistic of few customers wanders than by default: what
    /// is said of creators or subscribers where they are rarer.
    pub(super) fn rarity(&self, id: &str) -> f64 {
        let of = match id {
            "creator_pct" | "creator_earnings_month_usd" | "top_tenth_creator_share" => CREATORS,
            "premium_pct" | "subscription_usd" | "subscription_share_pct" | "arppu_usd" => PREMIUM,
            _ => return 1.0,
        };
        let typical = published::values()[of];
        (typical / self.values[of].max(1e-9)).sqrt().max(1.0)
    }

    /// Whether the population is the source document's, apart from what is
    /// missing and when it is observed.
    pub(super) fn is_default_population(&self) -> bool {
        self.population() == Self::default()
    }

    /// The same with nothing missing.
    pub(super) fn without_gaps(&self) -> Self {
        Self {
            missing: Vec::new(),
            ..self.clone()
        }
    }

    /// Platinum among premium customers: with the prices it gives the
    /// subscription revenue.
    pub(super) fn platinum_share(&self) -> f64 {
        let [_, gold, platinum] = TIER_PRICES_USD;
        let premium = self.values[PREMIUM] / 100.0;
        if premium == 0.0 {
            return 0.0;
        }
        let price = self.values[SUBSCRIPTION] / premium;
        ((price - gold) / (platinum - gold)).clamp(0.0, 1.0)
    }
}

fn document_snapshot() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(SNAPSHOT).map_or(DateTime::UNIX_EPOCH, |moment| moment.to_utc())
}

#[cfg(test)]
mod tests;
