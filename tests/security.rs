//! What is sent to do harm: each is refused for what it is, costs little, and
//! leaves a service that answers. Who may call at all is in [`access`](super::access).

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::app::{self, Process, binary, client, get, in_process, post};
use crate::support::postgres::Database;
use crate::support::raw;

mod tables;

const JSON: &str = "application/json";
const PROFILE: &str = r#"{"age": 30}"#;

/// The service still predicts.
async fn assert_well(address: SocketAddr) {
    let answer = post(address, "/predict/churn", PROFILE).send().await;
    assert_eq!(answer.unwrap().status(), StatusCode::OK);
}

async fn document(address: SocketAddr) -> Value {
    let answer = get(address, "/openapi.json").send().await.unwrap();
    answer.json().await.unwrap()
}

#[tokio::test]
async fn json_that_is_nested_too_deep_is_refused_wherever_json_is_read() {
    let address = in_process(&[]);
    let mut tried = 0;
    for (path, item) in document(address).await["paths"].as_object().unwrap() {
        if item["post"]["requestBody"]["content"].get(JSON).is_none() {
            continue;
        }
        let path = path.replace("{target}", "churn").replace("{name}", "churn");
        let path = path.replace("{version}", "active");
        for before in [
            "",
            r#"{"age":"#,
            r#"{"spec":"#,
            r#"{"targets":"#,
            r#"{"customers":["#,
            r#"{"customers":[{"age":"#,
            r#"{"inputs":[{"name":"age","datatype":"FP64","shape":[1],"data":"#,
        ] {
            for bomb in ["[", r#"{"a":"#] {
                let body = format!("{before}{}", bomb.repeat(100_000));
                let answer = post(address, &path, body).send().await.unwrap();
                let status = answer.status();
                assert!(status.is_client_error(), "{path} {before}: {status}");
                tried += 1;
            }
        }
    }
    assert!(tried >= 7 * 14, "{tried}");
    assert_well(address).await;
}

#[tokio::test]
async fn a_body_larger_than_its_limit_is_refused_wherever_one_is_read() {
    let small = [
        "--max-body-bytes=4096",
        "--max-batch-bytes=4096",
        "--max-upload-bytes=4096",
    ];
    let address = in_process(&small);
    let large = format!(r#"{{"name": "{}"}}"#, "x".repeat(10_000));
    for (path, kind) in [
        ("/predict", JSON),
        ("/predict/churn", JSON),
        ("/predict/churn/batch", JSON),
        ("/predict/churn/batch", "application/vnd.apache.parquet"),
        ("/synthetic/batch", JSON),
        ("/cohorts", JSON),
        ("/cohorts/import", "text/csv"),
        ("/models", JSON),
        ("/v2/models/churn/infer", JSON),
    ] {
        let url = format!("http://{address}{path}");
        let request = client().post(url).header("content-type", kind);
        let answer = request.body(large.clone()).send().await.unwrap();
        assert_eq!(
            answer.status(),
            StatusCode::PAYLOAD_TOO_LARGE,
            "{path} {kind}"
        );
    }
    assert_well(address).await;
}

/// So many bytes of the same, packed.
fn bomb(begin: &str, bytes: usize) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(begin.as_bytes()).unwrap();
    let piece = [b'x'; 1 << 12];
    for _ in 0..bytes / piece.len() {
        packed.write_all(&piece).unwrap();
    }
    packed.finish().unwrap()
}

#[test]
fn the_head_of_a_part_that_does_not_end_is_given_up() {
    let head = "POST /cohorts/import HTTP/1.1\r\nhost: test\r\ncontent-length: 2000000000\r\n\
                content-type: multipart/form-data; boundary=x\r\n\r\n";
    let address = in_process(&[]);
    for begun in [
        "",
        "--x\r\n",
        "--x\r\ncontent-disposition: form-data; name=\"file",
    ] {
        let mut line = raw::begin(address, &format!("{head}{begun}"));
        let more = vec![b'a'; 64 << 10];
        let mut sent = 0;
        // What the kernel keeps comes on top of what the service takes.
        while line.write_all(&more).is_ok() {
            sent += more.len();
            assert!(sent < 64 << 20, "{begun}");
        }
    }
}

