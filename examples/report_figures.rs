//! How long a report takes, and what memory it holds on to: for cohorts of any
//! size, as the service renders them, from stored facts to the bytes of a PDF.
//!
//! `cargo run --release --example report_figures -- --customers 10000,10000000
//! --renders 500` prints what `docs/performance.md` says of reports. Customers go
//! by and are counted, never kept, so ten millions need no more memory than ten.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use chrono::DateTime;
use clap::Parser;
use engagecast::cohort::{GENERATOR_VERSION, Plan};
use engagecast::models::segments::Observer;
use engagecast::report::{self, Settings};
use engagecast::store::Cohort;
use uuid::Uuid;

#[derive(Parser)]
struct Args {
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 10_000_000])]
    customers: Vec<u64>,
    /// Rounds in which each cohort is rendered, with other settings each time
    #[arg(long, default_value_t = 21)]
    rounds: u64,
    /// Renders of the first cohort, with other settings each time, to look at memory
    #[arg(long, default_value_t = 500)]
    renders: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let cohorts = args.customers.iter().map(|&customers| cohort(customers));
    let cohorts = cohorts.collect::<Result<Vec<_>, _>>()?;
    println!("first: {:.0} ms", milliseconds(render(&cohorts[0], 0)?));
    let mut times = vec![Vec::new(); cohorts.len()];
    for round in 1..=args.rounds {
        // In turn, so that whatever else the machine does falls on all.
        for (cohort, times) in cohorts.iter().zip(&mut times) {
            times.push(milliseconds(render(cohort, round)?));
        }
    }
    for (cohort, times) in cohorts.iter().zip(&mut times) {
        times.sort_by(f64::total_cmp);
        let (least, median) = (times[0], times[times.len() / 2]);
        println!(
            "{} customers: least {least:.0} ms, median {median:.0} ms",
            cohort.customers
        );
    }
    for done in 1..=args.renders {
        black_box(render(&cohorts[0], args.rounds + done)?);
        if done == 1 || done % (args.renders / 10).max(1) == 0 {
            println!("memory after {done} renders: {}", resident());
        }
    }
    Ok(())
}

/// A cohort as the store has it: its facts as JSON.
fn cohort(customers: u64) -> Result<Cohort, Box<dyn Error>> {
    let plan = Plan::new(customers, 20_251_021)?;
    let mut observer = Observer::new(plan.seed());
    for batch in plan.generate(&|_| ())? {
        observer.observe(&batch);
    }
    Ok(Cohort {
        id: Uuid::nil(),
        name: format!("synthetic-{customers}-{}", plan.seed()),
        seed: Some(plan.seed()),
        customers: i64::try_from(customers)?,
        generator_version: GENERATOR_VERSION.to_owned(),
        spec: plan.spec().to_json(),
        facts: serde_json::to_value(observer.finish())?,
        created_at: DateTime::default(),
    })
}

/// Renders with settings that no other render has.
fn render(cohort: &Cohort, number: u64) -> Result<Duration, Box<dyn Error>> {
    let mut settings = Settings::default();
    settings.set("customers", &(1_000_000 + 13 * number).to_string())?;
    settings.set("bundle", &(1 + number % 40).to_string())?;
    let begun = Instant::now();
    let told = report::of_cohort(cohort, None, &[], &settings)?;
    black_box(report::pdf(&told.document, cohort.id.to_string())?);
    Ok(begun.elapsed())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The memory that the process holds, where the system tells.
fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    line.map_or_else(|| "unknown".to_owned(), |l| l.trim().to_owned())
}
