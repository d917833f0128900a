//! The figures of the store: each beside what the database itself needs for the
//! same. `bench/store/compare` runs it on a server of its own.
//!
//! Usage: `store_figures URL FOLDER ROUNDS` for a server that may write FOLDER, with
//! `psql` on the path, or `store_figures URL million` for the memory of a large load.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use chrono::Utc;
use engagecast::cohort::Plan;
use engagecast::jobs::{JobSettings, Service};
use engagecast::schema::COLUMNS;
use engagecast::store::{Location, NewCohort, Store};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

type Failure = Box<dyn std::error::Error>;

const CUSTOMERS: u64 = 100_000;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [url, "million"] => million(url).await,
        [url, folder, rounds] => compare(url, Path::new(folder), rounds.parse()?).await,
        _ => Err("usage: store_figures URL FOLDER ROUNDS, or store_figures URL million".into()),
    }
}

async fn open(location: &Location) -> Result<Store, Failure> {
    Ok(Store::open(location, Duration::from_secs(10), &|_| ()).await?)
}

fn postgres(url: &str) -> Location {
    Location::Postgres { url: url.into() }
}

async fn load(store: &Store, batches: &[RecordBatch]) -> Result<Uuid, Failure> {
    let new = NewCohort {
        id: Uuid::now_v7(),
        name: "figures".into(),
        seed: None,
        generator_version: "0".into(),
        spec: serde_json::json!({}),
        created_at: Utc::now(),
    };
    let mut writer = store.begin_cohort(&new).await?;
    for batch in batches {
        writer.write(batch).await?;
    }
    Ok(writer.finish(serde_json::json!({})).await?.id)
}

async fn read(store: &Store, cohort: Uuid) -> Result<usize, Failure> {
    let mut customers = store.customers(cohort).await?;
    let mut rows = 0;
    while let Some(batch) = customers.next().await {
        rows += batch?.num_rows();
    }
    Ok(rows)
}

