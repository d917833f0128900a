//! Values that are missing: taken out of complete customers, after calibration.
//!
//! Whether a value is missing depends on the seed, the column and the row alone,
//! so masking needs no more than a batch and the number of its first row.

use arrow_array::{BooleanArray, RecordBatch};
use arrow_select::nullif::nullif;
use serde_json::{Value, json};

use super::draw::{Phase, Streams};
use super::math::normal_cdf;
use super::solve;
use super::variables::{ACTIVITY, WIDTH};

/// How much of a column is missing, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Missing {
    pub column: usize,
    /// Share of the customers.
    pub rate: f64,
    pub cause: Cause,
}

/// What makes a value missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    Chance,
    /// The less active a customer is, the likelier.
    Activity,
}

/// What one standard deviation of activity less adds to the probit of being missing.
const ACTIVITY_WEIGHT: f64 = 1.0;

impl Missing {
    pub fn to_json(&self) -> Value {
        match self.cause {
            Cause::Chance => json!({ "rate": self.rate }),
            Cause::Activity => json!({ "rate": self.rate, "depends_on": "activity" }),
        }
    }
}

/// Takes values out of the customers of one cohort.
pub struct Mask {
    activity: Streams,
    gaps: Vec<Gap>,
}

struct Gap {
    column: usize,
    streams: Streams,
    /// The probit of being missing at mean activity, and what activity takes off it.
    probit: f64,
    weight: f64,
}

impl Mask {
    #[must_use]
    pub(super) fn new(seed: u64, missing: &[Missing]) -> Self {
        let gap = |m: &Missing| {
            let weight = match m.cause {
                Cause::Chance => 0.0,
                Cause::Activity => ACTIVITY_WEIGHT,
            };
            Gap {
                column: m.column,
                streams: Streams::new(seed, WIDTH + m.column, Phase::Value),
                // Activity is standard normal, so this mean over all customers is the rate.
                probit: probit(m.rate) * (1.0 + weight * weight).sqrt(),
                weight,
            }
        };
        Self {
            activity: Streams::new(seed, ACTIVITY, Phase::Value),
            gaps: missing.iter().map(gap).collect(),
        }
    }

    /// The batch without what is missing; its first row is the cohort's `first`.
    ///
    /// # Panics
    /// Where the batch is not one of the plan's.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "a column keeps its length and type, and only one that may be null gets gaps"
    )]
    pub fn apply(&self, batch: RecordBatch, first: u64) -> RecordBatch {
        if self.gaps.is_empty() {
            return batch;
        }
        let rows = first..first + batch.num_rows() as u64;
        let activity: Vec<f64> = rows
            .clone()
            .map(|row| self.activity.row(row).normal())
            .collect();
        let (schema, mut columns, _) = batch.into_parts();
        for gap in &self.gaps {
            let missing = rows.clone().zip(&activity).map(|(row, activity)| {
                let chance = normal_cdf(gap.probit - gap.weight * activity);
                Some(gap.streams.row(row).uniform() < chance)
            });
            let missing: BooleanArray = missing.collect();
            let column = &mut columns[gap.column];
            *column = nullif(column, &missing).expect("a value for each row");
        }
        RecordBatch::try_new(schema, columns).expect("columns of the batch that they came from")
    }
}

/// The inverse of the standard normal's distribution function.
fn probit(p: f64) -> f64 {
    solve::root(|z| normal_cdf(z) - p, 0.0, 0.0, (-8.0, 8.0)).at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::CohortSpec;
    use crate::cohort::Plan;
    use crate::cohort::constants::Constants;
    use crate::cohort::draft::Draft;
    use crate::cohort::identity;
    use crate::schema::column;

    #[test]
    fn activity_is_what_the_customers_were_drawn_with() {
        let spec = CohortSpec::default();
        let mut draft = Draft::with_constants(&spec, 7, 4_096, 10, Constants::default());
        identity::draw(&mut draft);
        let (blocks, _) = draft.finish();
        let mask = Mask::new(7, &[]);
        for (row, drawn) in (4_096..).zip(blocks[0].column(ACTIVITY)) {
            assert_eq!(mask.activity.row(row).normal().to_bits(), drawn.to_bits());
        }
    }

    #[test]
    fn a_column_misses_its_rate_whatever_it_depends_on() {
        let batch = Plan::new(1_000, 3)
            .unwrap()
            .generate(&|_| {})
            .unwrap()
            .next()
            .unwrap();
        let rates = [
            (0.05, Cause::Chance),
            (0.6, Cause::Activity),
            (0.1, Cause::Activity),
        ];
        let gaps = rates.map(|(rate, cause)| Missing {
            column: column("photo_count"),
            rate,
            cause,
        });
        for gap in gaps {
            let mask = Mask::new(3, std::slice::from_ref(&gap));
            let missing: usize = (0..40)
                .map(|part| mask.apply(batch.clone(), part * 1_000))
                .map(|masked| masked.column(gap.column).null_count())
                .sum();
            #[expect(clippy::cast_precision_loss, reason = "a small count")]
            let share = missing as f64 / 40_000.0;
            let off = 4.0 * (gap.rate * (1.0 - gap.rate) / 40_000.0).sqrt();
            assert!((share - gap.rate).abs() < off, "{share} of {gap:?}");
        }
    }
}
