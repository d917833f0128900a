//! The synthetic cohort, from outside: its statistics, its invariants, its
//! independence of threads and of what comes after a row, and its files.

use std::fs::File;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, BooleanArray, RecordBatch};
use arrow_csv::ReaderBuilder;
use arrow_select::concat::concat_batches;
use arrow_select::filter::filter_record_batch;
use engagecast::cohort::{Check, CohortFile, Plan, SpecError};
use engagecast::facts::Facts;
use engagecast::schema::{self, invariants};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;

fn cohort(customers: u64, seed: u64) -> RecordBatch {
    let plan = Plan::new(customers, seed).unwrap();
    let batches: Vec<_> = plan.generate(&|_| {}).collect();
    concat_batches(&schema::arrow::schema(), &batches).unwrap()
}

#[test]
fn meets_every_published_statistic_at_100_000_customers() {
    for seed in [1, 20_251_021] {
        let plan = Plan::new(100_000, seed).unwrap();
        let mut check = Check::new(plan);
        for batch in plan.generate(&|_| {}) {
            check.observe(&batch);
        }
        let report = check.finish();
        assert!(report.passes(), "seed {seed}:\n{report}");
        // Nothing passes for want of a value or by a wide tolerance.
        for checked in &report.statistics {
            assert!(checked.deviation().is_some(), "{}", checked.statistic.id);
            assert!(checked.tolerance <= 0.0135, "{}", checked.statistic.id);
        }
    }
}

#[test]
fn the_check_finds_a_cohort_that_is_off() {
    let plan = Plan::new(3_000, 5).unwrap();
    let mut check = Check::new(plan);
    // Without the premium customers the rows are fine, the statistics are not.
    for batch in plan.generate(&|_| {}) {
        let premium = batch.column(schema::find("account_type").unwrap());
        let keep: BooleanArray = premium
            .as_string::<i32>()
            .iter()
            .map(|a| Some(a == Some("Free")))
            .collect();
        check.observe(&filter_record_batch(&batch, &keep).unwrap());
    }
    let report = check.finish();
    assert!(!report.passes());
    assert!(report.violations.is_empty());
    assert!(report.to_string().contains("OUT OF TOLERANCE"));
}

#[test]
fn the_check_finds_a_row_that_breaks_an_invariant() {
    let batch = cohort(50, 1);
    let mut columns = batch.columns().to_vec();
    // Somebody else's revenue breaks the sum; a rotated column stays in its range.
    let revenue = schema::find("total_revenue_month_usd").unwrap();
    let rotated = [columns[revenue].slice(1, 49), columns[revenue].slice(0, 1)];
    let parts: Vec<&dyn Array> = rotated.iter().map(AsRef::as_ref).collect();
    columns[revenue] = arrow_select::concat::concat(&parts).unwrap();
    let broken = RecordBatch::try_new(batch.schema(), columns).unwrap();
    let names: Vec<String> = invariants::violations(&broken)
        .iter()
        .map(|(n, _)| n.to_owned())
        .collect();
    assert!(
        names.iter().any(|n| n.starts_with("total revenue")),
        "{names:?}"
    );
    assert!(invariants::violations(&batch).is_empty());
}

#[test]
fn is_the_same_on_any_number_of_threads() {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| cohort(9_000, 11))
    };
    let one = on(1);
    assert_eq!(one, on(3));
    assert_ne!(one, cohort(9_000, 12));
}

#[test]
fn a_row_does_not_depend_on_what_comes_after_it() {
    // Below 2,000 the constants are given, so the rows are the same.
    assert_eq!(cohort(700, 3), cohort(1_900, 3).slice(0, 700));
    assert_eq!(cohort(1, 3), cohort(5, 3).slice(0, 1));
}

#[test]
fn a_cohort_larger_than_its_pilot_streams_on_from_it() {
    let plan = Plan::new(210_000, 4).unwrap();
    let mut check = Check::new(plan);
    let mut rows = 0;
    let mut last = None;
    for batch in plan.generate(&|_| {}) {
        rows += batch.num_rows();
        check.observe(&batch);
        last = Some(batch);
    }
    assert_eq!(rows, 210_000);
    let ids = last.unwrap().column(0).as_string::<i32>().clone();
    assert_eq!(ids.value(ids.len() - 1), "C0210000");
    let report = check.finish();
    assert!(report.passes(), "{report}");
}

