//! The mixes of a population: how many are on which platform, of which gender,
//! where and how old.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use crate::schema::{CITIES, COLUMNS, GENDERS, PLATFORMS, column};

/// Shares of the customers, each list adding up to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixes {
    /// In the schema's order of platforms and genders.
    pub platform: [f64; 3],
    pub gender: [f64; 3],
    /// Names of places, and the share of each.
    pub places: Vec<String>,
    pub location: Vec<f64>,
    /// Bands of ages and the share of each; none for the default law of age.
    pub age: Vec<(RangeInclusive<u8>, f64)>,
}

const PLATFORM_SHARES: [f64; 3] = [0.40, 0.30, 0.30];
const GENDER_SHARES: [f64; 3] = [0.48, 0.48, 0.04];
const CITY_SHARES: [f64; 10] = [0.21, 0.17, 0.12, 0.09, 0.09, 0.08, 0.07, 0.06, 0.06, 0.05];

impl Default for Mixes {
    fn default() -> Self {
        Self {
            platform: PLATFORM_SHARES,
            gender: GENDER_SHARES,
            places: CITIES.iter().map(|city| (*city).to_owned()).collect(),
            location: CITY_SHARES.to_vec(),
            age: Vec::new(),
        }
    }
}

/// The ages that are generated.
pub fn ages() -> RangeInclusive<u8> {
    let range = COLUMNS[const { column("age") }].generated;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole ages below 256"
    )]
    let (least, most) = (range.min as u8, range.max as u8);
    least..=most
}

impl Mixes {
    /// What differs from the default.
    pub fn to_json(&self) -> Map<String, Value> {
        let default = Self::default();
        let mut mixes = Map::new();
        let mut say = |name: &str, differs: bool, shares: Map<String, Value>| {
            if differs {
                mixes.insert(name.to_owned(), Value::Object(shares));
            }
        };
        let platform = named(PLATFORMS, &self.platform);
        say(
            "platform",
            differ(&self.platform, &default.platform),
            platform,
        );
        let gender = named(GENDERS, &self.gender);
        say("gender", differ(&self.gender, &default.gender), gender);
        let differs = self.places != default.places || self.location != default.location;
        say("location", differs, named(&self.places, &self.location));
        let age = self
            .age
            .iter()
            .map(|(band, share)| (name(band), json!(share)));
        say("age", !self.age.is_empty(), age.collect());
        mixes
    }

    /// Places and their shares; in the default's order where they are the default's.
    pub fn set_location(&mut self, shares: BTreeMap<String, f64>) {
        let default = Self::default();
        let same = |(place, share): (&String, &f64)| shares.get(place) == Some(share);
        let pairs = default.places.iter().zip(&default.location);
        if shares.len() != default.places.len() || !pairs.into_iter().all(same) {
            (self.places, self.location) = shares.into_iter().unzip();
        }
    }

    /// The share of each age from the youngest on, where bands are given: within
    /// a band ages are as likely to each other as by default.
    pub fn shares_of_ages(&self) -> Vec<f64> {
        let mut shares = vec![0.0; ages().count()];
        for (band, share) in &self.age {
            let within: f64 = band.clone().map(default_share).sum();
            for age in band.clone() {
                shares[usize::from(age - ages().start())] = share * default_share(age) / within;
            }
        }
        shares
    }
}

/// Whether any of the shares is another.
fn differ(a: &[f64], b: &[f64]) -> bool {
    a.iter()
        .map(|x| x.to_bits())
        .ne(b.iter().map(|x| x.to_bits()))
}

/// A band as it is written, such as `18-24`.
fn name(band: &RangeInclusive<u8>) -> String {
    format!("{}-{}", band.start(), band.end())
}

fn named<S: AsRef<str>>(names: &[S], shares: &[f64]) -> Map<String, Value> {
    let pairs = names.iter().zip(shares);
    pairs
        .map(|(name, share)| (name.as_ref().to_owned(), json!(share)))
        .collect()
}

/// The share of an age by default: 18 + 48·Beta(2, 5), rounded down.
fn default_share(age: u8) -> f64 {
    // The distribution function of Beta(2, 5) is a polynomial.
    let cdf = |x: f64| 1.0 - (1.0 - x).powi(5) * (1.0 + 5.0 * x);
    let at = |age: f64| cdf(((age - 18.0) / 48.0).clamp(0.0, 1.0));
    at(f64::from(age) + 1.0) - at(f64::from(age))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_default_all_ages_together_are_everybody() {
        let all: f64 = ages().map(default_share).sum();
        assert!((all - 1.0).abs() < 1e-12, "{all}");
        let most_common = ages().max_by(|a, b| default_share(*a).total_cmp(&default_share(*b)));
        assert_eq!(most_common, Some(27));
    }

    #[test]
    fn a_band_has_its_share_and_no_age_outside_of_bands_has_any() {
        let mixes = Mixes {
            age: vec![(18..=24, 0.25), (40..=65, 0.75)],
            ..Mixes::default()
        };
        let shares = mixes.shares_of_ages();
        let young: f64 = shares[..7].iter().sum();
        let old: f64 = shares[22..].iter().sum();
        assert!((young - 0.25).abs() < 1e-12, "{young}");
        assert!((old - 0.75).abs() < 1e-12, "{old}");
        assert!(shares[7..22].iter().all(|s| *s == 0.0));
    }
}
