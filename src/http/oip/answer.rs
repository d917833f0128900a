//! What a client of the protocol is answered: a JSON object, and behind it the
//! binary data of the outputs that are wanted so.

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, Response};
use serde::Serialize;

use super::request::Wanted;
use super::tensor::Datatype;
use crate::http::problem::{self, Kind, Problem};
use crate::models::{ModelSet, Target};

/// Where the JSON ends and the binary data begins.
pub const HEADER_LENGTH: HeaderName = HeaderName::from_static("inference-header-content-length");

/// The column of an answer that is the client's own.
const CUSTOMER_ID: &str = "customer_id";

#[derive(Serialize)]
struct Answer<'a> {
    model_name: &'static str,
    model_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    outputs: Vec<Output<'a>>,
}

#[derive(Serialize)]
struct Output<'a> {
    name: &'a str,
    datatype: &'static str,
    shape: [usize; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Size>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data<'a>>,
}

#[derive(Serialize)]
struct Size {
    binary_data_size: usize,
}

/// The values of an output. What can't be said is NaN (in JSON: null), an empty
/// text, or false.
#[derive(Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Numbers(Vec<f64>),
    Flags(Vec<bool>),
    Texts(Vec<&'a str>),
}

/// The type of an output by the column that holds it.
pub fn datatype(held: &DataType) -> Datatype {
    match held {
        DataType::Float64 => Datatype::Fp64,
        DataType::Boolean => Datatype::Bool,
        _ => Datatype::Bytes,
    }
}

/// Whether a column of the answers is an output.
pub fn is_output(name: &str) -> bool {
    name != CUSTOMER_ID
}

/// The answer to a request out of the scored table.
pub fn write(
    set: &ModelSet,
    target: Target,
    wanted: &Wanted,
    scored: &RecordBatch,
) -> Result<Response<Body>, Problem> {
    let schema = scored.schema();
    let names = schema.fields().iter().map(|field| field.name().as_str());
    let names: Vec<&str> = names.filter(|name| is_output(name)).collect();
    let chosen: Vec<(&str, bool)> = if wanted.outputs.is_empty() {
        names.iter().map(|&name| (name, wanted.binary)).collect()
    } else {
        let outputs = wanted.outputs.iter();
        outputs
            .map(|(name, binary)| (name.as_str(), *binary))
            .collect()
    };
    let mut outputs = Vec::new();
    let mut binary = Vec::new();
    for (name, is_binary) in chosen {
        let column = names.contains(&name).then(|| scored.column_by_name(name));
        let column = column.flatten().ok_or_else(|| unknown(&names))?;
        let data = Data::of(column);
        let begin = binary.len();
        let parameters = is_binary.then(|| {
            data.append(&mut binary);
            Size {
                binary_data_size: binary.len() - begin,
            }
        });
        outputs.push(Output {
            name,
            datatype: datatype(column.data_type()).name(),
            shape: [column.len()],
            parameters,
            data: (!is_binary).then_some(data),
        });
    }
    let has_binary = outputs.iter().any(|output| output.data.is_none());
    let answer = Answer {
        model_name: target.name(),
        model_version: &set.version,
        id: wanted.id.as_deref(),
        outputs,
    };
    let mut body = serde_json::to_vec(&answer).map_err(|error| problem::internal(&error))?;
    let header = has_binary.then_some(body.len());
    body.append(&mut binary);
    Ok(response(body, header))
}

fn response(body: Vec<u8>, header: Option<usize>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    let kind = match header {
        Some(length) => {
            headers.insert(HEADER_LENGTH, HeaderValue::from(length));
            "application/octet-stream"
        }
        None => "application/json",
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn unknown(names: &[&str]) -> Problem {
    Problem::new(
        Kind::MalformedBody,
        format!(
            "An output has no such name; there are {}.",
            names.join(", ")
        ),
    )
}

impl<'a> Data<'a> {
    fn of(column: &'a ArrayRef) -> Self {
        match datatype(column.data_type()) {
            Datatype::Fp64 => {
                let numbers = column.as_primitive::<Float64Type>().iter();
                Self::Numbers(numbers.map(|x| x.unwrap_or(f64::NAN)).collect())
            }
            Datatype::Bool => {
                let flags = column.as_boolean().iter();
                Self::Flags(flags.map(|flag| flag == Some(true)).collect())
            }
            _ => {
                let texts = column.as_string::<i32>().iter();
                Self::Texts(texts.map(Option::unwrap_or_default).collect())
            }
        }
    }

    fn append(&self, out: &mut Vec<u8>) {
        match self {
            Self::Numbers(numbers) => {
                out.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
            }
            Self::Flags(flags) => out.extend(flags.iter().map(|&flag| u8::from(flag))),
            Self::Texts(texts) => {
                for text in texts {
                    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
                    out.extend(length.to_le_bytes());
                    out.extend(text.as_bytes());
                }
            }
        }
    }
}
