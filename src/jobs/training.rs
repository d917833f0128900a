//! Training all targets, and models as the store keeps them.

use arrow_array::RecordBatch;
use chrono::{DateTime, Utc};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::customers::read;
use super::failure::{Failure, JobProblem};
use super::first_start::FirstStartError;
use super::teach::{Cores, teach};
use crate::models::{LeftOut, Model, ModelSet, Source, Target, Trained};
use crate::store::{Cohort, Store, StoreError, StoredModel, StoredModelSet};

/// What a job trains.
pub(super) struct TrainInput {
    pub cohort_id: Uuid,
    /// Names of targets; none stands for all of them.
    pub targets: Vec<String>,
    /// The moment that the models are marked with: the same for a job that is
    /// begun again.
    pub at: DateTime<Utc>,
}

/// What came of a job that trains.
pub(super) struct RunTrain {
    pub set: ModelSet,
    /// Targets that the cohort does not suffice for.
    pub left_out: Vec<LeftOut>,
}

/// Trains models on a stored cohort. Targets that are not trained, since they are
/// not asked for or the cohort does not suffice for them, are taken from the
/// active set, so that what is made can be activated.
///
/// `progress` hears the phase and how much of it is done; `cancelled` tells
/// whether the models are still wanted.
pub(super) async fn run_train(
    store: &Store,
    input: &TrainInput,
    progress: &(dyn Fn(&'static str, f64) + Sync),
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<RunTrain, Failure> {
    progress("reading", 0.0);
    let cohort = store.cohort(input.cohort_id).await?;
    let cohort = cohort.ok_or(StoreError::UnknownCohort(input.cohort_id))?;
    let wanted = |target: &&Target| {
        input.targets.is_empty() || input.targets.iter().any(|name| name == target.name())
    };
    let wanted: Vec<Target> = Target::ALL.iter().filter(wanted).copied().collect();
    if wanted.is_empty() {
        return Err(JobProblem::new("unknown-target", "No target has such a name.").into());
    }
    let rows = read(store, &cohort, &|share| progress("reading", share)).await?;
    let report = |share| progress("training", share);
    let cores = Cores::AllButOne;
    let trained = teach(
        rows,
        source(&cohort),
        &wanted,
        input.at,
        cores,
        &report,
        cancelled,
    );
    let Trained {
        mut models,
        left_out,
    } = trained.await.map_err(FirstStartError::from)?;
    // Whoever names targets wants these; whoever names none wants what can be had.
    if !left_out.is_empty() && (models.is_empty() || !input.targets.is_empty()) {
        return Err(untrainable(&left_out).into());
    }
    if models.len() < Target::ALL.len()
        && let Some(active) = store.active_model_set().await?
    {
        let trained: Vec<Target> = models.iter().map(Model::target).collect();
        let others = load(active).await?.models.into_iter();
        models.extend(others.filter(|model| !trained.contains(&model.target())));
    }
    Ok(RunTrain {
        set: ModelSet::new(Some(cohort.id), input.at, models),
        left_out,
    })
}

fn untrainable(left_out: &[LeftOut]) -> JobProblem {
    let each: Vec<String> = left_out.iter().map(ToString::to_string).collect();
    JobProblem::new(
        "untrainable",
        format!("The cohort does not suffice: {}.", each.join("; ")),
    )
}

/// Trains every target for a first start, which does without none.
pub(super) async fn train(
    cohort: &Cohort,
    rows: Vec<RecordBatch>,
    at: DateTime<Utc>,
    report: &(dyn Fn(f64) + Sync),
) -> Result<Vec<Model>, FirstStartError> {
    let source = source(cohort);
    let trained = teach(rows, source, Target::ALL, at, Cores::All, report, &|| false).await?;
    match trained.left_out.into_iter().next() {
        Some(LeftOut { target, why }) => Err(FirstStartError::Train(target.name(), why)),
        None => Ok(trained.models),
    }
}

/// What stands on the cards of models of a stored cohort.
fn source(cohort: &Cohort) -> Source {
    Source {
        cohort_id: Some(cohort.id),
        cohort_name: cohort.name.clone(),
        customers: cohort.customers.unsigned_abs(),
        generator_version: Some(cohort.generator_version.clone()),
        seed: cohort.seed,
    }
}

/// The models as bytes, with their cards.
pub(super) fn stored(set: &ModelSet) -> Result<StoredModelSet, FirstStartError> {
    let models = set
        .models
        .iter()
        .map(|model| {
            Ok(StoredModel {
                target: model.target().name().to_owned(),
                artifact: model.to_bytes(),
                card: serde_json::to_value(model.card())?,
            })
        })
        .collect::<Result<_, serde_json::Error>>()?;
    Ok(StoredModelSet {
        version: set.version.clone(),
        cohort_id: set.cohort_id,
        created_at: set.created_at,
        models,
    })
}

/// Turns stored bytes into models, off the async threads.
pub(super) async fn load(stored: StoredModelSet) -> Result<ModelSet, FirstStartError> {
    spawn_blocking(move || {
        let models = stored
            .models
            .iter()
            .map(|model| {
                Model::from_bytes(&model.artifact).map_err(|error| FirstStartError::Artifact {
                    version: stored.version.clone(),
                    target: model.target.clone(),
                    error,
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(ModelSet {
            version: stored.version,
            cohort_id: stored.cohort_id,
            created_at: stored.created_at,
            models,
        })
    })
    .await?
}
