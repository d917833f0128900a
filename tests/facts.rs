//! The facts of a cohort, from outside: held against an independent reckoning,
//! the same in any order, and silent about what the cohort does not have.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{RecordBatch, new_null_array};
use engagecast::facts::{Facts, QUANTILE_ERROR, SegmentName};
use engagecast::schema::{COLUMNS, Kind, arrow::schema, find};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{batches, cohort::cohort};

fn facts<'a>(batches: impl IntoIterator<Item = &'a RecordBatch>) -> Facts {
    let mut facts = Facts::default();
    for batch in batches {
        facts.observe(batch);
    }
    facts
}

fn published(facts: &Facts) -> Value {
    serde_json::to_value(facts.published()).unwrap()
}

/// The 300 customers that pandas has reckoned with.
pub fn customers() -> RecordBatch {
    let file = File::open(data("customers.csv")).unwrap();
    let reader = arrow_csv::ReaderBuilder::new(schema()).with_header(true);
    let mut batches = reader.build(file).unwrap();
    batches.next().unwrap().unwrap()
}

fn data(name: &str) -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/facts");
    folder.join(name)
}

fn expected(kind: &str) -> Vec<(String, f64)> {
    let all: Value = serde_json::from_reader(File::open(data("expected.json")).unwrap()).unwrap();
    let values = all[kind].as_object().unwrap().iter();
    let found: Vec<_> = values
        .map(|(at, value)| (at.clone(), value.as_f64().unwrap()))
        .collect();
    assert!(!found.is_empty());
    found
}

#[test]
fn agrees_with_pandas_on_customers_with_gaps() {
    let published = published(&facts([&customers()]));
    for (kind, tolerance) in [
        ("exact", 1e-9),
        ("near", 2e-3),
        ("quantiles", QUANTILE_ERROR),
    ] {
        for (at, expected) in expected(kind) {
            let found = published.pointer(&at).and_then(Value::as_f64);
            let found = found.unwrap_or_else(|| panic!("{at} is not there"));
            let off = (found - expected).abs() / expected.abs().max(1e-9);
            assert!(off <= tolerance, "{at}: {found}, pandas has {expected}");
        }
    }
}

#[test]
fn drivers_of_premium_agree_with_pandas() {
    let published = facts([&customers()]).published();
    for (column, expected) in expected("drivers") {
        let mut drivers = published.revenue.premium_drivers.iter();
        let driver = drivers.find(|d| d.column == column).unwrap();
        assert!((driver.difference_sd / expected - 1.0).abs() < 1e-9);
    }
    let sizes = published.revenue.premium_drivers.iter();
    let sizes: Vec<f64> = sizes.map(|d| d.difference_sd.abs()).collect();
    assert!(sizes.is_sorted_by(|a, b| a >= b), "{sizes:?}");
}

