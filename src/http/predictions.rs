//! `POST /predict/{target}`: one customer in, one prediction out; `POST /predict`:
//! one customer in, those of all targets out.
//!
//! The hot path: it reads the body once, asks the models in memory, and writes
//! the answer once. Invariant: no database, lock or file on the way.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response};
use utoipa::IntoParams;

use super::answer::{PredictionBody, Predictions};
use super::customer::Customer;
use super::problem::{self, FieldProblem, Kind, Problem};
use super::{Api, extract, outcomes};
use crate::features::Profile;
use crate::models::{Answer, Model, ModelSet, NoPrediction, NotApplicable, Target};

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
        ("target" = String, Path, description = "What to predict", example = "churn"),
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
    let body = extract::json(&parts.headers, body, api.limits.max_body).await?;
    let models = api.service.models.load();
    let set = models.as_ref().ok_or_else(not_ready)?;
    let model = set.get(target).ok_or_else(not_ready)?;
    let profile = Profile::from_json(&body)?;
    let json = answer(set, model, &profile, reasons)?;

    Ok(json_response(json))
}

/// A name in a path; what is no UTF-8 names nothing.
pub type Named = Result<Path<String>, PathRejection>;

/// The target that a path names.
pub fn known(path: Named) -> Result<Target, Problem> {
    target_of(&path.map(|Path(name)| name).unwrap_or_default())
}

/// The target of this name.
pub fn target_of(name: &str) -> Result<Target, Problem> {
    Target::from_name(name).ok_or_else(|| {
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
    let body = prediction(set, model, profile, reasons)
        .map_err(|fault| Problem::fields(Kind::InvalidCustomer, vec![fault]))?;
    let mut json = Vec::with_capacity(512);
    serde_json::to_writer(&mut json, &body).map_err(|error| problem::internal(&error))?;
    Ok(json)
}

/// What is predicted of a customer, unless nothing is known of it.
pub fn prediction<'a>(
    set: &'a ModelSet,
    model: &Model,
    profile: &'a Profile,
    reasons: usize,
) -> Result<PredictionBody<'a>, FieldProblem> {
    match model.serve(profile, reasons) {
        Err(NoPrediction::NoInputs(_)) => Err(no_inputs()),
        answer => Ok(body_of(set, model, profile, answer)),
    }
}

fn no_inputs() -> FieldProblem {
    FieldProblem::new(
        "",
        "no_inputs",
        "at least one column that the target uses must be there",
    )
}

/// Predict everything for one customer
///
/// As `POST /predict/{target}`, for all targets at once, with one encoding of the
/// customer. A target that has no input among the columns sent is not applicable.
#[utoipa::path(
    post,
    path = "/predict",
    tag = "Predictions",
    params(ExplainQuery),
    request_body(content = Customer, content_type = "application/json", description = "The customer"),
    responses(
        (status = 200, description = "The predictions", body = Predictions),
        outcomes::BadBody,
        outcomes::BadFields,
        outcomes::Unready,
        outcomes::Always,
    )
)]
pub async fn predict_all(
    State(api): State<Api>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let (parts, body) = request.into_parts();
    let reasons = extract::explain(&parts.uri)?;
    let body = extract::json(&parts.headers, body, api.limits.max_body).await?;
    let models = api.service.models.load();
    let set = models.as_ref().ok_or_else(not_ready)?;
    let profile = Profile::from_json(&body)?;
    let mut silent = 0;
    let bodies: Vec<_> = (set.serve_all(&profile, reasons))
        .map(|(model, answer)| {
            silent += usize::from(matches!(answer, Err(NoPrediction::NoInputs(_))));
            body_of(set, model, &profile, answer)
        })
        .collect();
    if silent == bodies.len() {
        return Err(Problem::fields(Kind::InvalidCustomer, vec![no_inputs()]));
    }
    let body = Predictions::new(&set.version, &profile, bodies.into_iter());
    let json = serde_json::to_vec(&body).map_err(|error| problem::internal(&error))?;
    Ok(json_response(json))
}

/// One of the answers to a customer: where nothing can be said, why.
fn body_of<'a>(
    set: &'a ModelSet,
    model: &Model,
    profile: &'a Profile,
    answer: Answer<'a>,
) -> PredictionBody<'a> {
    let (version, target) = (&set.version, model.target());
    let why = match answer {
        Ok((prediction, explanation)) => {
            let explanation = explanation.as_ref();
            return PredictionBody::new(version, target, profile, &prediction, explanation);
        }
        Err(NoPrediction::NotApplicable(NotApplicable { why })) => why,
        Err(NoPrediction::NoInputs(_)) => "none of the columns that the target uses is there",
    };
    PredictionBody::not_applicable(version, target, profile, why)
}

fn json_response(json: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(json));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
