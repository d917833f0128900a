//! Predictions for many in JSON: each as the prediction for one is.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use crate::features::Profile;
use crate::http::answer::PredictionBody;
use crate::http::formats::rows::Rows;
use crate::http::predictions::prediction;
use crate::http::problem::{self, FieldProblem, Problem};
use crate::models::{ModelSet, Target};

/// Customers at fault that are listed: a stream may have any number of them.
const LISTED: usize = 10_000;

/// Errors that are listed, of all of these customers.
const ERRORS: usize = 100_000;

/// The predictions for many customers.
#[derive(Serialize, ToSchema)]
pub struct PredictionList<'a> {
    #[schema(example = "churn")]
    target: &'static str,
    /// The model set that answered.
    #[schema(example = "20251121T090000Z-5f3a9c21")]
    model_version: &'a str,
    /// One a customer, in order; null for one that was rejected.
    predictions: Vec<Option<PredictionBody<'a>>>,
    /// The customers at fault: the first 10,000, fewer where these have more than
    /// 100,000 errors.
    rejected: Vec<Rejected>,
    /// How many customers were at fault.
    #[schema(example = 0)]
    rejected_count: usize,
}

/// A customer at fault.
#[derive(Serialize, ToSchema)]
pub struct Rejected {
    /// Its place among those sent, from 0.
    #[schema(example = 3)]
    index: usize,
    errors: Vec<FieldProblem>,
}

/// Writes the list while it becomes known.
pub struct Answers {
    set: Arc<ModelSet>,
    target: Target,
    reasons: usize,
    /// How many customers there were.
    seen: usize,
    rejected: Vec<Rejected>,
    rejected_count: usize,
    /// How many errors are listed.
    errors: usize,
}

impl Answers {
    pub fn new(set: Arc<ModelSet>, target: Target, reasons: usize) -> Self {
        Self {
            set,
            target,
            reasons,
            seen: 0,
            rejected: Vec::new(),
            rejected_count: 0,
            errors: 0,
        }
    }

    pub fn rows(&mut self, rows: Rows, out: &mut Vec<u8>) -> Result<(), Problem> {
        let first = self.seen;
        let (profiles, mut faults) = rows.into_profiles();
        for (i, profile) in profiles.iter().enumerate() {
            if first + i == 0 {
                self.head(out)?;
            } else {
                out.push(b',');
            }
            match faults.remove(&i) {
                Some(faults) => self.reject(first + i, faults.into_iter().map(Into::into), out),
                None => self.predict(first + i, profile, out)?,
            }
        }
        self.seen += profiles.len();
        Ok(())
    }

    fn predict(
        &mut self,
        index: usize,
        profile: &Profile,
        out: &mut Vec<u8>,
    ) -> Result<(), Problem> {
        let set = Arc::clone(&self.set);
        let model = set.get(self.target);
        let model = model.ok_or_else(crate::http::predictions::not_ready)?;
        match prediction(&set, model, profile, self.reasons) {
            Ok(body) => json(&body, out),
            Err(fault) => {
                self.reject(index, std::iter::once(fault), out);
                Ok(())
            }
        }
    }

    fn reject(
        &mut self,
        index: usize,
        errors: impl Iterator<Item = FieldProblem>,
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(b"null");
        self.rejected_count += 1;
        if self.rejected.len() < LISTED && self.errors < ERRORS {
            let errors: Vec<FieldProblem> = errors.collect();
            self.errors += errors.len();
            self.rejected.push(Rejected { index, errors });
        }
    }

    fn head(&self, out: &mut Vec<u8>) -> Result<(), Problem> {
        out.extend_from_slice(b"{\"target\":");
        json(self.target.name(), out)?;
        out.extend_from_slice(b",\"model_version\":");
        json(&self.set.version, out)?;
        out.extend_from_slice(b",\"predictions\":[");
        Ok(())
    }

    pub fn end(self, out: &mut Vec<u8>) -> Result<(), Problem> {
        if self.seen == 0 {
            self.head(out)?;
        }
        out.extend_from_slice(b"],\"rejected\":");
        json(&self.rejected, out)?;
        out.extend_from_slice(b",\"rejected_count\":");
        json(&self.rejected_count, out)?;
        out.push(b'}');
        Ok(())
    }
}

fn json<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Problem> {
    serde_json::to_writer(out, value).map_err(|error| problem::internal(&error))
}
