//! `POST /cohorts/import`: a file of a team's own customers, taken piece by piece
//! into the database, from where any process imports it.
//!
//! Invariant: what is held is one piece; an upload that is not completed leaves
//! nothing behind.

mod form;

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Response};
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::time::timeout;
use utoipa::ToSchema;
use uuid::Uuid;

use form::Form;

use super::{CohortBody, NAME, accepted};
use crate::cohort::Mapping;
use crate::http::extract::broke_off;
use crate::http::fields::Fields;
use crate::http::guard::caller;
use crate::http::openapi::Binary;
use crate::http::problem::{FieldProblem, Kind, Problem};
use crate::http::{Api, coding, idempotency, outcomes};
use crate::jobs::ImportRequest;
use crate::store::Store;

/// Bytes of a piece in the database.
const PIECE: usize = 1024 * 1024;

/// Bytes of a mapping.
const MAPPING: usize = 256 * 1024;

/// A file and how to read it.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "documents the parts of a form")]
pub struct ImportForm {
    /// The customers: CSV, also compressed by gzip or zstd, or Parquet.
    #[schema(value_type = String, format = Binary, min_length = 1)]
    file: Vec<u8>,
    /// How the file's columns become ours, in TOML or JSON: `columns`, `units`,
    /// `values`, `nulls`.
    #[schema(example = "[columns]\ntenure_months = \"months_active\"\n")]
    mapping: Option<String>,
}

/// Import a team's own customers
///
/// A CSV (also compressed by gzip or zstd) or Parquet file as the body, or as
/// `file` of a form that may have a `mapping` too. Any of the 72 columns will
/// do. Answers when the file is taken; `Location` tells where the progress of
/// its import is seen. Rows that are no customers are set aside and listed at
/// `/cohorts/{id}/rejects`.
#[utoipa::path(
    post,
    path = "/cohorts/import",
    tag = "Cohorts",
    params(
        ("name" = Option<String>, Query, min_length = 1, max_length = 200, description = "What to call the cohort"),
        idempotency::KeyHeader,
    ),
    request_body(description = "The file", content(
        (String = "text/csv", example = json!("customer_id,age,tenure_months\nc-1,31,7\n")),
        (Binary = "application/vnd.apache.parquet"),
        (Binary = "application/octet-stream"),
        (ImportForm = "multipart/form-data"),
    )),
    responses(
        (status = 202, description = "It is taken, and will be imported", body = CohortBody,
            headers(("location" = String, description = "The cohort"))),
        outcomes::KeyInUse,
        outcomes::BadUpload,
        outcomes::AwayOrBusy,
        outcomes::Always,
    )
)]
pub async fn import_cohort(
    State(api): State<Api>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let mut query = Fields::of_query(request.uri())?;
    let name = query.text("name", NAME);
    query.done()?;
    let kind = declared(request.headers())?;
    coding::none(request.headers())?;
    let headers = request.headers().clone();
    let caller = caller(request.extensions());
    let _admission = api.work.admitted(request.extensions())?;
    // Before the file is sent for nothing.
    idempotency::expect_room(&api, (&caller, &headers)).await?;
    let store = api.store()?;
    let id = Uuid::now_v7();
    store.begin_upload(id, api.service.now()).await?;
    let mut upload = Upload {
        store,
        id,
        limit: api.limits.max_upload,
        patience: api.limits.patience,
        taken: 0,
        number: 0,
        piece: Vec::with_capacity(PIECE),
        digest: Sha256::new(),
    };
    // Whether a job was asked for that reads it, even if the answer did not come.
    let mut used = false;
    // Where the client goes away in between, the sweep of old uploads finds it.
    let done = async {
        let (file, mapping) = take(&mut upload, kind, request).await?;
        upload.finish().await?;
        let mut asked = upload.digest.finalize().to_vec();
        asked.extend_from_slice(mapping.to_string().as_bytes());
        asked.extend_from_slice(name.as_deref().unwrap_or_default().as_bytes());
        let asked = idempotency::fingerprint(&asked);
        idempotency::once(
            &api,
            (&caller, &headers),
            "POST /cohorts/import",
            &asked,
            async || {
                used = true;
                let new = ImportRequest {
                    upload: id,
                    name: name.or(file.clone()).unwrap_or_else(|| "imported".into()),
                    file,
                    mapping,
                };
                accepted(api.service.importing(&new))
            },
        )
        .await
    }
    .await;
    if !used {
        // Nothing will read it. If this fails, the sweep of old uploads finds it.
        let _ = store.delete_upload(id).await;
    }
    done
}

#[derive(Clone, Copy, PartialEq)]
enum Kinds {
    File,
    Form,
}

