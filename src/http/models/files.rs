//! A model for other programs: as `XGBoost` reads it, and what goes into it.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response};

use super::{no_model, no_set};
use crate::http::etag;
use crate::http::predictions::target_of;
use crate::http::problem::{self, Kind, Problem};
use crate::http::{Api, outcomes};
use crate::models::Model;

type Names = Result<Path<(String, String)>, PathRejection>;

/// Makes something of the model that a path names.
async fn of_model<T: Send + 'static>(
    api: &Api,
    path: Names,
    look: impl FnOnce(&Model) -> T + Send + 'static,
) -> Result<T, Problem> {
    let Path((version, target)) = path.map_err(|_| no_set())?;
    let target = target_of(&target)?;
    let admission = api.work.admit()?;
    if let Some(set) = super::in_memory(api, &version)? {
        let seen = admission.run(move || set.get(target).map(look)).await?;
        return seen.ok_or_else(no_model);
    }
    let set = api.store()?.model_set(&version).await?.ok_or_else(no_set)?;
    let mut models = set.models.into_iter();
    let stored = models.find(|model| model.target == target.name());
    let stored = stored.ok_or_else(no_model)?;
    let loaded = move || Model::from_bytes(&stored.artifact).map(|model| look(&model));
    let result = admission.run(loaded).await?;
    result.map_err(|error| problem::internal(&error))
}

/// The model as an `XGBoost` file
///
/// The boosted trees in `XGBoost`'s JSON form. `manifest.json` beside it says what
/// goes into them, and what follows their margin.
#[utoipa::path(
    get,
    path = "/models/{version}/{target}/xgboost.json",
    tag = "Models",
    params(
        ("version" = String, Path, description = "The version of a model set, or `active`", example = "active"),
        ("target" = String, Path, description = "What it predicts", example = "engagement"),
    ),
    responses(
        (status = 200, description = "The model", body = Object, content_type = "application/json"),
        (status = 304, description = "It is as the client knows it (`If-None-Match`)"),
        outcomes::NoForest,
        outcomes::UnreadyOrAway,
        outcomes::Always,
    )
)]
pub async fn xgboost(
    State(api): State<Api>,
    path: Names,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let json = of_model(&api, path, Model::xgboost).await?.ok_or_else(|| {
        Problem::new(
            Kind::NotFound,
            "The linear model serves this target, so there are no trees: its coefficients stand in manifest.json.",
        )
    })?;
    Ok(etag::answer(
        &headers,
        &etag::of(&json),
        json.into(),
        "application/json",
    ))
}

/// What goes into the model
///
/// The places of the input row in their order, how each is encoded, what stands
/// for missing, and how the margin becomes the answer.
#[utoipa::path(
    get,
    path = "/models/{version}/{target}/manifest.json",
    tag = "Models",
    params(
        ("version" = String, Path, description = "The version of a model set, or `active`", example = "active"),
        ("target" = String, Path, description = "What it predicts", example = "churn"),
    ),
    responses(
        (status = 200, description = "The manifest", body = Object, content_type = "application/json"),
        (status = 304, description = "It is as the client knows it (`If-None-Match`)"),
        outcomes::NoModel,
        outcomes::UnreadyOrAway,
        outcomes::Always,
    )
)]
pub async fn manifest(
    State(api): State<Api>,
    path: Names,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let manifest = of_model(&api, path, Model::manifest).await?;
    crate::http::database::cached(&headers, &manifest)
}
