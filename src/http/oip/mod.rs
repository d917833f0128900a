//! The Open Inference Protocol over the models that serve: what clients of
//! `KServe`, Triton and `MLServer` ask under `/v2`.
//!
//! A model is called as its target is. Invariant: a failure under `/v2` is
//! `{"error": "…"}`, which these clients read, with the status that a problem of
//! its kind has; what the protocol calls invalid is 400.

mod answer;
mod failures;
mod infer;
mod metadata;
mod request;
mod shapes;
mod tensor;

use std::sync::Arc;

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::guard::{Class, Gate, Group, Scope};
use super::predictions::{not_ready, target_of};
use super::problem::{Kind, Problem};
use crate::models::{ModelSet, Target};

pub use failures::{Failure, NoKey, OtherMethod, is_ours};
pub use request::Request;

/// All that is under `/v2`. What the models are is small, and not worth compressing.
pub fn routes(gate: &Gate) -> OpenApiRouter<Api> {
    let health = Group::new(gate, Scope::Open, Class::Light)
        .routes(routes!(metadata::live))
        .routes(routes!(metadata::ready));
    let models = Group::new(gate, Scope::Predict, Class::Light)
        .routes(routes!(metadata::server))
        .routes(routes!(metadata::index))
        .routes(routes!(metadata::metadata))
        .routes(routes!(metadata::metadata_version))
        .routes(routes!(metadata::model_ready))
        .routes(routes!(metadata::model_ready_version));
    let infer = Group::new(gate, Scope::Predict, Class::Prediction)
        .routes(routes!(infer::infer))
        .routes(routes!(infer::infer_version));
    OpenApiRouter::from(health)
        .merge(models.into())
        .merge(infer.into())
}

/// The name and the version in a path; what is no UTF-8 names nothing.
type Versioned = Result<Path<(String, String)>, PathRejection>;
type Asked = Result<(String, Option<String>), PathRejection>;

fn versioned(path: Versioned) -> Asked {
    path.map(|Path((name, version))| (name, Some(version)))
}

fn serving(api: &Api) -> Result<Arc<ModelSet>, Problem> {
    api.service.models.load_full().ok_or_else(not_ready)
}

/// The model that a path asks for, in the set that serves.
fn model(api: &Api, asked: Asked) -> Result<(Arc<ModelSet>, Target), Problem> {
    let (name, version) = asked.unwrap_or_default();
    let target = target_of(&name)?;
    let set = serving(api)?;
    if version.is_some_and(|version| version != "active" && version != set.version) {
        return Err(Problem::new(
            Kind::NotFound,
            format!("The version that serves is {}.", set.version),
        ));
    }
    if set.get(target).is_none() {
        return Err(not_ready());
    }
    Ok((set, target))
}
