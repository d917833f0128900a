//! Asking for models to be trained.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use serde_json::Value;
use utoipa::ToSchema;

use super::ThresholdsBody;
use crate::features::unknown_column;
use crate::http::database::cohort_id;
use crate::http::fields::Fields;
use crate::http::guard::caller;
use crate::http::idempotency::{self, Accepted};
use crate::http::jobs::JobBody;
use crate::http::problem::{self, Problem};
use crate::http::{Api, outcomes};
use crate::jobs::TrainingRequest;
use crate::models::{ChosenThresholds, Target, Thresholds};
use crate::schema::{self, COLUMNS};

/// What to train on.
#[derive(ToSchema)]
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
    /// Where the tiers of a probability are to begin, by target; those that are
    /// not named begin at the upper half and the upper fifth of the hold-out.
    #[schema(example = json!({"churn": {"high": 0.7, "low": 0.4}}))]
    thresholds: Option<BTreeMap<String, ThresholdsBody>>,
}

/// Train a model set
///
/// Answers at once; `Location` tells where the progress is seen, and the job's
/// result has the version. It serves once it is activated.
#[utoipa::path(
    post,
    path = "/models",
    tag = "Models",
    params(idempotency::KeyHeader),
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
    let sent = idempotency::fingerprint(fields.sent().as_bytes());
    let cohort = fields.text("cohort", 200);
    let asked = TrainingRequest {
        targets: targets(&mut fields),
        exclude: columns(&mut fields),
        thresholds: thresholds(&mut fields),
    };
    untrained(&mut fields, &asked);
    fields.done()?;
    let store = api.store()?;
    let caller = caller(&parts.extensions);
    let call = (caller.as_str(), &parts.headers);
    idempotency::once(&api, call, "POST /models", &sent, async || {
        let cohort = cohort_id(store, cohort.as_deref().unwrap_or("latest")).await?;
        let job = api.service.training(store, cohort, &asked).await?;
        let body = JobBody::from(job.queued());
        Ok(Accepted {
            job,
            location: format!("/jobs/{}", body.id),
            body: serde_json::to_value(&body).map_err(|error| problem::internal(&error))?,
        })
    })
    .await
}

fn targets(fields: &mut Fields) -> Vec<String> {
    let Some(value) = fields.value("targets") else {
        return Vec::new();
    };
    let names = names(value).filter(|names| {
        !names.is_empty() && names.iter().all(|name| Target::from_name(name).is_some())
    });
    names.unwrap_or_else(|| {
        let known: Vec<_> = Target::ALL.iter().map(|target| target.name()).collect();
        let message = format!("must be a list of some of {}", known.join(", "));
        fields.fault("targets", "unknown_target", message);
        Vec::new()
    })
}

fn columns(fields: &mut Fields) -> Vec<String> {
    let Some(value) = fields.value("exclude") else {
        return Vec::new();
    };
    let Some(names) = names(value) else {
        fields.fault(
            "exclude",
            "wrong_type",
            "must be a list of names of columns",
        );
        return Vec::new();
    };
    let unknown = names.iter().enumerate();
    let unknown = unknown.filter(|(_, name)| schema::find(name).is_none());
    for (i, name) in unknown.take(COLUMNS.len()) {
        let message = unknown_column(name).message;
        fields.fault(&format!("exclude[{i}]"), "unknown_column", message);
    }
    names
}

fn names(value: Value) -> Option<Vec<String>> {
    serde_json::from_value(value).ok()
}

fn thresholds(fields: &mut Fields) -> ChosenThresholds {
    let Some(value) = fields.value("thresholds") else {
        return ChosenThresholds::new();
    };
    let chosen: Option<ChosenThresholds> = serde_json::from_value(value).ok();
    let suits = |(target, at): (&Target, &Thresholds)| target.is_binary() && at.are_sound();
    let chosen = chosen.filter(|chosen| chosen.iter().all(suits));
    chosen.unwrap_or_else(|| {
        let tiered = Target::ALL.iter().filter(|target| target.is_binary());
        let names: Vec<_> = tiered.map(|target| target.name()).collect();
        let message = format!(
            "must have, for some of {}, {{\"high\": …, \"low\": …}} from 0 to 1, the high one not below the low one",
            names.join(", ")
        );
        fields.fault("thresholds", "invalid_thresholds", message);
        ChosenThresholds::new()
    })
}

/// Thresholds of a target that is not to be trained would change nothing.
fn untrained(fields: &mut Fields, asked: &TrainingRequest) {
    let is_trained = |target: &Target| {
        asked.targets.is_empty() || asked.targets.iter().any(|n| n == target.name())
    };
    if !asked.thresholds.keys().all(is_trained) {
        let message = "must be of targets that are trained: name them in `targets` too";
        fields.fault("thresholds", "not_trained", message);
    }
}
