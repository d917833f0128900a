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
        reader: Reader::new(given, limits),
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
            let done = admission.run(move || batch.feed(piece)).await??;
            let bytes;
            (batch, bytes) = done;
            out.send(bytes).await?;
        }
    }
    let mut ending = admission.run(move || batch.end()).await??;
    loop {
        let (next, bytes, more) = admission.run(move || ending.step()).await??;
        ending = next;
        out.send(bytes).await?;
        if !more {
            return Ok(());
        }
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
    reader: Reader,
    answering: Answering,
}

impl Batch {
    fn feed(mut self, piece: Bytes) -> Result<(Self, Vec<u8>), Problem> {
        let mut bytes = Vec::new();
        for rows in self.reader.feed(piece)? {
            self.answering.rows(rows, &mut bytes)?;
        }
        Ok((self, bytes))
    }

    fn end(self) -> Result<Ending, Problem> {
        Ok(Ending {
            rest: self.reader.finish()?,
            answering: Some(self.answering),
        })
    }
}

/// A batch whose body is read.
struct Ending {
    rest: Rest,
    answering: Option<Answering>,
}

impl Ending {
    /// The next bytes, and whether there are more.
    fn step(mut self) -> Result<(Self, Vec<u8>, bool), Problem> {
        let mut bytes = Vec::new();
        if let Some(rows) = self.rest.next() {
            if let Some(answering) = &mut self.answering {
                answering.rows(rows?, &mut bytes)?;
            }
            return Ok((self, bytes, true));
        }
        if let Some(answering) = self.answering.take() {
            answering.end(&mut bytes)?;
        }
        Ok((self, bytes, false))
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