#[tokio::test]
async fn what_unpacks_to_too_much_is_refused_before_it_is_unpacked() {
    let address = in_process(&[]);
    let packed = bomb("{", 200 << 20);
    let url = format!("http://{address}/v2/models/churn/infer");
    let request = client().post(url).header("content-type", JSON);
    let request = request.header("content-encoding", "gzip");
    let answer = request.body(packed.clone()).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);

    // Elsewhere a body is read as it is.
    let request = post(address, "/predict/churn", packed);
    let answer = request.header("content-encoding", "gzip").send().await;
    assert!(answer.unwrap().status().is_client_error());

    let file = bomb("customer_id,age\nc-1,", 200 << 20);
    let url = format!("http://{address}/cohorts/import");
    let request = client()
        .post(url)
        .header("content-type", "application/gzip");
    let answer = request.body(file).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let place = answer.headers()["location"].to_str().unwrap().to_owned();
    let state = ended(address, &place).await;
    assert_eq!(state["state"], "failed", "{state}");
    assert_well(address).await;
}

/// What a cohort came to.
async fn ended(address: SocketAddr, place: &str) -> Value {
    let begun = Instant::now();
    loop {
        let answer = get(address, place).send().await.unwrap();
        let body: Value = answer.json().await.unwrap();
        if matches!(body["state"].as_str(), Some("complete" | "failed")) {
            return body;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "{body}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_flood_of_headers_is_refused() {
    let address = app::shared();
    let mut many = "GET /models HTTP/1.1\r\nhost: test\r\n".to_owned();
    for i in 0..1000 {
        let _ = write!(many, "x-{i}: 1\r\n");
    }
    let large = format!(
        "GET /models HTTP/1.1\r\nhost: test\r\nx-large: {}\r\n",
        "x".repeat(200_000)
    );
    let long = format!("GET /{} HTTP/1.1\r\nhost: test\r\n", "x".repeat(200_000));
    for head in [many, large, long] {
        let told = flooded(address, &format!("{head}\r\n"));
        let status = told.split_whitespace().nth(1).unwrap_or("closed");
        let refused = ["400", "414", "431", "closed"].contains(&status);
        assert!(refused, "{}", &told[..told.len().min(200)]);
    }
    assert_well(address).await;
}

/// Sends what the other side may not read to its end.
fn flooded(address: SocketAddr, text: &str) -> String {
    let mut line = raw::begin(address, "");
    let _ = line.write_all(text.as_bytes());
    raw::rest(line)
}

#[test]
fn a_request_of_two_readings_is_answered_once_or_not_at_all() {
    let (_folder, address) = with_key();
    let hidden = "GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n";
    let length = hidden.len();
    for lengths in [
        format!("content-length: {length}\r\ntransfer-encoding: chunked\r\n"),
        format!("transfer-encoding: chunked\r\ncontent-length: {length}\r\n"),
        format!("content-length: 0\r\ncontent-length: {length}\r\n"),
        format!("content-length: {length}, 0\r\n"),
        "transfer-encoding: chunked, identity\r\n".into(),
        "transfer-encoding:\u{b}chunked\r\n".into(),
        format!("content-length: +{length}\r\n"),
        "content-length: -1\r\n".into(),
    ] {
        let text = format!(
            "POST /predict/churn HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{lengths}\r\n0\r\n\r\n{hidden}"
        );
        let told = flooded(address, &text);
        assert!(!told.contains("HTTP/1.1 200"), "{lengths:?}: {told}");
        assert!(
            told.matches("HTTP/1.1 ").count() <= 1,
            "{lengths:?}: {told}"
        );
    }
}

/// An app that asks for a key.
fn with_key() -> (tempfile::TempDir, SocketAddr) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "x".repeat(40)).unwrap();
    let seed = format!("--admin-key-file={}", file.display());
    let address = in_process(&["--allow-anonymous=false", &seed]);
    (folder, address)
}

