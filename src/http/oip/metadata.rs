//! What the server and its models are, and whether they predict, in the
//! protocol's words.
//!
//! Invariant: what is told of a model is read off the one that serves.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::tensor::Datatype;
use super::{Versioned, answer, failures, model, serving, versioned};
use crate::http::Api;
use crate::http::predictions::not_ready;
use crate::http::problem::{Kind, Problem};
use crate::models::score::Scoring;
use crate::models::{Model, ModelSet, Target};
use crate::schema::{COLUMNS, Column, Kind as ColumnKind};

/// What the server is.
#[derive(Serialize, ToSchema)]
pub struct ServerMetadata {
    #[schema(example = "engagecast")]
    name: &'static str,
    #[schema(example = "0.1.0")]
    version: &'static str,
    #[schema(example = json!(["binary_tensor_data"]))]
    extensions: [&'static str; 1],
}

/// The server lives.
#[derive(Serialize, ToSchema)]
pub struct Live {
    #[schema(example = true)]
    live: bool,
}

/// The server predicts.
#[derive(Serialize, ToSchema)]
pub struct Ready {
    #[schema(example = true)]
    ready: bool,
}

/// A model predicts.
#[derive(Serialize, ToSchema)]
pub struct ModelReady {
    #[schema(example = "churn")]
    name: &'static str,
    #[schema(example = true)]
    ready: bool,
}

/// What a model takes and answers.
#[derive(Serialize, ToSchema)]
pub struct ModelMetadata {
    #[schema(example = "churn")]
    name: &'static str,
    /// The version that serves.
    #[schema(example = json!(["20251121T090000Z-5f3a9c21"]))]
    versions: [String; 1],
    #[schema(example = "engagecast")]
    platform: &'static str,
    /// The columns that the model uses, then those that are taken and ignored.
    /// None has to be there.
    inputs: Vec<InputMetadata>,
    outputs: Vec<OutputMetadata>,
}

/// A column of customers.
#[derive(Serialize, ToSchema)]
pub struct InputMetadata {
    #[schema(example = "age")]
    name: &'static str,
    /// The type that holds any value of the column and a missing one; of the others,
    /// each that holds a number is taken for a number.
    #[schema(example = "FP64")]
    datatype: &'static str,
    #[schema(example = json!([-1]))]
    shape: [i32; 1],
    parameters: InputUse,
}

/// What an input is to the model.
#[derive(Serialize, ToSchema)]
pub struct InputUse {
    /// Whether the model uses it.
    #[schema(example = true)]
    used: bool,
    /// An input may always be left out.
    #[schema(example = true)]
    optional: bool,
}

/// A column of predictions.
#[derive(Serialize, ToSchema)]
pub struct OutputMetadata {
    #[schema(example = "probability")]
    name: String,
    #[schema(example = "FP64")]
    datatype: &'static str,
    #[schema(example = json!([-1]))]
    shape: [i32; 1],
}

/// A model of the repository.
#[derive(Serialize, ToSchema)]
pub struct IndexEntry {
    #[schema(example = "churn")]
    name: &'static str,
    #[schema(example = "20251121T090000Z-5f3a9c21")]
    version: String,
    #[schema(example = "READY")]
    state: &'static str,
    /// Empty: a model that is listed is ready.
    #[schema(example = "")]
    reason: &'static str,
}

/// Whether the server lives
///
/// 200 as long as the process can answer at all.
#[utoipa::path(
    get,
    path = "/v2/health/live",
    tag = "Open Inference Protocol",
    responses((status = 200, description = "The server lives", body = Live))
)]
pub async fn live() -> Json<Live> {
    Json(Live { live: true })
}

/// Whether the server predicts
///
/// 200 when `/readyz` says so too, else 503.
#[utoipa::path(
    get,
    path = "/v2/health/ready",
    tag = "Open Inference Protocol",
    responses(
        (status = 200, description = "Predictions can be had", body = Ready),
        failures::Unready,
    )
)]
pub async fn ready(State(api): State<Api>) -> Result<Json<Ready>, Problem> {
    if api.service.status.now().draining {
        return Err(Problem::new(
            Kind::NotReady,
            "The server is stopping, and takes no new work.",
        ));
    }
    serving(&api).map(|_| Json(Ready { ready: true }))
}

/// What the server is
///
/// Its name, its version and the extensions of the protocol that it has.
#[utoipa::path(
    get,
    path = "/v2",
    tag = "Open Inference Protocol",
    responses((status = 200, description = "The server", body = ServerMetadata))
)]
pub async fn server() -> Json<ServerMetadata> {
    Json(ServerMetadata {
        name: "engagecast",
        version: env!("CARGO_PKG_VERSION"),
        extensions: ["binary_tensor_data"],
    })
}

