//! Model sets: which there are, their cards, and which of them serves.

pub mod drift;
pub mod files;
pub mod sets;
pub mod training;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::predictions::{not_ready, target_of};
use super::problem::{self, Kind, Problem};
use super::{Api, database, outcomes};
use crate::models::{
    Calibration, Card, Comparison, Confusion, Decile, Importance, Interval, Metrics, ModelSet,
};

/// What a model is, what it was trained on and how good it is.
#[derive(Serialize, ToSchema)]
pub struct ModelCard<'a> {
    #[schema(example = "churn")]
    target: &'a str,
    /// The model set that it belongs to.
    #[schema(example = "20251121T090000Z-5f3a9c21")]
    model_version: &'a str,
    /// `binary` or `regression`.
    #[schema(example = "binary")]
    kind: &'a str,
    #[schema(example = "probability")]
    unit: &'a str,
    /// What the answer is.
    #[schema(
        example = "the probability that the customer leaves within 30 days after the snapshot"
    )]
    predicts: &'a str,
    /// Whom it is for.
    #[schema(example = "all customers")]
    population: &'a str,
    source: SourceBody<'a>,
    rows: RowsBody,
    /// The columns that are read.
    inputs: &'a [String],
    exclusions: Vec<ExclusionBody<'a>>,
    /// All that were trained; the one that serves is marked.
    candidates: Vec<CandidateBody<'a>>,
    /// On the hold-out, of one who knows what the generator expected: the best
    /// that is possible. Null where nobody knows.
    #[schema(value_type = Option<BTreeMap<String, Option<f64>>>)]
    oracle: Option<&'a Metrics>,
    /// Why that one serves.
    choice: &'a str,
    /// The label that it learnt.
    #[schema(example = "churn_30_day")]
    label: &'a str,
    /// Who judged: a random part of the customers, or the latest.
    split: &'a str,
    /// By how much the baseline's deciding score is worse than the forest's.
    #[schema(value_type = Option<Object>)]
    comparison: Option<&'a Comparison>,
    /// How probabilities were set right.
    #[schema(value_type = Option<Object>)]
    calibration: Option<&'a Calibration>,
    /// What the tiers find on the hold-out, for each threshold.
    #[schema(value_type = Vec<Object>)]
    confusion: &'a [Confusion],
    /// The hold-out in tenths by predicted value, highest first.
    #[schema(value_type = Vec<Object>)]
    deciles: &'a [Decile],
    /// How much each input contributes to a prediction on average, most first.
    #[schema(value_type = Vec<Object>)]
    importance: &'a [Importance],
    /// An input that alone foretells the label better than this refuses the training.
    leakage_limit: f64,
    /// Where the tiers of a probability begin; null for an amount.
    thresholds: Option<ThresholdsBody>,
    /// What is known of the intervals of an amount; null for a probability.
    intervals: Option<IntervalsBody<'a>>,
    trained_at: DateTime<Utc>,
    #[schema(example = "1")]
    training_version: &'a str,
    /// Seed of the split and of the training.
    #[schema(example = 20_251_021)]
    seed: u64,
    /// What the model can't do.
    limits: &'a [String],
}

/// The cohort that a model learnt from.
#[derive(Serialize, ToSchema)]
#[schema(as = Source)]
struct SourceBody<'a> {
    cohort_id: Option<Uuid>,
    /// Whether the cohort was deleted since; null where it was a file, or the
    /// database does not answer.
    #[schema(example = false)]
    cohort_deleted: Option<bool>,
    #[schema(example = "synthetic-100000-20251021")]
    cohort_name: &'a str,
    #[schema(example = 100_000)]
    customers: u64,
    #[schema(example = "1")]
    generator_version: Option<&'a str>,
    /// Seed of the cohort; null where it was not generated.
    #[schema(example = 20_251_021)]
    seed: Option<u64>,
}

