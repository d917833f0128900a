//! A customer from JSON, straight into numbers.
//!
//! This is the hot path of every prediction: one pass over the bytes, no tree
//! of values, nothing allocated for a number, flag or category that is right. All fields at fault
//! are collected, so that a sender mends them in one go.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::fault::{self, Fault, FieldError, ProfileError};
use super::names;
use super::profile::{ColumnSet, Profile};
use crate::schema::{COLUMNS, Kind};

/// How many faults are listed: a body may hold any number of them.
const LISTED: usize = 100;

impl Profile {
    /// Reads a flat JSON object of columns. A column that is absent or `null`
    /// is missing.
    ///
    /// # Errors
    /// [`ProfileError::Fields`] lists every field at fault: a name that is no
    /// column's, a wrong type, an unknown category, a value outside the
    /// column's valid range, a field given twice.
    pub fn from_json(body: &[u8]) -> Result<Self, ProfileError> {
        let mut reader = Reader {
            profile: Self::new(),
            seen: ColumnSet::default(),
            faults: Vec::new(),
            unlisted: 0,
            reading: None,
        };
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        let read = deserializer
            .deserialize_map(&mut reader)
            .and_then(|()| deserializer.end());
        if let Err(error) = read {
            // The reader itself never errs on a value, so the data is at
            // fault only where the whole is not an object.
            if error.is_data() {
                return Err(ProfileError::NotAnObject);
            }
            reader.overflow(&error).ok_or(ProfileError::Syntax {
                line: error.line(),
                column: error.column(),
            })?;
        }
        reader.finish()
    }
}

struct Reader {
    profile: Profile,
    seen: ColumnSet,
    faults: Vec<FieldError>,
    unlisted: usize,
    /// The column whose value is being read.
    reading: Option<usize>,
}

impl Reader {
    fn fault(&mut self, fault: impl FnOnce() -> FieldError) {
        if self.faults.len() < LISTED {
            self.faults.push(fault());
        } else {
            self.unlisted += 1;
        }
    }

    /// A number too large for any float, such as `1e999`, stops the parser, but
    /// it is well-formed JSON and its column can be told.
    fn overflow(&mut self, error: &serde_json::Error) -> Option<()> {
        let column = self.reading?;
        if !error.to_string().starts_with("number out of range") {
            return None;
        }
        self.fault(|| Fault::Range.of(column));
        Some(())
    }

    fn finish(mut self) -> Result<Profile, ProfileError> {
        if self.faults.is_empty() {
            return Ok(self.profile);
        }
        if self.unlisted > 0 {
            self.faults.push(fault::and_more(self.unlisted));
        }
        Err(ProfileError::Fields(self.faults))
    }
}

impl<'de> Visitor<'de> for &mut Reader {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a customer")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut likely = 0;
        while let Some(name) = map.next_key_seed(Name {
            likely,
            describe: self.faults.len() < LISTED,
        })? {
            match name {
                Named::Unknown(fault) => {
                    self.reading = None;
                    match fault {
                        Some(fault) => self.faults.push(fault),
                        None => self.unlisted += 1,
                    }
                    map.next_value::<IgnoredAny>()?;
                }
                Named::Column(column) => {
                    likely = column + 1;
                    self.reading = Some(column);
                    let profile = &mut self.profile;
                    let read = map.next_value_seed(Value { column, profile })?;
                    if !self.seen.insert(column) {
                        self.fault(|| Fault::Duplicate.of(column));
                    } else if let Err(fault) = read {
                        self.fault(|| fault.of(column));
                    }
                }
            }
        }
        self.reading = None;
        Ok(())
    }
}

enum Named {
    Column(usize),
    /// Described while the name was still borrowed, or not to be listed.
    Unknown(Option<FieldError>),
}

/// A field's name, looked up without being copied.
struct Name {
    likely: usize,
    /// Whether a fault would be listed. Looking for the nearest column costs
    /// microseconds, which a body full of unknown names must not multiply.
    describe: bool,
}

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Named;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Named, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Named;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Named, E> {
        Ok(match names::find(name, self.likely) {
            Some(column) => Named::Column(column),
            None => Named::Unknown(self.describe.then(|| fault::unknown(name))),
        })
    }
}

/// A column's value, written into the profile if nothing is wrong with it.
struct Value<'a> {
    column: usize,
    profile: &'a mut Profile,
}

impl Value<'_> {
    fn number(self, value: f64) -> Result<(), Fault> {
        match COLUMNS[self.column].kind {
            Kind::Integer | Kind::BigInteger | Kind::Decimal(_) | Kind::Flag => {
                fault::check(self.column, value)?;
                self.profile.set(self.column, value);
                Ok(())
            }
            _ => Err(Fault::Type),
        }
    }

    fn text(self, text: &str) -> Result<(), Fault> {
        match COLUMNS[self.column].kind {
            Kind::Id | Kind::OpenCategory(_) => self.profile.set_text(self.column, text),
            Kind::Category(names) => {
                let (_, index) = names
                    .iter()
                    .zip(0_u32..)
                    .find(|&(&name, _)| name == text)
                    .ok_or(Fault::Category)?;
                self.profile.set(self.column, f64::from(index));
            }
            Kind::Timestamp => {
                self.profile.set(self.column, fault::moment(text)?);
            }
            _ => return Err(Fault::Type),
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Result<(), Fault>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Result<(), Fault>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Ok(()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(match COLUMNS[self.column].kind {
            Kind::Flag => self.number(f64::from(u8::from(value))),
            _ => Err(Fault::Type),
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "no valid range passes 2^53")]
    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(self.number(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "no valid range passes 2^53")]
    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(self.number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(self.number(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Err(Fault::Type))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Err(Fault::Type))
    }
}
