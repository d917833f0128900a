//! What takes minutes: `scripts/soak` runs it.

use std::time::{Duration, Instant};

use chrono::Utc;
use engagecast::cohort::Plan;
use engagecast::jobs::Service;
use engagecast::store::{JobState, Location, Store};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::support::app::{self, Process};
use crate::support::asking;
use crate::support::postgres::Cluster;

/// Kills a replica or the database again and again while jobs run, and then looks
/// whether what is there is whole.
#[tokio::test]
#[ignore = "takes minutes: scripts/soak runs it"]
async fn many_kills_leave_whole_cohorts_only() {
    const ROUNDS: u64 = 20;
    let cluster = Cluster::private();
    cluster.start();
    let url = cluster.url("postgres");
    let folder = tempfile::tempdir().unwrap();
    let data = format!("--data-dir={}", folder.path().display());
    let start = || {
        let args = [
            "serve",
            "--listen=127.0.0.1:0",
            "--customers=1500",
            "--jobs=2",
            &data,
        ];
        Process::spawn(app::binary(&args).env("DATABASE_URL", &url))
    };
    let mut replicas = [start(), start()];
    replicas.iter_mut().for_each(Process::wait_until_ready);
    let location = Location::Postgres { url: url.clone() };
    let store = Store::open(&location, Duration::ZERO, &|_| ())
        .await
        .unwrap();
    let service = Service::new(Utc::now);

    let mut jobs = Vec::new();
    for round in 0..ROUNDS {
        for size in [500, 30_000] {
            let plan = Plan::new(size + round, round).unwrap();
            jobs.push(
                asking::generated(&service, &store, &plan, None)
                    .await
                    .unwrap(),
            );
        }
        tokio::time::sleep(Duration::from_millis(round * 397 % 1900)).await;
        if round % 4 == 3 {
            cluster.kill();
            tokio::time::sleep(Duration::from_millis(700)).await;
            cluster.start();
            while store.ping().await.is_err() {}
        } else {
            let one = usize::from(round % 2 == 0);
            replicas[one].signal("KILL");
            replicas[one].wait();
            replicas[one] = start();
        }
    }
    let begun = Instant::now();
    let mut complete = 0;
    for job in &jobs {
        let state = loop {
            let now = store.job(job.id).await.unwrap().unwrap();
            if now.state.is_final() {
                break now.state;
            }
            assert!(begun.elapsed() < Duration::from_mins(5), "{now:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        // One that ended too many processes is given up, and has no cohort.
        let cohort = store.cohort(job.cohort_id.unwrap()).await.unwrap();
        assert_eq!(cohort.is_some(), state == JobState::Complete);
        complete += i64::from(cohort.is_some());
    }
    let mut client = PgConnection::connect(&url).await.unwrap();
    let mut count = async |sql: &str| -> i64 {
        let query = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
        query.fetch_one(&mut client).await.unwrap()
    };
    assert_eq!(count("SELECT count(*) FROM cohorts").await, complete + 1);
    let partitions =
        "SELECT count(*) FROM pg_class WHERE relname LIKE 'customers\\_%' AND relkind = 'r'";
    assert_eq!(count(partitions).await, complete + 1);
    let uneven = "SELECT count(*) FROM cohorts c WHERE customers <> \
                  (SELECT count(*) FROM customers u WHERE u.cohort_id = c.id)";
    assert_eq!(count(uneven).await, 0);
    assert!(complete > 0);
    println!("{complete} of {} jobs made a cohort", jobs.len());
}
