//! Every failure is a problem that says what to do and nothing of the inside.

use reqwest::{Method, Response, StatusCode};
use serde_json::Value;

use crate::support::app::{client, get, in_process, post, shared};
use crate::support::raw;

/// Checks what all problems have in common; gives the body.
async fn problem(answer: Response, status: u16, kind: &str) -> Value {
    assert_eq!(answer.status(), status);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let id = answer.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let path = answer.url().path().to_owned();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["type"], format!("urn:engagecast:problem:{kind}"));
    assert_eq!(body["status"], status);
    assert_eq!(body["request_id"], id);
    assert_eq!(body["instance"], path);
    for text in ["title", "detail"] {
        assert!(!body[text].as_str().unwrap().is_empty());
    }
    body
}

#[tokio::test]
async fn an_unknown_route_is_not_found() {
    for path in [
        "/nothing",
        "/predictions",
        "/docs/nothing.js",
        "/docs/%ff",
        "/healthz/",
    ] {
        problem(get(shared(), path).send().await.unwrap(), 404, "not-found").await;
    }
}

#[tokio::test]
async fn an_unknown_target_is_not_found_and_the_targets_are_named() {
    let predict = post(shared(), "/predict/happiness", "{}").send().await;
    let card = get(shared(), "/models/active/happiness").send().await;
    for answer in [predict, card] {
        let body = problem(answer.unwrap(), 404, "not-found").await;
        let detail = body["detail"].as_str().unwrap();
        assert!(detail.contains("churn, ltv, engagement"), "{detail}");
        assert!(!detail.contains("happiness"));
    }
}

#[tokio::test]
async fn a_wrong_method_is_refused_with_those_allowed() {
    for (method, path, allowed) in [
        (Method::GET, "/predict/churn", "POST"),
        (Method::DELETE, "/healthz", "GET,HEAD"),
        (Method::POST, "/docs/", "GET,HEAD"),
        (Method::OPTIONS, "/readyz", "GET,HEAD"),
    ] {
        let url = format!("http://{}{path}", shared());
        let answer = client().request(method, url).send().await.unwrap();
        assert_eq!(answer.headers()["allow"], allowed, "{path}");
        problem(answer, 405, "method-not-allowed").await;
    }
}

#[tokio::test]
async fn bad_json_is_refused_with_its_place_and_without_an_echo() {
    let answer = post(shared(), "/predict/churn", "{\n  \"age\": secret}");
    let body = problem(answer.send().await.unwrap(), 400, "malformed-json").await;
    let detail = body["detail"].as_str().unwrap();
    assert!(detail.contains("line 2, column"), "{detail}");
    assert!(!body.to_string().contains("secret"));
    for bad in [
        "",
        " ",
        "{",
        "{\"age\": 3} x",
        "{\"age\": NaN}",
        "\u{feff}{}",
    ] {
        let answer = post(shared(), "/predict/churn", bad).send().await.unwrap();
        problem(answer, 400, "malformed-json").await;
    }
    let not_utf8 = post(
        shared(),
        "/predict/churn",
        b"{\"location\": \"\xff\"}".to_vec(),
    );
    problem(not_utf8.send().await.unwrap(), 400, "malformed-json").await;
}

#[tokio::test]
async fn json_that_is_no_object_is_refused() {
    for body in ["[]", "3", "\"age\"", "null", "[{\"age\": 30}]"] {
        let answer = post(shared(), "/predict/churn", body).send().await.unwrap();
        problem(answer, 400, "malformed-json").await;
    }
}