/// The same customers, split at random and merged in another order.
fn parts(batch: &RecordBatch, cuts: &[usize], order: &[usize], nested: bool) -> Facts {
    let mut cuts: Vec<usize> = cuts.iter().map(|c| c % (batch.num_rows() + 1)).collect();
    cuts.extend([0, batch.num_rows()]);
    cuts.sort_unstable();
    let slices = cuts.windows(2).map(|w| batch.slice(w[0], w[1] - w[0]));
    let mut parts: Vec<(usize, Facts)> = slices
        .enumerate()
        .map(|(i, slice)| (order[i % order.len()], facts([&slice])))
        .collect();
    parts.sort_by_key(|(place, _)| *place);
    let mut parts = parts.into_iter().map(|(_, facts)| facts);
    let add = |mut sum: Facts, part| {
        sum.merge(part);
        sum
    };
    if nested {
        // The first of the parts last: a + (b + (c + …)).
        let rest: Vec<Facts> = parts.collect();
        rest.into_iter()
            .rev()
            .reduce(|sum, part| add(part, sum))
            .unwrap()
    } else {
        parts.by_ref().fold(Facts::default(), add)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn are_the_same_however_the_customers_are_split(
        rows in 1_usize..1_200,
        seed in any::<u64>(),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
        order in prop::collection::vec(any::<usize>(), 1..6),
        nested in any::<bool>(),
    ) {
        let batches = cohort(rows, seed);
        let whole = arrow_select::concat::concat_batches(&schema(), &batches).unwrap();
        let at_once = facts([&whole]);
        let merged = parts(&whole, &cuts, &order, nested);
        prop_assert_eq!(published(&at_once).to_string(), published(&merged).to_string());
        prop_assert_eq!(at_once, merged);
    }

    #[test]
    fn of_any_values_at_all_are_the_same_in_parts_and_when_stored(
        batch in batches::any_batch(),
        cuts in prop::collection::vec(any::<usize>(), 0..4),
    ) {
        let at_once = facts([&batch]);
        prop_assert_eq!(&at_once, &parts(&batch, &cuts, &[2, 0, 1], false));
        let stored = serde_json::to_value(&at_once).unwrap();
        let read: Facts = serde_json::from_value(stored).unwrap();
        prop_assert_eq!(&at_once, &read);
        published(&read);
    }
}

#[test]
fn the_order_of_customers_does_not_matter() {
    let batch = customers();
    let last_first = arrow_array::UInt32Array::from_iter_values((0..300).rev());
    let columns = (batch.columns().iter())
        .map(|c| arrow_select::take::take(c, &last_first, None).unwrap())
        .collect();
    let turned = RecordBatch::try_new(schema(), columns).unwrap();
    assert_eq!(facts([&batch]), facts([&turned]));
}

#[test]
fn facts_of_another_version_are_refused_with_what_to_do() {
    let first = json!({"customers": 1, "columns": [{"sum": 1.5, "count": 1}]});
    let error = serde_json::from_value::<Facts>(first)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("version 1") && error.contains("again"),
        "{error}"
    );
    let mut later = serde_json::to_value(Facts::default()).unwrap();
    later["version"] = json!(99);
    let error = serde_json::from_value::<Facts>(later)
        .unwrap_err()
        .to_string();
    assert!(error.contains("version 99"), "{error}");
}

#[test]
fn facts_of_the_version_before_are_read_without_what_it_did_not_measure() {
    let now = facts([&customers()]);
    let mut stored = serde_json::to_value(&now).unwrap();
    stored["version"] = json!(2);
    stored.as_object_mut().unwrap().remove("kept");
    let breakdowns = now.published().breakdowns;
    let tables = stored["tables"].as_array_mut().unwrap();
    assert_eq!(tables.len(), breakdowns.len());
    for (table, breakdown) in tables.iter_mut().zip(&breakdowns) {
        let measures = &breakdown.measures;
        let kept = measures.iter().position(|m| m.id == "kept_month_usd");
        let cells = table["cells"].as_array_mut().unwrap();
        let mut place = 0;
        cells.retain(|_| {
            place += 1;
            Some((place - 1) % measures.len()) != kept
        });
    }
    let read: Facts = serde_json::from_value(stored).unwrap();
    let read = read.published();
    assert_eq!(read.retention.kept_revenue_usd, None);
    for (read, now) in read.breakdowns.iter().zip(&breakdowns) {
        for (read, now) in read.groups.iter().zip(&now.groups) {
            let mut known = now.figures.clone();
            known.remove("kept_month_usd");
            assert_eq!(read.figures, known);
        }
    }
}

#[test]
fn damaged_facts_are_refused() {
    let mut stored = serde_json::to_value(facts([&customers()])).unwrap();
    stored["tables"].as_array_mut().unwrap().pop();
    let error = serde_json::from_value::<Facts>(stored)
        .unwrap_err()
        .to_string();
    assert!(error.contains("damaged"), "{error}");
}

/// The same customers without some columns.
fn without(batch: &RecordBatch, columns: &[&str]) -> RecordBatch {
    columns.iter().fold(batch.clone(), |batch, name| {
        let column = find(name).unwrap();
        let nulls = new_null_array(schema().field(column).data_type(), batch.num_rows());
        batches::with_column(&batch, column, nulls)
    })
}

#[test]
fn nothing_is_said_of_what_the_cohort_does_not_have() {
    let batch = customers();
    let of = |columns: &[&str]| facts([&without(&batch, columns)]).published();

    let p = of(&["churn_30_day"]);
    assert_eq!(p.executive.churn_rate_pct, None);
    assert!(
        p.churn_by_tenure
            .iter()
            .all(|band| band.churn_pct.is_none())
    );
    assert!(p.churn_by_tenure.iter().all(|band| band.customers > 0));

    let p = of(&["platform_primary"]);
    assert!(p.platform_by_engagement.is_empty() && p.executive.platforms.is_empty());
    assert_eq!(p.retention.cross_platform.ltv_lift, None);
    assert_eq!(p.funnel.len(), 1);

    let p = of(&["matches_per_day"]);
    let steps: Vec<&str> = p.funnel[0].steps.iter().map(|s| s.id).collect();
    assert_eq!(
        steps,
        [
            "swipes_right",
            "conversations",
            "dates_scheduled",
            "dates_completed"
        ]
    );
    // What follows a step that is not known has no conversion.
    assert_eq!(p.funnel[0].steps[1].conversion_pct, None);

    let p = of(&["is_creator"]);
    assert_eq!(p.creators.customers, None);
    assert_eq!(p.creators.earnings.gini, None);
    assert!(p.creators.standings.is_empty());

    let p = of(&["account_type"]);
    assert_eq!((p.revenue.arppu_usd, p.executive.premium_pct), (None, None));
    assert!(p.revenue.premium_drivers.is_empty());
}

