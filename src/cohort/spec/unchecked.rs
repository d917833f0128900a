//! A spec as it was written, and its checks.
//!
//! Its parts are looked at one by one, so that all that is wrong is told at once.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::mixes::ages;
use super::published::{self, Origin, PUBLISHED};
use super::{CohortSpec, Mixes, PREMIUM, SUBSCRIPTION, SpecFaults};
use crate::cohort::missing::{Cause, Missing};
use crate::schema::{self, COLUMNS, GENDERS, Kind, PLATFORMS, TIER_PRICES_USD};

/// A spec as it was written: nothing of it is checked yet, everything may be left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UncheckedSpec {
    /// Values of published statistics, by their id.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub targets: Value,
    /// `platform`, `gender`, `location`, `age`: shares by name, which add up to 1.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub mixes: Value,
    /// By column, how much of it is missing: `rate`, and `depends_on` where it is not by chance.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub missing: Value,
    /// The moment the customers are observed at, RFC 3339, or a day.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub snapshot: Value,
    /// What there is no field for, which the check refuses with the other faults.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

const FIELDS: [&str; 4] = ["targets", "mixes", "missing", "snapshot"];
const MIXES: [&str; 4] = ["platform", "gender", "location", "age"];
/// How far shares may be from adding up to 1: what rounding to three decimals leaves.
const ROUNDING: f64 = 0.005;
/// How far a statistic that follows from others may be from what they come to.
const AGREEMENT: f64 = 0.005;
const MOST_PLACES: usize = 1_000;
const LONGEST_PLACE: usize = 100;
const LARGEST_RATE: f64 = 0.99;
const YEARS: RangeInclusive<i32> = 2000..=2100;

impl UncheckedSpec {
    /// # Errors
    /// Where the value is not an object.
    pub fn from_json(spec: &Value) -> Result<Self, SpecFaults> {
        let Value::Object(_) = spec else {
            let mut faults = SpecFaults(Vec::new());
            faults.add(
                "",
                "expected an object with targets, mixes, missing or snapshot",
            );
            return Err(faults);
        };
        Self::deserialize(spec).map_err(|error| {
            let mut faults = SpecFaults(Vec::new());
            faults.add("", error.to_string());
            faults
        })
    }
}

/// TOML as JSON; moments become text.
pub fn json_of_toml(text: &str) -> Result<Value, SpecFaults> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let mut faults = SpecFaults(Vec::new());
        let before = error.span().map_or(0, |span| span.start);
        let line = 1 + text.bytes().take(before).filter(|b| *b == b'\n').count();
        faults.add(format!("line {line}"), error.message());
        faults
    })?;
    Ok(json_of(toml::Value::Table(table)))
}

fn json_of(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        // What JSON has no number for becomes null, which no field takes.
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => Value::Bool(flag),
        toml::Value::Datetime(moment) => Value::String(moment.to_string()),
        toml::Value::Array(values) => values.into_iter().map(json_of).collect(),
        toml::Value::Table(table) => {
            let pairs = table
                .into_iter()
                .map(|(name, value)| (name, json_of(value)));
            Value::Object(pairs.collect())
        }
    }
}

impl TryFrom<UncheckedSpec> for CohortSpec {
    type Error = SpecFaults;

    fn try_from(unchecked: UncheckedSpec) -> Result<Self, SpecFaults> {
        let mut faults = SpecFaults(Vec::new());
        for name in unchecked.unknown.keys() {
            faults.unknown(name, "part of a spec", name, FIELDS.into_iter());
        }
        let mut spec = Self::default();
        targets(&mut spec, &unchecked.targets, &mut faults);
        mixes(&mut spec.mixes, &unchecked.mixes, &mut faults);
        missing(&mut spec.missing, &unchecked.missing, &mut faults);
        if !unchecked.snapshot.is_null() {
            match moment(&unchecked.snapshot) {
                Some(snapshot) => spec.snapshot = snapshot,
                None => faults.add(
                    "snapshot",
                    "expected a day such as 2025-10-21 or an RFC 3339 timestamp, from 2000 to 2100",
                ),
            }
        }
        if faults.0.is_empty() {
            Ok(spec)
        } else {
            Err(faults)
        }
    }
}

/// The entries of a part that should be an object; none of one that is left out.
fn entries<'a>(
    part: &'a Value,
    field: &str,
    of: &str,
    faults: &mut SpecFaults,
) -> Option<&'a Map<String, Value>> {
    match part {
        Value::Null => None,
        Value::Object(entries) => Some(entries),
        _ => {
            faults.add(field, format!("expected an object of {of}"));
            None
        }
    }
}

