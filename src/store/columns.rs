//! The columns of a batch of customers by type, for those who move rows between
//! Arrow and a database.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Float64Builder, Int32Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};

use super::StoreError;
pub(super) use crate::schema::Values;
use crate::schema::{self, COLUMNS, Kind};

/// The 72 columns of a batch, in their order.
pub(super) fn values(batch: &RecordBatch) -> Result<Vec<Values<'_>>, StoreError> {
    let expected = schema::arrow::schema();
    let given = batch.schema_ref();
    let fits = given.fields().len() == expected.fields().len()
        && (given.fields().iter().zip(expected.fields()))
            .all(|(a, b)| a.name() == b.name() && a.data_type() == b.data_type());
    if !fits {
        return Err(StoreError::unstorable(
            "a batch",
            "its columns are not the 72 of a customer",
        ));
    }
    let columns = (0..COLUMNS.len()).map(|i| Values::in_batch(batch, i));
    columns
        .collect::<Option<_>>()
        .ok_or_else(|| StoreError::unstorable("a batch", "its columns are of other types"))
}

/// One column of a batch that is being read.
pub(super) enum Builder {
    Text(StringBuilder),
    Integer(Int32Builder),
    Big(Int64Builder),
    Decimal(Float64Builder),
    Flag(BooleanBuilder),
    Moment(TimestampMicrosecondBuilder),
}

impl Builder {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Id | Kind::Category(_) | Kind::OpenCategory(_) => {
                Self::Text(StringBuilder::new())
            }
            Kind::Integer => Self::Integer(Int32Builder::new()),
            Kind::BigInteger => Self::Big(Int64Builder::new()),
            Kind::Decimal(_) => Self::Decimal(Float64Builder::new()),
            Kind::Flag => Self::Flag(BooleanBuilder::new()),
            Kind::Timestamp => Self::Moment(
                TimestampMicrosecondBuilder::new().with_timezone(crate::schema::arrow::UTC),
            ),
        }
    }

    pub(super) fn append_null(&mut self) {
        match self {
            Self::Text(builder) => builder.append_null(),
            Self::Integer(builder) => builder.append_null(),
            Self::Big(builder) => builder.append_null(),
            Self::Decimal(builder) => builder.append_null(),
            Self::Flag(builder) => builder.append_null(),
            Self::Moment(builder) => builder.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Integer(builder) => Arc::new(builder.finish()),
            Self::Big(builder) => Arc::new(builder.finish()),
            Self::Decimal(builder) => Arc::new(builder.finish()),
            Self::Flag(builder) => Arc::new(builder.finish()),
            Self::Moment(builder) => Arc::new(builder.finish()),
        }
    }
}

/// A batch that is being read.
pub(super) struct BatchBuilder {
    pub columns: Vec<Builder>,
    pub rows: usize,
}

impl BatchBuilder {
    pub(super) fn new() -> Self {
        Self {
            columns: COLUMNS.iter().map(|c| Builder::new(c.kind)).collect(),
            rows: 0,
        }
    }

    /// The rows so far as a batch; the builder is empty afterwards.
    pub(super) fn finish(&mut self) -> Result<RecordBatch, String> {
        self.rows = 0;
        let arrays = self.columns.iter_mut().map(Builder::finish).collect();
        RecordBatch::try_new(schema::arrow::schema(), arrays).map_err(|e| e.to_string())
    }
}

/// Appends a row of either database whose first columns are those of a customer.
/// The tables hold no other types than these.
macro_rules! decode_row {
    ($row:expr, $batch:expr) => {{
        use sqlx::Row as _;
        use $crate::store::columns::Builder;
        let row = &$row;
        let mut append = || -> sqlx::Result<()> {
            for (i, builder) in $batch.columns.iter_mut().enumerate() {
                match builder {
                    Builder::Text(b) => {
                        b.append_option(row.try_get_unchecked::<Option<&str>, _>(i)?)
                    }
                    Builder::Integer(b) => {
                        b.append_option(row.try_get_unchecked::<Option<i32>, _>(i)?);
                    }
                    Builder::Big(b) => b.append_option(row.try_get_unchecked::<Option<i64>, _>(i)?),
                    Builder::Decimal(b) => {
                        b.append_option(row.try_get_unchecked::<Option<f64>, _>(i)?);
                    }
                    Builder::Flag(b) => {
                        b.append_option(row.try_get_unchecked::<Option<bool>, _>(i)?)
                    }
                    Builder::Moment(b) => {
                        let moment =
                            row.try_get_unchecked::<Option<chrono::DateTime<chrono::Utc>>, _>(i)?;
                        b.append_option(moment.map(|moment| moment.timestamp_micros()));
                    }
                }
            }
            Ok(())
        };
        let appended = append();
        $batch.rows += 1;
        appended
    }};
}
pub(super) use decode_row;
