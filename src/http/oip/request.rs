//! What a client of the protocol asks: a JSON object, and behind it the binary
//! data of those tensors that have none in it.
//!
//! Invariant: what is read is a table of at most [`MOST_ROWS`] rows whose columns
//! are a customer's; a value that is none of its column's is found later, and
//! costs its row alone.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::tensor::{Column, Datatype};
use crate::features::FieldError;
use crate::http::extract::MOST_REASONS;
use crate::http::formats::columns;
use crate::http::formats::rows::{Faults, Rows};
use crate::http::problem::{self, Kind, Problem};
use crate::schema::COLUMN_COUNT;

/// Customers of one request.
pub const MOST_ROWS: usize = 100_000;

/// What is asked of whom.
pub struct Request {
    pub customers: Rows,
    pub rows: usize,
    pub wanted: Wanted,
}

/// What is to be answered.
pub struct Wanted {
    pub id: Option<String>,
    /// How many reasons are wanted.
    pub explain: usize,
    /// The outputs wanted, each with whether its data is to be binary; all of
    /// them where none is named.
    pub outputs: Vec<(String, bool)>,
    /// Whether the data of outputs is binary where nothing else is said.
    pub binary: bool,
}

type Parameters = Map<String, Value>;

#[derive(Deserialize)]
struct Header<'a> {
    id: Option<String>,
    parameters: Option<Parameters>,
    #[serde(borrow)]
    inputs: Vec<Input<'a>>,
    outputs: Option<Vec<Output>>,
}

#[derive(Deserialize)]
struct Input<'a> {
    name: String,
    shape: Vec<u64>,
    datatype: String,
    parameters: Option<Parameters>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Output {
    name: String,
    parameters: Option<Parameters>,
}

impl Request {
    /// Reads a body whose JSON has so many bytes: all of them, where none is said.
    pub fn read(body: &[u8], header: Option<usize>) -> Result<Self, Problem> {
        let (json, binary) = body
            .split_at_checked(header.unwrap_or(body.len()))
            .ok_or_else(|| refuse("Inference-Header-Content-Length is more than the body has."))?;
        let json = without_nan(json);
        let header: Header = serde_json::from_slice(&json).map_err(|error| {
            refuse(format!(
                "The request is no inference request of the protocol: see line {}, column {} of its JSON.",
                error.line(),
                error.column()
            ))
        })?;
        let parameters = header.parameters.unwrap_or_default();
        let all_binary = flag(&parameters, "binary_data_output")?.unwrap_or(false);
        let outputs = header.outputs.unwrap_or_default();
        // Each is a copy of its column in the answer.
        let mut names = HashSet::new();
        if !outputs.iter().all(|output| names.insert(&output.name)) {
            return Err(refuse("An output is named twice; name each one once."));
        }
        let outputs = outputs.into_iter();
        let outputs = outputs.map(|output| output.read(all_binary));
        let (customers, rows) = table(&header.inputs, binary)?;
        Ok(Self {
            customers,
            rows,
            wanted: Wanted {
                id: header.id,
                explain: explain(&parameters)?,
                outputs: outputs.collect::<Result<_, _>>()?,
                binary: all_binary,
            },
        })
    }
}

impl Output {
    fn read(self, binary: bool) -> Result<(String, bool), Problem> {
        let parameters = self.parameters.unwrap_or_default();
        if parameters.contains_key("classification") {
            return Err(refuse(
                "Outputs are values; the classification extension is not supported.",
            ));
        }
        no_shared_memory(&parameters)?;
        let binary = flag(&parameters, "binary_data")?.unwrap_or(binary);
        Ok((self.name, binary))
    }
}

/// The inputs as a table, and how many rows it has.
fn table(inputs: &[Input<'_>], mut binary: &[u8]) -> Result<(Rows, usize), Problem> {
    let Some(first) = inputs.first() else {
        return Err(refuse("The request has no inputs."));
    };
    if inputs.len() > COLUMN_COUNT {
        return Err(refuse(
            "The request has more inputs than there are columns.",
        ));
    }
    let rows = first.rows()?;
    if rows > MOST_ROWS {
        return Err(Problem::new(
            Kind::BodyTooLarge,
            format!("A request may have {MOST_ROWS} customers at most."),
        ));
    }
    let mut fields = Vec::new();
    let mut arrays = Vec::new();
    let mut faults = Faults::new();
    for input in inputs {
        if input.rows()? != rows {
            return Err(input.refuse("its shape has another number of rows than the first input's"));
        }
        let (array, foreign) = input.column(rows, &mut binary)?;
        for row in foreign {
            faults.entry(row).or_default().push(FieldError {
                field: input.name.clone(),
                code: "not_utf8",
                message: "must be UTF-8".to_owned(),
            });
        }
        fields.push(Field::new(&input.name, array.data_type().clone(), true));
        arrays.push(array);
    }
    if !binary.is_empty() {
        return Err(refuse("The body has more binary data than its inputs."));
    }
    let schema = Arc::new(Schema::new(fields));
    columns::check(&schema)?;
    let table = RecordBatch::try_new(schema, arrays).map_err(|e| problem::internal(&e))?;
    Ok((Rows::Table(table, faults), rows))
}

impl Input<'_> {
    /// How many rows its shape has: that of one value each.
    fn rows(&self) -> Result<usize, Problem> {
        let rows = match self.shape[..] {
            [rows] | [rows, 1] => usize::try_from(rows).ok(),
            _ => None,
        };
        rows.ok_or_else(|| self.refuse("its shape must be [n] or [n, 1]"))
    }

    fn column(&self, rows: usize, binary: &mut &[u8]) -> Result<Column, Problem> {
        let kind = Datatype::from_name(&self.datatype).ok_or_else(|| {
            let names = Datatype::ALL.map(Datatype::name).join(", ");
            self.refuse(&format!("its datatype must be one of {names}"))
        })?;
        let none = Parameters::new();
        let parameters = self.parameters.as_ref().unwrap_or(&none);
        no_shared_memory(parameters)?;
        let size = match parameters.get("binary_data_size") {
            None => None,
            Some(size) => Some(
                (size.as_u64())
                    .and_then(|size| usize::try_from(size).ok())
                    .ok_or_else(|| self.refuse("binary_data_size must be a number of bytes"))?,
            ),
        };
        match (size, self.data) {
            (Some(size), None) => {
                let data = binary.split_off(..size);
                let data = data.ok_or_else(|| {
                    self.refuse(
                        "the body ends before its binary data does; Inference-Header-Content-Length says where that begins",
                    )
                })?;
                kind.of_bytes(data, rows).map_err(|why| self.refuse(why))
            }
            (None, Some(data)) => {
                let column = kind.of_json(data, rows).map_err(|why| self.refuse(why))?;
                Ok((column, Vec::new()))
            }
            _ => Err(self.refuse("it must have either data or binary_data_size")),
        }
    }

    /// The name is repeated where it is a column's; another one may be anything.
    fn refuse(&self, why: &str) -> Problem {
        let name = if crate::schema::find(&self.name).is_some() {
            self.name.as_str()
        } else {
            "an input"
        };
        refuse(format!("{name}: {why}."))
    }
}