fn targets(spec: &mut CohortSpec, asked: &Value, faults: &mut SpecFaults) {
    let Some(asked) = entries(asked, "targets", "statistics and their values", faults) else {
        return;
    };
    let before = faults.0.len();
    for (id, value) in asked {
        let field = format!("targets.{id}");
        let Some(statistic) = published::find(id) else {
            let ids = PUBLISHED.iter().map(|p| p.id);
            faults.unknown(&field, "published statistic", id, ids);
            continue;
        };
        let (least, most, expected) = match PUBLISHED[statistic].origin {
            Origin::Solved(_, least, most) => {
                (least, most, format!("a number from {least} to {most}"))
            }
            Origin::Follows(..) => (0.0, f64::MAX, "a number, 0 or more".to_owned()),
        };
        match value.as_f64().filter(|v| (least..=most).contains(v)) {
            Some(value) => spec.values[statistic] = value,
            None => faults.add(field, format!("expected {expected}")),
        }
    }
    if faults.0.len() == before {
        subscription(spec, asked, faults);
        what_follows(spec, asked, faults);
    }
}

/// The prices bound what premium customers bring in; where only their number is
/// set they pay as by default.
fn subscription(spec: &mut CohortSpec, asked: &Map<String, Value>, faults: &mut SpecFaults) {
    let premium = spec.values[PREMIUM] / 100.0;
    if !asked.contains_key(PUBLISHED[SUBSCRIPTION].id) {
        if asked.contains_key(PUBLISHED[PREMIUM].id) {
            spec.values[SUBSCRIPTION] = premium * published::mean_price();
        }
        return;
    }
    let [_, gold, platinum] = TIER_PRICES_USD;
    let possible = premium * gold - 1e-9..=premium * platinum + 1e-9;
    if !possible.contains(&spec.values[SUBSCRIPTION]) {
        let (least, most) = (premium * gold, premium * platinum);
        faults.add(
            "targets.subscription_usd",
            format!("expected {least:.4} to {most:.4}, which the prices of the tiers and premium_pct allow; change it or premium_pct"),
        );
    }
}

/// A statistic that follows from others may be said, if it agrees with them.
fn what_follows(spec: &mut CohortSpec, asked: &Map<String, Value>, faults: &mut SpecFaults) {
    for (statistic, p) in PUBLISHED.iter().enumerate() {
        let Origin::Follows(from, value) = p.origin else {
            continue;
        };
        let said = std::mem::replace(&mut spec.values[statistic], 0.0);
        if !asked.contains_key(p.id) {
            continue;
        }
        let field = format!("targets.{}", p.id);
        match value(&spec.values) {
            Some(value) if (said - value).abs() <= AGREEMENT * value => {}
            Some(value) => faults.add(
                field,
                format!("it follows from {from}, which come to {value:.4}; set those instead"),
            ),
            None => faults.add(
                field,
                format!("{from} leave nothing to compute it from; leave it out"),
            ),
        }
    }
}

fn mixes(mixes: &mut Mixes, asked: &Value, faults: &mut SpecFaults) {
    let Some(asked) = entries(asked, "mixes", "mixes", faults) else {
        return;
    };
    for (name, shares) in asked {
        let field = format!("mixes.{name}");
        if !MIXES.contains(&name.as_str()) {
            faults.unknown(&field, "mix", name, MIXES.into_iter());
            continue;
        }
        let Some(shares) = shares_by_name(&field, shares, faults) else {
            continue;
        };
        match name.as_str() {
            "platform" => categories(&mut mixes.platform, PLATFORMS, &field, &shares, faults),
            "gender" => categories(&mut mixes.gender, GENDERS, &field, &shares, faults),
            "location" => places(mixes, shares, faults),
            _ => age_bands(mixes, shares, faults),
        }
    }
}

/// Shares that add up to 1, made to do so exactly.
fn shares_by_name(
    field: &str,
    asked: &Value,
    faults: &mut SpecFaults,
) -> Option<BTreeMap<String, f64>> {
    let Value::Object(asked) = asked else {
        faults.add(field, "expected an object of names and their shares");
        return None;
    };
    let before = faults.0.len();
    let mut shares = BTreeMap::new();
    for (name, share) in asked {
        match share.as_f64().filter(|s| (0.0..=1.0).contains(s)) {
            Some(share) => drop(shares.insert(name.clone(), share)),
            None => faults.add(format!("{field}.{name}"), "expected a share from 0 to 1"),
        }
    }
    let sum: f64 = shares.values().sum();
    if faults.0.len() == before && (sum - 1.0).abs() > ROUNDING {
        faults.add(field, format!("the shares add up to {sum:.4}, expected 1"));
    }
    // What is exact but for the last bits stays as it was written.
    if (sum - 1.0).abs() > 1e-9 {
        for share in shares.values_mut() {
            *share /= sum;
        }
    }
    (faults.0.len() == before).then_some(shares)
}