/// How many customers were used for what.
#[derive(Serialize, ToSchema)]
#[schema(as = Rows)]
struct RowsBody {
    train: usize,
    /// Copies of training rows with inputs taken away, learnt from as well.
    train_with_gaps: usize,
    /// Told the forest when to stop.
    validation: usize,
    /// Sized the intervals.
    calibration: usize,
    /// Judged the candidates; neither saw it.
    hold_out: usize,
    /// Left out for want of a valid label.
    without_label: usize,
    /// Left out because the target is not for them.
    outside_population: usize,
}

/// A column that is no input.
#[derive(Serialize, ToSchema)]
#[schema(as = Exclusion)]
struct ExclusionBody<'a> {
    #[schema(example = "churn_probability")]
    column: &'a str,
    #[schema(example = "the score of a past churn model, which has seen what this one is to find")]
    reason: &'a str,
}

/// One of the models that were trained.
#[derive(Serialize, ToSchema)]
#[schema(as = Candidate)]
struct CandidateBody<'a> {
    /// `forest` or `baseline`.
    #[schema(example = "forest")]
    name: &'a str,
    method: &'a str,
    /// Whether it is the one that answers.
    serves: bool,
    /// On the hold-out; null where it leaves a metric undefined.
    #[schema(value_type = BTreeMap<String, Option<f64>>)]
    metrics: &'a Metrics,
    /// Where each metric may as well be by chance of the hold-out: `lower` and
    /// `upper` bound the middle 95% of its bootstrap.
    #[schema(value_type = BTreeMap<String, Object>)]
    metric_intervals: &'a BTreeMap<String, Interval>,
    /// On the hold-out with each input missing by an even chance.
    #[schema(value_type = BTreeMap<String, Option<f64>>)]
    metrics_half_missing: &'a Metrics,
}

/// Where the tiers begin, as probabilities.
#[derive(Serialize, ToSchema)]
#[schema(as = Thresholds)]
struct ThresholdsBody {
    /// From here up: `high`.
    #[schema(minimum = 0, maximum = 1, example = 0.71)]
    high: f64,
    /// Below: `low`.
    #[schema(minimum = 0, maximum = 1, example = 0.48)]
    low: f64,
}

/// What is known of the intervals of an amount.
#[derive(Serialize, ToSchema)]
#[schema(as = Intervals)]
struct IntervalsBody<'a> {
    method: &'a str,
    /// Share of customers whose true value is to lie within.
    #[schema(example = 0.9)]
    level: f64,
    /// Share of the hold-out whose true value did.
    #[schema(example = 0.899)]
    coverage: f64,
    /// The same in each tenth of the hold-out by predicted value, lowest first.
    coverage_by_decile: &'a [f64],
    /// The same of all with each input missing by an even chance.
    coverage_half_missing: f64,
}

impl<'a> ModelCard<'a> {
    fn new(version: &'a str, card: &'a Card, cohort_deleted: Option<bool>) -> Self {
        Self {
            target: &card.target,
            model_version: version,
            kind: &card.kind,
            unit: &card.unit,
            predicts: &card.predicts,
            population: &card.population,
            source: SourceBody {
                cohort_id: card.source.cohort_id,
                cohort_deleted,
                cohort_name: &card.source.cohort_name,
                customers: card.source.customers,
                generator_version: card.source.generator_version.as_deref(),
                seed: card.source.seed,
            },
            rows: RowsBody {
                train: card.rows.train,
                train_with_gaps: card.rows.train_with_gaps,
                validation: card.rows.validation,
                calibration: card.rows.calibration,
                hold_out: card.rows.hold_out,
                without_label: card.rows.without_label,
                outside_population: card.rows.outside_population,
            },
            inputs: &card.inputs,
            exclusions: exclusions(card),
            candidates: candidates(card),
            oracle: card.oracle.as_ref(),
            choice: &card.choice,
            label: &card.label,
            split: &card.split,
            comparison: card.comparison.as_ref(),
            calibration: card.calibration.as_ref(),
            confusion: &card.confusion,
            deciles: &card.deciles,
            importance: &card.importance,
            leakage_limit: card.leakage_limit,
            thresholds: card.thresholds.map(|thresholds| ThresholdsBody {
                high: thresholds.high,
                low: thresholds.low,
            }),
            intervals: card.intervals.as_ref().map(|intervals| IntervalsBody {
                method: &intervals.method,
                level: intervals.level,
                coverage: intervals.coverage,
                coverage_by_decile: &intervals.coverage_by_decile,
                coverage_half_missing: intervals.coverage_half_missing,
            }),
            trained_at: card.trained_at,
            training_version: &card.training_version,
            seed: card.seed,
            limits: &card.limits,
        }
    }
}

