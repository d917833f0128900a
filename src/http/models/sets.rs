//! The list of model sets; choosing which one serves.

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::no_set;
use crate::http::cohorts::{PageQuery, limit, page};
use crate::http::database::{self, named};
use crate::http::fields::Fields;
use crate::http::predictions::Named;
use crate::http::problem::Problem;
use crate::http::{Api, cursor, outcomes};
use crate::store::ModelSetSummary;

/// A model set.
#[derive(Serialize, ToSchema)]
#[schema(as = ModelSet)]
pub struct SetBody {
    #[schema(example = "20251121T090000Z-5f3a9c21")]
    version: String,
    /// Whether it is the one that serves.
    active: bool,
    /// The cohort that its models learnt from; null where that was a file.
    cohort_id: Option<Uuid>,
    created_at: DateTime<Utc>,
    /// What its models predict.
    #[schema(example = json!(["churn", "ltv"]))]
    targets: Vec<String>,
}

impl From<ModelSetSummary> for SetBody {
    fn from(set: ModelSetSummary) -> Self {
        Self {
            version: set.version,
            active: set.active,
            cohort_id: set.cohort_id,
            created_at: set.created_at,
            targets: set.targets,
        }
    }
}

/// A page of model sets.
#[derive(Serialize, ToSchema)]
pub struct SetPage {
    /// The newest first.
    models: Vec<SetBody>,
    /// The `cursor` of the next page; null on the last.
    #[schema(example = json!(null))]
    next: Option<String>,
}

/// All model sets, a page at a time
///
/// The newest first, each with its targets and the cohort it learnt from.
#[utoipa::path(
    get,
    path = "/models",
    tag = "Models",
    params(PageQuery),
    responses(
        (status = 200, description = "The model sets", body = SetPage),
        outcomes::BadQuery,
        outcomes::DatabaseAway,
        outcomes::Always,
    )
)]
pub async fn models(State(api): State<Api>, request: Request) -> Result<Json<SetPage>, Problem> {
    let mut query = Fields::of_query(request.uri())?;
    let limit = limit(&mut query);
    let after = cursor::place(&mut query);
    query.done()?;
    let after = after.as_ref().map(|(at, version)| (*at, version.as_str()));
    let found = api.store()?.model_sets(after, limit + 1).await?;
    let (found, next) = page(found, limit, |last| {
        cursor::of_place(last.created_at, &last.version)
    });
    let models = found.into_iter().map(SetBody::from).collect();
    Ok(Json(SetPage { models, next }))
}

/// A model set
///
/// Which targets it predicts, and which cohort it learnt from.
#[utoipa::path(
    get,
    path = "/models/{version}",
    tag = "Models",
    params(("version" = String, Path, description = "Its version, or `active`", example = "active")),
    responses(
        (status = 200, description = "The model set", body = SetBody),
        (status = 304, description = "It is as the client knows it (`If-None-Match`)"),
        outcomes::NoModel,
        outcomes::UnreadyOrAway,
        outcomes::Always,
    )
)]
pub async fn model_set(
    State(api): State<Api>,
    version: Named,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let version = named(version)?;
    let body = if let Some(set) = super::in_memory(&api, &version)? {
        let models = set.models().iter();
        SetBody {
            version: set.version.clone(),
            active: true,
            cohort_id: set.cohort_id,
            created_at: set.created_at,
            targets: models
                .map(|model| model.target().name().to_owned())
                .collect(),
        }
    } else {
        let set = api.store()?.model_set_summary(&version).await?;
        set.ok_or_else(no_set)?.into()
    };
    database::cached(&headers, &body)
}

/// Make a model set the one that serves
///
/// Every process that shares the database swaps it whole within two seconds.
/// To roll back, activate the earlier version.
#[utoipa::path(
    post,
    path = "/models/{version}/activate",
    tag = "Models",
    params(("version" = String, Path, description = "Its version, or `active`", example = "active")),
    responses(
        (status = 200, description = "It is the active one", body = SetBody),
        outcomes::NoModel,
        outcomes::UnreadyOrAway,
        outcomes::Always,
    )
)]
pub async fn activate(State(api): State<Api>, version: Named) -> Result<Json<SetBody>, Problem> {
    let version = named(version)?;
    let version = match super::in_memory(&api, &version)? {
        Some(set) => set.version.clone(),
        None => version,
    };
    let store = api.store()?;
    store
        .activate_model_set(&version, api.service.now())
        .await?;
    let set = store.model_set_summary(&version).await?;
    Ok(Json(set.ok_or_else(no_set)?.into()))
}
