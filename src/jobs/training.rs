//! Training all targets on a stored cohort.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::customers::{Kept, read};
use super::failure::{Failure, JobProblem};
use super::first_start::FirstStartError;
use super::stored::load;
use super::submit::TrainingRequest;
use super::teach::{Cores, Material, teach};
use crate::models::{LeftOut, Model, ModelSet, Target, Trained};
use crate::schema;
use crate::store::{Cohort, Store, StoreError};

/// What a job trains.
pub(super) struct TrainInput {
    pub cohort_id: Uuid,
    pub asked: TrainingRequest,
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
    let asked = &input.asked;
    let cohort = store.cohort(input.cohort_id).await?;
    let cohort = cohort.ok_or(StoreError::UnknownCohort(input.cohort_id))?;
    let wanted = |target: &&Target| {
        asked.targets.is_empty() || asked.targets.iter().any(|name| name == target.name())
    };
    let wanted: Vec<Target> = Target::ALL.iter().filter(wanted).copied().collect();
    if wanted.is_empty() {
        return Err(JobProblem::new("unknown-target", "No target has such a name.").into());
    }
    let rows = read(store, &cohort, &|share| progress("reading", share)).await?;
    let report = |share| progress("training", share);
    let mut material = Material::of(&cohort, rows, input.at);
    let without = asked.exclude.iter();
    material.without = without.filter_map(|name| schema::find(name)).collect();
    material.thresholds.clone_from(&asked.thresholds);
    let trained = teach(material, &wanted, Cores::AllButOne, &report, cancelled);
    let Trained {
        mut models,
        left_out,
    } = trained.await.map_err(FirstStartError::from)?;
    // Whoever names targets wants these; whoever names none wants what can be had.
    if !left_out.is_empty() && (models.is_empty() || !asked.targets.is_empty()) {
        return Err(untrainable(&left_out).into());
    }
    if models.len() < Target::ALL.len()
        && let Some(active) = store.active_model_set().await?
    {
        let trained: Vec<Target> = models.iter().map(Model::target).collect();
        let others = load(active).await?.into_models().into_iter();
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
    rows: Vec<Kept>,
    at: DateTime<Utc>,
    report: &(dyn Fn(f64) + Sync),
) -> Result<Vec<Model>, FirstStartError> {
    let material = Material::of(cohort, rows, at);
    let trained = teach(material, Target::ALL, Cores::All, report, &|| false).await?;
    match trained.left_out.into_iter().next() {
        Some(left_out) => Err(FirstStartError::LeftOut(left_out)),
        None => Ok(trained.models),
    }
}
