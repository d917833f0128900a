//! `POST /predict/{target}/batch`: many customers in, many predictions out.
//!
//! What streams in streams out, piece by piece: memory is bounded whatever is
//! sent. Invariant: the answer has a place for each customer, in order, and a
//! customer at fault costs the others nothing.

mod json;
mod table;

pub use table::scored;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use bytes::Bytes;
use http_body_util::BodyExt;

use super::formats::read::{self, Reader, Rest};
use super::formats::rows::Rows;
use super::formats::{Format, negotiate};
use super::openapi::Binary;
use super::predictions::{ExplainQuery, Named, known, not_ready};
use super::problem::{Kind, Problem};
use super::stream::{self, Outlet, Stopped};
use super::work::Admission;
use super::{Api, extract, outcomes};
use crate::models::{ModelSet, Target};

/// Bytes of a body that are worked on at a time.
const PIECE: usize = 64 * 1024;

/// Bytes of an answer that are sent before more is worked on.
const ENOUGH: usize = 1 << 20;

/// Tables of customers that are worked on before it is seen who still listens.
const TABLES: usize = 16;

/// Predict for many customers
///
/// The answer has a prediction for each customer sent, in order, in the format
/// that `Accept` names: by default that of the request. A customer at fault
/// never fails a batch. In JSON its prediction is null and `rejected` says why;
/// elsewhere its row has an `error`.
///
/// NDJSON, CSV and Arrow streams may be of any length: the answer begins while
/// the request is still being sent. A client that sends all of it before it
/// reads is given 8 MB of answer to wait for it.
#[utoipa::path(
    post,
    path = "/predict/{target}/batch",
    tag = "Predictions",
    params(
        ("target" = String, Path, description = "What to predict", example = "churn"),
        ExplainQuery,
    ),
    request_body(description = "The customers", content(
        (super::customer::CustomerList = "application/json"),
        (String = "application/x-ndjson", example = json!("{\"customer_id\": \"c-17\", \"age\": 31}\n{\"customer_id\": \"c-18\", \"age\": 44}\n")),
        (String = "text/csv", example = json!("customer_id,age,location\nc-17,31,Chicago\nc-18,44,Boston\n")),
        (Binary = "application/vnd.apache.parquet"),
        (Binary = "application/vnd.apache.arrow.stream"),
    )),
    responses(
        (status = 200, description = "The predictions", content(
            (json::PredictionList = "application/json"),
            (String = "application/x-ndjson"),
            (String = "text/csv"),
            (Binary = "application/vnd.apache.parquet"),
            (Binary = "application/vnd.apache.arrow.stream"),
        )),
        outcomes::UnknownTarget,
        outcomes::NotAcceptable,
        outcomes::BadRows,
        outcomes::UnreadyOrBusy,
        outcomes::Always,
    )
)]
pub async fn predict_batch(
    State(api): State<Api>,
    target: Named,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let target = known(target)?;
    let (parts, body) = request.into_parts();
    let reasons = extract::explain(&parts.uri)?;
    let given = negotiate::of_body(&parts.headers, &Format::ALL)?;
    let wanted = negotiate::of_answer(&parts.headers, &Format::ALL, given)?;
    let set = api.service.models.load_full().ok_or_else(not_ready)?;
    if set.get(target).is_none() {
        return Err(not_ready());
    }
    let admission = api.work.admitted(&parts.extensions)?;
    let limits = read::Limits {
        row: api.limits.max_body,
        whole: api.limits.max_batch,
    };
    let batch = Batch {
        reader: Some(Reader::new(given, limits)),
        ready: Box::new(std::iter::empty()),
        answering: Answering::new(wanted, set, target, reasons)?,
    };
    let patience = api.limits.patience;
    stream::answer(wanted, patience, async move |out| {
        let gone = Arc::clone(&out);
        tokio::select! {
            done = run(batch, body, &admission, patience, &out) => done,
            () = gone.gone() => Err(Stopped::Gone),
        }
    })
    .await
}

