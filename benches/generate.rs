//! Customers drawn to nowhere: a cohort that is calibrated on itself, one that
//! streams on from its pilot, and the truth in addition.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engagecast::cohort::Plan;

const SEED: u64 = 20_251_021;

fn draw(plan: &Plan) -> usize {
    let batches = plan.generate(&|_| ()).expect("the default is reachable");
    batches.map(|batch| black_box(batch).num_rows()).sum()
}

fn generate(c: &mut Criterion) {
    let mut group = c.benchmark_group("generate");
    group.sample_size(10);
    group.measurement_time(Duration::from_secs(15));
    for (name, customers, truth) in [
        ("exact", 100_000, false),
        ("exact with truth", 100_000, true),
        ("pilot", 2_000_000, false),
    ] {
        let plan = Plan::new(customers, SEED).expect("the plan is valid");
        let plan = plan.with_truth(truth);
        group.throughput(Throughput::Elements(customers));
        group.bench_function(format!("{name} {customers}"), |b| b.iter(|| draw(&plan)));
    }
    group.finish();
}

criterion_group!(benches, generate);
criterion_main!(benches);
