//! `{"customers": [ … ]}`: each element is read as a single customer is.
//!
//! Invariant: the body is looked over as a whole, and customers are read out of
//! it some thousand at a time, since what is wrong with one takes far more memory
//! than what was sent of it.

use std::fmt;

use bytes::Bytes;
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
pub fn read(body: Vec<u8>) -> Result<impl Iterator<Item = Rows>, Problem> {
    let body = Bytes::from(body);
    let mut found = List {
        body: &body,
        customers: Vec::new(),
    };
    let mut deserializer = serde_json::Deserializer::from_slice(&body);
    let read = deserializer
        .deserialize_map(Body(&mut found))
        .and_then(|()| deserializer.end());
    match read {
        Ok(()) => Ok(rows(found.customers)),
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

/// Reads the customers, some thousand at a time.
fn rows(customers: Vec<Bytes>) -> impl Iterator<Item = Rows> {
    let mut customers = customers.into_iter();
    std::iter::from_fn(move || {
        let mut collected = Collected::default();
        for json in customers.by_ref() {
            collected.push(&json);
            if collected.is_full() {
                break;
            }
        }
        (!collected.is_empty()).then(|| collected.take())
    })
}

/// Where in the body each customer is.
struct List<'a> {
    body: &'a Bytes,
    customers: Vec<Bytes>,
}

struct Body<'a, 'b>(&'a mut List<'b>);

impl<'de> Visitor<'de> for Body<'_, '_> {
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

struct Customers<'a, 'b>(&'a mut List<'b>);

impl<'de> DeserializeSeed<'de> for Customers<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Customers<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of customers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(customer) = seq.next_element::<&'de RawValue>()? {
            if self.0.customers.len() == MOST_CUSTOMERS {
                return Err(A::Error::custom(TOO_MANY));
            }
            let customer = self.0.body.slice_ref(customer.get().as_bytes());
            self.0.customers.push(customer);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customers_are_read_some_thousand_at_a_time() {
        let body = format!("{{\"customers\":[{}]}}", vec!["{}"; 10_000].join(","));
        let rows = read(body.into_bytes()).unwrap();
        let counts: Vec<usize> = rows.map(|rows| rows.into_profiles().0.len()).collect();
        assert_eq!(counts, [4096, 4096, 1808]);
        let none = read(b"{\"customers\": []}".to_vec()).unwrap();
        assert_eq!(none.count(), 0);
    }
}
