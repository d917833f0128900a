//! What an import came to. Invariant: `read = accepted + rejected`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::rejects::Reject;
use crate::schema::invariants::Violations;

/// A column of the schema that the file has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundColumn {
    pub column: &'static str,
    /// The file's name for it.
    pub from: String,
}

/// A column of the file that is not imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IgnoredColumn {
    /// Its name, cut short if it is very long.
    pub name: String,
    /// The column that it may have been meant to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<&'static str>,
}

/// Why rows were set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    pub code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    pub rows: u64,
}

/// What holds between columns of a generated cohort, and not in some rows of
/// this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    pub invariant: String,
    pub rows: u64,
}

/// What an import came to so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub read: u64,
    pub accepted: u64,
    pub rejected: u64,
    pub columns_found: Vec<FoundColumn>,
    pub columns_ignored: Vec<IgnoredColumn>,
    /// Whether customers are called `row-1` and on, since the file names none.
    pub numbered: bool,
    /// Why rows were set aside, by the first fault of each.
    pub reasons: Vec<Reason>,
    pub invariant_warnings: Vec<Warning>,
}

/// The counts behind a summary.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub accepted: u64,
    pub rejected: u64,
    reasons: BTreeMap<(&'static str, Option<String>), u64>,
    violations: Violations,
}

impl Tally {
    pub(super) fn reject(&mut self, reject: &Reject) {
        self.rejected += 1;
        let key = (reject.code, reject.column.clone());
        *self.reasons.entry(key).or_default() += 1;
    }

    pub(super) fn violations(&mut self, found: Violations) {
        self.violations.merge(found);
    }

    /// Writes the counts into a summary.
    pub(super) fn fill(&self, summary: &mut Summary) {
        summary.accepted = self.accepted;
        summary.rejected = self.rejected;
        summary.read = self.accepted + self.rejected;
        let reasons = self.reasons.iter().map(|((code, column), rows)| Reason {
            code,
            column: column.clone(),
            rows: *rows,
        });
        summary.reasons = reasons.collect();
        summary
            .reasons
            .sort_by_key(|reason| std::cmp::Reverse(reason.rows));
        let warnings = self.violations.iter().map(|(invariant, rows)| Warning {
            invariant: invariant.to_owned(),
            rows,
        });
        summary.invariant_warnings = warnings.collect();
    }
}
