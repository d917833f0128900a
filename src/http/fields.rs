//! The members of a JSON object that asks for something, and the parameters of
//! a query: each is taken by its name, and all that is wrong is said at once.
//!
//! Invariant: a name that nothing takes is a fault, so that a misspelt one is
//! never silently the default.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;

use axum::body::Body;
use axum::extract::Query;
use axum::http::{HeaderMap, Uri};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::extract;
use super::problem::{FieldProblem, Kind, Problem};

/// What a client asks with, and what is found wrong with it.
pub struct Fields {
    left: Map<String, Value>,
    known: Vec<&'static str>,
    faults: Vec<FieldProblem>,
    kind: Kind,
}

/// An object, and which of its members were given more than once.
struct Members {
    last: Map<String, Value>,
    twice: BTreeSet<String>,
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Object)
    }
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let (mut last, mut twice) = (Map::new(), BTreeSet::new());
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if last.insert(name.clone(), value).is_some() {
                twice.insert(name);
            }
        }
        Ok(Members { last, twice })
    }
}

impl Fields {
    /// Reads a JSON object.
    pub async fn of_body(headers: &HeaderMap, body: Body, limit: usize) -> Result<Self, Problem> {
        let body = extract::json(headers, body, limit).await?;
        let members: Members = serde_json::from_slice(&body).map_err(|error| {
            let detail = if error.is_data() {
                "The body is JSON, but not an object.".to_owned()
            } else {
                let (line, column) = (error.line(), error.column());
                format!("The body is not JSON: see line {line}, column {column}.")
            };
            Problem::new(Kind::MalformedJson, detail)
        })?;
        let mut fields = Self::new(members.last, Kind::InvalidRequest);
        for name in members.twice {
            fields.fault(&name, "duplicate", "must be given once");
        }
        Ok(fields)
    }

    /// Reads a query.
    pub fn of_query(uri: &Uri) -> Result<Self, Problem> {
        let mut fields = Self::new(Map::new(), Kind::InvalidQuery);
        let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else {
            fields.fault("", "malformed", "the query can't be read");
            return Err(Problem::fields(fields.kind, fields.faults));
        };
        for (name, value) in pairs {
            if fields.left.contains_key(&name) {
                fields.fault(&name, "duplicate", "must be given once");
            }
            fields.left.insert(name, Value::String(value));
        }
        Ok(fields)
    }

    fn new(left: Map<String, Value>, kind: Kind) -> Self {
        Self {
            left,
            known: Vec::new(),
            faults: Vec::new(),
            kind,
        }
    }

    /// All that was sent and is not taken yet, in one order.
    pub fn sent(&self) -> String {
        Value::Object(self.left.clone()).to_string()
    }

    /// A member as it is; null is as good as absent.
    pub fn value(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.left.remove(name).filter(|value| !value.is_null())
    }

    /// A whole number in a range.
    pub fn integer(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.value(name)?;
        let number = match &value {
            // A query has only texts.
            Value::String(text) if self.kind == Kind::InvalidQuery => text.parse().ok(),
            other => other.as_u64(),
        };
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let (from, to) = range.into_inner();
            let message = format!("must be an integer from {from} to {to}");
            self.fault(name, "out_of_range", message);
        }
        number
    }

    /// A text of at most so many characters, none of which is a control.
    pub fn text(&mut self, name: &'static str, most: usize) -> Option<String> {
        let value = self.value(name)?;
        match value {
            Value::String(text)
                if (1..=most).contains(&text.chars().count())
                    && !text.chars().any(char::is_control) =>
            {
                Some(text)
            }
            _ => {
                let message = format!("must be a text of 1 to {most} characters");
                self.fault(name, "invalid_text", message);
                None
            }
        }
    }

    /// Notes a fault.
    pub fn fault(&mut self, field: &str, code: &'static str, message: impl Into<String>) {
        let field: String = field.chars().take(64).collect();
        self.faults.push(FieldProblem::new(field, code, message));
    }

    /// Notes faults that were found elsewhere.
    pub fn faults(&mut self, faults: impl IntoIterator<Item = FieldProblem>) {
        self.faults.extend(faults);
    }

    /// Ends the taking.
    ///
    /// # Errors
    /// With all faults, those of names that nothing took included.
    pub fn done(mut self) -> Result<(), Problem> {
        let message = match self.known.as_slice() {
            [] => "is not known; there is nothing to be set here".to_owned(),
            known => format!("is not known; there are {}", known.join(", ")),
        };
        for name in std::mem::take(&mut self.left).keys().take(100) {
            self.fault(name, "unknown_field", message.clone());
        }
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(Problem::fields(self.kind, self.faults))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_taken_by_its_names() {
        let uri: Uri = "/here?limit=5&name=a%20b".parse().unwrap();
        let mut fields = Fields::of_query(&uri).ok().unwrap();
        assert_eq!(fields.integer("limit", 1..=10), Some(5));
        assert_eq!(fields.text("name", 9), Some("a b".to_owned()));
        assert_eq!(fields.text("cursor", 9), None);
        assert!(fields.done().is_ok());
    }

    #[test]
    fn all_faults_are_said_at_once() {
        let uri: Uri = "/here?limit=0&limit=1&lmit=3&name=".parse().unwrap();
        let mut fields = Fields::of_query(&uri).ok().unwrap();
        fields.integer("limit", 1..=10);
        fields.integer("limit", 3..=10);
        fields.text("name", 9);
        assert_eq!(fields.done().unwrap_err().status(), 422);
    }
}