fn declared(headers: &HeaderMap) -> Result<Kinds, Problem> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    match kind.map(str::to_ascii_lowercase).as_deref() {
        Some("multipart/form-data") => Ok(Kinds::Form),
        Some(
            "text/csv"
            | "application/vnd.apache.parquet"
            | "application/octet-stream"
            | "application/gzip"
            | "application/zstd",
        ) => Ok(Kinds::File),
        _ => Err(Problem::new(
            Kind::UnsupportedMediaType,
            "Declare the file with content-type: text/csv, application/vnd.apache.parquet, application/gzip, application/zstd or application/octet-stream, or send multipart/form-data with `file` and, if it is needed, `mapping`.",
        )),
    }
}

/// Takes the file; gives what it is called, and its mapping.
async fn take(
    upload: &mut Upload<'_>,
    kind: Kinds,
    request: Request,
) -> Result<(Option<String>, Value), Problem> {
    if kind == Kinds::File {
        let mut body: BodyDataStream = request.into_body().into_data_stream();
        while let Some(data) = patient(upload.patience, body.next()).await? {
            let data = data.map_err(|error| broke_off(&error, Kind::MalformedBody))?;
            upload.take(&data).await?;
        }
        return Ok((None, Value::Null));
    }
    let mut form = Form::of(request, upload.patience).await?;
    let (mut file, mut mapping, mut found) = (None, Value::Null, false);
    while let Some(mut part) = form.next().await? {
        match part.field.name() {
            Some("file") if !found => {
                found = true;
                file = part.field.file_name().map(named);
                while let Some(data) = part.chunk().await? {
                    upload.take(&data).await?;
                }
            }
            Some("mapping") if mapping.is_null() => {
                let mut text = Vec::new();
                while let Some(data) = part.chunk().await? {
                    text.extend_from_slice(&data);
                    if text.len() > MAPPING {
                        return Err(too_large(MAPPING as u64));
                    }
                }
                mapping = checked(&text)?;
            }
            _ => {
                let message = "the form has one part `file` and at most one part `mapping`";
                let fault = FieldProblem::new("", "unknown_field", message);
                return Err(Problem::fields(Kind::InvalidRequest, vec![fault]));
            }
        }
    }
    if found {
        Ok((file, mapping))
    } else {
        let fault = FieldProblem::new("file", "missing", "must be there");
        Err(Problem::fields(Kind::InvalidRequest, vec![fault]))
    }
}

/// The last part of a file's name, for people to read.
fn named(file: &str) -> String {
    let name = file.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = name.chars().filter(|c| !c.is_control());
    name.take(NAME).collect()
}

/// A mapping in either of its forms, checked.
fn checked(text: &[u8]) -> Result<Value, Problem> {
    let text = String::from_utf8_lossy(text);
    let mapping = if text.trim_start().starts_with('{') {
        serde_json::from_str::<Value>(&text)
            .map_err(|_| vec![FieldProblem::new("mapping", "malformed", "is not JSON")])
            .and_then(|json| Mapping::from_json(&json).map_err(faults))
    } else {
        Mapping::from_toml(&text).map_err(faults)
    };
    let mapping = mapping.map_err(|faults| Problem::fields(Kind::InvalidRequest, faults))?;
    Ok(mapping.to_json().clone())
}

fn faults(faults: crate::cohort::MappingFaults) -> Vec<FieldProblem> {
    let faults = faults.0.into_iter();
    faults
        .map(|fault| {
            let field = match fault.field.as_str() {
                "" => "mapping".to_owned(),
                field => format!("mapping.{field}"),
            };
            FieldProblem::new(field, "invalid_mapping", fault.message)
        })
        .collect()
}

/// A file on its way into the database.
struct Upload<'a> {
    store: &'a Store,
    id: Uuid,
    limit: u64,
    patience: Duration,
    taken: u64,
    number: u32,
    piece: Vec<u8>,
    digest: Sha256,
}

impl Upload<'_> {
    async fn take(&mut self, data: &Bytes) -> Result<(), Problem> {
        self.taken += data.len() as u64;
        if self.taken > self.limit {
            return Err(too_large(self.limit));
        }
        self.digest.update(data);
        self.piece.extend_from_slice(data);
        if self.piece.len() >= PIECE {
            self.append().await?;
        }
        Ok(())
    }

    async fn append(&mut self) -> Result<(), Problem> {
        let number = self.number;
        self.number += 1;
        self.store
            .append_upload(self.id, number, &self.piece)
            .await?;
        self.piece.clear();
        Ok(())
    }

    async fn finish(&mut self) -> Result<(), Problem> {
        if self.taken == 0 {
            return Err(Problem::new(Kind::MalformedBody, "The file is empty."));
        }
        if !self.piece.is_empty() {
            self.append().await?;
        }
        self.store.finish_upload(self.id).await?;
        Ok(())
    }
}

/// Waits for more of the body, though not for ever.
async fn patient<T>(patience: Duration, more: impl Future<Output = T>) -> Result<T, Problem> {
    timeout(patience, more).await.map_err(|_| {
        Problem::new(
            Kind::RequestTimeout,
            "The body stopped coming before its end.",
        )
    })
}

fn too_large(limit: u64) -> Problem {
    Problem::new(
        Kind::BodyTooLarge,
        format!("It may have {limit} bytes at most."),
    )
}
