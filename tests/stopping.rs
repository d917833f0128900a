//! An orderly end.

use std::io::{Read, Write};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::app::{Process, prepared, ready_status};
use crate::support::raw;

const HEAD: &str = "POST /predict/churn HTTP/1.1\r\nhost: test\r\n\
                    content-type: application/json\r\ncontent-length: 11\r\n\r\n";
const BODY: &str = "{\"age\": 30}";

fn ready_service(settings: &[&str]) -> (Process, tempfile::TempDir) {
    let folder = prepared();
    let mut service = Process::start(folder.path(), settings);
    service.wait_until_ready();
    (service, folder)
}

#[test]
fn a_request_in_flight_is_finished_before_the_end() {
    for signal in ["TERM", "INT"] {
        let (mut service, _folder) = ready_service(&[]);
        let mut request = raw::begin(service.address(), HEAD);
        sleep(Duration::from_millis(200));
        service.signal(signal);
        // Longer than a connection without a request is kept.
        sleep(Duration::from_millis(600));
        assert!(ready_status(service.address()).is_none(), "accepts no more");
        request.write_all(BODY.as_bytes()).unwrap();
        let answer = raw::rest(request);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("\"probability\""));
        assert!(service.wait().success());
    }
}

#[test]
fn idle_connections_do_not_keep_it() {
    let (mut service, _folder) = ready_service(&[]);
    let silent = raw::begin(service.address(), "");
    let kept = raw::begin(service.address(), &format!("{HEAD}{BODY}"));
    sleep(Duration::from_millis(200));
    let begun = Instant::now();
    assert!(service.terminate().success());
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(raw::rest(silent).is_empty());
    assert!(raw::rest(kept).starts_with("HTTP/1.1 200"));
}

#[test]
fn a_request_that_is_still_on_the_way_is_answered() {
    let (mut service, _folder) = ready_service(&[]);
    let mut request = raw::begin(service.address(), "");
    sleep(Duration::from_millis(100));
    service.signal("TERM");
    sleep(Duration::from_millis(100));
    request
        .write_all(format!("{HEAD}{BODY}").as_bytes())
        .unwrap();
    assert!(raw::rest(request).starts_with("HTTP/1.1 200"));
    assert!(service.wait().success());
}

#[test]
fn a_large_answer_reaches_a_client_who_reads_slowly() {
    let (mut service, _folder) = ready_service(&[]);
    let address = service.address();
    let path = "/docs/swagger-ui-bundle.js";
    let (_, whole) = raw::get(address, path).unwrap();
    // Many times what the kernel keeps for a client who does not read.
    let ask = format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n");
    let mut slow = raw::begin(address, &ask.repeat(20));
    sleep(Duration::from_millis(200));
    service.signal("TERM");
    sleep(Duration::from_millis(800));
    let mut first = vec![0; whole.len()];
    slow.read_exact(&mut first).unwrap();
    assert!(service.wait().success());
}

#[test]
fn a_request_that_never_ends_is_left_when_the_grace_is_over() {
    let (mut service, _folder) = ready_service(&["--shutdown-grace=0.5"]);
    let request = raw::begin(service.address(), HEAD);
    sleep(Duration::from_millis(200));
    let begun = Instant::now();
    assert!(service.terminate().success());
    assert!(begun.elapsed() < Duration::from_secs(10));
    service.wait_for_log("still in flight");
    drop(request);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (mut service, _folder) = ready_service(&[]);
    let _request = raw::begin(service.address(), HEAD);
    sleep(Duration::from_millis(200));
    service.signal("TERM");
    sleep(Duration::from_millis(200));
    let begun = Instant::now();
    service.signal("TERM");
    assert_eq!(service.wait().code(), Some(130));
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn says_that_it_drains_while_it_still_accepts() {
    let (mut service, _folder) = ready_service(&["--drain-delay=1.5"]);
    service.signal("TERM");
    let begun = Instant::now();
    let draining = loop {
        let (code, body) = ready_status(service.address()).expect("still accepts");
        if body["status"] == "draining" {
            break code;
        }
        assert!(begun.elapsed() < Duration::from_secs(1));
    };
    assert_eq!(draining, 503);
    let answer = raw::begin(service.address(), &format!("{HEAD}{BODY}"));
    assert!(service.wait().success());
    let answer = raw::rest(answer);
    assert!(answer.starts_with("HTTP/1.1 200"));
    assert!(answer.contains("connection: close"), "{answer}");
}

#[test]
fn ends_promptly_in_the_middle_of_its_first_start() {
    for phase in ["generating", "training"] {
        let folder = tempfile::tempdir().unwrap();
        let mut service = Process::start(folder.path(), &["--customers=50000"]);
        assert!(service.wait_for_phase(phase));
        let begun = Instant::now();
        assert!(service.terminate().success());
        assert!(
            begun.elapsed() < Duration::from_secs(3),
            "{:?}",
            begun.elapsed()
        );
    }
}