/// Milliseconds of what a closure awaits.
async fn timed<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<(f64, T), Failure> {
    let begun = Instant::now();
    let done = work.await?;
    Ok((begun.elapsed().as_secs_f64() * 1000.0, done))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

async fn compare(url: &str, folder: &Path, rounds: usize) -> Result<(), Failure> {
    let batches: Vec<_> = Plan::new(CUSTOMERS, 1)?.generate(&|_| ())?.collect();
    let store = open(&postgres(url)).await?;
    let sqlite = open(&Location::Sqlite {
        folder: folder.join("sqlite"),
    })
    .await?;
    let mut client = PgConnection::connect(url).await?;
    let file = folder.join("customers.binary");
    let mut figures: [Vec<f64>; 10] = Default::default();
    for _ in 0..rounds {
        let (loaded, cohort) = timed(load(&store, &batches)).await?;
        let partition = format!("customers_{}", cohort.simple());
        let (copied_out, ()) = timed(copy_to(&mut client, &partition, &file)).await?;
        let (copied_in, alone) = timed(copy_from(&mut client, &file)).await?;
        execute(&mut client, "DROP TABLE reference".into()).await?;
        let (by_psql, ()) = timed(async { copy_by_psql(url, &file) }).await?;
        execute(&mut client, "DROP TABLE reference".into()).await?;
        let (fetched, rows) = timed(read(&store, cohort)).await?;
        assert_eq!(rows as u64, CUSTOMERS);
        let (deleted, _) =
            timed(async { Ok(store.delete_cohort(cohort, Utc::now()).await?) }).await?;
        let (in_sqlite, id) = timed(load(&sqlite, &batches)).await?;
        let (out_of_sqlite, _) = timed(read(&sqlite, id)).await?;
        let gone = timed(async { Ok(sqlite.delete_cohort(id, Utc::now()).await?) }).await?;
        let now = [
            loaded,
            copied_in,
            alone,
            fetched,
            copied_out,
            deleted,
            in_sqlite,
            out_of_sqlite,
            gone.0,
            by_psql,
        ];
        figures
            .iter_mut()
            .zip(now)
            .for_each(|(all, one)| all.push(one));
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let ratios = |a: usize, b: usize| {
        median(
            figures[a]
                .iter()
                .zip(&figures[b])
                .map(|(a, b)| a / b)
                .collect(),
        )
    };
    println!(
        "into Postgres / COPY FROM with the same index, ratio: {:.2}",
        ratios(0, 1)
    );
    println!(
        "into Postgres / COPY FROM alone, ratio: {:.2}",
        ratios(0, 2)
    );
    println!(
        "into Postgres / psql \\copy with the same index, ratio: {:.2}",
        ratios(0, 9)
    );
    println!("out of Postgres / COPY TO, ratio: {:.2}", ratios(3, 4));
    let names = [
        "into Postgres",
        "COPY FROM of the same file, indexed",
        "COPY FROM alone",
        "out of Postgres as Arrow",
        "COPY TO",
        "deleted in Postgres",
        "into SQLite",
        "out of SQLite",
        "deleted in SQLite",
        "psql \\copy of the same file, indexed",
    ];
    for (name, values) in names.into_iter().zip(figures) {
        println!("{name}: {:.1} ms", median(values));
    }
    Ok(())
}

async fn execute(client: &mut PgConnection, sql: String) -> Result<(), Failure> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(client).await?;
    Ok(())
}

async fn copy_to(client: &mut PgConnection, table: &str, file: &Path) -> Result<(), Failure> {
    let file = file.display();
    let columns = COLUMNS.map(|column| column.name).join(", ");
    execute(
        client,
        format!("COPY {table} ({columns}) TO '{file}' (FORMAT binary)"),
    )
    .await
}

/// The same steps as a load, with the server reading the rows from a file; and
/// how long the `COPY` alone took of it.
async fn copy_from(client: &mut PgConnection, file: &Path) -> Result<f64, Failure> {
    let [make, copy, attach] = steps(file);
    execute(client, format!("BEGIN; {make}")).await?;
    let (alone, ()) = timed(execute(client, copy)).await?;
    execute(client, format!("{attach}; COMMIT")).await?;
    Ok(alone)
}

/// The same steps, with the rows sent by PostgreSQL's own client.
fn copy_by_psql(url: &str, file: &Path) -> Result<(), Failure> {
    let [make, copy, attach] = steps(file);
    let mut psql = Command::new("psql");
    psql.args(["--quiet", "--no-psqlrc", "--single-transaction", url]);
    for step in [make, format!("\\{copy}"), attach] {
        psql.args(["--command", &step]);
    }
    let done = psql.status()?;
    done.success().then_some(()).ok_or("psql failed".into())
}

/// A table is made, filled from a file, and made a partition of the customers.
fn steps(file: &Path) -> [String; 3] {
    let (file, id) = (file.display(), Uuid::now_v7());
    let columns = COLUMNS.map(|column| column.name).join(", ");
    [
        format!(
            "CREATE TABLE reference (LIKE customers INCLUDING COMMENTS); \
             ALTER TABLE reference ALTER COLUMN cohort_id SET DEFAULT '{id}'"
        ),
        format!("copy reference ({columns}) FROM '{file}' (FORMAT binary, FREEZE)"),
        format!("ALTER TABLE customers ATTACH PARTITION reference FOR VALUES IN ('{id}')"),
    ]
}

/// A million customers through a job, as the service does it.
async fn million(url: &str) -> Result<(), Failure> {
    let store = open(&postgres(url)).await?;
    let service = Arc::new(Service::new(Utc::now));
    let settings = JobSettings {
        at_a_time: 1,
        folder: std::env::temp_dir(),
    };
    let (worker, its_store) = (Arc::clone(&service), store.clone());
    let worker = tokio::spawn(async move {
        worker.run_jobs(&its_store, settings).await;
    });
    let plan = Plan::new(1_000_000, 1)?;
    let job = service.generating(&plan, None);
    service.submit(&store, &job, None).await?;
    let begun = Instant::now();
    let done = loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let job = store.job(job.id).await?.ok_or("the job is gone")?;
        if job.state.is_final() {
            break job;
        }
    };
    worker.abort();
    println!(
        "{:?} after {:.1} s",
        done.state,
        begun.elapsed().as_secs_f64()
    );
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    println!("{}", peak.unwrap_or_default());
    let cohort = job.cohort_id.ok_or("no cohort")?;
    let (deleted, _) = timed(async { Ok(store.delete_cohort(cohort, Utc::now()).await?) }).await?;
    println!("deleted: {deleted:.1} ms");
    Ok(())
}
