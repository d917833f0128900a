//! The list of model sets; training another one; choosing which one serves.

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::no_set;
use crate::http::cohorts::{PageQuery, limit, page};
use crate::http::database::{self, cohort_id, named};
use crate::http::fields::Fields;
use crate::http::guard::caller;
use crate::http::idempotency::{self, Accepted};
use crate::http::jobs::JobBody;
use crate::http::predictions::Named;
use crate::http::problem::{self, Problem};
use crate::http::{Api, cursor, outcomes};
use crate::models::Target;
use crate::schema;
use crate::store::{ModelSetSummary, StoredModelSet};

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

impl SetBody {
    fn stored(set: StoredModelSet, active: bool) -> Self {
        Self {
            version: set.version,
            active,
            cohort_id: set.cohort_id,
            created_at: set.created_at,
            targets: set.models.into_iter().map(|model| model.target).collect(),
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
        let set = api.store()?.model_set(&version).await?;
        SetBody::stored(set.ok_or_else(no_set)?, false)
    };
    database::cached(&headers, &body)
}

/// What to train on.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"cohort": "latest", "targets": ["churn"]}))]
#[expect(dead_code, reason = "documents what `train` reads")]
pub struct TrainRequest {
    /// The id of a cohort, or `latest`.
    #[schema(default = "latest", example = "latest")]
    cohort: Option<String>,
    /// What to predict; without it, everything.
    #[schema(example = json!(["churn"]))]
    targets: Option<Vec<String>>,
    /// Columns that no model is to read, such as one that gives a label away.
    #[schema(example = json!(["users_blocked"]))]
    exclude: Option<Vec<String>>,
}

/// Train a model set
///
/// Answers at once; `Location` tells where the progress is seen, and the job's
/// result has the version. It serves once it is activated.
#[utoipa::path(
    post,
    path = "/models",
    tag = "Models",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$", description = "The same key again gives the first call's answer")),
    request_body(content = TrainRequest, content_type = "application/json"),
    responses(
        (status = 202, description = "It is asked for", body = JobBody,
            headers(("location" = String, description = "The job"))),
        outcomes::NoCohort,
        outcomes::KeyInUse,
        outcomes::BadBody,
        outcomes::BadRequest,
        outcomes::AwayOrFull,
        outcomes::Always,
    )
)]
pub async fn train(State(api): State<Api>, request: Request) -> Result<Response<Body>, Problem> {
    let (parts, body) = request.into_parts();
    Fields::of_query(&parts.uri)?.done()?;
    let mut fields = Fields::of_body(&parts.headers, body, api.limits.max_body).await?;
    let asked = idempotency::fingerprint(fields.sent().as_bytes());
    let cohort = fields.text("cohort", 200);
    let targets = targets(&mut fields);
    let exclude = columns(&mut fields);
    fields.done()?;
    let store = api.store()?;
    let caller = caller(&parts.extensions);
    let call = (caller.as_str(), &parts.headers);
    idempotency::once(&api, call, "POST /models", &asked, async || {
        let cohort = cohort_id(store, cohort.as_deref().unwrap_or("latest")).await?;
        let job = (api.service)
            .submit_train(store, cohort, &targets, &exclude)
            .await?;
        let body = JobBody::from(job);
        Ok(Accepted {
            location: format!("/jobs/{}", body.id),
            body: serde_json::to_value(&body).map_err(|error| problem::internal(&error))?,
        })
    })
    .await
}

fn targets(fields: &mut Fields) -> Vec<String> {
    let names = names(fields, "targets", |names| {
        !names.is_empty() && names.iter().all(|name| Target::from_name(name).is_some())
    });
    names.unwrap_or_else(|()| {
        let known: Vec<_> = Target::ALL.iter().map(|target| target.name()).collect();
        let message = format!("must be a list of some of {}", known.join(", "));
        fields.fault("targets", "unknown_target", message);
        Vec::new()
    })
}

fn columns(fields: &mut Fields) -> Vec<String> {
    let names = names(fields, "exclude", |names| {
        names.iter().all(|name| schema::find(name).is_some())
    });
    names.unwrap_or_else(|()| {
        let message = "must be a list of some of the 72 columns";
        fields.fault("exclude", "unknown_column", message);
        Vec::new()
    })
}

/// The names of a list, none where the field is not there; an error where it is no
/// list of such names.
fn names(
    fields: &mut Fields,
    field: &'static str,
    suit: impl Fn(&[String]) -> bool,
) -> Result<Vec<String>, ()> {
    let Some(value) = fields.value(field) else {
        return Ok(Vec::new());
    };
    let names: Option<Vec<String>> = serde_json::from_value(value).ok();
    names.filter(|names| suit(names)).ok_or(())
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
    let set = store.model_set(&version).await?.ok_or_else(no_set)?;
    Ok(Json(SetBody::stored(set, true)))
}
