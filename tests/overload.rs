//! More clients than there is room for, and clients that are too slow.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::app::{self, in_process};
use crate::support::raw;

/// Opens connections until one is taken on: a place is free a moment after its
/// client left.
fn taken_on(address: SocketAddr) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(10) {
        let answer = raw::get(address, "/healthz");
        if answer.is_some_and(|(head, _)| head.starts_with("HTTP/1.1 200")) {
            return true;
        }
        sleep(Duration::from_millis(20));
    }
    false
}

#[test]
fn a_connection_too_many_is_told_so_at_once_and_the_next_one_is_taken_on() {
    let address = in_process(&["--max-connections=2"]);
    assert!(taken_on(address));
    sleep(Duration::from_millis(300));
    let kept = [raw::begin(address, ""), raw::begin(address, "")];
    sleep(Duration::from_millis(300));
    let begun = Instant::now();
    let told = raw::rest(raw::begin(address, ""));
    assert!(begun.elapsed() < Duration::from_secs(2));
    let (head, body) = told.split_once("\r\n\r\n").expect("an answer");
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    assert!(head.contains("retry-after: 1"), "{head}");
    assert!(head.contains("x-request-id: "), "{head}");
    assert!(head.contains(&format!("content-length: {}\r\n", body.len())));
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["type"], "urn:engagecast:problem:busy");
    drop(kept);
    assert!(taken_on(address));
}

#[test]
fn a_body_that_trickles_is_given_up() {
    let address = in_process(&["--stall-timeout=0.5", "--min-rate=1000"]);
    let part = "--x\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\n";
    for (path, kind, begun) in [
        ("/predict/churn/batch", "application/x-ndjson", ""),
        ("/cohorts/import", "text/csv", ""),
        ("/cohorts/import", "multipart/form-data; boundary=x", ""),
        ("/cohorts/import", "multipart/form-data; boundary=x", part),
    ] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: test\r\n\
             content-type: {kind}\r\ncontent-length: 100000\r\n\r\n{begun}"
        );
        let mut line = raw::begin(address, &head);
        let pause = Duration::from_millis(100);
        line.set_read_timeout(Some(pause)).unwrap();
        let begun = Instant::now();
        let mut answer = [0; 1024];
        // Never silent for as long as the stall timeout.
        let read = loop {
            assert!(begun.elapsed() < Duration::from_secs(5), "{path} {kind}");
            line.write_all(b"\n").unwrap();
            if let Ok(read) = line.read(&mut answer) {
                break read;
            }
        };
        let answer = String::from_utf8_lossy(&answer[..read]);
        assert!(
            answer.starts_with("HTTP/1.1 408"),
            "{path} {kind}: {answer}"
        );
    }
}

#[test]
fn a_client_that_reads_nothing_loses_its_connection() {
    let address = in_process(&["--max-connections=1", "--stall-timeout=0.5"]);
    assert!(taken_on(address));
    sleep(Duration::from_millis(300));
    let ask = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: test\r\n\r\n";
    // Many times what the kernel keeps for a client who does not read.
    let asleep = raw::begin(address, &ask.repeat(20));
    sleep(Duration::from_millis(100));
    assert!(taken_on(address), "its place is free again");
    drop(asleep);
}

#[test]
fn a_head_that_trickles_is_given_up() {
    let address = in_process(&["--header-timeout=0.5"]);
    let mut line = raw::begin(address, "GET /healthz HTTP/1.1\r\n");
    let begun = Instant::now();
    while line.write_all(b"x-slow: 1\r\n").is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(5));
        sleep(Duration::from_millis(50));
    }
}

/// The heads of the answers to one costly request after another, over a
/// connection each, until the time is over.
fn ask_until(address: SocketAddr, end: Instant) -> Vec<String> {
    let mut heads = Vec::new();
    while Instant::now() < end {
        let body = include_str!("../bench/http/customer.json");
        if let Some((head, _)) = raw::post(address, "/predict?explain=20", body) {
            heads.push(head);
        }
    }
    heads
}

#[test]
fn where_requests_wait_too_long_for_a_thread_some_are_refused_and_the_rest_answered() {
    let address = in_process(&["--max-delay=0.001"]);
    let end = Instant::now() + Duration::from_secs(2);
    let heads: Vec<String> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..48)
            .map(|_| scope.spawn(|| ask_until(address, end)))
            .collect();
        // Who watches the service is not refused.
        let (head, _) = raw::get(address, "/healthz").expect("an answer");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        asking
            .into_iter()
            .flat_map(|thread| thread.join().expect("no panic"))
            .collect()
    });
    let good = heads.iter().filter(|head| head.starts_with("HTTP/1.1 200"));
    let refused: Vec<_> = heads
        .iter()
        .filter(|head| head.starts_with("HTTP/1.1 503"))
        .collect();
    assert!(good.count() > 10, "{:?}", heads.first());
    assert!(refused.len() > 10, "{} answers", heads.len());
    assert!(refused.iter().all(|head| head.contains("retry-after: 1")));
    sleep(Duration::from_millis(300));
    let after = ask_until(address, Instant::now() + Duration::from_millis(1));
    assert!(after[0].starts_with("HTTP/1.1 200"), "{}", after[0]);
}