#[test]
fn no_spelling_of_a_path_goes_past_the_keys_or_leaves_the_service() {
    let (_folder, address) = with_key();
    for path in [
        "/models/",
        "//models",
        "/./models",
        "/docs/../models",
        "/docs/%2e%2e/models",
        "/docs/..%2fmodels",
        "/%6dodels",
        "/MODELS",
        "/models;a=b",
        "/models%00",
        "/models%2f",
        "/models?",
        "/models#",
        "/models/active%2fchurn",
        "/healthz/../models",
        "/healthz%2f..%2fmodels",
        "http://elsewhere/models",
        "/docs/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/docs/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/cohorts/..%2f..%2fetc%2fpasswd/customers.csv",
        "/reports/..%2f..%2fetc%2fpasswd",
        "/reports/latest.pdf%00.json",
    ] {
        let (head, body) = raw::get(address, path).expect("an answer");
        let status = head.split_whitespace().nth(1).unwrap();
        assert!(["400", "401", "404"].contains(&status), "{path}: {head}");
        assert!(!body.contains("root:") && !body.contains("\"versions\""));
    }
}

#[test]
fn a_stranger_s_body_is_not_read() {
    let (_folder, address) = with_key();
    let begun = Instant::now();
    let head = "POST /cohorts/import HTTP/1.1\r\nhost: test\r\ncontent-type: text/csv\r\n\
                content-length: 1000000000\r\n\r\n";
    let told = raw::rest(raw::begin(address, head));
    assert!(told.starts_with("HTTP/1.1 401"), "{told}");
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
}

/// Texts that end a string of SQL, and go on.
const SQL: [&str; 5] = [
    "' OR '1'='1",
    "'; DROP TABLE cohorts; --",
    "x'); DELETE FROM api_keys; --",
    "\\'; SELECT pg_sleep(9); --",
    "%' UNION SELECT name, hash FROM api_keys --",
];

/// The same SQL without a space, which an `Idempotency-Key` may not have.
fn spaceless(sql: &str) -> String {
    sql.replace(' ', "/**/")
}

fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        let _ = write!(out, "%{byte:02X}");
    }
    out
}

/// Puts SQL into every parameter of every operation, and into what bodies name.
async fn sql_everywhere(address: SocketAddr) {
    let before: Value = body(get(address, "/cohorts/latest")).await;
    let document = document(address).await;
    for sql in SQL {
        let value = encoded(sql);
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let (mut path, mut query) = (path.clone(), Vec::new());
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    let name = parameter["name"].as_str().unwrap();
                    match parameter["in"].as_str().unwrap() {
                        "path" => path = path.replace(&format!("{{{name}}}"), &value),
                        "query" => query.push(format!("{name}={value}")),
                        _ => {}
                    }
                }
                let url = format!("http://{address}{path}?{}", query.join("&"));
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let request = client()
                    .request(method, url)
                    .header("idempotency-key", spaceless(sql));
                quick(request.header("content-type", JSON).body("{}"), &path).await;
            }
        }
        let made = post(address, "/cohorts", json!({ "name": sql }).to_string());
        let made = made.header("idempotency-key", spaceless(&format!("make {sql}")));
        let id = body(made).await["id"].as_str().unwrap().to_owned();
        let named = body(get(address, &format!("/cohorts/{id}"))).await;
        assert_eq!(named["name"], sql);
        for (path, sent) in [
            ("/models", json!({"cohort": sql})),
            ("/models", json!({"targets": [sql]})),
            (
                "/predict/churn",
                json!({"customer_id": sql, "location": sql}),
            ),
            ("/predict/churn", json!({sql: sql})),
        ] {
            let request = post(address, path, sent.to_string());
            quick(
                request.header("idempotency-key", spaceless(&format!("{sql}{sent}"))),
                path,
            )
            .await;
        }
    }
    let after: Value = body(get(address, "/cohorts/latest")).await;
    assert_eq!(after["id"], before["id"], "it is still there");
    assert_well(address).await;
}

/// Imports customers whose texts are SQL, and finds each by its text.
async fn sql_in_customers(address: SocketAddr) {
    let mut csv = "customer_id,age,location\n".to_owned();
    for sql in SQL {
        let _ = writeln!(csv, "\"{sql}\",30,\"{sql}\"");
    }
    let url = format!("http://{address}/cohorts/import?name={}", encoded(SQL[0]));
    let request = client().post(url).header("content-type", "text/csv");
    let answer = request.body(csv).send().await.unwrap();
    let place = answer.headers()["location"].to_str().unwrap().to_owned();
    let state = ended(address, &place).await;
    assert_eq!(state["customers"], SQL.len(), "{state}");
    for sql in SQL {
        let path = format!("{place}/customers?location={}", encoded(sql));
        let page = body(get(address, &path)).await;
        assert_eq!(page["customers"].as_array().unwrap().len(), 1, "{page}");
        assert_eq!(page["customers"][0]["customer_id"], sql);
    }
    let all = body(get(address, &format!("{place}/customers"))).await;
    assert_eq!(all["customers"].as_array().unwrap().len(), SQL.len());
    assert_well(address).await;
}

