//! The inputs of one model, in one order that is fixed when it is trained.
//!
//! Numbers, flags and ordered categories take one place each; other categories
//! take one place for each name. NaN in all of a column's places is its missing
//! state. Places know their column, so that an explanation can be summed back.

use std::collections::HashMap;

use arrow_array::RecordBatch;
use serde::{Deserialize, Serialize};

use super::batch::{BatchError, Column};
use super::profile::{ColumnSet, Profile};
use super::table::{BLOCK, Block, Lane};
use crate::schema::{COLUMNS, Kind, column};

mod form;
mod shared;

pub use form::EncoderError;
use form::Form;
pub use shared::{SharedEncoder, SharedRow};

/// The widest row any encoder makes: a buffer of this size fits all.
pub const MAX_WIDTH: usize = 160;

/// How many names of an open category get a place of their own.
const VOCABULARY: usize = 50;

const ACCOUNT_TYPE: usize = column("account_type");
const PREMIUM_TIER: usize = column("premium_tier");

/// From a customer to a model's input row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct Encoder {
    inputs: Vec<Input>,
    width: usize,
}

#[derive(Debug, Clone, PartialEq)]
struct Input {
    column: usize,
    /// The first of its places.
    at: usize,
    encoding: Encoding,
}

#[derive(Debug, Clone, PartialEq)]
enum Encoding {
    Number,
    /// A place for each name of the schema's list.
    OneHot(&'static [&'static str]),
    /// A place for each name found in training, and one for all others.
    Open(Vec<String>),
}

/// What a place of an encoded row holds, for a reader elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    pub column: &'static str,
    #[serde(flatten)]
    pub holds: Holds,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "encoding", rename_all = "snake_case")]
pub enum Holds {
    /// The number itself.
    Number,
    /// 1 or 0.
    Flag,
    /// The category's index in this list.
    Ordinal { categories: &'static [&'static str] },
    /// 1 for this category, 0 for any other.
    Category { category: String },
    /// 1 for a category that has no place of its own, else 0.
    AnyOther,
}

impl Holds {
    fn one(name: &str) -> Self {
        Self::Category {
            category: name.to_owned(),
        }
    }
}

impl Encoding {
    fn places(&self) -> usize {
        match self {
            Self::Number => 1,
            Self::OneHot(names) => names.len(),
            Self::Open(names) => names.len() + 1,
        }
    }
}

impl Encoder {
    /// Fixes the inputs. `trains` says which rows of the cohort count for the
    /// vocabulary of open categories.
    ///
    /// # Errors
    /// If a batch does not follow the schema.
    pub fn fit(
        cohort: &[RecordBatch],
        columns: ColumnSet,
        trains: &dyn Fn(usize) -> bool,
    ) -> Result<Self, BatchError> {
        let mut encoder = Self {
            inputs: Vec::new(),
            width: 0,
        };
        for index in columns.iter() {
            let encoding = match COLUMNS[index].kind {
                Kind::Category(_) if [ACCOUNT_TYPE, PREMIUM_TIER].contains(&index) => {
                    Encoding::Number
                }
                Kind::Category(names) => Encoding::OneHot(names),
                Kind::OpenCategory(_) => Encoding::Open(vocabulary(cohort, index, trains)?),
                _ => Encoding::Number,
            };
            encoder.push(index, encoding);
        }
        Ok(encoder)
    }

    fn push(&mut self, column: usize, encoding: Encoding) {
        let at = self.width;
        self.width += encoding.places();
        self.inputs.push(Input {
            column,
            at,
            encoding,
        });
    }

    /// How many places a row has.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// The columns read.
    #[must_use]
    pub fn columns(&self) -> ColumnSet {
        self.inputs.iter().map(|input| input.column).collect()
    }

    /// The column that each place belongs to.
    pub fn column_of_places(&self) -> impl Iterator<Item = usize> {
        self.inputs
            .iter()
            .flat_map(|input| std::iter::repeat_n(input.column, input.encoding.places()))
    }

    /// What each place holds.
    #[must_use]
    pub fn places(&self) -> Vec<Place> {
        let of = |input: &Input| -> Vec<Holds> {
            match (&input.encoding, COLUMNS[input.column].kind) {
                (Encoding::Number, Kind::Category(categories)) => {
                    vec![Holds::Ordinal { categories }]
                }
                (Encoding::Number, Kind::Flag) => vec![Holds::Flag],
                (Encoding::Number, _) => vec![Holds::Number],
                (Encoding::OneHot(names), _) => names.iter().map(|&n| Holds::one(n)).collect(),
                (Encoding::Open(names), _) => (names.iter().map(|n| Holds::one(n)))
                    .chain([Holds::AnyOther])
                    .collect(),
            }
        };
        let places = |input: &Input| {
            let column = COLUMNS[input.column].name;
            let holds = of(input).into_iter();
            holds.map(move |holds| Place { column, holds })
        };
        self.inputs.iter().flat_map(places).collect()
    }

    /// What each place is called: its column, or `column=name`.
    #[must_use]
    pub fn place_names(&self) -> Vec<String> {
        let name = |place: Place| match place.holds {
            Holds::Category { category } => format!("{}={category}", place.column),
            Holds::AnyOther => format!("{}=other", place.column),
            _ => place.column.to_owned(),
        };
        self.places().into_iter().map(name).collect()
    }

    /// The columns that are missing in an encoded row.
    #[must_use]
    pub fn missing(&self, row: &[f32]) -> ColumnSet {
        self.inputs
            .iter()
            .filter(|input| row[input.at].is_nan())
            .map(|input| input.column)
            .collect()
    }

