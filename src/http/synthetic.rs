//! `POST /synthetic/batch`: synthetic customers straight back, stored nowhere.

use std::mem::take;

use arrow_array::RecordBatch;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fields::Fields;
use super::formats::write::{EncodeError, Encoder};
use super::formats::{Format, negotiate};
use super::openapi::Binary;
use super::problem::{self, FieldProblem, Kind, Problem};
use super::stream::{self, Stopped};
use super::work::Admission;
use super::{Api, outcomes};
use crate::cohort::{Batches, CohortSpec, MAX_SEED, Plan, Unreachable};

/// Customers that are drawn where the request does not say how many.
const SOME: u64 = 1000;

/// The seed of the published cohort.
pub const SEED: u64 = 20_251_021;

/// Rows that become bytes at a time: a few hundred kilobytes of text.
const ROWS: usize = 512;

/// What to draw.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"customers": 5, "seed": 7}))]
pub struct SyntheticRequest {
    /// How many customers, up to the service's limit (`--max-synthetic`).
    #[schema(minimum = 1, default = 1000, example = 5)]
    customers: Option<u64>,
    /// Seed of the random draws: the same seed gives the same customers.
    #[schema(
        minimum = 0,
        maximum = 9_223_372_036_854_775_807_u64,
        default = 20_251_021,
        example = 7
    )]
    seed: Option<u64>,
    /// The population: what differs from that of the source document. `targets`
    /// has statistics by their ids, as `GET /cohorts/latest` lists them.
    #[schema(value_type = Option<Object>, example = json!({"targets": {"churn_rate_pct": 40.0}}))]
    spec: Option<serde_json::Value>,
}

/// Draw synthetic customers
///
/// They come straight back, in the format that `Accept` names, and are stored
/// nowhere. JSON has the form that `POST /predict/{target}/batch` takes. In CSV a
/// text that a spreadsheet would run as a formula has an apostrophe before it.
/// A client that goes away stops the work.
#[utoipa::path(
    post,
    path = "/synthetic/batch",
    tag = "Cohorts",
    request_body(content = SyntheticRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "The customers", content(
            (super::customer::CustomerList = "application/json"),
            (String = "application/x-ndjson"),
            (String = "text/csv"),
            (Binary = "application/vnd.apache.parquet"),
            (Binary = "application/vnd.apache.arrow.stream"),
        )),
        outcomes::NotAcceptable,
        outcomes::BadBody,
        outcomes::BadRequest,
        outcomes::Busy,
        outcomes::Always,
    )
)]
pub async fn synthetic(
    State(api): State<Api>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let (parts, body) = request.into_parts();
    Fields::of_query(&parts.uri)?.done()?;
    let format = negotiate::of_answer(&parts.headers, &Format::ALL, Format::Json)?;
    let fields = Fields::of_body(&parts.headers, body, api.limits.max_body).await?;
    let plan = asked(fields, api.limits.max_synthetic)?;
    let admission = api.work.admitted_draw(&parts.extensions)?;
    stream::answer(format, api.limits.patience, async move |out| {
        let mut drawing = admission
            .run(move || Drawing::begin(&plan, format))
            .await??;
        loop {
            let (next, bytes, more) = step(&admission, drawing).await?;
            drawing = next;
            out.send(bytes).await?;
            if !more {
                return Ok(());
            }
        }
    })
    .await
}

fn asked(mut fields: Fields, most: u64) -> Result<Plan, Problem> {
    let customers = fields.integer("customers", 1..=most);
    let seed = fields.integer("seed", 0..=MAX_SEED);
    let spec = population(&mut fields);
    fields.done()?;
    let plan = Plan::new(customers.unwrap_or(SOME.min(most)), seed.unwrap_or(SEED));
    let plan = plan.map_err(|error| problem::internal(&error))?;
    Ok(plan.with_spec(spec))
}

/// The member `spec`: the population to draw.
pub fn population(fields: &mut Fields) -> CohortSpec {
    let Some(spec) = fields.value("spec") else {
        return CohortSpec::default();
    };
    CohortSpec::from_json(&spec).unwrap_or_else(|faults| {
        fields.faults(faults.0.into_iter().map(|fault| {
            let field = match fault.field.as_str() {
                "" => "spec".to_owned(),
                field => format!("spec.{field}"),
            };
            FieldProblem::new(field, "invalid_spec", fault.message)
        }));
        CohortSpec::default()
    })
}

/// A population that can't be had: each statistic with the nearest that can.
pub fn unreachable_spec(error: Unreachable) -> Problem {
    let faults = error.0.into_iter().map(|out| FieldProblem {
        asked: Some(out.asked),
        nearest: Some(out.nearest),
        ..FieldProblem::new(
            format!("spec.targets.{}", out.statistic),
            "unreachable",
            "the population can't have this value; `nearest` is the nearest that it can have",
        )
    });
    Problem::fields(Kind::UnreachableSpec, faults.collect())
}

async fn step(
    admission: &Admission,
    mut drawing: Drawing,
) -> Result<(Drawing, Vec<u8>, bool), Stopped> {
    let done = admission
        .run(move || {
            let more = drawing.step();
            more.map(|(bytes, more)| (drawing, bytes, more))
        })
        .await?;
    Ok(done.map_err(|error| problem::internal(&error))?)
}

/// A plan that is being drawn and written.
struct Drawing {
    batches: Batches<'static>,
    encoder: Option<Encoder>,
    /// What is left of the batch that is being written.
    batch: Option<RecordBatch>,
}

/// Nobody is told of the progress.
static UNHEARD: fn(f64) = |_| ();

impl Drawing {
    fn begin(plan: &Plan, format: Format) -> Result<Self, Problem> {
        let encoder = Encoder::new(format, &plan.schema(), "customers");
        Ok(Self {
            batches: plan.generate(&UNHEARD).map_err(unreachable_spec)?,
            encoder: Some(encoder.map_err(|error| problem::internal(&error))?),
            batch: None,
        })
    }

    /// The next bytes, and whether there are more.
    fn step(&mut self) -> Result<(Vec<u8>, bool), EncodeError> {
        let mut bytes = Vec::new();
        if let Some(batch) = self.batch.take().or_else(|| self.batches.next()) {
            if let Some(encoder) = &mut self.encoder {
                let rows = batch.num_rows().min(ROWS);
                encoder.write(&batch.slice(0, rows), &mut bytes)?;
                let left = batch.num_rows() - rows;
                self.batch = (left > 0).then(|| batch.slice(rows, left));
            }
            return Ok((bytes, true));
        }
        if let Some(encoder) = take(&mut self.encoder) {
            encoder.finish(&mut bytes)?;
        }
        Ok((bytes, false))
    }
}