/// A request of which a part has come, and which so keeps its place.
fn unfinished(address: SocketAddr, path: &str, kind: &str) -> std::net::TcpStream {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: test\r\ncontent-type: {kind}\r\n\
         content-length: 100000\r\n\r\n{{"
    );
    let begun = raw::begin(address, &head);
    sleep(Duration::from_millis(300));
    begun
}

fn status(address: SocketAddr, path: &str) -> String {
    let (head, _) = raw::get(address, path).expect("an answer");
    head.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn each_class_of_requests_has_room_of_its_own_and_nobody_waits_for_it() {
    let address = in_process(&["--max-predictions=1", "--max-light=1", "--max-heavy=1"]);
    let json = "application/json";
    let predict = |body: &str| {
        let length = body.len();
        let request = format!(
            "POST /predict/churn HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\
             content-type: {json}\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        raw::rest(raw::begin(address, &request))
    };
    let profile = r#"{"age": 30}"#;
    assert!(predict(profile).starts_with("HTTP/1.1 200"));

    let kept = unfinished(address, "/predict/churn", json);
    let begun = Instant::now();
    let told = predict(profile);
    assert!(begun.elapsed() < Duration::from_secs(1), "at once");
    assert!(told.starts_with("HTTP/1.1 503"), "{told}");
    assert!(told.contains("retry-after: 1"), "{told}");
    assert!(told.contains("urn:engagecast:problem:busy"), "{told}");
    assert!(status(address, "/models").contains("200"), "another class");
    assert!(status(address, "/reports/latest.json").contains("200"));
    drop(kept);
    sleep(Duration::from_millis(300));
    assert!(
        predict(profile).starts_with("HTTP/1.1 200"),
        "it is free again"
    );

    let kept = unfinished(address, "/models", json);
    assert!(status(address, "/models").contains("503"));
    assert!(status(address, "/healthz").contains("200"), "open to all");
    assert!(status(address, "/readyz").contains("200"));
    assert!(predict(profile).starts_with("HTTP/1.1 200"));
    drop(kept);

    let kept = unfinished(address, "/predict/churn/batch", "application/json");
    assert!(status(address, "/reports/latest.json").contains("503"));
    assert!(predict(profile).starts_with("HTTP/1.1 200"));
    drop(kept);
    sleep(Duration::from_millis(300));
    assert!(status(address, "/reports/latest.json").contains("200"));
}

#[tokio::test]
async fn no_more_jobs_wait_than_the_service_takes_on() {
    let address = in_process(&["--jobs=0", "--max-waiting-jobs=2"]);
    let ask = async |key: &str| {
        let request = app::post(address, "/cohorts", r#"{"customers": 2000}"#);
        let request = request.header("idempotency-key", key);
        let answer = request.send().await.unwrap();
        let wait = answer.headers().contains_key("retry-after");
        let body: Value = answer.json().await.unwrap();
        (body, wait)
    };
    let first = ask("first").await;
    let second = ask("second").await;
    let refused = ask("third").await;
    assert_eq!(refused.0["type"], "urn:engagecast:problem:busy");
    assert!(refused.1 && !first.1);
    assert_eq!(ask("first").await, first, "it waits already");
    // Room is made by whoever changes his mind.
    let place = format!("/cohorts/{}", second.0["id"].as_str().unwrap());
    let url = format!("http://{address}{place}");
    assert!(
        app::client()
            .delete(url)
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
    assert_eq!(ask("third").await.0["state"], first.0["state"]);
}

#[test]
fn a_file_is_refused_before_it_is_sent_where_enough_jobs_wait() {
    let address = in_process(&["--jobs=0", "--max-waiting-jobs=1"]);
    let head = |key: &str| {
        format!(
            "POST /cohorts/import HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\
             content-type: text/csv\r\nidempotency-key: {key}\r\ncontent-length: 27\r\n\r\n"
        )
    };
    let file = "customer_id,age\nc-1,31\nc-2,";
    let sent = |key| raw::rest(raw::begin(address, &(head(key) + file)));
    let first = sent("first");
    assert!(first.starts_with("HTTP/1.1 202"), "{first}");
    let begun = Instant::now();
    let refused = raw::rest(raw::begin(address, &head("second")));
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(refused.contains("urn:engagecast:problem:busy"), "{refused}");
    assert!(begun.elapsed() < Duration::from_secs(5));
    let body = |answer: &str| answer.rsplit("\r\n").next().map(str::to_owned);
    assert_eq!(body(&sent("first")), body(&first), "it waits already");
}
