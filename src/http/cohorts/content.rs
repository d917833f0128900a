//! What is in a cohort: its facts, its segments, its customers a page at a time,
//! and the rows of its file that were set aside.

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Response};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::{PageQuery, facts, limit, page, there};
use crate::facts::published::Segment;
use crate::http::database::{self, cohort_id, named};
use crate::http::fields::Fields;
use crate::http::formats::{Format, rows, write};
use crate::http::predictions::Named;
use crate::http::problem::{self, FieldProblem, Problem};
use crate::http::{Api, cursor, outcomes};
use crate::schema::{COLUMNS, Kind};
use crate::store::{Cohort, Filter, Store, StoreError, Wanted};

/// The complete cohort that a path names.
async fn complete(store: &Store, name: Named) -> Result<Cohort, Problem> {
    let id = cohort_id(store, &named(name)?).await?;
    let found = store.cohort(id).await?;
    there(store, id, found.ok_or(StoreError::UnknownCohort(id))).await
}

/// All facts of a cohort
///
/// Every statistic that the report is made of, by section.
#[utoipa::path(
    get,
    path = "/cohorts/{id}/facts",
    tag = "Cohorts",
    params(("id" = String, Path, description = "Its id, or `latest`", example = "latest")),
    responses(
        (status = 200, description = "The facts, by section", body = Object),
        (status = 304, description = "They are as the client knows them (`If-None-Match`)"),
        outcomes::NoCohort,
        outcomes::NotComplete,
        outcomes::DatabaseAway,
        outcomes::Always,
    )
)]
pub async fn cohort_facts(
    State(api): State<Api>,
    id: Named,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let cohort = complete(api.store()?, id).await?;
    database::cached(&headers, &facts(&cohort)?.published())
}

/// The segments of a cohort.
#[derive(Serialize, ToSchema)]
pub struct SegmentList {
    /// The largest first; empty where the cohort was not divided.
    #[schema(value_type = Vec<Object>)]
    segments: Vec<Segment>,
}

/// The segments of a cohort
///
/// Its customers by what they do: the name and the traits of each segment, its
/// size, its revenue and its churn.
#[utoipa::path(
    get,
    path = "/cohorts/{id}/segments",
    tag = "Cohorts",
    params(("id" = String, Path, description = "Its id, or `latest`", example = "latest")),
    responses(
        (status = 200, description = "The segments", body = SegmentList),
        (status = 304, description = "They are as the client knows them (`If-None-Match`)"),
        outcomes::NoCohort,
        outcomes::NotComplete,
        outcomes::DatabaseAway,
        outcomes::Always,
    )
)]
pub async fn cohort_segments(
    State(api): State<Api>,
    id: Named,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let cohort = complete(api.store()?, id).await?;
    let segments = facts(&cohort)?.published().segments;
    database::cached(&headers, &SegmentList { segments })
}

/// Which customers of a cohort.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "documents what `filters` reads")]
pub struct FilterQuery {
    /// Only customers of this gender.
    #[param(required = false, min_length = 1, max_length = 200)]
    gender: Option<String>,
    /// Only customers of this place.
    #[param(required = false, min_length = 1, max_length = 200)]
    location: Option<String>,
    /// Only customers of this account type.
    #[param(required = false, min_length = 1, max_length = 200)]
    account_type: Option<String>,
    /// Only customers of this tier.
    #[param(required = false, min_length = 1, max_length = 200)]
    premium_tier: Option<String>,
    /// Only customers of this platform.
    #[param(required = false, min_length = 1, max_length = 200)]
    platform_primary: Option<String>,
    /// Only customers who are creators, or who are not.
    #[param(required = false)]
    is_creator: Option<bool>,
    /// Only customers who left, or who stayed.
    #[param(required = false)]
    churn_30_day: Option<bool>,
}

/// A page of customers.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents what is written row by row")]
pub struct CustomerPage {
    customers: Vec<crate::http::customer::Customer>,
    /// The `cursor` of the next page; null on the last.
    #[schema(example = json!(null))]
    next: Option<String>,
}

