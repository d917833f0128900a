//! The Arrow schema of a customer, with each column's unit and meaning as
//! field metadata.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::{COLUMNS, Column, Kind};

/// The time zone of timestamps; as an offset, since names need a time zone database.
pub const UTC: &str = "+00:00";

/// The 72 columns. All but `customer_id` may be null: a team's own data has gaps.
#[must_use]
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> =
        LazyLock::new(|| Arc::new(Schema::new(COLUMNS.iter().map(field).collect::<Vec<_>>())));
    Arc::clone(&SCHEMA)
}

/// The Arrow type of a kind of column.
#[must_use]
pub fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Id | Kind::Category(_) | Kind::OpenCategory(_) => DataType::Utf8,
        Kind::Integer => DataType::Int32,
        Kind::BigInteger => DataType::Int64,
        Kind::Decimal(_) => DataType::Float64,
        Kind::Flag => DataType::Boolean,
        Kind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
    }
}

fn field(column: &Column) -> Field {
    let metadata = HashMap::from([
        ("unit".to_owned(), column.unit.to_owned()),
        ("meaning".to_owned(), column.meaning.to_owned()),
    ]);
    Field::new(column.name, data_type(column.kind), column.kind != Kind::Id).with_metadata(metadata)
}