async fn body(request: reqwest::RequestBuilder) -> Value {
    request.send().await.unwrap().json().await.unwrap()
}

async fn quick(request: reqwest::RequestBuilder, place: &str) {
    let begun = Instant::now();
    let status = request.send().await.unwrap().status();
    assert!(status.as_u16() < 500, "{place}: {status}");
    assert!(begun.elapsed() < Duration::from_secs(8), "{place} slept");
}

/// A service on a database of its own in Postgres.
async fn on_postgres(settings: &[&str]) -> (Database, Process) {
    let database = Database::fresh().await;
    let mut command: Command = binary(&["serve", "--listen=127.0.0.1:0"]);
    command.arg("--customers=1500").args(settings);
    let mut service = Process::spawn(command.env("DATABASE_URL", &database.url));
    service.wait_until_ready();
    (database, service)
}

#[tokio::test]
async fn sql_in_any_text_is_a_text_in_sqlite() {
    sql_everywhere(in_process(&["--jobs=0"])).await;
    sql_in_customers(in_process(&[])).await;
}

#[tokio::test]
async fn sql_in_any_text_is_a_text_in_postgres() {
    let (_database, idle) = on_postgres(&["--jobs=0"]).await;
    sql_everywhere(idle.address()).await;
    let (_database, service) = on_postgres(&[]).await;
    sql_in_customers(service.address()).await;
}

#[tokio::test]
async fn a_formula_that_came_in_goes_out_as_text() {
    let address = in_process(&[]);
    let formulas = [
        "=1+1",
        "+1-1",
        "-cmd|' /C calc'!A0",
        "@SUM(A1)",
        "\t=1",
        "=HYPERLINK(\"http://a\")",
    ];
    let mut csv = "customer_id,age,location\n".to_owned();
    for (i, formula) in formulas.iter().enumerate() {
        let quoted = formula.replace('"', "\"\"");
        let _ = writeln!(csv, "\"{quoted}{i}\",30,\"{quoted}\"");
    }
    let url = format!("http://{address}/cohorts/import");
    let request = client().post(url).header("content-type", "text/csv");
    let answer = request.body(csv).send().await.unwrap();
    let place = answer.headers()["location"].to_str().unwrap().to_owned();
    let state = ended(address, &place).await;
    assert_eq!(state["state"], "complete", "{state}");
    let file = get(address, &format!("{place}/customers.csv")).send().await;
    let file = file.unwrap().text().await.unwrap();
    let mut rows = csv_rows(&file);
    assert_eq!(rows.remove(0)[0], "customer_id");
    assert_eq!(rows.len(), formulas.len());
    for cell in rows.iter().flatten() {
        let is_number = cell.parse::<f64>().is_ok();
        let begins = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
        assert!(!begins || is_number, "{cell}");
    }
    let named = |cell: &str| rows.iter().any(|row| row[0] == cell);
    assert!(named("'=1+10") && named("'@SUM(A1)3"), "{file}");
}

/// The cells of CSV, their quotes taken off.
fn csv_rows(text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let (mut quoted, mut chars) = (false, text.chars().peekable());
    while let Some(c) = chars.next() {
        let row = rows.last_mut().unwrap();
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                row.last_mut().unwrap().push('"');
                chars.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(String::new()),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !quoted => rows.push(vec![String::new()]),
            c => row.last_mut().unwrap().push(c),
        }
    }
    rows.pop();
    rows
}

#[tokio::test]
async fn no_browser_guesses_what_an_answer_is() {
    for path in ["/", "/docs/", "/models", "/nothing", "/reports/latest.json"] {
        let answer = get(app::shared(), path).send().await.unwrap();
        let said = answer.headers().get("x-content-type-options");
        assert_eq!(said.unwrap(), "nosniff", "{path}");
    }
}
