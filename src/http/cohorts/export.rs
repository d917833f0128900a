//! A whole cohort as a file, streamed from the database in bounded memory.

use std::sync::Arc;

use arrow_array::RecordBatch;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::CONTENT_DISPOSITION;
use axum::http::{HeaderValue, Response};

use super::content::{self, FilterQuery};
use super::{not_there, there};
use crate::http::database;
use crate::http::fields::Fields;
use crate::http::formats::Format;
use crate::http::formats::write::{EncodeError, Encoder};
use crate::http::openapi::Binary;
use crate::http::problem::{self, Problem};
use crate::http::stream::{self, Outlet, Stopped};
use crate::http::work::Admission;
use crate::http::{Api, outcomes};
use crate::schema;
use crate::store::{Customers, Filter};

/// Rows that become bytes at a time: a megabyte or so of text.
const ROWS: usize = 1024;

/// The customers of a cohort as a file
///
/// The name of the file chooses its format: `customers.csv`, `customers.parquet`,
/// `customers.ndjson` or `customers.arrow`. The columns of categories and flags are
/// filters, as for pages. In CSV a text that a spreadsheet would run as a formula
/// has an apostrophe before it; the other formats hold it as it is.
#[utoipa::path(
    get,
    path = "/cohorts/{id}/{file}",
    tag = "Cohorts",
    params(
        ("id" = String, Path, description = "Its id, or `latest`", example = "latest"),
        ("file" = String, Path, description = "customers.csv, customers.parquet, customers.ndjson or customers.arrow", example = "customers.csv"),
        FilterQuery,
    ),
    responses(
        (status = 200, description = "The customers", content(
            (String = "text/csv"),
            (String = "application/x-ndjson"),
            (Binary = "application/vnd.apache.parquet"),
            (Binary = "application/vnd.apache.arrow.stream"),
        )),
        outcomes::NoCohort,
        outcomes::NotComplete,
        outcomes::BadQuery,
        outcomes::AwayOrBusy,
        outcomes::Always,
    )
)]
pub async fn cohort_file(
    State(api): State<Api>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let Path((id, file)) = path.map_err(|_| database::nothing())?;
    let mut query = Fields::of_query(request.uri())?;
    let filters = Arc::from(content::filters(&mut query));
    query.done()?;
    let format = Format::ALL
        .into_iter()
        .filter(|format| *format != Format::Json)
        .find(|format| file.strip_prefix("customers.") == Some(format.extension()))
        .ok_or_else(not_there)?;
    let store = api.store()?;
    let id = database::cohort_id(store, &id).await?;
    let admission = api.work.admitted(request.extensions())?;
    let customers = store.customers(id).await;
    let customers = there(store, id, customers).await?;
    let answer = stream::answer(format, api.limits.patience, async move |out| {
        let gone = Arc::clone(&out);
        tokio::select! {
            done = export(customers, filters, format, &admission, &out) => done,
            () = gone.gone() => Err(Stopped::Gone),
        }
    });
    let mut response = answer.await?;
    let name = format!("attachment; filename=\"customers.{}\"", format.extension());
    if let Ok(name) = HeaderValue::from_str(&name) {
        response.headers_mut().insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

async fn export(
    mut customers: Customers,
    filters: Arc<[Filter]>,
    format: Format,
    admission: &Admission,
    out: &Outlet,
) -> Result<(), Stopped> {
    let internal = |error: EncodeError| problem::internal(&error);
    let mut encoder =
        Encoder::new(format, &schema::arrow::schema(), "customers").map_err(internal)?;
    while let Some(batch) = customers.next().await {
        let mut batch = batch.map_err(Problem::from)?;
        if !filters.is_empty() {
            let filters = Arc::clone(&filters);
            let picked = admission.run(move || Filter::keep(&filters, &batch));
            batch = picked.await?;
        }
        for part in parts(&batch) {
            let written = admission.run(move || {
                let mut bytes = Vec::new();
                encoder.write(&part, &mut bytes)?;
                Ok::<_, EncodeError>((encoder, bytes))
            });
            let bytes;
            (encoder, bytes) = written.await?.map_err(internal)?;
            out.send(bytes).await?;
        }
    }
    let ended = admission.run(move || {
        let mut bytes = Vec::new();
        encoder.finish(&mut bytes).map(|()| bytes)
    });
    out.send(ended.await?.map_err(internal)?).await
}

fn parts(batch: &RecordBatch) -> Vec<RecordBatch> {
    let firsts = (0..batch.num_rows()).step_by(ROWS);
    firsts
        .map(|first| batch.slice(first, ROWS.min(batch.num_rows() - first)))
        .collect()
}