/// Reads the body, and answers it as it comes.
async fn run(
    mut batch: Batch,
    mut body: Body,
    admission: &Admission,
    patience: Duration,
    out: &Outlet,
) -> Result<(), Stopped> {
    while let Some(piece) = next_piece(&mut body, patience).await? {
        for piece in cut(piece) {
            batch = answered(batch, |batch| batch.feed(piece), admission, out).await?;
        }
    }
    batch = answered(batch, Batch::end, admission, out).await?;
    let bytes = admission.run(move || batch.close()).await??;
    out.send(bytes).await
}

/// Takes more of the body, and answers the customers that are complete with it.
async fn answered(
    mut batch: Batch,
    take: impl FnOnce(&mut Batch) -> Result<(), Problem> + Send + 'static,
    admission: &Admission,
    out: &Outlet,
) -> Result<Batch, Stopped> {
    let first = admission.run(move || {
        take(&mut batch)?;
        batch.step()
    });
    let mut step = first.await??;
    loop {
        let (batch, bytes, more) = step;
        out.send(bytes).await?;
        if !more {
            return Ok(batch);
        }
        step = admission.run(move || batch.step()).await??;
    }
}

/// The next bytes of a body: several of the small pieces that the network makes.
async fn next_piece(body: &mut Body, patience: Duration) -> Result<Option<Bytes>, Problem> {
    let mut gathered = Vec::new();
    loop {
        let frame = tokio::time::timeout(patience, body.frame()).await;
        let frame = frame.map_err(|_| extract::too_slow())?;
        let Some(frame) = frame else {
            return Ok((!gathered.is_empty()).then(|| gathered.into()));
        };
        let frame = frame.map_err(|error| extract::broke_off(&error, Kind::MalformedBody))?;
        if let Ok(data) = frame.into_data() {
            if gathered.is_empty() && data.len() >= PIECE {
                return Ok(Some(data));
            }
            gathered.extend_from_slice(&data);
            if gathered.len() >= PIECE {
                return Ok(Some(gathered.into()));
            }
        }
    }
}

fn cut(mut piece: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || (!piece.is_empty()).then(|| piece.split_to(piece.len().min(PIECE))))
}

/// A batch on its way.
struct Batch {
    /// None where the body is read.
    reader: Option<Reader>,
    /// The customers that are read and not answered.
    ready: Rest,
    answering: Answering,
}

impl Batch {
    fn feed(&mut self, piece: Bytes) -> Result<(), Problem> {
        if let Some(reader) = &mut self.reader {
            self.ready = reader.feed(piece)?;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Problem> {
        if let Some(reader) = self.reader.take() {
            self.ready = reader.finish()?;
        }
        Ok(())
    }

    /// Answers some of the customers that are read; whether there may be more.
    fn step(mut self) -> Result<(Self, Vec<u8>, bool), Problem> {
        let mut bytes = Vec::new();
        for _ in 0..TABLES {
            let Some(rows) = self.ready.next() else {
                return Ok((self, bytes, false));
            };
            self.answering.rows(rows?, &mut bytes)?;
            if bytes.len() >= ENOUGH {
                break;
            }
        }
        Ok((self, bytes, true))
    }

    fn close(self) -> Result<Vec<u8>, Problem> {
        let mut bytes = Vec::new();
        self.answering.end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Makes predictions of customers, and bytes of predictions.
enum Answering {
    /// Each prediction as that for one customer is.
    Json(json::Answers),
    /// A row of a table each.
    Table(table::Answers),
}

impl Answering {
    fn new(
        format: Format,
        set: Arc<ModelSet>,
        target: Target,
        reasons: usize,
    ) -> Result<Self, Problem> {
        Ok(match format {
            Format::Json => Self::Json(json::Answers::new(set, target, reasons)),
            _ => Self::Table(table::Answers::new(format, set, target, reasons)?),
        })
    }

    fn rows(&mut self, rows: Rows, out: &mut Vec<u8>) -> Result<(), Problem> {
        match self {
            Self::Json(answers) => answers.rows(rows, out),
            Self::Table(answers) => answers.rows(rows, out),
        }
    }

    fn end(self, out: &mut Vec<u8>) -> Result<(), Problem> {
        match self {
            Self::Json(answers) => answers.end(out),
            Self::Table(answers) => answers.end(out),
        }
    }
}
