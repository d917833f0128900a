//! What the generator expected of each customer that models are trained on.
//!
//! A cohort is stored without its truth columns. A generated one is drawn again
//! from its plan, with them, to put them beside the customers: they judge a model
//! on its card, and are no input of any. Invariant: a truth stands beside the very
//! customer that it is of; where one is not as it was drawn, there is no truth at all.

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, Schema};
use arrow_select::concat::concat;

use super::customers::Kept;
use super::generate::{from_json, share};
use crate::cohort::{GENERATOR_VERSION, Plan};
use crate::schema::{COLUMN_COUNT, column};
use crate::store::Cohort;

/// By which a customer is known again: names alone are the same in every cohort.
const TELLING: [usize; 5] = [
    column("customer_id"),
    column("age"),
    column("tenure_months"),
    column("days_since_last_active"),
    column("churn_30_day"),
];

/// The plan of a cohort that this version would draw the same again.
pub(super) fn plan(cohort: &Cohort) -> Option<Plan> {
    let is_drawn = cohort.seed.is_some() && cohort.generator_version == GENERATOR_VERSION;
    let plan = is_drawn.then(|| from_json(&cohort.spec).ok())??;
    let is_whole = plan.customers() == cohort.customers.unsigned_abs();
    is_whole.then(|| plan.with_truth(true))
}

/// The customers with the truth beside them; as they are where it can't be told.
/// `progress` hears the share that is drawn, and is asked whether to go on.
pub(super) fn beside(
    kept: Vec<Kept>,
    plan: &Plan,
    progress: &(dyn Fn(f64) -> bool + Sync),
) -> Vec<RecordBatch> {
    let with_truth = drawn_beside(&kept, plan, progress);
    with_truth.unwrap_or_else(|| kept.into_iter().map(|k| k.batch).collect())
}

fn drawn_beside(
    kept: &[Kept],
    plan: &Plan,
    progress: &(dyn Fn(f64) -> bool + Sync),
) -> Option<Vec<RecordBatch>> {
    let mut missing = kept.iter().peekable();
    let mut found = Vec::with_capacity(kept.len());
    // Drawn rows that a customer of the next batch may be among.
    let mut drawn: Vec<(u64, RecordBatch)> = Vec::new();
    let mut rows = 0;
    for batch in plan.generate(&|_| ()).ok()? {
        let first = rows;
        rows += batch.num_rows() as u64;
        drawn.push((first, batch));
        while let Some(next) = missing.next_if(|k| k.first + k.batch.num_rows() as u64 <= rows) {
            found.push(joined(next, &drawn)?);
        }
        let wanted = missing.peek().map(|next| next.first);
        let Some(wanted) = wanted else { break };
        drawn.retain(|(first, batch)| first + batch.num_rows() as u64 > wanted);
        if !progress(share(rows, plan.customers())) {
            return None;
        }
    }
    missing.next().is_none().then_some(found)
}

/// The truth of these customers, cut out of what was drawn.
fn joined(kept: &Kept, drawn: &[(u64, RecordBatch)]) -> Option<RecordBatch> {
    let end = kept.first + kept.batch.num_rows() as u64;
    let parts: Vec<RecordBatch> = (drawn.iter())
        .filter_map(|(first, batch)| {
            let from = kept.first.max(*first);
            let to = end.min(first + batch.num_rows() as u64);
            let offset = usize::try_from(from - first).ok()?;
            let rows = usize::try_from(to.checked_sub(from)?).ok()?;
            Some(batch.slice(offset, rows))
        })
        .collect();
    let column = |at: usize| -> Result<ArrayRef, ArrowError> {
        let parts: Vec<&dyn Array> = parts.iter().map(|p| p.column(at).as_ref()).collect();
        concat(&parts)
    };
    for at in TELLING {
        if column(at).ok()?.as_ref() != kept.batch.column(at).as_ref() {
            return None;
        }
    }
    let schema = parts.first()?.schema();
    let mut columns = kept.batch.columns().to_vec();
    let mut fields = kept.batch.schema().fields().to_vec();
    for at in COLUMN_COUNT..schema.fields().len() {
        columns.push(column(at).ok()?);
        fields.push(schema.fields()[at].clone());
    }
    RecordBatch::try_new(Schema::new(fields).into(), columns).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan::new(9_000, 3).unwrap().with_truth(true)
    }

    /// The cohort in batches of another size than it was drawn in, every second one.
    fn kept() -> Vec<Kept> {
        let stored = plan().with_truth(false);
        let batches: Vec<_> = stored.generate(&|_| ()).unwrap().collect();
        let whole = arrow_select::concat::concat_batches(&stored.schema(), &batches).unwrap();
        let starts = (0..whole.num_rows()).step_by(2 * 1_300);
        let kept = starts.map(|first| Kept {
            first: first as u64,
            batch: whole.slice(first, 1_300.min(whole.num_rows() - first)),
        });
        kept.collect()
    }

    #[test]
    fn each_customer_has_the_truth_that_was_drawn_for_it() {
        let whole: Vec<_> = plan().generate(&|_| ()).unwrap().collect();
        let whole = arrow_select::concat::concat_batches(&plan().schema(), &whole).unwrap();
        let found = beside(kept(), &plan(), &|_| true);
        assert_eq!(found.len(), 4);
        for (kept, found) in kept().iter().zip(&found) {
            let first = usize::try_from(kept.first).unwrap();
            let drawn = whole.slice(first, kept.batch.num_rows());
            assert_eq!(found.columns(), drawn.columns());
            assert!(found.column_by_name("truth_churn").is_some());
        }
    }

    #[test]
    fn a_cohort_that_would_not_be_drawn_the_same_again_has_no_plan() {
        let drawn = Cohort {
            id: uuid::Uuid::nil(),
            name: "drawn".into(),
            seed: Some(3),
            customers: 9_000,
            generator_version: GENERATOR_VERSION.into(),
            spec: super::super::generate::to_json(&plan().with_truth(false)),
            facts: serde_json::Value::Null,
            created_at: chrono::DateTime::default(),
        };
        assert_eq!(super::plan(&drawn), Some(plan()));
        let of_a_file = Cohort {
            seed: None,
            spec: serde_json::json!({ "imported": "ours.csv", "mapping": null }),
            ..drawn.clone()
        };
        let of_another_version = Cohort {
            generator_version: "0".into(),
            ..drawn.clone()
        };
        let of_another_size = Cohort {
            customers: 8_999,
            ..drawn
        };
        for cohort in [of_a_file, of_another_version, of_another_size] {
            assert_eq!(super::plan(&cohort), None);
        }
    }

    #[test]
    fn customers_that_are_not_those_of_the_plan_have_no_truth() {
        let other = Plan::new(9_000, 4).unwrap().with_truth(true);
        let plain = |found: Vec<RecordBatch>| found.iter().all(|b| b.num_columns() == COLUMN_COUNT);
        let fewer = Plan::new(3_000, 3).unwrap().with_truth(true);
        assert!(plain(beside(kept(), &fewer, &|_| true)));
        assert!(plain(beside(kept(), &plan(), &|_| false)), "cancelled");
        // Their names are those of the plan's.
        assert!(plain(beside(kept(), &other, &|_| true)));
    }
}
