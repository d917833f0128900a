//! A small cohort for tests that need customers but not the generator: columns
//! drawn independently, with a plain signal planted in the labels.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "small whole numbers"
)]

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use engagecast::schema::{COLUMN_COUNT, COLUMNS, Kind, arrow::schema, column};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

const DAYS: usize = column("days_since_last_active");
const TENURE: usize = column("tenure_months");
const TIER: usize = column("premium_tier");
const FEED: usize = column("feed_time_minutes_day");
const LIKES: usize = column("likes_given_day");
const LOCATION: usize = column("location");
const ENGAGEMENT: usize = column("engagement_score");
const CHURN: usize = column("churn_30_day");
const DATES: usize = column("dates_completed_month");
const LTV: usize = column("lifetime_value_usd");

const BATCH: usize = 256;

/// One customer: a number for each column, `None` where it is null.
pub type Row = [Option<f64>; COLUMN_COUNT];

/// Customers in batches, the same for the same seed.
pub fn cohort(rows: usize, seed: u64) -> Vec<RecordBatch> {
    cohort_with(rows, seed, |_, _| ())
}

/// The same, each row changed before it is written.
pub fn cohort_with(
    rows: usize,
    seed: u64,
    mut change: impl FnMut(usize, &mut Row),
) -> Vec<RecordBatch> {
    let mut rng = SmallRng::seed_from_u64(seed);
    let rows: Vec<Row> = (0..rows)
        .map(|i| {
            let mut row = customer(&mut rng);
            change(i, &mut row);
            row
        })
        .collect();
    rows.chunks(BATCH)
        .enumerate()
        .map(|(i, rows)| batch(i * BATCH, rows))
        .collect()
}

fn customer(rng: &mut SmallRng) -> Row {
    let mut uniform = || rng.random::<f64>();
    let mut row: Row = std::array::from_fn(|i| {
        let column = &COLUMNS[i];
        let (min, max) = (column.generated.min, column.generated.max);
        let span = (max - min).min(100.0);
        Some(match column.kind {
            Kind::Category(names) | Kind::OpenCategory(names) => {
                (uniform() * names.len() as f64).floor()
            }
            Kind::Flag => f64::from(uniform() < 0.3),
            Kind::Integer | Kind::BigInteger => min + (uniform() * (span + 1.0)).floor().min(span),
            _ => min + (uniform() * span * 10.0).round() / 10.0,
        })
    });
    let of = |row: &Row, column: usize| row[column].unwrap_or(0.0);
    if uniform() < 0.5 {
        row[DATES] = Some(0.0);
    }
    let bell = uniform() + uniform() + uniform() - 1.5;
    // Two inputs share it: one that tells nearly all by itself counts as a leak.
    let active = (of(&row, FEED) + of(&row, LIKES) - 100.0) / 25.0;
    let engagement = 1.0 / (1.0 + (-active - bell).exp());
    row[ENGAGEMENT] = Some((engagement * 1000.0).round() / 1000.0);
    let leaves = 0.3 * (of(&row, DAYS) - 15.0) - 2.0 * f64::from(of(&row, LOCATION) == 0.0);
    row[CHURN] = Some(f64::from(uniform() < 1.0 / (1.0 + (-leaves).exp())));
    let spent = (1.0 + 5.0 * of(&row, TIER)) * (1.0 + of(&row, TENURE)) * (bell * 0.5).exp();
    row[LTV] = Some((spent * 100.0).round() / 100.0);
    row
}

fn batch(first: usize, rows: &[Row]) -> RecordBatch {
    let columns = (0..COLUMN_COUNT).map(|i| array(i, first, rows)).collect();
    RecordBatch::try_new(schema(), columns).expect("rows follow the schema")
}

fn array(index: usize, first: usize, rows: &[Row]) -> ArrayRef {
    let values = rows.iter().map(|row| row[index]);
    match COLUMNS[index].kind {
        Kind::Id => Arc::new(StringArray::from_iter_values(
            (first..first + rows.len()).map(|i| format!("C{i:07}")),
        )),
        Kind::Category(names) | Kind::OpenCategory(names) => Arc::new(
            values
                .map(|v| v.map(|v| names[v as usize]))
                .collect::<StringArray>(),
        ),
        Kind::Integer => Arc::new(values.map(|v| v.map(|v| v as i32)).collect::<Int32Array>()),
        Kind::BigInteger => Arc::new(values.map(|v| v.map(|v| v as i64)).collect::<Int64Array>()),
        Kind::Decimal(_) => Arc::new(values.collect::<Float64Array>()),
        Kind::Flag => Arc::new(
            values
                .map(|v| v.map(|v| v != 0.0))
                .collect::<BooleanArray>(),
        ),
        Kind::Timestamp => Arc::new(
            values
                .map(|v| v.map(|v| v as i64))
                .collect::<TimestampMicrosecondArray>()
                .with_timezone(engagecast::schema::arrow::UTC),
        ),
    }
}
