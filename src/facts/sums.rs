//! The mergeable aggregates that all statistics are computed from.

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use serde::{Deserialize, Serialize};

use super::Histogram;
use crate::schema::{COLUMN_COUNT, COLUMNS, Kind, column};

const GENDER: usize = column("gender");
const PLATFORM: usize = column("platform_primary");
const ACCOUNT_TYPE: usize = column("account_type");
const IS_CREATOR: usize = column("is_creator");
const EARNINGS: usize = column("creator_earnings_month_usd");
const LIFETIME_VALUE: usize = column("lifetime_value_usd");
const MATCH_RATE: usize = column("match_rate_pct");

/// A sum and the number of values in it; nulls are in neither.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Sum {
    pub sum: f64,
    pub count: u64,
}

impl Sum {
    pub(super) fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.sum += other.sum;
        self.count += other.count;
    }

    /// The mean, where there is a value.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of customers, far below 2^53"
    )]
    pub fn mean(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// Aggregates of the customers seen so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    pub customers: u64,
    /// Of every number and flag column, in the schema's order; empty for the others.
    pub columns: Vec<Sum>,
    /// Premium customers among those whose account type is known.
    pub premium: Sum,
    /// Match rate of men and of women, lifetime value of customers of one
    /// platform and of both.
    pub match_rate_men: Sum,
    pub match_rate_women: Sum,
    pub ltv_single: Sum,
    pub ltv_both: Sum,
    /// Monthly earnings of the creators, USD.
    pub creator_earnings: Histogram,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            customers: 0,
            columns: vec![Sum::default(); COLUMN_COUNT],
            premium: Sum::default(),
            match_rate_men: Sum::default(),
            match_rate_women: Sum::default(),
            ltv_single: Sum::default(),
            ltv_both: Sum::default(),
            creator_earnings: Histogram::default(),
        }
    }
}

impl Facts {
    /// Adds the customers of a batch with the schema's columns.
    pub fn observe(&mut self, batch: &RecordBatch) {
        self.customers += batch.num_rows() as u64;
        for (i, sum) in self.columns.iter_mut().enumerate() {
            for value in numbers(batch, i).flatten() {
                sum.add(value);
            }
        }
        for account in texts(batch, ACCOUNT_TYPE).flatten() {
            self.premium.add(f64::from(account == "Premium"));
        }
        for (gender, rate) in texts(batch, GENDER).zip(numbers(batch, MATCH_RATE)) {
            match (gender, rate) {
                (Some("Male"), Some(rate)) => self.match_rate_men.add(rate),
                (Some("Female"), Some(rate)) => self.match_rate_women.add(rate),
                _ => {}
            }
        }
        for (platform, ltv) in texts(batch, PLATFORM).zip(numbers(batch, LIFETIME_VALUE)) {
            match (platform, ltv) {
                (Some("Both"), Some(ltv)) => self.ltv_both.add(ltv),
                (Some(_), Some(ltv)) => self.ltv_single.add(ltv),
                _ => {}
            }
        }
        for (creator, earned) in numbers(batch, IS_CREATOR).zip(numbers(batch, EARNINGS)) {
            if let (Some(1.0), Some(earned)) = (creator, earned) {
                self.creator_earnings.add(earned);
            }
        }
    }

    /// Adds what another part of the cohort came to.
    pub fn merge(&mut self, other: Self) {
        self.customers += other.customers;
        for (sum, part) in self.columns.iter_mut().zip(other.columns) {
            sum.merge(part);
        }
        self.premium.merge(other.premium);
        self.match_rate_men.merge(other.match_rate_men);
        self.match_rate_women.merge(other.match_rate_women);
        self.ltv_single.merge(other.ltv_single);
        self.ltv_both.merge(other.ltv_both);
        self.creator_earnings.merge(other.creator_earnings);
    }
}

/// The values of a number or flag column; nothing for the other kinds.
fn numbers(batch: &RecordBatch, column: usize) -> Box<dyn Iterator<Item = Option<f64>> + '_> {
    let array = batch.column(column);
    match COLUMNS[column].kind {
        Kind::Integer => Box::new(
            array
                .as_primitive::<Int32Type>()
                .iter()
                .map(|v| v.map(f64::from)),
        ),
        #[expect(clippy::cast_precision_loss, reason = "valid values are at most 2^53")]
        Kind::BigInteger => Box::new(
            array
                .as_primitive::<Int64Type>()
                .iter()
                .map(|v| v.map(|v| v as f64)),
        ),
        Kind::Decimal(_) => Box::new(array.as_primitive::<Float64Type>().iter()),
        Kind::Flag => Box::new(
            array
                .as_boolean()
                .iter()
                .map(|v| v.map(|v| f64::from(u8::from(v)))),
        ),
        Kind::Id | Kind::Category(_) | Kind::OpenCategory(_) | Kind::Timestamp => {
            Box::new(std::iter::empty())
        }
    }
}

fn texts(batch: &RecordBatch, column: usize) -> impl Iterator<Item = Option<&str>> {
    batch.column(column).as_string::<i32>().iter()
}