fn explain(parameters: &Parameters) -> Result<usize, Problem> {
    let Some(asked) = parameters.get("explain") else {
        return Ok(0);
    };
    let reasons = asked.as_u64().and_then(|k| usize::try_from(k).ok());
    reasons.filter(|&k| k <= MOST_REASONS).ok_or_else(|| {
        refuse(format!(
            "The parameter explain must be an integer from 0 to {MOST_REASONS}."
        ))
    })
}

fn flag(parameters: &Parameters, name: &str) -> Result<Option<bool>, Problem> {
    let Some(value) = parameters.get(name) else {
        return Ok(None);
    };
    let flag = value.as_bool();
    flag.map(Some)
        .ok_or_else(|| refuse(format!("The parameter {name} must be true or false.")))
}

fn no_shared_memory(parameters: &Parameters) -> Result<(), Problem> {
    if parameters
        .keys()
        .any(|name| name.starts_with("shared_memory"))
    {
        return Err(refuse(
            "Send the data in the body; shared memory is not supported.",
        ));
    }
    Ok(())
}

fn refuse(why: impl Into<Cow<'static, str>>) -> Problem {
    Problem::new(Kind::MalformedBody, why)
}

/// JSON in which each bare `NaN` is `null`. JSON has no such number, but clients
/// in Python write it for what is missing.
fn without_nan(json: &[u8]) -> Cow<'_, [u8]> {
    if !json.windows(3).any(|window| window == b"NaN") {
        return json.into();
    }
    let mut out = Vec::with_capacity(json.len() + json.len() / 4);
    let mut rest = json;
    let mut in_text = false;
    while let Some((&byte, after)) = rest.split_first() {
        if !in_text && rest.starts_with(b"NaN") {
            out.extend_from_slice(b"null");
            rest = &rest[3..];
            continue;
        }
        let taken = match byte {
            b'\\' if in_text => 2.min(rest.len()),
            _ => 1,
        };
        in_text ^= byte == b'"';
        out.extend_from_slice(&rest[..taken]);
        rest = if taken == 1 { after } else { &rest[taken..] };
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_nan_is_null_and_one_in_text_is_text() {
        for (sent, read) in [
            ("[NaN, 1]", "[null, 1]"),
            (r#"["NaN", NaN]"#, r#"["NaN", null]"#),
            (r#"["a\"NaN", NaN]"#, r#"["a\"NaN", null]"#),
            (r#"["\\", NaN, "NaN"]"#, r#"["\\", null, "NaN"]"#),
            (r#""NaN\"#, r#""NaN\"#),
        ] {
            assert_eq!(without_nan(sent.as_bytes()), read.as_bytes(), "{sent}");
        }
    }

    #[test]
    fn a_request_that_contradicts_itself_is_refused() {
        let age = |rest: &str| format!(r#"{{"inputs": [{{"name": "age", {rest}}}]}}"#);
        for json in [
            "[]".to_owned(),
            "{".to_owned(),
            r#"{"inputs": []}"#.to_owned(),
            age(r#""shape": [1], "datatype": "FP64""#),
            age(r#""shape": [2], "datatype": "FP64", "data": [1]"#),
            age(r#""shape": [1, 2], "datatype": "FP64", "data": [1, 2]"#),
            age(r#""shape": [18446744073709551615], "datatype": "FP64", "data": [1]"#),
            age(r#""shape": [1], "datatype": "BF16", "data": [1]"#),
            age(r#""shape": [1], "datatype": "BOOL", "data": [true]"#),
            age(r#""shape": [1], "datatype": "FP64", "parameters": {"binary_data_size": 8}"#),
            age(r#""shape": [1], "datatype": "FP64", "parameters": {"shared_memory_region": "a"}"#),
        ] {
            assert!(Request::read(json.as_bytes(), None).is_err(), "{json}");
        }
        let fine = age(r#""shape": [1, 1], "datatype": "INT32", "data": [[31]]"#);
        assert_eq!(Request::read(fine.as_bytes(), None).unwrap().rows, 1);
        assert!(Request::read(fine.as_bytes(), Some(fine.len() + 1)).is_err());
        let more = format!("{fine}1");
        assert!(Request::read(more.as_bytes(), Some(fine.len())).is_err());
    }
}
