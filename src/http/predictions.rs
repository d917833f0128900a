//! `POST /predict/{target}`: one customer in, one prediction out.
//!
//! The hot path: it reads the body once, asks the models in memory, and writes
//! the answer once. Invariant: no database, lock or file on the way.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response};
use serde::Serialize;
use serde_json::json;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};
use utoipa::{IntoParams, ToSchema};

use super::customer::Customer;
use super::problem::{self, FieldProblem, Kind, Problem};
use super::{Api, extract, outcomes};
use crate::features::{Profile, Shown};
use crate::models::{Estimate, Model, ModelSet, Target, Tier};

/// A prediction: `probability` and `tier` for churn; `value`, `unit` and
/// `interval` for ltv and engagement.
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
    /// Calibrated probability.
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
    #[schema(minimum = 0, maximum = 100, example = 88.1)]
    percentile: f64,
    /// Inputs of the model that the customer did not have.
    #[schema(example = json!(["photo_count"]))]
    missing: Vec<&'static str>,
    /// With `explain`: the model's sum before calibration.
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
    #[schema(example = 0.8)]
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

/// What the query may hold.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what `extract::explain` reads")]
pub struct ExplainQuery {
    /// How many of the strongest reasons to add, with `margin` and `base_value`.
    #[param(required = false, minimum = 0, maximum = 20, default = 0, example = 3)]
    explain: Option<usize>,
}

/// Predict for one customer
///
/// Takes a flat object with any of the 72 columns, plus a `customer_id` to be
/// echoed. Send the whole profile: what the target may not use is ignored. An
/// absent column and `null` mean missing, which is fine as long as one input is
/// there. A name that is no column's, a wrong type, an unknown category or a
/// value out of range is refused, all of them listed at once.
#[utoipa::path(
    post,
    path = "/predict/{target}",
    tag = "Predictions",
    params(
        ("target" = String, Path, description = "What to predict: churn, ltv or engagement", example = "churn"),
        ExplainQuery,
    ),
    request_body(content = Customer, content_type = "application/json", description = "The customer"),
    responses(
        (status = 200, description = "The prediction", body = PredictionBody, examples(
            ("churn" = (summary = "A probability, with a reason", value = json!({
                "target": "churn", "model_version": "20251121T090000Z-5f3a9c21", "customer_id": "c-17",
                "probability": 0.7312, "tier": "high", "percentile": 88.1, "missing": ["photo_count"],
                "margin": 1.0008, "base_value": -0.0312,
                "reasons": [{"feature": "days_since_last_active", "value": 21, "contribution": 0.83}]
            }))),
            ("ltv" = (summary = "A value", value = json!({
                "target": "ltv", "model_version": "20251121T090000Z-5f3a9c21", "customer_id": "c-17",
                "value": 126.4, "unit": "USD", "interval": {"level": 0.9, "lower": 41.2, "upper": 263.5},
                "percentile": 61.5, "missing": []
            }))),
        )),
        outcomes::UnknownTarget,
        outcomes::BadBody,
        outcomes::BadFields,
        outcomes::Unready,
        outcomes::Always,
    )
)]
pub async fn predict(
    State(api): State<Api>,
    target: Named,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let target = known(target)?;
    let (parts, body) = request.into_parts();
    let reasons = extract::explain(&parts.uri)?;
    let body = extract::json(&parts.headers, body, api.max_body).await?;
    let models = api.service.models.load();
    let set = models.as_ref().ok_or_else(not_ready)?;
    let model = set.get(target).ok_or_else(not_ready)?;
    let profile = Profile::from_json(&body)?;
    let json = answer(set, model, &profile, reasons)?;

    let mut response = Response::new(Body::from(json));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// A name in a path; what is no UTF-8 names nothing.
pub type Named = Result<Path<String>, PathRejection>;

/// The target that a path names.
pub fn known(path: Named) -> Result<Target, Problem> {
    path.ok()
        .and_then(|Path(name)| Target::from_name(&name))
        .ok_or_else(|| {
            let names: Vec<_> = Target::ALL.iter().map(|target| target.name()).collect();
            Problem::new(
                Kind::NotFound,
                format!(
                    "No target has this name; the targets are {}.",
                    names.join(", ")
                ),
            )
        })
}

pub fn not_ready() -> Problem {
    Problem::new(
        Kind::NotReady,
        "No model is trained yet; /readyz tells how far it is.",
    )
}

fn answer(
    set: &ModelSet,
    model: &Model,
    profile: &Profile,
    reasons: usize,
) -> Result<Vec<u8>, Problem> {
    let prediction = model.predict(profile).map_err(|_| no_inputs())?;
    let mut body = PredictionBody {
        target: model.target().name(),
        model_version: &set.version,
        customer_id: profile.customer_id(),
        probability: None,
        tier: None,
        value: None,
        unit: None,
        interval: None,
        percentile: rounded(prediction.percentile, 10.0),
        missing: prediction.missing.names().collect(),
        margin: None,
        base_value: None,
        reasons: None,
    };
    match prediction.value {
        Estimate::Probability { probability, tier } => {
            body.probability = Some(rounded(probability, MILLIONTHS));
            body.tier = Some(tier.into());
        }
        Estimate::Amount {
            value,
            unit,
            lower,
            upper,
            level,
        } => {
            body.value = Some(rounded(value, MILLIONTHS));
            body.unit = Some(unit);
            body.interval = Some(Interval {
                level,
                lower: rounded(lower, MILLIONTHS),
                upper: rounded(upper, MILLIONTHS),
            });
        }
    }
    if reasons > 0 {
        explain(&mut body, model, profile, reasons)?;
    }
    let mut json = Vec::with_capacity(512);
    serde_json::to_writer(&mut json, &body).map_err(|error| problem::internal(&error))?;
    Ok(json)
}

fn explain<'a>(
    body: &mut PredictionBody<'a>,
    model: &Model,
    profile: &'a Profile,
    reasons: usize,
) -> Result<(), Problem> {
    let explanation = model.explain(profile, reasons).map_err(|_| no_inputs())?;
    body.margin = Some(rounded(explanation.margin, MILLIONTHS));
    body.base_value = Some(rounded(explanation.base_value, MILLIONTHS));
    body.reasons = Some(
        explanation
            .reasons
            .iter()
            .map(|reason| ReasonBody {
                feature: reason.feature,
                value: shown(reason.value),
                contribution: rounded(reason.contribution, MILLIONTHS),
            })
            .collect(),
    );
    Ok(())
}

fn shown(value: Shown<'_>) -> ReasonValue<'_> {
    match value {
        Shown::Missing => ReasonValue::Missing(()),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it has no fraction and is small"
        )]
        Shown::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
            ReasonValue::Whole(number as i64)
        }
        Shown::Number(number) => ReasonValue::Number(number),
        Shown::Flag(flag) => ReasonValue::Flag(flag),
        Shown::Text(text) => ReasonValue::Text(text),
    }
}

fn no_inputs() -> Problem {
    Problem::fields(
        Kind::InvalidCustomer,
        vec![FieldProblem {
            field: String::new(),
            code: "no_inputs".into(),
            message: "at least one column that the target uses must be there".into(),
        }],
    )
}

const MILLIONTHS: f64 = 1e6;

/// A number to so many parts: more digits than a model means.
fn rounded(number: f64, parts: f64) -> f64 {
    (number * parts).round() / parts
}
