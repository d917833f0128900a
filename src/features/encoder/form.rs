//! How an encoder is stored: by names, so that a changed schema is noticed rather
//! than misread.

use serde::{Deserialize, Serialize};

use super::{Encoder, Encoding, Input, MAX_WIDTH};
use crate::features::ColumnSet;
use crate::schema::{self, COLUMNS, Kind};

/// Why stored inputs can't be read with today's schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncoderError {
    #[error("the schema has no column {0}")]
    UnknownColumn(String),
    #[error("the categories of {0} are not what the model was trained with")]
    Categories(String),
    #[error("the inputs are too many or none, or one stands twice")]
    Shape,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Form {
    inputs: Vec<FormInput>,
}

#[derive(Serialize, Deserialize)]
struct FormInput {
    column: String,
    encoding: FormEncoding,
    /// The names of a category, in the order of their codes or places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    names: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FormEncoding {
    Number,
    Ordinal,
    OneHot,
    OneHotOrOther,
}

impl From<Encoder> for Form {
    fn from(encoder: Encoder) -> Self {
        let owned = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect();
        let form = |input: Input| {
            let column = &COLUMNS[input.column];
            let (encoding, names) = match (input.encoding, column.kind) {
                (Encoding::Number, Kind::Category(names)) => (FormEncoding::Ordinal, owned(names)),
                (Encoding::Number, _) => (FormEncoding::Number, Vec::new()),
                (Encoding::OneHot(names), _) => (FormEncoding::OneHot, owned(names)),
                (Encoding::Open(names), _) => (FormEncoding::OneHotOrOther, names),
            };
            FormInput {
                column: column.name.to_owned(),
                encoding,
                names,
            }
        };
        Self {
            inputs: encoder.inputs.into_iter().map(form).collect(),
        }
    }
}

impl TryFrom<Form> for Encoder {
    type Error = EncoderError;

    fn try_from(form: Form) -> Result<Self, EncoderError> {
        let mut encoder = Self {
            inputs: Vec::new(),
            width: 0,
        };
        let mut seen = ColumnSet::default();
        for input in form.inputs {
            let Some(index) = schema::find(&input.column) else {
                return Err(EncoderError::UnknownColumn(input.column));
            };
            let encoding = match (input.encoding, COLUMNS[index].kind) {
                (FormEncoding::Number, Kind::Flag) => Encoding::Number,
                (FormEncoding::Number, kind) if kind.is_number() => Encoding::Number,
                (FormEncoding::Ordinal, Kind::Category(names)) if input.names == names => {
                    Encoding::Number
                }
                (FormEncoding::OneHot, Kind::Category(names)) if input.names == names => {
                    Encoding::OneHot(names)
                }
                (FormEncoding::OneHotOrOther, Kind::OpenCategory(_)) => Encoding::Open(input.names),
                _ => return Err(EncoderError::Categories(input.column)),
            };
            if !seen.insert(index) {
                return Err(EncoderError::Shape);
            }
            encoder.push(index, encoding);
        }
        if encoder.width == 0 || encoder.width > MAX_WIDTH {
            return Err(EncoderError::Shape);
        }
        Ok(encoder)
    }
}