#[test]
fn refuses_what_it_can_not_draw() {
    assert_eq!(Plan::new(0, 1), Err(SpecError::Customers));
    assert_eq!(Plan::new(10_000_000_000, 1), Err(SpecError::Customers));
    assert_eq!(Plan::new(1, u64::MAX), Err(SpecError::Seed));
    assert!(SpecError::Customers.to_string().contains("1 to 1000000000"));
}

#[test]
fn facts_of_the_parts_add_up_to_those_of_the_whole() {
    let batch = cohort(3_000, 9);
    let mut whole = Facts::default();
    whole.observe(&batch);
    let mut parts = Facts::default();
    for start in [0, 1_000, 2_000] {
        let mut part = Facts::default();
        part.observe(&batch.slice(start, 1_000));
        parts.merge(part);
    }
    for (a, b) in whole.statistics().iter().zip(parts.statistics()) {
        let (a_value, b_value) = (a.value.unwrap(), b.value.unwrap());
        assert!((a_value / b_value - 1.0).abs() < 1e-12, "{}", a.id);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_row_of_any_cohort_keeps_all_invariants(customers in 1_u64..2_600, seed in 0_u64..=i64::MAX as u64) {
        let batch = cohort(customers, seed);
        prop_assert_eq!(batch.num_rows() as u64, customers);
        let found = invariants::violations(&batch);
        prop_assert!(found.is_empty(), "{:?}", found);
    }
}

fn write(path: &std::path::Path, plan: Plan) {
    let mut file = CohortFile::create(path, plan).unwrap();
    for batch in plan.generate(&|_| {}) {
        file.write(&batch).unwrap();
    }
    file.finish().unwrap();
}

#[test]
fn a_parquet_file_reads_back_equal_and_says_how_it_was_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cohort.parquet");
    let plan = Plan::new(2_500, 8).unwrap();
    write(&path, plan);
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
    let metadata = reader
        .metadata()
        .file_metadata()
        .key_value_metadata()
        .unwrap()
        .clone();
    let says = |key: &str| {
        metadata
            .iter()
            .find(|kv| kv.key == key)
            .unwrap()
            .value
            .clone()
            .unwrap()
    };
    assert_eq!(says("engagecast.seed"), "8");
    assert_eq!(says("engagecast.customers"), "2500");
    let unit = reader
        .schema()
        .field_with_name("tenure_months")
        .unwrap()
        .metadata()["unit"]
        .clone();
    assert_eq!(unit, "months");
    let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    let read = concat_batches(&batches[0].schema(), &batches).unwrap();
    assert_eq!(read.columns(), cohort(2_500, 8).columns());
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing partial is left"
    );
}

#[test]
fn a_csv_file_reads_back_equal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cohort.CSV");
    write(&path, Plan::new(300, 8).unwrap());
    let reader = ReaderBuilder::new(Arc::clone(&schema::arrow::schema()))
        .with_header(true)
        .build(File::open(&path).unwrap())
        .unwrap();
    let batches: Vec<_> = reader.map(Result::unwrap).collect();
    assert_eq!(
        concat_batches(&schema::arrow::schema(), &batches).unwrap(),
        cohort(300, 8)
    );
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        text.lines()
            .nth(1)
            .unwrap()
            .ends_with("2025-10-21T00:00:00Z")
    );
}

#[test]
fn an_unfinished_file_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cohort.parquet");
    let plan = Plan::new(10, 8).unwrap();
    let mut file = CohortFile::create(&path, plan).unwrap();
    file.write(&cohort(10, 8)).unwrap();
    drop(file);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn names_the_extensions_and_the_path_that_it_can_not_write() {
    let plan = Plan::new(10, 8).unwrap();
    let refused = |path: &str| {
        CohortFile::create(path.as_ref(), plan)
            .err()
            .unwrap()
            .to_string()
    };
    assert!(refused("cohort.xlsx").contains("expected .parquet or .csv"));
    assert!(refused("/nowhere/at/all.csv").starts_with("/nowhere/at/all.csv can't be written"));
}
