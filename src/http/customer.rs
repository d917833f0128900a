//! The schema of a customer in the OpenAPI document, made from the table of
//! columns.

use std::borrow::Cow;

use serde_json::{Value, json};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::schema::{COLUMNS, Column, Kind};

/// A customer as clients send it: any of the 72 columns.
pub struct Customer;

impl PartialSchema for Customer {
    fn schema() -> RefOr<Schema> {
        let object = COLUMNS.iter().fold(
            ObjectBuilder::new()
                .description(Some(
                    "Any of the 72 columns; `null` and absent both mean missing.",
                ))
                .additional_properties(Some(AdditionalProperties::FreeForm(false))),
            |object, column| object.property(column.name, property(column)),
        );
        object.examples([example()]).into()
    }
}

impl ToSchema for Customer {
    fn name() -> Cow<'static, str> {
        "Customer".into()
    }
}

/// Many customers, as a batch has them in JSON.
#[derive(ToSchema)]
#[schema(example = json!({"customers": [
    {"customer_id": "c-17", "age": 31, "location": "Chicago"},
    {"customer_id": "c-18", "age": 44, "tenure_months": 3},
]}))]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents what is read and written row by row")]
pub struct CustomerList {
    customers: Vec<Customer>,
}

/// One column: its type, what it means, and its valid range.
fn property(column: &Column) -> ObjectBuilder {
    let description = match column.unit {
        "" => format!("{}.", column.meaning),
        unit => format!("{}. Unit: {unit}.", column.meaning),
    };
    let object = ObjectBuilder::new().description(Some(description));
    let of = |kind: Type| SchemaType::from_iter([kind, Type::Null]);
    let range = |object: ObjectBuilder| {
        object
            .minimum(Some(column.valid.min))
            .maximum(Some(column.valid.max))
    };
    match column.kind {
        Kind::Id | Kind::OpenCategory(_) => object.schema_type(of(Type::String)),
        Kind::Category(names) => object.schema_type(of(Type::String)).enum_values(Some(
            names
                .iter()
                .map(|name| json!(name))
                .chain([Value::Null])
                .collect::<Vec<_>>(),
        )),
        Kind::Integer | Kind::BigInteger => range(object.schema_type(of(Type::Integer))),
        Kind::Decimal(_) => range(object.schema_type(of(Type::Number))),
        // As a range, not a list: generators of clients take no list of two types.
        Kind::Flag => object
            .schema_type(SchemaType::from_iter([
                Type::Boolean,
                Type::Integer,
                Type::Null,
            ]))
            .minimum(Some(0))
            .maximum(Some(1)),
        Kind::Timestamp => object
            .schema_type(of(Type::String))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))),
    }
}

/// A customer that every target answers.
fn example() -> Value {
    json!({
        "customer_id": "c-17",
        "age": 31,
        "gender": "Female",
        "location": "Chicago",
        "tenure_months": 7,
        "account_type": "Free",
        "premium_tier": "Free",
        "platform_primary": "Both",
        "feed_time_minutes_day": 24.5,
        "reels_watched_day": 4.2,
        "likes_given_day": 6.1,
        "app_opens_day": 2.8,
        "matches_per_day": 0.4,
        "response_rate_pct": 41.0,
        "match_satisfaction_score": 2.6,
        "engagement_score": 0.31,
        "sessions_last_7_days": 2,
        "days_since_last_active": 5,
        "is_creator": false
    })
}