/// List the models that serve
///
/// Each with its version, as Triton's clients ask for them. A body is not looked at.
#[utoipa::path(
    post,
    path = "/v2/repository/index",
    tag = "Open Inference Protocol",
    responses(
        (status = 200, description = "The models", body = [IndexEntry]),
        failures::Always,
    )
)]
pub async fn index(State(api): State<Api>) -> Json<Vec<IndexEntry>> {
    let set = api.service.models.load();
    let entries = set.iter().flat_map(|set| {
        set.models().iter().map(|model| IndexEntry {
            name: model.target().name(),
            version: set.version.clone(),
            state: "READY",
            reason: "",
        })
    });
    Json(entries.collect())
}

/// What a model takes and answers
///
/// Its inputs and outputs, with their types. A column that the model may not use,
/// such as what it predicts, is taken and ignored, so that a client can send the
/// whole profile.
#[utoipa::path(
    get,
    path = "/v2/models/{name}",
    tag = "Open Inference Protocol",
    params(("name" = String, Path, description = "The target", example = "churn")),
    responses(
        (status = 200, description = "The model", body = ModelMetadata),
        failures::Model,
    )
)]
pub async fn metadata(
    State(api): State<Api>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<ModelMetadata>, Problem> {
    let (set, target) = model(&api, path.map(|Path(name)| (name, None)))?;
    ModelMetadata::of(&set, target).map(Json)
}

/// What a version of a model takes and answers
///
/// As `GET /v2/models/{name}`, where this version is the one that serves.
#[utoipa::path(
    get,
    path = "/v2/models/{name}/versions/{version}",
    tag = "Open Inference Protocol",
    params(
        ("name" = String, Path, description = "The target", example = "churn"),
        ("version" = String, Path, description = "The version that serves, or `active`", example = "active"),
    ),
    responses(
        (status = 200, description = "The model", body = ModelMetadata),
        failures::Model,
    )
)]
pub async fn metadata_version(
    State(api): State<Api>,
    path: Versioned,
) -> Result<Json<ModelMetadata>, Problem> {
    let (set, target) = model(&api, versioned(path))?;
    ModelMetadata::of(&set, target).map(Json)
}

/// Whether a model predicts
///
/// 200 where it does, 404 where there is no such model, 503 while none is trained.
#[utoipa::path(
    get,
    path = "/v2/models/{name}/ready",
    tag = "Open Inference Protocol",
    params(("name" = String, Path, description = "The target", example = "churn")),
    responses(
        (status = 200, description = "The model predicts", body = ModelReady),
        failures::Model,
    )
)]
pub async fn model_ready(
    State(api): State<Api>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<ModelReady>, Problem> {
    let (_, target) = model(&api, path.map(|Path(name)| (name, None)))?;
    Ok(Json(ModelReady::of(target)))
}

/// Whether a version of a model predicts
///
/// As `GET /v2/models/{name}/ready`; 404 where another version serves.
#[utoipa::path(
    get,
    path = "/v2/models/{name}/versions/{version}/ready",
    tag = "Open Inference Protocol",
    params(
        ("name" = String, Path, description = "The target", example = "churn"),
        ("version" = String, Path, description = "The version that serves, or `active`", example = "active"),
    ),
    responses(
        (status = 200, description = "The model predicts", body = ModelReady),
        failures::Model,
    )
)]
pub async fn model_ready_version(
    State(api): State<Api>,
    path: Versioned,
) -> Result<Json<ModelReady>, Problem> {
    let (_, target) = model(&api, versioned(path))?;
    Ok(Json(ModelReady::of(target)))
}

impl ModelReady {
    fn of(target: Target) -> Self {
        Self {
            name: target.name(),
            ready: true,
        }
    }
}

impl ModelMetadata {
    fn of(set: &ModelSet, target: Target) -> Result<Self, Problem> {
        let used = set.get(target).map(Model::inputs).ok_or_else(not_ready)?;
        let (first, then): (Vec<_>, Vec<_>) = (COLUMNS.iter().enumerate())
            .map(|(i, column)| InputMetadata::of(column, used.contains(i)))
            .partition(|input| input.parameters.used);
        let schema = Scoring::new(set, &[target], 0).schema();
        let outputs = schema.fields().iter();
        let outputs = outputs.filter(|field| answer::is_output(field.name()));
        Ok(Self {
            name: target.name(),
            versions: [set.version.clone()],
            platform: "engagecast",
            inputs: first.into_iter().chain(then).collect(),
            outputs: outputs
                .map(|field| OutputMetadata {
                    name: field.name().clone(),
                    datatype: answer::datatype(field.data_type()).name(),
                    shape: [-1],
                })
                .collect(),
        })
    }
}

impl InputMetadata {
    fn of(column: &'static Column, used: bool) -> Self {
        let datatype = match column.kind {
            ColumnKind::Integer | ColumnKind::BigInteger | ColumnKind::Decimal(_) => Datatype::Fp64,
            ColumnKind::Flag => Datatype::Bool,
            ColumnKind::Id
            | ColumnKind::Category(_)
            | ColumnKind::OpenCategory(_)
            | ColumnKind::Timestamp => Datatype::Bytes,
        };
        Self {
            name: column.name,
            datatype: datatype.name(),
            shape: [-1],
            parameters: InputUse {
                used,
                optional: true,
            },
        }
    }
}
