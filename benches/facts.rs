//! What the facts and the segments of 100,000 customers cost on one core.

use std::hint::black_box;

use arrow_array::RecordBatch;
use criterion::{Criterion, criterion_group, criterion_main};
use engagecast::cohort::Plan;
use engagecast::facts::Facts;
use engagecast::models::segments::{Observer, Segmentation};

const CUSTOMERS: u64 = 100_000;

fn facts(c: &mut Criterion) {
    let plan = Plan::new(CUSTOMERS, 1).unwrap();
    let batches: Vec<RecordBatch> = plan.generate(&|_| {}).unwrap().collect();
    let observe = || {
        let mut facts = Facts::default();
        for batch in &batches {
            facts.observe(batch);
        }
        facts
    };
    c.bench_function("facts of 100,000 customers", |b| b.iter(observe));
    c.bench_function("segments of 100,000 customers, found and assigned", |b| {
        b.iter(|| {
            let found = Segmentation::fit(black_box(&batches), 1).unwrap();
            let assigned = batches.iter().map(|batch| found.assign(batch).len());
            assigned.sum::<usize>()
        });
    });
    c.bench_function("facts by segment of 100,000 customers", |b| {
        b.iter(|| {
            let mut observer = Observer::new(1);
            for batch in &batches {
                observer.observe(batch);
            }
            observer.finish()
        });
    });
    let facts = observe();
    c.bench_function("publishing facts", |b| b.iter(|| facts.published()));
    let stored = serde_json::to_string(&facts).unwrap();
    eprintln!("stored facts: {} kB", stored.len() / 1000);
    let published = serde_json::to_string(&facts.published()).unwrap();
    eprintln!("published facts: {} kB", published.len() / 1000);
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = facts
}
criterion_main!(benches);
