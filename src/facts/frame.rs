//! A few hundred customers at a time as fixed-point numbers: all that the
//! aggregates read.
//!
//! A quantity is a column that holds numbers or flags, or one of a few that are
//! reckoned from columns; each is reckoned here alone, and missing where one of
//! its columns is. No column may hold a number below 0: one that does counts as
//! missing.

use arrow_array::{Array, RecordBatch};

use super::fixed::{Chunk, Fixed, MILLIONTHS, MISSING, all_fixed, are_small, whole};
use super::groups::{DIMENSIONS, NO_GROUP};
use crate::schema::{COLUMN_COUNT, COLUMNS, Kind, Values, column, const_eq};

/// Customers that are looked at together: what they come to stays in the cache.
pub(super) const CHUNK: usize = 512;

/// A number that every customer has or lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quantity(pub(super) usize);

/// A quantity that is no column.
struct Derived {
    name: &'static str,
    unit: &'static str,
    units: f64,
    of: Source,
}

#[derive(Clone, Copy)]
enum Source {
    /// Whether a category is this one.
    Is(usize, &'static str),
    /// The sum of two columns.
    Sum(usize, usize),
    /// Whether a whole number is below a limit.
    Below(usize, Fixed),
    /// A number where a flag is not set, nothing where it is.
    Unless(usize, usize),
}

const FLAG: f64 = 1.0;

#[rustfmt::skip] // A table: one quantity a line.
const DERIVED: &[Derived] = &[
    Derived { name: "premium", unit: "", units: FLAG, of: Source::Is(column("account_type"), "Premium") },
    Derived { name: "swipes_day", unit: "swipes/day", units: MILLIONTHS, of: Source::Sum(column("swipes_right_day"), column("swipes_left_day")) },
    Derived { name: "messages_day", unit: "messages/day", units: MILLIONTHS, of: Source::Sum(column("messages_sent_day"), column("messages_received_day")) },
    Derived { name: "posts_and_reels", unit: "posts", units: 1.0, of: Source::Sum(column("posts_last_30_days"), column("reels_created_week")) },
    Derived { name: "paid_month_usd", unit: "USD/month", units: MILLIONTHS, of: Source::Sum(column("monthly_subscription_usd"), column("iap_spending_month_usd")) },
    Derived { name: "kept_month_usd", unit: "USD/month", units: MILLIONTHS, of: Source::Unless(column("total_revenue_month_usd"), column("churn_30_day")) },
    Derived { name: "active_today", unit: "", units: FLAG, of: Source::Below(column("days_since_last_active"), 1) },
    Derived { name: "active_this_week", unit: "", units: FLAG, of: Source::Below(column("days_since_last_active"), 7) },
    Derived { name: "blocked_nobody", unit: "", units: FLAG, of: Source::Below(column("users_blocked"), 1) },
    Derived { name: "reported_nobody", unit: "", units: FLAG, of: Source::Below(column("users_reported"), 1) },
];

const COUNT: usize = COLUMN_COUNT + DERIVED.len();

/// The quantity with this name, for a `const`: an unknown one fails the build.
pub(super) const fn quantity(name: &str) -> Quantity {
    let mut i = 0;
    while i < DERIVED.len() {
        if const_eq(DERIVED[i].name.as_bytes(), name.as_bytes()) {
            return Quantity(COLUMN_COUNT + i);
        }
        i += 1;
    }
    Quantity(column(name))
}

impl Quantity {
    pub fn name(self) -> &'static str {
        match self.0.checked_sub(COLUMN_COUNT) {
            None => COLUMNS[self.0].name,
            Some(derived) => DERIVED[derived].name,
        }
    }

    /// What one of it is; empty for a flag.
    pub fn unit(self) -> &'static str {
        match self.0.checked_sub(COLUMN_COUNT) {
            None => COLUMNS[self.0].unit,
            Some(derived) => DERIVED[derived].unit,
        }
    }

    /// How many fixed-point units there are in one.
    pub fn units(self) -> f64 {
        match self.0.checked_sub(COLUMN_COUNT) {
            None if matches!(COLUMNS[self.0].kind, Kind::Decimal(_)) => MILLIONTHS,
            None => 1.0,
            Some(derived) => DERIVED[derived].units,
        }
    }
}

/// The customers of one chunk, a list for each quantity and each dimension.
pub(super) struct Frame {
    rows: usize,
    quantities: Vec<[Fixed; CHUNK]>,
    /// Whether a quantity is known of all, and small.
    plain: Vec<bool>,
    codes: Vec<[u8; CHUNK]>,
}

