//! Traces: a caller's goes on here, and a collector is told what took the time.

use std::net::TcpListener;
use std::thread::sleep;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use serde_json::Value;

use crate::support::app::{self, Process, prepared};
use crate::support::collector::{Collector, attribute, hex};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// A caller's span, recorded or not.
fn parent(recorded: bool) -> String {
    format!("00-{TRACE}-{CALLER}-0{}", u8::from(recorded))
}

fn service(settings: &[&str]) -> (Process, tempfile::TempDir) {
    let folder = prepared();
    let mut service = Process::start(folder.path(), settings);
    service.wait_until_ready();
    (service, folder)
}

fn header(answer: &reqwest::Response, name: &str) -> Option<String> {
    let value = answer.headers().get(name)?;
    Some(value.to_str().unwrap().to_owned())
}

fn told(span: &Span, name: &str) -> Option<String> {
    attribute(&span.attributes, name)
}

fn is_ours(span: &Span) -> bool {
    hex(&span.trace_id) == TRACE
}

async fn predict(service: &Process, parent: Option<&str>) -> reqwest::Response {
    let body = r#"{"customer_id": "hunter2", "tenure_months": 7}"#;
    let mut request = app::post(service.address(), "/predict/churn?explain=3", body);
    if let Some(parent) = parent {
        request = request
            .header("traceparent", parent)
            .header("tracestate", "rojo=1,congo=t61rcWkgMzE");
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_request_is_a_span_of_its_callers_trace() {
    let collector = Collector::start();
    let (service, _folder) = service(&[
        &collector.setting(),
        "--otlp-headers=x-tenant=red",
        "--resource-attributes=deployment.environment.name=test",
    ]);
    let answer = predict(&service, Some(&parent(true))).await;
    let (told_parent, told_state) = (
        header(&answer, "traceparent"),
        header(&answer, "tracestate"),
    );
    let request_id = header(&answer, "x-request-id");
    let span = collector.wait_for("POST /predict/{target}");

    assert_eq!(hex(&span.trace_id), TRACE);
    assert_eq!(hex(&span.parent_span_id), CALLER);
    assert_eq!(
        told_parent.unwrap(),
        format!("00-{TRACE}-{}-01", hex(&span.span_id))
    );
    assert_eq!(told_state.unwrap(), "rojo=1,congo=t61rcWkgMzE");
    assert_eq!(span.trace_state, "rojo=1,congo=t61rcWkgMzE");
    assert_eq!(span.kind, SpanKind::Server as i32);
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/predict/{target}"),
        ("http.response.status_code", "200"),
        ("url.scheme", "http"),
        ("network.protocol.version", "1.1"),
    ] {
        assert_eq!(told(&span, name).unwrap(), value, "{name}");
    }
    assert_eq!(told(&span, "engagecast.request_id"), request_id);
    assert!(span.end_time_unix_nano > span.start_time_unix_nano);
    assert_eq!(
        span.status.unwrap_or_default().code,
        StatusCode::Unset as i32
    );
    assert_eq!(collector.resource("service.name").unwrap(), "engagecast");
    assert_eq!(
        collector.resource("deployment.environment.name").unwrap(),
        "test"
    );
    assert!(collector.resource("service.instance.id").is_some());
    let head = &collector.heads()[0];
    assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
    assert!(
        head.contains("content-type: application/x-protobuf"),
        "{head}"
    );
    assert!(head.contains("x-tenant: red"), "{head}");
    service.wait_for_log(&format!("trace_id={TRACE}"));
    let all = format!("{:?}", collector.spans());
    for secret in ["hunter2", "explain", "tenure"] {
        assert!(!all.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn the_callers_flag_decides_and_else_the_ratio() {
    let collector = Collector::start();
    let (mut service, _folder) = service(&[&collector.setting(), "--trace-ratio=0"]);
    // Not recorded: by its caller, and for want of one.
    let answer = predict(&service, Some(&parent(false))).await;
    let flags = header(&answer, "traceparent").unwrap();
    assert!(
        flags.starts_with(&format!("00-{TRACE}-")) && flags.ends_with("-00"),
        "{flags}"
    );
    assert_eq!(header(&predict(&service, None).await, "traceparent"), None);
    predict(&service, Some(&parent(true))).await;
    assert!(service.terminate().success());
    let spans = collector.spans();
    let names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["POST /predict/{target}"]);
    assert!(is_ours(&spans[0]));
}

#[tokio::test]
async fn what_was_recorded_last_is_sent_before_the_end() {
    let collector = Collector::start();
    let (mut service, _folder) = service(&[&collector.setting()]);
    let answer = predict(&service, None).await;
    let link = header(&answer, "traceparent").expect("a trace that begins here");
    assert!(service.terminate().success());
    let spans = collector.spans();
    let span = spans
        .iter()
        .find(|span| span.name == "POST /predict/{target}");
    let span = span.expect("the request's span");
    assert_eq!(
        link,
        format!("00-{}-{}-01", hex(&span.trace_id), hex(&span.span_id))
    );
    assert!(span.parent_span_id.is_empty());
}

#[tokio::test]
async fn a_job_and_the_database_are_part_of_the_trace_that_asked() {
    let collector = Collector::start();
    let (service, _folder) = service(&[&collector.setting(), "--trace-ratio=0"]);
    let asked = app::post(service.address(), "/cohorts", r#"{"customers": 1300}"#);
    let asked = asked
        .header("traceparent", parent(true))
        .send()
        .await
        .unwrap();
    assert_eq!(asked.status(), 202);
    let request = collector.wait_for("POST /cohorts");
    let stored = collector.wait_for("store a job");
    let job = collector.wait_for("job generate");
    for part in [&stored, &job] {
        assert!(is_ours(part));
        assert_eq!(part.parent_span_id, request.span_id, "{}", part.name);
    }
    assert_eq!(stored.kind, SpanKind::Client as i32);
    assert_eq!(told(&stored, "db.system.name").unwrap(), "sqlite");
    assert_eq!(job.kind, SpanKind::Consumer as i32);
    assert_eq!(told(&job, "engagecast.job.end").unwrap(), "complete");
    let cohort: Value = asked.json().await.unwrap();
    let cohort = cohort["job_id"].as_str().unwrap();
    assert_eq!(told(&job, "engagecast.job.id").unwrap(), cohort);
}

#[tokio::test]
async fn what_a_batch_spends_its_time_on_is_told() {
    let collector = Collector::start();
    let (service, _folder) = service(&[&collector.setting()]);
    let body = r#"{"customers": [{"tenure_months": 7}, {"tenure_months": 30}]}"#;
    let answer = app::post(service.address(), "/predict/churn/batch", body);
    assert_eq!(answer.send().await.unwrap().status(), 200);
    let request = collector.wait_for("POST /predict/{target}/batch");
    let stream = collector.wait_for("stream");
    assert_eq!(stream.parent_span_id, request.span_id);
    let compute = collector.wait_for("compute");
    assert_eq!(compute.parent_span_id, stream.span_id);
}

#[tokio::test]
async fn only_what_failed_on_our_side_is_an_error() {
    let collector = Collector::start();
    let (service, _folder) = service(&[&collector.setting(), "--max-cohort=10000"]);
    for (path, status) in [("/models/none", 404), ("/nowhere", 404), ("/readyz", 200)] {
        let answer = app::get(service.address(), path).send().await.unwrap();
        assert_eq!(answer.status(), status);
    }
    let missing = collector.wait_for("GET /models/{version}");
    assert_eq!(told(&missing, "http.response.status_code").unwrap(), "404");
    assert_eq!(
        missing.status.unwrap_or_default().code,
        StatusCode::Unset as i32
    );
    let nowhere = collector.wait_for("GET");
    assert_eq!(told(&nowhere, "http.route"), None);
    assert!(
        collector
            .spans()
            .iter()
            .all(|span| span.name != "GET /readyz")
    );
}

#[tokio::test]
async fn a_collector_that_is_away_costs_one_line_and_no_request() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = held.local_addr().unwrap();
    drop(held);
    let (service, _folder) = service(&[&format!("--otlp-endpoint=http://{place}")]);
    predict(&service, None).await;
    service.wait_for_log("spans are lost until http://");
    for _ in 0..20 {
        assert_eq!(predict(&service, None).await.status(), 200);
    }
    // A connection may have the port for a moment.
    let again = (0..100).find_map(|_| {
        let listener = TcpListener::bind(place).ok();
        if listener.is_none() {
            sleep(Duration::from_millis(100));
        }
        listener
    });
    let collector = Collector::on(again.expect("the port is free again"));
    collector.wait_for("POST /predict/{target}");
    service.wait_for_log("spans are sent to http://");
    assert_eq!(service.log().matches("spans are lost").count(), 1);
}

#[tokio::test]
async fn a_collector_that_says_nothing_keeps_neither_requests_nor_the_end() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = silent.local_addr().unwrap();
    let (mut service, _folder) = service(&[&format!("--otlp-endpoint=http://{place}")]);
    let begun = Instant::now();
    for _ in 0..50 {
        assert_eq!(predict(&service, None).await.status(), 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(10));
    let begun = Instant::now();
    assert!(service.terminate().success());
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "{:?}",
        begun.elapsed()
    );
    drop(silent);
}

#[tokio::test]
async fn a_trace_is_taken_over_without_a_collector_too() {
    let (service, _folder) = service(&[]);
    let answer = predict(&service, Some(&parent(true))).await;
    assert_eq!(header(&answer, "traceparent"), Some(parent(true)));
    service.wait_for_log(&format!("trace_id={TRACE}"));
    for none in ["", "00-1-2-01", "hunter2", &format!("{}-x", parent(true))] {
        let answer = predict(&service, Some(none)).await;
        assert_eq!(
            (answer.status().as_u16(), header(&answer, "traceparent")),
            (200, None)
        );
    }
    assert_eq!(header(&predict(&service, None).await, "traceparent"), None);
}

#[test]
fn a_collectors_address_that_is_none_is_refused_without_repeating_it() {
    for address in [
        "https://hunter2@collector",
        "collector:4318",
        "http://a:hunter2@b",
    ] {
        let flag = format!("--otlp-endpoint={address}");
        let refused = app::binary(&["serve", &flag]).output().unwrap();
        assert!(!refused.status.success());
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(
            said.contains("--otlp-endpoint must be like http://127.0.0.1:4318"),
            "{said}"
        );
        assert!(!said.contains("hunter2"), "{said}");
    }
}
