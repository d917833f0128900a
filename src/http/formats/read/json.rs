//! `{"customers": [ … ]}`: each element is read as a single customer is.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::lines::Collected;
use crate::http::formats::rows::Rows;
use crate::http::problem::{Kind, Problem};

/// Customers of one body: as numbers they take far more memory than `{}`.
const MOST_CUSTOMERS: usize = 100_000;
const TOO_MANY: &str = "too many customers";

/// Reads a whole body.
pub fn read(body: &[u8]) -> Result<Vec<Rows>, Problem> {
    let mut read_in = List::default();
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let read = deserializer
        .deserialize_map(Body(&mut read_in))
        .and_then(|()| deserializer.end());
    match read {
        Ok(()) => Ok(read_in.finish()),
        Err(error) if error.to_string().starts_with(TOO_MANY) => Err(Problem::new(
            Kind::BodyTooLarge,
            format!(
                "A list may have {MOST_CUSTOMERS} customers at most; send more as NDJSON, CSV or an Arrow stream."
            ),
        )),
        Err(error) if error.is_data() => Err(Problem::new(
            Kind::MalformedJson,
            "The body is JSON, but not an object with the list `customers` and nothing else.",
        )),
        Err(error) => Err(Problem::new(
            Kind::MalformedJson,
            format!(
                "The body is not JSON: see line {}, column {}.",
                error.line(),
                error.column()
            ),
        )),
    }
}

/// The customers read, some thousand at a time.
#[derive(Default)]
struct List {
    count: usize,
    done: Vec<Rows>,
    collected: Collected,
}

impl List {
    fn push(&mut self, json: &[u8]) {
        self.count += 1;
        self.collected.push(json);
        if self.collected.is_full() {
            self.done.push(self.collected.take());
        }
    }

    fn finish(mut self) -> Vec<Rows> {
        self.done.push(self.collected.take());
        self.done
    }
}

struct Body<'a>(&'a mut List);

impl<'de> Visitor<'de> for Body<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a list of customers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut found = false;
        while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if name != "customers" || std::mem::replace(&mut found, true) {
                return Err(A::Error::custom("another member"));
            }
            map.next_value_seed(Customers(&mut *self.0))?;
        }
        if found {
            Ok(())
        } else {
            Err(A::Error::missing_field("customers"))
        }
    }
}

struct Customers<'a>(&'a mut List);

impl<'de> DeserializeSeed<'de> for Customers<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Customers<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of customers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(customer) = seq.next_element::<&'de RawValue>()? {
            if self.0.count == MOST_CUSTOMERS {
                return Err(A::Error::custom(TOO_MANY));
            }
            self.0.push(customer.get().as_bytes());
        }
        Ok(())
    }
}