impl Frame {
    pub fn new() -> Self {
        Self {
            rows: 0,
            quantities: vec![[MISSING; CHUNK]; COUNT],
            plain: vec![false; COUNT],
            codes: vec![[NO_GROUP; CHUNK]; DIMENSIONS.len()],
        }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn quantity(&self, quantity: Quantity) -> &[Fixed] {
        &self.quantities[quantity.0][..self.rows]
    }

    /// The values of a quantity, for sums.
    pub fn values(&self, quantity: Quantity) -> Chunk<'_> {
        Chunk {
            values: self.quantity(quantity),
            plain: self.plain[quantity.0],
        }
    }

    /// The group of each customer in a dimension.
    pub fn codes(&self, dimension: usize) -> &[u8] {
        &self.codes[dimension][..self.rows]
    }

    /// Looks at the rows of a batch from `start` on, a chunk at most.
    pub fn fill(&mut self, batch: &RecordBatch, start: usize) {
        self.rows = (batch.num_rows() - start).min(CHUNK);
        for (i, column) in self.quantities[..COLUMN_COUNT].iter_mut().enumerate() {
            let values = Values::in_batch(batch, i);
            numbers(values, start, &mut column[..self.rows]);
        }
        for (i, derived) in DERIVED.iter().enumerate() {
            self.derive(batch, start, COLUMN_COUNT + i, derived.of);
        }
        for (plain, column) in self.plain.iter_mut().zip(&self.quantities) {
            *plain = are_small(&column[..self.rows]);
        }
        for (i, dimension) in DIMENSIONS.iter().enumerate() {
            let mut codes = std::mem::replace(&mut self.codes[i], [NO_GROUP; CHUNK]);
            dimension.codes(self, batch, start, &mut codes[..self.rows]);
            self.codes[i] = codes;
        }
    }

    fn derive(&mut self, batch: &RecordBatch, start: usize, at: usize, source: Source) {
        let (columns, derived) = self.quantities.split_at_mut(at);
        let out = &mut derived[0][..self.rows];
        match source {
            Source::Is(column, name) => {
                let texts = Values::in_batch(batch, column);
                for (row, out) in (start..).zip(out) {
                    let text = texts.and_then(|t| t.text(row));
                    *out = text.map_or(MISSING, |text| i64::from(text == name));
                }
            }
            Source::Sum(a, b) => {
                for (out, (&a, &b)) in out.iter_mut().zip(columns[a].iter().zip(&columns[b])) {
                    let known = a != MISSING && b != MISSING;
                    *out = if known { whole(a + b) } else { MISSING };
                }
            }
            Source::Unless(number, flag) => {
                let rows = columns[number].iter().zip(&columns[flag]);
                for (out, (&number, &flag)) in out.iter_mut().zip(rows) {
                    *out = match flag {
                        MISSING => MISSING,
                        0 => number,
                        _ if number == MISSING => MISSING,
                        _ => 0,
                    };
                }
            }
            Source::Below(column, limit) => {
                for (out, &x) in out.iter_mut().zip(&columns[column]) {
                    let known = x != MISSING;
                    *out = if known { i64::from(x < limit) } else { MISSING };
                }
            }
        }
    }
}

/// `x`, if a column may hold it.
#[inline]
fn valid(x: Fixed) -> Fixed {
    if x < 0 { MISSING } else { x }
}

/// Writes the numbers of a column from a row on; text and moments are missing.
fn numbers(values: Option<Values>, start: usize, out: &mut [Fixed]) {
    let range = start..start + out.len();
    match values {
        Some(Values::Integer(array)) => {
            let values = &array.values()[range];
            (out.iter_mut().zip(values)).for_each(|(out, &x)| *out = valid(x.into()));
            blank(array, start, out);
        }
        Some(Values::Big(array)) => {
            let values = &array.values()[range];
            (out.iter_mut().zip(values)).for_each(|(out, &x)| *out = valid(whole(x)));
            blank(array, start, out);
        }
        Some(Values::Decimal(array)) => {
            let values = &array.values()[range];
            all_fixed(values, MILLIONTHS, out);
            for x in out.iter_mut() {
                *x = valid(*x);
            }
            blank(array, start, out);
        }
        Some(Values::Flag(array)) => {
            for (row, out) in range.zip(out.iter_mut()) {
                *out = array.value(row).into();
            }
            blank(array, start, out);
        }
        Some(Values::Text(_) | Values::Moment(_)) | None => out.fill(MISSING),
    }
}

fn blank(array: &dyn Array, start: usize, out: &mut [Fixed]) {
    if array.null_count() > 0 {
        for (row, out) in (start..).zip(out) {
            if array.is_null(row) {
                *out = MISSING;
            }
        }
    }
}
