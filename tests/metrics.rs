//! What the service tells of itself to Prometheus.
#![expect(clippy::float_cmp, reason = "whole numbers")]

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::StatusCode;

use crate::support::app::{full_profile, get, in_process, post};
use crate::support::raw;

/// Each series with its number.
async fn metrics(address: SocketAddr) -> HashMap<String, f64> {
    let text = get(address, "/metrics")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(text.ends_with("# EOF\n"));
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let series: HashMap<_, _> = lines
        .map(|line| {
            let (name, number) = line.rsplit_once(' ').expect("a name and a number");
            let number: f64 = number.parse().expect("a number");
            assert!(number.is_finite(), "{line}");
            (name.to_owned(), number)
        })
        .collect();
    assert!(series.len() > 100);
    series
}

async fn predict(address: SocketAddr, path: &str) -> StatusCode {
    let body = full_profile().to_string();
    post(address, path, body).send().await.unwrap().status()
}

#[tokio::test]
async fn requests_and_predictions_are_counted_once_under_their_route() {
    let address = in_process(&[]);
    for _ in 0..3 {
        assert_eq!(predict(address, "/predict/churn").await, StatusCode::OK);
    }
    assert_eq!(predict(address, "/predict").await, StatusCode::OK);
    let refused = post(address, "/predict/churn", "{").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    for path in ["/nothing", "/nothing/here", "/predict/churn"] {
        get(address, path).send().await.unwrap();
    }
    let found = metrics(address).await;
    let requests = |method: &str, route: &str, status: u16| {
        let name = format!(
            "engagecast_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}}"
        );
        found.get(&name).copied()
    };
    assert_eq!(requests("POST", "/predict/{target}", 200), Some(3.0));
    assert_eq!(requests("POST", "/predict/{target}", 400), Some(1.0));
    assert_eq!(requests("POST", "/predict", 200), Some(1.0));
    // Paths that clients make up are one series, however many they are.
    assert_eq!(requests("other", "none", 404), Some(2.0));
    assert_eq!(requests("other", "none", 405), Some(1.0));
    let took = "engagecast_request_duration_seconds";
    let route = r#"method="POST",route="/predict/{target}""#;
    assert_eq!(found[&format!("{took}_count{{{route}}}")], 4.0);
    let everything = format!("{took}_bucket{{le=\"+Inf\",{route}}}");
    assert_eq!(found[&everything], 4.0);
    let predictions =
        |target| found[&format!("engagecast_predictions_total{{target=\"{target}\"}}")];
    assert_eq!((predictions("churn"), predictions("ltv")), (4.0, 1.0));
    let tiers = ["low", "medium", "high"].map(|tier| {
        found[&format!("engagecast_predictions_by_tier_total{{target=\"churn\",tier=\"{tier}\"}}")]
    });
    assert_eq!(tiers.iter().sum::<f64>(), 4.0);
    let scores = found.iter().filter(|(name, _)| {
        name.starts_with("engagecast_prediction_scores_total{target=\"churn\"")
    });
    assert_eq!(scores.map(|(_, count)| count).sum::<f64>(), 4.0);
    assert_eq!(
        found["engagecast_input_missing_ratio{target=\"churn\",column=\"age\"}"],
        0.0
    );
    assert_eq!(found["engagecast_ready"], 1.0);
    assert_eq!(found["engagecast_database{status=\"ok\"}"], 1.0);
    assert!(found["process_resident_memory_bytes"] > 1e6);
}

#[tokio::test]
async fn what_is_refused_is_counted_with_the_reason() {
    let address = in_process(&["--max-predictions=1"]);
    // A prediction whose body has not come takes the only place.
    let head = "POST /predict/churn HTTP/1.1\r\nhost: test\r\n\
                content-type: application/json\r\ncontent-length: 10\r\n\r\n";
    // One that comes while the other call is answered is refused itself.
    let mut waiting = vec![raw::begin(address, head)];
    let begun = Instant::now();
    while predict(address, "/predict/churn").await == StatusCode::OK {
        assert!(begun.elapsed() < Duration::from_secs(10));
        waiting.push(raw::begin(address, head));
    }
    drop(waiting);
    let mut found = metrics(address).await;
    // Jobs are left out while a busy database does not answer.
    while !found.contains_key("engagecast_jobs{state=\"running\"}") {
        assert!(begun.elapsed() < Duration::from_mins(1));
        found = metrics(address).await;
    }
    // What is drawn and what alarms is told.
    for file in [
        "deploy/grafana/engagecast.json",
        "deploy/prometheus/rules.yml",
    ] {
        let names = named(file);
        assert!(names.len() > 4, "{names:?}");
        for name in names {
            let told = found.keys().any(|series| series.starts_with(&name));
            assert!(told, "{file}: {name}");
        }
    }
    let shed = "engagecast_requests_shed_total{class=\"prediction\",reason=\"room\"}";
    assert!(found[shed] >= 1.0);
    assert_eq!(found["engagecast_requests_in_flight{class=\"heavy\"}"], 0.0);
}

#[tokio::test]
async fn metrics_want_a_key_unless_they_are_open() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    fs::write(&file, "a-key-of-the-tests-0123456789-0123456789").unwrap();
    let file = format!("--admin-key-file={}", file.display());
    for (setting, status) in [
        ("--open-metrics=false", StatusCode::UNAUTHORIZED),
        ("--open-metrics", StatusCode::OK),
    ] {
        let address = in_process(&["--allow-anonymous=false", &file, setting]);
        let answer = get(address, "/metrics").send().await.unwrap();
        assert_eq!(answer.status(), status, "{setting}");
    }
}

/// The names of our series in a file.
fn named(file: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(file).unwrap();
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = words.filter(|word| word.starts_with("engagecast_"));
    ours.map(str::to_owned).collect()
}

#[tokio::test]
async fn prometheus_can_read_it() {
    let address = in_process(&[]);
    predict(address, "/predict").await;
    let text = get(address, "/metrics")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let promtool = Command::new("promtool")
        .args(["check", "metrics", "--extended"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    // Where it is installed: the other tests read the format themselves.
    let Ok(mut promtool) = promtool else { return };
    let mut input = promtool.stdin.take().unwrap();
    input.write_all(text.as_bytes()).unwrap();
    drop(input);
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("error while linting"), "{said}");
}
