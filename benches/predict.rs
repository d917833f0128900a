//! How long predictions and reasons take, for one customer and for tables.
//!
//! `cargo bench --bench predict`; the models are those of a cohort of 20,000,
//! or of `ENGAGECAST_BENCH_CUSTOMERS`.

use std::hint::black_box;

use arrow_array::RecordBatch;
use chrono::{DateTime, Utc};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engagecast::cohort::{GENERATOR_VERSION, Plan};
use engagecast::features::{Profile, profiles};
use engagecast::models::score::Scoring;
use engagecast::models::{Lesson, Model, ModelSet, Source, Target, Watch};

fn customers() -> u64 {
    let given = std::env::var("ENGAGECAST_BENCH_CUSTOMERS").ok();
    given.and_then(|n| n.parse().ok()).unwrap_or(20_000)
}

fn cohort() -> Vec<RecordBatch> {
    let plan = Plan::new(customers(), 1).expect("a plan");
    plan.generate(&|_| ())
        .expect("the default population")
        .collect()
}

fn models(cohort: &[RecordBatch]) -> ModelSet {
    let source = Source {
        cohort_id: None,
        cohort_name: "bench".into(),
        customers: customers(),
        generator_version: Some(GENERATOR_VERSION.into()),
        seed: Some(1),
    };
    let lesson = Lesson::new(cohort, &source, DateTime::<Utc>::MIN_UTC);
    let trained = lesson.train_all(Target::ALL, &Watch::NOBODY);
    let models = trained.expect("a cohort to learn from").models;
    for model in &models {
        let serving = model.card().candidates.iter().find(|c| c.serves);
        println!(
            "{}: {}",
            model.target(),
            serving.expect("one serves").method
        );
    }
    ModelSet::new(None, DateTime::<Utc>::MIN_UTC, models)
}

fn bench(criterion: &mut Criterion) {
    let cohort = cohort();
    let set = models(&cohort);
    let customers: Vec<Profile> = profiles(&cohort[0]).expect("a batch").take(512).collect();
    let mut next = customers.iter().cycle();
    let mut customer = move || next.next().expect("a cycle");

    for &target in Target::ALL {
        let model: &Model = set.get(target).expect("all are trained");
        criterion.bench_function(&format!("predict {target}"), |b| {
            b.iter(|| model.predict(black_box(customer())));
        });
        // The same and counted, as the service does.
        criterion.bench_function(&format!("serve {target}"), |b| {
            b.iter(|| model.serve(black_box(customer()), 0));
        });
        criterion.bench_function(&format!("explain {target}"), |b| {
            b.iter(|| model.explain(black_box(customer()), 3));
        });
    }
    criterion.bench_function("predict all", |b| {
        b.iter(|| set.predict_all(black_box(customer()), 0).count());
    });
    let bytes = set.to_bytes();
    println!("the set has {} bytes", bytes.len());
    criterion.bench_function("load all", |b| {
        b.iter(|| ModelSet::from_bytes(black_box(&bytes)));
    });

    let rows: usize = cohort.iter().map(RecordBatch::num_rows).sum();
    let mut group = criterion.benchmark_group("table");
    group
        .throughput(Throughput::Elements(rows as u64))
        .sample_size(10);
    let mut score = |name: &str, targets: &[Target], explain: usize| {
        let scoring = Scoring::new(&set, targets, explain);
        group.bench_function(name, |b| {
            b.iter(|| {
                for batch in &cohort {
                    black_box(scoring.score(black_box(batch)));
                }
            });
        });
    };
    for target in Target::ALL {
        score(target.name(), &[*target], 0);
    }
    score("all", Target::ALL, 0);
    let scoring = Scoring::new(&set, &[Target::Churn], 0);
    group.bench_function("churn counted", |b| {
        b.iter(|| {
            for batch in &cohort {
                black_box(scoring.serve(black_box(batch), &|_| false));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
