//! Whether the customers who are asked about are still those that the model
//! learnt from.

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Response;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use super::{no_model, no_set};
use crate::http::predictions::target_of;
use crate::http::problem::{Kind, Problem};
use crate::http::{Api, outcomes};
use crate::jobs::Pooled;
use crate::models::{Bin, BinHolds, Drift, Drifted, Model, NoReference, Verdict};

/// How the customers who are asked about differ from those of the training.
#[derive(Serialize, ToSchema)]
#[schema(as = Drift)]
pub struct DriftBody<'a> {
    #[schema(example = "churn")]
    target: &'static str,
    /// The model set that serves.
    #[schema(example = "20251121T090000Z-5f3a9c21")]
    model_version: &'a str,
    /// False where the model was trained by an earlier version of the service,
    /// which froze no bins; then `why` says so, and nothing else is there.
    available: bool,
    /// Why there is nothing to compare with.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(flatten)]
    found: Option<FoundBody<'a>>,
}

/// What was counted, and how it compares.
#[derive(Serialize, ToSchema)]
#[schema(as = DriftFound)]
struct FoundBody<'a> {
    /// When the first of the processes began to serve the model.
    since: DateTime<Utc>,
    /// Predictions that were counted.
    #[schema(example = 120_000)]
    rows: u64,
    /// How many processes counted: this one as of now, others as of at most ten
    /// seconds ago; one that has ended counts for a day.
    #[schema(example = 2)]
    processes: usize,
    /// False while the database does not answer: then the counts are those of
    /// this process alone.
    complete: bool,
    /// The inputs, and `score`, of which the verdict is moderate or major.
    #[schema(example = json!(["age"]))]
    drifted: Vec<&'a str>,
    score: DriftedBody<'a>,
    /// In the order of the columns.
    inputs: Vec<DriftedBody<'a>>,
}

/// One input, or the predicted value.
#[derive(Serialize, ToSchema)]
#[schema(as = Drifted)]
struct DriftedBody<'a> {
    /// The input; absent for the predicted value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "age")]
    column: Option<&'a str>,
    /// Population stability index: the sum over the bins of (q - p) * ln(q / p),
    /// where p and q are the shares of training and of now, half a customer added
    /// to each bin that is not empty in both.
    #[schema(example = 0.012)]
    psi: f64,
    /// The index to be expected where nothing has changed: (bins - 1) * (1/n + 1/m)
    /// of n customers against m of the training.
    #[schema(example = 0.004)]
    expected_psi: f64,
    /// What the index exceeds once in 5000 times where nothing has changed.
    #[schema(example = 0.014)]
    critical_psi: f64,
    #[schema(schema_with = verdicts)]
    verdict: &'static str,
    /// Share of training rows without a value.
    #[schema(minimum = 0, maximum = 1, example = 0.01)]
    missing_in_training: f64,
    /// Share of predictions without a value.
    #[schema(minimum = 0, maximum = 1, example = 0.02)]
    missing_now: f64,
    /// All bins with their counts: those of several services can be added.
    bins: Vec<BinBody<'a>>,
}

/// One bin: of those without a value, of a category, or of numbers from `from` on
/// and below `to`, where an absent one is no bound.
#[derive(Serialize, ToSchema)]
#[schema(as = DriftBin)]
struct BinBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Female")]
    category: Option<&'a str>,
    /// True for categories that training did not see.
    #[serde(skip_serializing_if = "Option::is_none")]
    other: Option<bool>,
    /// Compared in single precision.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 23.0)]
    from: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 31.0)]
    to: Option<f32>,
    /// Training rows; for `score`, those of the hold-out.
    #[schema(example = 6012)]
    training: u64,
    /// Predictions.
    #[schema(example = 11_876)]
    now: u64,
}

fn verdicts() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(
            "too_few: chance alone could look like a major change; stable: chance explains it, or it is small; moderate and major: beyond chance, and at least 0.1 or 0.25 above expected_psi",
        ))
        .enum_values(Some(Verdict::ALL.map(Verdict::name)))
        .build()
}

impl<'a> DriftBody<'a> {
    fn new(version: &'a str, model: &'a Model, pooled: &Pooled) -> Self {
        let (found, why) = match model.drift(&pooled.counts) {
            Ok(drift) => (Some(FoundBody::new(drift, pooled)), None),
            Err(none @ NoReference) => (None, Some(none.to_string())),
        };
        Self {
            target: model.target().name(),
            model_version: version,
            available: found.is_some(),
            why,
            found,
        }
    }
}

impl<'a> FoundBody<'a> {
    fn new(drift: Drift<'a>, pooled: &Pooled) -> Self {
        let all = drift.inputs.iter().chain([&drift.score]);
        let drifted = all.filter(|one| one.shift.verdict >= Verdict::Moderate);
        Self {
            since: pooled.since,
            rows: drift.rows,
            processes: pooled.processes,
            complete: pooled.complete,
            drifted: drifted.map(|one| one.column.unwrap_or("score")).collect(),
            inputs: drift.inputs.into_iter().map(Into::into).collect(),
            score: drift.score.into(),
        }
    }
}

impl<'a> From<Drifted<'a>> for DriftedBody<'a> {
    fn from(one: Drifted<'a>) -> Self {
        Self {
            column: one.column,
            psi: one.shift.psi,
            expected_psi: one.shift.expected,
            critical_psi: one.shift.critical,
            verdict: one.shift.verdict.name(),
            missing_in_training: one.missing_in_training,
            missing_now: one.missing_now,
            bins: one.bins.into_iter().map(Into::into).collect(),
        }
    }
}

impl<'a> From<Bin<'a>> for BinBody<'a> {
    fn from(bin: Bin<'a>) -> Self {
        let bare = Self {
            missing: None,
            category: None,
            other: None,
            from: None,
            to: None,
            training: bin.training,
            now: bin.now,
        };
        match bin.holds {
            BinHolds::Missing => Self {
                missing: Some(true),
                ..bare
            },
            BinHolds::Category(name) => Self {
                category: Some(name),
                ..bare
            },
            BinHolds::OtherCategory => Self {
                other: Some(true),
                ..bare
            },
            BinHolds::Range(from, to) => Self { from, to, ..bare },
        }
    }
}

/// Drift of the inputs and of the predicted value
///
/// Compares the customers who were predicted for since the model serves with
/// those of its training, bin by bin, with a verdict for each input and for the
/// score that knows how many there are. All processes that share the database
/// are told of together.
#[utoipa::path(
    get,
    path = "/models/{version}/{target}/drift",
    tag = "Models",
    params(
        ("version" = String, Path, description = "`active`, or the version that serves", example = "active"),
        ("target" = String, Path, description = "What it predicts", example = "churn"),
    ),
    responses(
        (status = 200, description = "How the customers differ", body = DriftBody),
        outcomes::NoServingModel,
        outcomes::Unready,
        outcomes::Always,
    )
)]
pub async fn drift(
    State(api): State<Api>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response<Body>, Problem> {
    let Path((version, target)) = path.map_err(|_| no_set())?;
    let target = target_of(&target)?;
    let set = super::in_memory(&api, &version)?.ok_or_else(|| {
        Problem::new(
            Kind::NotFound,
            "Drift is told of the model set that serves: ask for the version `active`.",
        )
    })?;
    let model = set.get(target).ok_or_else(no_model)?;
    let pooled = api.service.pooled(&set, model).await;
    let body = DriftBody::new(&set.version, model, &pooled);
    Ok(([(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}