#[tokio::test]
async fn a_body_that_is_not_declared_as_json_is_refused_with_the_header_to_send() {
    let url = format!("http://{}/predict/churn", shared());
    let without = client().post(&url).body("{\"age\": 30}");
    let form = client()
        .post(&url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("{\"age\": 30}");
    for request in [without, form] {
        let answer = request.send().await.unwrap();
        let body = problem(answer, 415, "unsupported-media-type").await;
        assert!(
            body["detail"]
                .as_str()
                .unwrap()
                .contains("content-type: application/json")
        );
    }
}

#[tokio::test]
async fn a_media_type_of_json_is_taken_with_its_parameters() {
    for kind in [
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/vnd.customer+json",
    ] {
        let url = format!("http://{}/predict/churn", shared());
        let request = client().post(url).header("content-type", kind);
        let answer = request.body("{\"age\": 30}").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{kind}");
    }
}

#[tokio::test]
async fn an_oversized_body_is_refused_whether_announced_or_streamed() {
    let large = format!("{{\"location\": \"{}\"}}", "x".repeat(5000));
    let announced = post(shared(), "/predict/churn", large)
        .send()
        .await
        .unwrap();
    let body = problem(announced, 413, "body-too-large").await;
    assert!(body["detail"].as_str().unwrap().contains("4096"));

    let chunk = format!("{:x}\r\n{}\r\n", 3000, "x".repeat(3000));
    let streamed = format!(
        "POST /predict/churn HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n{chunk}{chunk}"
    );
    let answer = raw::rest(raw::begin(shared(), &streamed));
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn a_body_in_pieces_is_read_whole() {
    let chunked = "POST /predict/churn HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\
                   content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n\
                   6\r\n{\"age\"\r\n5\r\n: 30}\r\n0\r\n\r\n";
    let answer = raw::rest(raw::begin(shared(), chunked));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_query_that_is_not_understood_is_refused() {
    for (query, field) in [
        ("explain=21", "explain"),
        ("explain=-1", "explain"),
        ("explain=", "explain"),
        ("explain=many", "explain"),
        ("explain=1&explain=2", "explain"),
        ("explian=3", "explian"),
    ] {
        let path = format!("/predict/churn?{query}");
        let answer = post(shared(), &path, "{\"age\": 30}").send().await.unwrap();
        let body = problem(answer, 422, "invalid-query").await;
        assert_eq!(body["errors"][0]["field"], field, "{query}");
    }
}

#[tokio::test]
async fn a_request_id_that_is_sane_is_taken_over() {
    let longest = "x".repeat(128);
    for id in ["abc-123", "!~", &longest] {
        for path in ["/healthz", "/nothing"] {
            let request = get(shared(), path).header("x-request-id", id);
            let answer = request.send().await.unwrap();
            assert_eq!(answer.headers()["x-request-id"], id);
        }
    }
}

#[tokio::test]
async fn a_request_id_that_is_not_sane_is_replaced_and_each_is_fresh() {
    let too_long = "x".repeat(129);
    let mut seen = std::collections::HashSet::new();
    for id in ["", "two words", "tab\there", &too_long] {
        let request = get(shared(), "/healthz").header("x-request-id", id);
        let answer = request.send().await.unwrap();
        let fresh = answer.headers()["x-request-id"].to_str().unwrap();
        assert_ne!(fresh, id);
        assert!(seen.insert(fresh.to_owned()));
    }
}

#[tokio::test]
async fn a_head_request_is_answered_as_a_get_without_its_body() {
    for (path, status) in [("/healthz", 200), ("/openapi.json", 200), ("/nothing", 404)] {
        let url = format!("http://{}{path}", shared());
        let answer = client().head(url).send().await.unwrap();
        assert_eq!(answer.status(), status);
        assert!(answer.headers().contains_key("x-request-id"));
        assert!(answer.bytes().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_timed_out() {
    let address = in_process(&["--request-timeout=0.3"]);
    let half = "POST /predict/churn HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n\
                content-length: 100\r\n\r\n{\"age\"";
    let answer = raw::rest(raw::begin(address, half));
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("urn:engagecast:problem:request-timeout"));
}

#[tokio::test]
async fn a_client_that_is_slow_to_say_what_it_wants_is_dropped() {
    let address = in_process(&["--header-timeout=0.3"]);
    let slow = raw::begin(address, "GET /healthz HT");
    let idle = raw::begin(address, "");
    let begun = std::time::Instant::now();
    for stream in [slow, idle] {
        assert!(!raw::rest(stream).contains("200"));
    }
    assert!(begun.elapsed() < std::time::Duration::from_secs(10));
}

/// The problem that an answer to no request has, and its status.
fn unasked(answer: &str) -> (u16, String) {
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(found, _)| found.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.to_owned())
    };
    let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
    let body: Value = serde_json::from_str(body).expect(answer);
    let value = |name| header(name).unwrap_or_else(|| panic!("{name}: {head}"));
    assert_eq!(value("content-type"), "application/problem+json");
    assert_eq!(value("connection"), "close");
    assert_eq!(body["request_id"], value("x-request-id"));
    assert_eq!(body["status"], status);
    assert!(value("date").ends_with("GMT"));
    (status, body["type"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn what_is_no_http_is_answered_with_a_problem_and_harms_nobody() {
    let malformed = (400, "urn:engagecast:problem:malformed-request".to_owned());
    for noise in [
        "\0\0\0",
        "\x16\x03\x01\x02",
        "GET\r\n\r\n",
        "POST / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nno header\r\n\r\n",
        "GET / HTTP/1.1\r\ncontent-length: 1, 2\r\n\r\n",
    ] {
        let answer = raw::rest(raw::begin(shared(), noise));
        assert_eq!(unasked(&answer), malformed, "{noise:?}");
    }
    let many = "x-a: 1\r\n".repeat(101);
    let many = format!("GET / HTTP/1.1\r\nhost: test\r\n{many}\r\n");
    let large = format!("GET / HTTP/1.1\r\nx-a: {}", "x".repeat(64 * 1024));
    for head in [many, large[..64 * 1024].to_owned()] {
        let answer = raw::rest(raw::begin(shared(), &head));
        let large = (431, "urn:engagecast:problem:head-too-large".to_owned());
        assert_eq!(unasked(&answer), large);
    }
    let alive = get(shared(), "/healthz").send().await.unwrap();
    assert_eq!(alive.status(), StatusCode::OK);
}

#[test]
fn what_was_asked_before_it_is_answered_first() {
    let ask = "HEAD /healthz HTTP/1.1\r\nhost: test\r\n\r\n";
    let answer = raw::rest(raw::begin(shared(), &format!("{ask}{ask}GET\r\n\r\n")));
    let (answers, last) = answer.split_at(answer.rfind("HTTP/1.1 ").unwrap());
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
    assert_eq!(unasked(last).0, 400);
}

#[tokio::test]
async fn an_empty_answer_of_our_own_is_sent_as_it_is() {
    let head = "HEAD /nothing HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
    let answer = raw::rest(raw::begin(shared(), head));
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_body_that_is_packed_is_refused_rather_than_misread() {
    for path in ["/predict/churn", "/predict", "/synthetic/batch", "/cohorts"] {
        let packed = post(shared(), path, "{}").header("content-encoding", "gzip");
        let answer = packed.send().await.unwrap();
        problem(answer, 415, "unsupported-media-type").await;
    }
}