#[test]
fn a_cohort_of_ids_alone_has_no_figures() {
    let all: Vec<&str> = COLUMNS[1..].iter().map(|c| c.name).collect();
    let p = facts([&without(&customers(), &all)]).published();
    assert_eq!(p.customers, 300);
    assert!(p.columns.is_empty() && p.breakdowns.is_empty() && p.correlations.is_empty());
    assert!(p.funnel.is_empty() && p.revenue.parts.is_empty() && p.revenue.tiers.is_empty());
    assert!(p.statistics.iter().all(|s| s.value.is_none()));
    let numbers = (COLUMNS.iter()).filter(|c| c.kind.is_number() || c.kind == Kind::Flag);
    assert_eq!(p.method.missing.len(), numbers.count());
}

#[test]
fn one_customer_has_means_but_no_spread() {
    let p = facts([&customers().slice(5, 1)]).published();
    assert_eq!(p.customers, 1);
    assert!(p.columns.values().all(|f| f.count == 1 && f.sd.is_none()));
    assert!(p.correlations.is_empty());
}

fn named(names: &[&str]) -> Vec<SegmentName> {
    let name = |name: &&str| SegmentName {
        name: (*name).to_owned(),
        traits: Vec::new(),
    };
    names.iter().map(name).collect()
}

#[test]
fn segments_are_measured_as_they_are_assigned() {
    let batch = customers();
    let names = named(&["some", "others", "nobody"]);
    let assigned: Vec<Option<u8>> = (0..300)
        .map(|i| (i % 3 != 0).then_some(u8::from(i < 100)))
        .collect();
    let mut whole = Facts::default();
    whole.observe_with_segments(&batch, &names, &assigned);
    let p = whole.published();
    let found: Vec<(&str, u64)> = (p.segments.iter())
        .map(|s| (s.name.as_str(), s.customers))
        .collect();
    assert_eq!(found, [("some", 134), ("others", 66)]);
    assert!(
        (p.segments
            .iter()
            .map(|s| s.revenue_share_pct.unwrap())
            .sum::<f64>()
            - 100.0)
            .abs()
            < 1e-9
    );
    let churn = p.segments[0].churn_pct.unwrap() / 100.0;
    assert!((0.0..=1.0).contains(&churn));

    let mut merged = Facts::default();
    for (start, rows) in [(200, 100), (0, 200)] {
        let mut part = Facts::default();
        part.observe_with_segments(
            &batch.slice(start, rows),
            &names,
            &assigned[start..start + rows],
        );
        merged.merge(part);
    }
    assert_eq!(merged, whole);
}

#[test]
fn parts_that_were_divided_differently_have_no_segments() {
    let batch = customers();
    let assigned = vec![Some(0); 300];
    let divided = |name| {
        let mut facts = Facts::default();
        facts.observe_with_segments(&batch, &named(&[name]), &assigned);
        facts
    };
    let mut facts = divided("a");
    facts.merge(divided("b"));
    facts.merge(divided("a"));
    assert!(facts.published().segments.is_empty());
    assert_eq!(facts.customers(), 900);
}

#[test]
fn columns_that_follow_those_of_a_customer_are_not_looked_at() {
    let batch = customers();
    let mut fields = schema().fields().to_vec();
    fields.push(Arc::new(arrow_schema::Field::new(
        "truth",
        arrow_schema::DataType::Float64,
        true,
    )));
    let mut columns = batch.columns().to_vec();
    columns.push(new_null_array(&arrow_schema::DataType::Float64, 300));
    let wider = RecordBatch::try_new(Arc::new(arrow_schema::Schema::new(fields)), columns).unwrap();
    assert_eq!(facts([&batch]), facts([&wider]));
}