/// Customers of a cohort, a page at a time
///
/// In the order of their ids. The columns of categories and flags are filters.
#[utoipa::path(
    get,
    path = "/cohorts/{id}/customers",
    tag = "Cohorts",
    params(
        ("id" = String, Path, description = "Its id, or `latest`", example = "latest"),
        PageQuery,
        FilterQuery,
    ),
    responses(
        (status = 200, description = "The customers", body = CustomerPage),
        outcomes::NoCohort,
        outcomes::NotComplete,
        outcomes::BadQuery,
        outcomes::DatabaseAway,
        outcomes::Always,
    )
)]
pub async fn cohort_customers(
    State(api): State<Api>,
    id: Named,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let mut query = Fields::of_query(request.uri())?;
    let limit = limit(&mut query);
    let after = cursor::text(&mut query);
    let filters = filters(&mut query);
    query.done()?;
    let store = api.store()?;
    let id = cohort_id(store, &named(id)?).await?;
    let wanted = Wanted {
        filters,
        after,
        limit: limit + 1,
    };
    let found = store.customers_page(id, &wanted).await;
    let mut batch = there(store, id, found).await?;
    let most = limit as usize;
    let more = batch.num_rows() > most;
    if more {
        batch = batch.slice(0, most);
    }
    let next = more.then(|| rows::last_id(&batch)).flatten();
    let next = next.map(|id| cursor::of_text(&id));
    let admission = api.work.admit()?;
    let written = admission
        .run(move || page_json(&batch, next.as_deref()))
        .await?;
    let json = written.map_err(|error| problem::internal(&error))?;
    let mut response = Response::new(Body::from(json));
    let kind = HeaderValue::from_static(Format::Json.media_type());
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

fn page_json(
    batch: &arrow_array::RecordBatch,
    next: Option<&str>,
) -> Result<Vec<u8>, write::EncodeError> {
    let mut out = Vec::new();
    let mut encoder = write::Encoder::new(Format::Json, &batch.schema(), "customers")?;
    encoder.write(batch, &mut out)?;
    encoder.finish(&mut out)?;
    // The object goes on behind its list.
    out.pop();
    out.extend_from_slice(b",\"next\":");
    // Writing to a vector can't fail.
    let _ = serde_json::to_writer(&mut out, &next);
    out.push(b'}');
    Ok(out)
}

/// The parameters that are columns.
pub(super) fn filters(query: &mut Fields) -> Vec<Filter> {
    let mut filters = Vec::new();
    for column in &COLUMNS {
        if !matches!(
            column.kind,
            Kind::Category(_) | Kind::OpenCategory(_) | Kind::Flag
        ) {
            continue;
        }
        let Some(value) = query.text(column.name, 200) else {
            continue;
        };
        match Filter::parse(column.name, &value) {
            Ok(filter) => filters.push(filter),
            Err(error) => query.fault(column.name, "invalid_filter", error.to_string()),
        }
    }
    filters
}

/// The rows of a file that were set aside.
#[derive(Serialize, ToSchema)]
pub struct RejectPage {
    /// In the order of the file.
    rejects: Vec<RejectBody>,
    /// The `cursor` of the next page; null on the last.
    #[schema(example = json!(null))]
    next: Option<String>,
}

/// One fault of a row.
#[derive(Serialize, ToSchema)]
#[schema(as = Reject)]
pub struct RejectBody {
    /// Where the row began in the file, from 1.
    #[schema(example = 17)]
    line: u64,
    #[serde(flatten)]
    fault: FieldProblem,
}

/// Rows that an import set aside
///
/// Each fault with its line, its column and its reason, in the order of the file.
/// A cohort that was generated has none.
#[utoipa::path(
    get,
    path = "/cohorts/{id}/rejects",
    tag = "Cohorts",
    params(
        ("id" = String, Path, description = "Its id, or `latest`", example = "latest"),
        PageQuery,
    ),
    responses(
        (status = 200, description = "The rows, each with what is wrong", body = RejectPage),
        outcomes::NoCohort,
        outcomes::BadQuery,
        outcomes::DatabaseAway,
        outcomes::Always,
    )
)]
pub async fn cohort_rejects(
    State(api): State<Api>,
    id: Named,
    request: Request,
) -> Result<Json<RejectPage>, Problem> {
    let mut query = Fields::of_query(request.uri())?;
    let limit = limit(&mut query);
    let after = cursor::text(&mut query).map(|text| text.parse::<i64>());
    if matches!(after, Some(Err(_))) {
        cursor::refuse(&mut query);
    }
    query.done()?;
    let after = after.and_then(Result::ok).unwrap_or(0);
    let store = api.store()?;
    let id = cohort_id(store, &named(id)?).await?;
    super::known(store, id).await?;
    let found = store.rejects(id, after, limit + 1).await?;
    let (found, next) = page(found, limit, |(number, _)| {
        cursor::of_text(&number.to_string())
    });
    let rejects = found.into_iter().map(|(_, reject)| RejectBody {
        line: reject.line,
        fault: FieldProblem {
            code: reject.code.into(),
            ..FieldProblem::new(reject.column.unwrap_or_default(), "", reject.message)
        },
    });
    Ok(Json(RejectPage {
        rejects: rejects.collect(),
        next,
    }))
}
