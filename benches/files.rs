//! Files of a million customers: Parquet and CSV written, and CSV read and
//! checked, beside a bare reader that checks nothing.
//!
//! `ENGAGECAST_BENCH_FOLDER` keeps the files in a folder, for a comparison with
//! other programs; `bench/files/pyarrow_files.py` is one.

use std::fs::{self, File};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engagecast::cohort::{CohortFile, Import, Limits, Mapping, Plan};
use engagecast::schema;

const ROWS: u64 = 1_000_000;

fn customers() -> (Plan, Vec<RecordBatch>) {
    let plan = Plan::new(ROWS, 20_251_021).expect("the plan is valid");
    let batches = plan.generate(&|_| ()).expect("the default is reachable");
    let batches = batches.collect();
    (plan, batches)
}

fn write(path: &Path, plan: &Plan, batches: &[RecordBatch]) {
    let mut file = CohortFile::create(path, plan).expect("the folder can be written");
    for batch in batches {
        file.write(batch).expect("the disk has room");
    }
    file.finish().expect("the disk has room");
}

/// Values as they are, without a check.
fn read_bare(path: &Path) -> usize {
    let file = File::open(path).expect("the file is there");
    let reader = arrow_csv::ReaderBuilder::new(Arc::clone(&schema::arrow::schema()))
        .with_header(true)
        .with_batch_size(8192)
        .build(file)
        .expect("the file has a header");
    reader
        .map(|batch| batch.expect("the file is fine").num_rows())
        .sum()
}

/// Values checked one by one and against each other, customers told apart.
fn read_checked(path: &Path) -> usize {
    let import = Import::open(path, &Mapping::default(), Limits::default());
    let import = import.expect("the file is a table");
    import
        .map(|rows| rows.expect("the file is fine").batch.num_rows())
        .sum()
}

fn files(criterion: &mut Criterion) {
    let temporary = tempfile::tempdir().expect("there is a folder for it");
    let folder = std::env::var_os("ENGAGECAST_BENCH_FOLDER");
    let folder = folder.map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    let (plan, batches) = customers();
    let csv = folder.join("customers.csv");
    write(&csv, &plan, &batches);

    let mut group = criterion.benchmark_group("a million customers");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(20));
    group.throughput(Throughput::Elements(ROWS));
    let parquet = folder.join("customers.parquet");
    group.bench_function("write parquet", |b| {
        b.iter(|| write(&parquet, &plan, &batches));
    });
    group.bench_function("write csv", |b| b.iter(|| write(&csv, &plan, &batches)));
    drop(batches);
    group.bench_function("read csv, bare arrow-csv", |b| {
        b.iter(|| black_box(read_bare(&csv)));
    });
    group.bench_function("read csv and check", |b| {
        b.iter(|| black_box(read_checked(&csv)));
    });
    group.finish();
    for path in [&parquet, &csv] {
        let size = fs::metadata(path).map_or(0, |about| about.len());
        println!("{}: {size} bytes", path.display());
    }
}

criterion_group!(benches, files);
criterion_main!(benches);
