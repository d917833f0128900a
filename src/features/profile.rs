//! One customer as numbers.

use crate::schema::{COLUMN_COUNT, COLUMNS, Kind};

/// One customer: a number for each column, NaN where it is missing.
///
/// A closed category is its index in the schema's list, a flag 0 or 1, a moment
/// its microseconds since 1970. The location stays text, since its codes belong
/// to each trained encoder.
#[derive(Debug, Clone)]
pub struct Profile {
    values: [f64; COLUMN_COUNT],
    customer_id: Option<String>,
    location: Option<String>,
}

impl Default for Profile {
    fn default() -> Self {
        Self::new()
    }
}

impl Profile {
    /// A customer of whom nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self {
            values: [f64::NAN; COLUMN_COUNT],
            customer_id: None,
            location: None,
        }
    }

    /// The number of a column; NaN where it is missing, and for text.
    ///
    /// # Panics
    /// If there is no such column.
    #[must_use]
    pub fn value(&self, column: usize) -> f64 {
        self.values[column]
    }

    /// The location as it was sent.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }

    /// The identifier as it was sent, for the answer to repeat.
    #[must_use]
    pub fn customer_id(&self) -> Option<&str> {
        self.customer_id.as_deref()
    }

    /// Sets a number; what is not finite is missing.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn set(&mut self, column: usize, value: f64) {
        self.values[column] = if value.is_finite() { value } else { f64::NAN };
    }

    /// Sets the text of a column that is kept as text: the identifier or the location.
    pub fn set_text(&mut self, column: usize, text: &str) {
        match COLUMNS[column].kind {
            Kind::Id => self.customer_id = Some(text.to_owned()),
            Kind::OpenCategory(_) => self.location = Some(text.to_owned()),
            _ => {}
        }
    }

    /// What the customer has in a column, for a person to read.
    #[must_use]
    #[expect(clippy::float_cmp, reason = "codes of categories are whole numbers")]
    pub fn shown(&self, column: usize) -> Shown<'_> {
        let value = self.values[column];
        match COLUMNS[column].kind {
            Kind::OpenCategory(_) => self.location().map_or(Shown::Missing, Shown::Text),
            Kind::Id => self.customer_id().map_or(Shown::Missing, Shown::Text),
            _ if value.is_nan() => Shown::Missing,
            Kind::Category(names) => names
                .iter()
                .zip(0_u32..)
                .find(|&(_, i)| f64::from(i) == value)
                .map_or(Shown::Missing, |(name, _)| Shown::Text(name)),
            Kind::Flag => Shown::Flag(value != 0.0),
            _ => Shown::Number(value),
        }
    }
}

/// The value of a column as the API writes it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shown<'a> {
    Missing,
    Number(f64),
    Flag(bool),
    Text(&'a str),
}

/// A set of columns, in their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ColumnSet(u128);

// One bit a column.
const _: () = assert!(COLUMN_COUNT <= 128);

impl ColumnSet {
    /// Adds a column; says whether it was new.
    pub fn insert(&mut self, column: usize) -> bool {
        let new = !self.contains(column);
        self.0 |= 1 << column;
        new
    }

    #[must_use]
    pub fn contains(self, column: usize) -> bool {
        self.0 >> column & 1 == 1
    }

    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The indices of the columns.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..COLUMN_COUNT).filter(move |&c| self.contains(c))
    }

    /// The names of the columns.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.iter().map(|c| COLUMNS[c].name)
    }
}

impl FromIterator<usize> for ColumnSet {
    fn from_iter<I: IntoIterator<Item = usize>>(columns: I) -> Self {
        let mut set = Self::default();
        for column in columns {
            set.insert(column);
        }
        set
    }
}