    /// The columns that are missing in each row of an encoded block.
    #[must_use]
    pub fn missing_in_block(&self, places: &[Lane]) -> [ColumnSet; BLOCK] {
        let mut missing = [ColumnSet::default(); BLOCK];
        for input in &self.inputs {
            let lane = &places[input.at];
            // Mostly nothing is.
            if lane.iter().fold(false, |any, x| any | x.is_nan()) {
                for (missing, _) in missing.iter_mut().zip(lane).filter(|(_, x)| x.is_nan()) {
                    missing.insert(input.column);
                }
            }
        }
        missing
    }

    /// Writes the customer's row into a buffer and returns it. Allocates nothing.
    pub fn encode<'a>(&self, profile: &Profile, buffer: &'a mut [f32; MAX_WIDTH]) -> &'a [f32] {
        let row = &mut buffer[..self.width];
        self.write(profile, row);
        row
    }

    fn write(&self, profile: &Profile, row: &mut [f32]) {
        for input in &self.inputs {
            let text = match input.encoding {
                Encoding::Open(_) => profile.location(),
                _ => None,
            };
            input.write(profile.value(input.column), text, row);
        }
    }

    /// Writes the rows of a block, place by place: what [`Self::encode`] writes
    /// for each of them.
    pub fn encode_block(&self, block: &Block<'_>, places: &mut Vec<Lane>) {
        places.resize(self.width, [0.0; BLOCK]);
        for input in &self.inputs {
            let places = &mut places[input.at..input.at + input.encoding.places()];
            let lane = block.lane(input.column);
            match &input.encoding {
                Encoding::Number => places[0] = *lane,
                Encoding::OneHot(_) => one_hot(lane, places),
                Encoding::Open(names) => open(names, block, places),
            }
        }
    }

    /// The rows of a whole cohort, one after another.
    ///
    /// # Errors
    /// If a batch does not follow the schema.
    pub fn encode_batches(&self, cohort: &[RecordBatch]) -> Result<Vec<f32>, BatchError> {
        let rows: usize = cohort.iter().map(RecordBatch::num_rows).sum();
        let mut matrix = vec![0.0; rows * self.width];
        let mut rest = matrix.as_mut_slice();
        for batch in cohort {
            let (part, after) = rest.split_at_mut(batch.num_rows() * self.width);
            rest = after;
            for input in &self.inputs {
                let column = Column::of(batch, input.column)?;
                for (i, row) in part.chunks_exact_mut(self.width).enumerate() {
                    input.write(column.number(i), column.text(i), row);
                }
            }
        }
        Ok(matrix)
    }
}

impl Input {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a model reads single precision; what does not fit it is missing"
    )]
    #[expect(clippy::float_cmp, reason = "codes of categories are whole numbers")]
    fn write(&self, value: f64, text: Option<&str>, row: &mut [f32]) {
        let places = &mut row[self.at..self.at + self.encoding.places()];
        match &self.encoding {
            Encoding::Number => {
                let single = value as f32;
                places[0] = if single.is_finite() { single } else { f32::NAN };
            }
            Encoding::OneHot(_) => {
                for (place, index) in places.iter_mut().zip(0_u32..) {
                    *place = one_if(value == f64::from(index));
                }
                if value.is_nan() {
                    places.fill(f32::NAN);
                }
            }
            Encoding::Open(names) => match text {
                None => places.fill(f32::NAN),
                Some(text) => {
                    places.fill(0.0);
                    places[known(names, text)] = 1.0;
                }
            },
        }
    }
}

#[expect(clippy::float_cmp, reason = "codes of categories are whole numbers")]
fn one_hot(codes: &Lane, places: &mut [Lane]) {
    for (place, index) in places.iter_mut().zip(0_u16..) {
        let index = f32::from(index);
        for (x, &code) in place.iter_mut().zip(codes) {
            let there = one_if(code == index);
            *x = if code.is_nan() { code } else { there };
        }
    }
}

fn open(names: &[String], block: &Block<'_>, places: &mut [Lane]) {
    let rows = &block.locations()[..block.len()];
    places.fill([0.0; BLOCK]);
    for (i, text) in rows.iter().enumerate() {
        match text {
            None => places.iter_mut().for_each(|place| place[i] = f32::NAN),
            Some(text) => places[known(names, text)][i] = 1.0,
        }
    }
}

/// The place of an open category's name; the last one is for all others.
fn known(names: &[String], text: &str) -> usize {
    let found = names.iter().position(|name| name == text);
    found.unwrap_or(names.len())
}

fn one_if(yes: bool) -> f32 {
    if yes { 1.0 } else { 0.0 }
}

/// The most frequent names of an open category, most frequent first; equally
/// frequent ones by name, so that the order never depends on chance.
fn vocabulary(
    cohort: &[RecordBatch],
    index: usize,
    trains: &dyn Fn(usize) -> bool,
) -> Result<Vec<String>, BatchError> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut first = 0;
    for batch in cohort {
        let column = Column::of(batch, index)?;
        for row in (0..batch.num_rows()).filter(|row| trains(first + row)) {
            if let Some(text) = column.text(row) {
                *counts.entry(text).or_default() += 1;
            }
        }
        first += batch.num_rows();
    }
    let mut names: Vec<(&str, usize)> = counts.into_iter().collect();
    names.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    names.truncate(VOCABULARY);
    Ok(names.into_iter().map(|(name, _)| name.to_owned()).collect())
}