fn exclusions(card: &Card) -> Vec<ExclusionBody<'_>> {
    let exclusions = card.exclusions.iter();
    exclusions
        .map(|exclusion| ExclusionBody {
            column: &exclusion.column,
            reason: &exclusion.reason,
        })
        .collect()
}

fn candidates(card: &Card) -> Vec<CandidateBody<'_>> {
    let candidates = card.candidates.iter();
    candidates
        .map(|candidate| CandidateBody {
            name: &candidate.name,
            method: &candidate.method,
            serves: candidate.serves,
            metrics: &candidate.metrics,
            metric_intervals: &candidate.metric_intervals,
            metrics_half_missing: &candidate.metrics_half_missing,
        })
        .collect()
}

/// A model card
///
/// Where the model comes from, what it reads and what it must not, and its
/// scores on a hold-out beside those of its baseline.
#[utoipa::path(
    get,
    path = "/models/{version}/{target}",
    tag = "Models",
    params(
        ("version" = String, Path, description = "The version of a model set, or `active`", example = "active"),
        ("target" = String, Path, description = "What it predicts", example = "churn"),
    ),
    responses(
        (status = 200, description = "The model card", body = ModelCard),
        (status = 304, description = "It is as the client knows it (`If-None-Match`)"),
        outcomes::NoModel,
        outcomes::UnreadyOrAway,
        outcomes::Always,
    )
)]
pub async fn model_card(
    State(api): State<Api>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let Path((version, target)) = path.map_err(|_| no_set())?;
    let target = target_of(&target)?;
    if let Some(set) = in_memory(&api, &version)? {
        let model = set.get(target).ok_or_else(no_model)?;
        let deleted = cohort_deleted(&api, model.card()).await;
        return database::cached(
            &headers,
            &ModelCard::new(&set.version, model.card(), deleted),
        );
    }
    let card = api.store()?.model_card(&version, target.name()).await?;
    let card: Card = serde_json::from_value(card.ok_or_else(no_set)?)
        .map_err(|error| problem::internal(&error))?;
    let deleted = cohort_deleted(&api, &card).await;
    database::cached(&headers, &ModelCard::new(&version, &card, deleted))
}

/// Whether the cohort of a card is there no more. A card is shown without it
/// while the database is away.
async fn cohort_deleted(api: &Api, card: &Card) -> Option<bool> {
    let exists = api.store().ok()?.cohort_exists(card.source.cohort_id?);
    exists.await.ok().map(|exists| !exists)
}

/// The set that serves, where the path names it.
fn in_memory(api: &Api, version: &str) -> Result<Option<Arc<ModelSet>>, Problem> {
    let set = api.service.models.load_full();
    if version == "active" {
        return set.ok_or_else(not_ready).map(Some);
    }
    Ok(set.filter(|set| set.version == version))
}

pub fn no_set() -> Problem {
    Problem::new(
        Kind::NotFound,
        "There is no such model set, or it has no model for this target; GET /models lists those that are there.",
    )
}

fn no_model() -> Problem {
    Problem::new(
        Kind::NotFound,
        "The model set has no model for this target.",
    )
}