/// Shares of a closed list; who is not named has none.
fn categories(
    mix: &mut [f64; 3],
    names: &[&str],
    field: &str,
    shares: &BTreeMap<String, f64>,
    faults: &mut SpecFaults,
) {
    for name in shares.keys().filter(|n| !names.contains(&n.as_str())) {
        let message = format!("expected one of {}", names.join(", "));
        faults.add(format!("{field}.{name}"), message);
    }
    *mix = std::array::from_fn(|i| shares.get(names[i]).copied().unwrap_or(0.0));
}

fn places(mixes: &mut Mixes, shares: BTreeMap<String, f64>, faults: &mut SpecFaults) {
    if shares.len() > MOST_PLACES {
        let message = format!("expected at most {MOST_PLACES} places");
        return faults.add("mixes.location", message);
    }
    let fits = |place: &String| (1..=LONGEST_PLACE).contains(&place.chars().count());
    if !shares.keys().all(fits) {
        let message = format!("expected names of 1 to {LONGEST_PLACE} characters");
        return faults.add("mixes.location", message);
    }
    mixes.set_location(shares);
}

fn age_bands(mixes: &mut Mixes, shares: BTreeMap<String, f64>, faults: &mut SpecFaults) {
    let (youngest, oldest) = (*ages().start(), *ages().end());
    let mut bands = Vec::new();
    for (name, share) in shares {
        let ends = name
            .split_once('-')
            .map(|(a, b)| (a.trim().parse(), b.trim().parse()));
        match ends {
            Some((Ok(from), Ok(to))) if youngest <= from && from <= to && to <= oldest => {
                bands.push((from..=to, share));
            }
            _ => faults.add(
                format!("mixes.age.{name}"),
                format!("expected a band such as 18-24, within {youngest}-{oldest}"),
            ),
        }
    }
    bands.sort_by_key(|(band, _)| *band.start());
    let overlap = bands
        .windows(2)
        .find(|two| two[0].0.end() >= two[1].0.start());
    if let Some([(a, _), (b, _)]) = overlap {
        let (a, b) = ((a.start(), a.end()), (b.start(), b.end()));
        faults.add(
            "mixes.age",
            format!("the bands {}-{} and {}-{} overlap", a.0, a.1, b.0, b.1),
        );
    }
    mixes.age = bands;
}

fn missing(missing: &mut Vec<Missing>, asked: &Value, faults: &mut SpecFaults) {
    let Some(asked) = entries(
        asked,
        "missing",
        "columns and how much of them is missing",
        faults,
    ) else {
        return;
    };
    for (name, gap) in asked {
        let field = format!("missing.{name}");
        match schema::find(name) {
            None => faults.unknown(&field, "column", name, COLUMNS.iter().map(|c| c.name)),
            Some(column) if COLUMNS[column].kind == Kind::Id => {
                faults.add(field, "it is never missing; leave it out");
            }
            Some(column) => missing.extend(gap_of(column, &field, gap, faults)),
        }
    }
    missing.sort_by_key(|m| m.column);
}

fn gap_of(column: usize, field: &str, gap: &Value, faults: &mut SpecFaults) -> Option<Missing> {
    let Value::Object(gap) = gap else {
        faults.add(
            field,
            "expected an object with a rate, and depends_on if it is not by chance",
        );
        return None;
    };
    for name in gap
        .keys()
        .filter(|n| !["rate", "depends_on"].contains(&n.as_str()))
    {
        let known = ["rate", "depends_on"].into_iter();
        faults.unknown(&format!("{field}.{name}"), "field of a gap", name, known);
    }
    let rate = gap.get("rate").and_then(Value::as_f64);
    let rate = rate.filter(|r| (0.0..=LARGEST_RATE).contains(r));
    if rate.is_none() {
        let message = format!("expected a share from 0 to {LARGEST_RATE}");
        faults.add(format!("{field}.rate"), message);
    }
    let cause = match gap.get("depends_on") {
        None | Some(Value::Null) => Some(Cause::Chance),
        Some(Value::String(on)) if on == "activity" => Some(Cause::Activity),
        Some(_) => {
            let message = "expected activity; leave it out for what is missing by chance";
            faults.add(format!("{field}.depends_on"), message);
            None
        }
    };
    let (rate, cause) = (rate?, cause?);
    // A gap of nothing says nothing.
    (rate > 0.0).then_some(Missing {
        column,
        rate,
        cause,
    })
}

fn moment(value: &Value) -> Option<DateTime<Utc>> {
    let text = value.as_str()?;
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let midnight = day.and_then(|day| day.and_hms_opt(0, 0, 0));
    let moment = match midnight {
        Some(midnight) => midnight.and_utc(),
        None => DateTime::parse_from_rfc3339(text).ok()?.to_utc(),
    };
    YEARS.contains(&moment.year()).then_some(moment)
}
