//! What a prediction looks like to a client: for one target, or for all.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

use crate::features::{Profile, Shown};
use crate::models::{Estimate, Explanation, Prediction, Target, Tier};

/// A prediction. `churn`, `premium-conversion`, `date-conversion` and `creator`
/// answer `probability` and `tier`; the others `value`, `unit` and `interval`. A
/// target that is not for the customer answers `applicable` and `why` alone.
#[derive(Serialize, ToSchema)]
#[schema(as = Prediction)]
pub struct PredictionBody<'a> {
    #[schema(example = "churn")]
    target: &'static str,
    /// The model set that answered.
    #[schema(example = "20251121T090000Z-5f3a9c21")]
    model_version: &'a str,
    /// As it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "c-17")]
    customer_id: Option<&'a str>,
    /// False where the target is not for this customer; else absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = true)]
    applicable: Option<bool>,
    /// Why the target is not for this customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    /// Probability, on the scale of the data that the model learnt from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1, example = 0.7312)]
    probability: Option<f64>,
    /// `high` is the top fifth of the training hold-out, `low` its bottom half.
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<TierBody>,
    /// Expected value.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    /// Unit of the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "USD")]
    unit: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<Interval>,
    /// Place of the answer among the training hold-out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 100, example = 88.1)]
    percentile: Option<f64>,
    /// Inputs of the model that the customer did not have.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["photo_count"]))]
    missing: Option<Vec<&'static str>>,
    /// With `explain`: the model's sum, of which the answer is a function.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1.0021)]
    margin: Option<f64>,
    /// With `explain`: what the sum is of before any input counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = -0.0312)]
    base_value: Option<f64>,
    /// With `explain`: the strongest reasons, the strongest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    reasons: Option<Vec<ReasonBody<'a>>>,
}

/// What is predicted of one customer, by target.
#[derive(Serialize, ToSchema)]
pub struct Predictions<'a> {
    /// The model set that answered.
    #[schema(example = "20251121T090000Z-5f3a9c21")]
    model_version: &'a str,
    /// As it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "c-17")]
    customer_id: Option<&'a str>,
    /// A prediction for each target that the model set has.
    #[serde(rename = "predictions")]
    by_target: BTreeMap<&'static str, PredictionBody<'a>>,
}

impl<'a> Predictions<'a> {
    pub fn new(
        version: &'a str,
        profile: &'a Profile,
        predictions: impl Iterator<Item = PredictionBody<'a>>,
    ) -> Self {
        Self {
            model_version: version,
            customer_id: profile.customer_id(),
            by_target: predictions.map(|body| (body.target, body)).collect(),
        }
    }
}

/// How a probability compares with those of the training hold-out.
#[derive(Serialize, ToSchema)]
#[schema(as = Tier)]
#[serde(rename_all = "snake_case")]
pub enum TierBody {
    Low,
    Medium,
    High,
}

impl From<Tier> for TierBody {
    fn from(tier: Tier) -> Self {
        match tier {
            Tier::Low => Self::Low,
            Tier::Medium => Self::Medium,
            Tier::High => Self::High,
        }
    }
}

/// Where the true value of such customers lies.
#[derive(Serialize, ToSchema)]
pub struct Interval {
    /// Share of customers whose true value lies within.
    #[schema(example = 0.9)]
    level: f64,
    #[schema(example = 41.2)]
    lower: f64,
    #[schema(example = 263.5)]
    upper: f64,
}

/// One reason for a prediction.
#[derive(Serialize, ToSchema)]
#[schema(as = Reason)]
pub struct ReasonBody<'a> {
    /// The column that it is about.
    #[schema(example = "days_since_last_active")]
    feature: &'static str,
    /// What the customer has in it; null where it is missing.
    #[schema(schema_with = any_value)]
    value: ReasonValue<'a>,
    /// What it adds to the margin.
    #[schema(example = 0.83)]
    contribution: f64,
}

/// A customer's value of one column.
#[derive(Serialize)]
#[serde(untagged)]
pub enum ReasonValue<'a> {
    /// As a client would write it: without a fraction that is zero.
    Whole(i64),
    Number(f64),
    Flag(bool),
    Text(&'a str),
    Missing(()),
}

fn any_value() -> Object {
    let kinds = [Type::Number, Type::Boolean, Type::String, Type::Null];
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter(kinds))
        .description(Some(
            "What the customer has in it; null where it is missing.",
        ))
        .examples([json!(21)])
        .build()
}

impl<'a> PredictionBody<'a> {
    pub fn new(
        version: &'a str,
        target: Target,
        profile: &'a Profile,
        prediction: &Prediction,
        explanation: Option<&Explanation<'a>>,
    ) -> Self {
        let mut body = Self::answered(version, target, profile, prediction);
        if let Some(explanation) = explanation {
            body.explain(explanation);
        }
        body
    }

    fn answered(
        version: &'a str,
        target: Target,
        profile: &'a Profile,
        prediction: &Prediction,
    ) -> Self {
        let bare = Self {
            percentile: Some(rounded(prediction.percentile, 10.0)),
            missing: Some(prediction.missing.names().collect()),
            ..Self::bare(version, target, profile)
        };
        match prediction.value {
            Estimate::Probability { probability, tier } => Self {
                probability: Some(rounded(probability, MILLIONTHS)),
                tier: Some(tier.into()),
                ..bare
            },
            Estimate::Amount {
                value,
                unit,
                lower,
                upper,
                level,
            } => Self {
                value: Some(rounded(value, MILLIONTHS)),
                unit: Some(unit),
                interval: Some(Interval {
                    level,
                    lower: rounded(lower, MILLIONTHS),
                    upper: rounded(upper, MILLIONTHS),
                }),
                ..bare
            },
        }
    }

    /// Says that the target is not for the customer.
    pub fn not_applicable(
        version: &'a str,
        target: Target,
        profile: &'a Profile,
        why: &'static str,
    ) -> Self {
        Self {
            applicable: Some(false),
            why: Some(why),
            ..Self::bare(version, target, profile)
        }
    }

    fn bare(version: &'a str, target: Target, profile: &'a Profile) -> Self {
        Self {
            target: target.name(),
            model_version: version,
            customer_id: profile.customer_id(),
            applicable: None,
            why: None,
            probability: None,
            tier: None,
            value: None,
            unit: None,
            interval: None,
            percentile: None,
            missing: None,
            margin: None,
            base_value: None,
            reasons: None,
        }
    }

    /// Adds the reasons.
    fn explain(&mut self, explanation: &Explanation<'a>) {
        let reasons = explanation.reasons.iter().map(|reason| ReasonBody {
            feature: reason.feature,
            value: reason.value.into(),
            contribution: rounded(reason.contribution, MILLIONTHS),
        });
        self.margin = Some(rounded(explanation.margin, MILLIONTHS));
        self.base_value = Some(rounded(explanation.base_value, MILLIONTHS));
        self.reasons = Some(reasons.collect());
    }
}

impl<'a> From<Shown<'a>> for ReasonValue<'a> {
    fn from(shown: Shown<'a>) -> Self {
        match shown {
            Shown::Missing => Self::Missing(()),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "it has no fraction and is small"
            )]
            Shown::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
                Self::Whole(number as i64)
            }
            Shown::Number(number) => Self::Number(number),
            Shown::Flag(flag) => Self::Flag(flag),
            Shown::Text(text) => Self::Text(text),
        }
    }
}

const MILLIONTHS: f64 = 1e6;

/// A number to so many parts: more digits than a model means.
fn rounded(number: f64, parts: f64) -> f64 {
    (number * parts).round() / parts
}
