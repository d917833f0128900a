//! The executive report of a cohort: as PDF, as JSON, and its charts as SVG.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Response, Uri};
use uuid::Uuid;

use super::etag;
use super::openapi::Binary;
use super::problem::{self, FieldProblem, Kind, Problem};
use super::renders::Render;
use super::{Api, outcomes};
use crate::models::{Card, ModelSet};
use crate::report::{self, Settings, Told};
use crate::store::{Cohort, Store};

/// What of a report is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Pdf,
    Json,
    Chart(&'static str),
}

/// The executive report of a cohort
///
/// As a PDF (tagged: PDF/UA-1 and PDF/A-2a) or, with `.json`, its text and charts
/// with the facts that they are made of. `latest` is the newest complete cohort.
/// The same cohort, models and settings give the same bytes.
#[utoipa::path(
    get,
    path = "/reports/{report}",
    tag = "Reports",
    params(
        ("report" = String, Path, description = "The cohort's id or `latest`, with `.pdf` or `.json`", example = "latest.pdf"),
        ("locale" = Option<String>, Query, pattern = "^(en-US|en-GB|de-DE|de-CH|fr-FR|es-ES|pt-BR|en-IN)$", description = "How numbers and dates are written", example = "en-US"),
        ("currency" = Option<String>, Query, pattern = "^[A-Z]{3}$", description = "The currency that amounts are in; nothing is converted", example = "USD"),
        ("customers" = Option<u64>, Query, minimum = 1, maximum = 10_000_000_000_u64, description = "Customers that effects are scaled to; by default those of the cohort", example = 1_000_000),
        ("creators" = Option<f64>, Query, minimum = 0.1, maximum = 50, description = "Assumed change in percent, 0.1 to 50: customers who post that become creators", example = 5.0),
        ("match-quality" = Option<f64>, Query, minimum = 0.1, maximum = 50, description = "The same: customers with a match satisfaction below 3 that reach it", example = 5.0),
        ("stories-to-premium" = Option<f64>, Query, minimum = 0.1, maximum = 50, description = "The same: free customers who view many stories that subscribe", example = 5.0),
        ("video" = Option<f64>, Query, minimum = 0.1, maximum = 50, description = "The same: customers with little video that watch as much as the others", example = 5.0),
        ("dates" = Option<f64>, Query, minimum = 0.1, maximum = 50, description = "The same: daters without a date in the month that have one", example = 5.0),
        ("bundle" = Option<f64>, Query, minimum = 0.1, maximum = 50, description = "The same: customers of one platform that use both", example = 5.0),
    ),
    responses(
        (status = 200, description = "The report", content(
            (Binary = "application/pdf"),
            (Object = "application/json"),
        )),
        (status = 304, description = "It is the one that `If-None-Match` names"),
        outcomes::NoReport,
        outcomes::BadQuery,
        outcomes::AwayOrBusy,
        outcomes::Always,
    )
)]
pub async fn report(
    State(api): State<Api>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response<Body>, Problem> {
    let Path(name) = path.map_err(|_| no_report())?;
    let (cohort, form) = match name.rsplit_once('.') {
        Some((cohort, "pdf")) => (cohort, Form::Pdf),
        Some((cohort, "json")) => (cohort, Form::Json),
        _ => return Err(no_report()),
    };
    answer(&api, cohort, form, &headers, &uri).await
}

/// A chart of a report
///
/// As SVG with a title and a description. The charts that a cohort has no
/// columns for are not there; the report's JSON lists them.
#[utoipa::path(
    get,
    path = "/reports/{report}/charts/{chart}",
    tag = "Reports",
    params(
        ("report" = String, Path, description = "The cohort's id or `latest`", example = "latest"),
        ("chart" = String, Path, description = "The chart's name with `.svg`; the report's JSON has the names", example = "dating-funnel.svg"),
        ("locale" = Option<String>, Query, pattern = "^(en-US|en-GB|de-DE|de-CH|fr-FR|es-ES|pt-BR|en-IN)$", description = "How numbers are written", example = "en-US"),
        ("currency" = Option<String>, Query, pattern = "^[A-Z]{3}$", description = "The currency that amounts are in; nothing is converted", example = "USD"),
    ),
    responses(
        (status = 200, description = "The chart", body = String, content_type = "image/svg+xml"),
        (status = 304, description = "It is the one that `If-None-Match` names"),
        outcomes::NoReport,
        outcomes::BadQuery,
        outcomes::AwayOrBusy,
        outcomes::Always,
    )
)]
pub async fn chart(
    State(api): State<Api>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response<Body>, Problem> {
    let Path((cohort, name)) = path.map_err(|_| no_report())?;
    let name = name.strip_suffix(".svg").ok_or_else(no_chart)?;
    let known = report::chart_ids().find(|id| *id == name);
    let form = Form::Chart(known.ok_or_else(no_chart)?);
    answer(&api, &cohort, form, &headers, &uri).await
}

async fn answer(
    api: &Api,
    cohort: &str,
    form: Form,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<Response<Body>, Problem> {
    let settings = settings(api.limits.report, uri)?;
    let store = api.store()?;
    let id = named(store, cohort).await?;
    let models = api.service.models.load_full();
    let version = models.as_ref().map_or("", |set| set.version.as_str());
    // All that the bytes depend on: a cohort's facts and a version's cards never change.
    let key = format!("{id} {version} {form:?} {}", settings.key());
    let render = if let Some(render) = api.renders.find(&key) {
        render
    } else {
        let cohort = store.cohort(id).await?.ok_or_else(no_report)?;
        let work = move || laid_out(&cohort, models.as_deref(), &settings, &form);
        api.renders.render(key, work).await?
    };
    Ok(etag::answer(
        headers,
        &render.tag,
        render.bytes.clone(),
        render.kind,
    ))
}

/// The settings with what the query changes.
fn settings(mut settings: Settings, uri: &Uri) -> Result<Settings, Problem> {
    let refuse = |errors| Problem::fields(Kind::InvalidQuery, errors);
    let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else {
        let fault = FieldProblem::new("", "malformed", "the query can't be read");
        return Err(refuse(vec![fault]));
    };
    let mut errors = Vec::new();
    let mut seen = Vec::new();
    for (name, value) in &pairs {
        if seen.contains(&name) {
            errors.push(FieldProblem::new(
                name.chars().take(64).collect::<String>(),
                "duplicate",
                "must be given once",
            ));
        } else if let Err(fault) = settings.set(name, value) {
            errors.push(FieldProblem::new(
                fault.field,
                "invalid_setting",
                fault.message,
            ));
        }
        seen.push(name);
    }
    if errors.is_empty() {
        Ok(settings)
    } else {
        Err(refuse(errors))
    }
}

/// The id of a complete cohort.
async fn named(store: &Store, cohort: &str) -> Result<Uuid, Problem> {
    if cohort == "latest" {
        let latest = store.latest_cohort_id().await?;
        return latest.ok_or_else(no_cohort);
    }
    let id = Uuid::parse_str(cohort).map_err(|_| no_report())?;
    let exists = store.cohort_exists(id).await?;
    if exists { Ok(id) } else { Err(no_report()) }
}

fn laid_out(
    cohort: &Cohort,
    models: Option<&ModelSet>,
    settings: &Settings,
    form: &Form,
) -> Result<Render, Problem> {
    let cards: Vec<&Card> = models.map_or_else(Vec::new, |set| {
        set.models()
            .iter()
            .map(crate::models::Model::card)
            .collect()
    });
    let version = models.map(|set| set.version.as_str());
    let told = report::of_cohort(cohort, version, &cards, settings);
    let told: Told = told.map_err(|error| problem::internal(&error))?;
    match form {
        Form::Json => {
            let json = serde_json::to_vec(&told).map_err(|error| problem::internal(&error))?;
            Ok(Render::new(json, "application/json"))
        }
        Form::Pdf => {
            let pdf = report::pdf(&told.document, cohort.id.to_string());
            let pdf = pdf.map_err(|error| problem::internal(&error))?;
            Ok(Render::new(pdf, "application/pdf"))
        }
        Form::Chart(id) => {
            let exhibit = told.document.exhibits().find(|exhibit| exhibit.id == *id);
            let exhibit = exhibit.ok_or_else(left_out)?;
            let svg = report::svg(exhibit, &told.document.language);
            let svg = svg.map_err(|error| problem::internal(&error))?;
            Ok(Render::new(svg.into_bytes(), "image/svg+xml"))
        }
    }
}

fn no_cohort() -> Problem {
    Problem::new(
        Kind::NotFound,
        "There is no complete cohort yet. POST /cohorts generates one, POST /cohorts/import \
         takes your own customers; a first start makes one by itself.",
    )
}

fn no_report() -> Problem {
    Problem::new(
        Kind::NotFound,
        "There is no such report: /reports/ takes the id of a complete cohort, or latest, with \
         .pdf or .json. GET /cohorts lists the cohorts; POST /cohorts makes one.",
    )
}

fn no_chart() -> Problem {
    let names: Vec<&str> = report::chart_ids().collect();
    Problem::new(
        Kind::NotFound,
        format!(
            "There is no such chart; with .svg there are {}.",
            names.join(", ")
        ),
    )
}

fn left_out() -> Problem {
    Problem::new(
        Kind::NotFound,
        "This cohort has not what the chart takes; left_out in the report's JSON says why.",
    )
}
