//! The Open Inference Protocol, asked as its clients ask: with the bytes that
//! tritonclient sends (`tests/data/oip/make.py` writes them), and by hand.

use std::io::Write;
use std::net::TcpStream;

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::support::app::{client, full_profile, get, in_process, post, shared};
use crate::support::raw;

/// An answer of the protocol: its JSON, and the binary data behind it.
struct Answer {
    json: Value,
    binary: Vec<u8>,
}

impl Answer {
    fn of(body: &[u8], header: Option<usize>) -> Self {
        let (json, binary) = body.split_at(header.unwrap_or(body.len()));
        Self {
            json: serde_json::from_slice(json).unwrap(),
            binary: binary.to_vec(),
        }
    }

    fn names(&self) -> Vec<&str> {
        let outputs = self.json["outputs"].as_array().unwrap().iter();
        outputs
            .map(|output| output["name"].as_str().unwrap())
            .collect()
    }

    /// The values of an output as JSON has them, wherever they are.
    fn values(&self, name: &str) -> Vec<Value> {
        let mut rest = self.binary.as_slice();
        for output in self.json["outputs"].as_array().unwrap() {
            let size = output["parameters"]["binary_data_size"].as_u64();
            let data = rest.split_off(..usize::try_from(size.unwrap_or(0)).unwrap());
            if output["name"] != name {
                continue;
            }
            let values = match size {
                None => output["data"].as_array().unwrap().clone(),
                Some(_) => decoded(output["datatype"].as_str().unwrap(), data.unwrap()),
            };
            assert_eq!(output["shape"], json!([values.len()]));
            return values;
        }
        panic!("no output is called {name}: {:?}", self.names());
    }
}

fn decoded(kind: &str, mut data: &[u8]) -> Vec<Value> {
    match kind {
        "FP64" => (data.chunks_exact(8))
            .map(|bytes| json!(f64::from_le_bytes(bytes.try_into().unwrap())))
            .collect(),
        "BOOL" => data.iter().map(|&byte| json!(byte == 1)).collect(),
        "BYTES" => {
            let mut texts = Vec::new();
            while let Some((length, rest)) = data.split_first_chunk::<4>() {
                let (text, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
                texts.push(json!(std::str::from_utf8(text).unwrap()));
                data = rest;
            }
            texts
        }
        other => panic!("{other} is no type of an output"),
    }
}

/// Sends what a file has, byte for byte, and reads the answer.
fn sent_by_triton(request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(shared()).unwrap();
    // The client keeps its connection; this one is done after one request.
    let end = request.windows(2).position(|w| w == b"\r\n").unwrap();
    stream.write_all(&request[..end]).unwrap();
    stream.write_all(b"\r\nconnection: close").unwrap();
    stream.write_all(&request[end..]).unwrap();
    let answer = raw::rest_bytes(stream);
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let length = head.lines().find_map(|line| {
        line.strip_prefix("inference-header-content-length: ")?
            .parse()
            .ok()
    });
    Answer::of(&answer[end + 4..], length)
}

/// What the batch says of the same customers, by the column of the table.
async fn batch(target: &str, customers: &str) -> Vec<Value> {
    let url = format!("http://{}/predict/{target}/batch", shared());
    let request = client()
        .post(url)
        .header("content-type", "application/json");
    let request = request.header("accept", "application/x-ndjson");
    let answer = request.body(customers.to_owned()).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let lines = answer.text().await.unwrap();
    lines
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

fn agrees(answer: &Answer, rows: &[Value]) {
    for name in answer.names() {
        for (row, value) in answer.values(name).iter().enumerate() {
            let known = &rows[row][name];
            match known {
                // What a tensor has where a table has nothing.
                Value::Null => assert!(
                    [json!(null), json!(""), json!(false)].contains(value),
                    "{name} of row {row}: {value}"
                ),
                known => assert_eq!(value, known, "{name} of row {row}"),
            }
        }
    }
}

#[tokio::test]
async fn what_tritonclient_sends_is_answered_as_the_batch_is() {
    let customers = include_str!("data/oip/customers.json");
    let rows = batch("churn", customers).await;
    let all = ["probability", "tier", "percentile", "applicable", "error"];
    for (bytes, names) in [
        (&include_bytes!("data/oip/binary.http")[..], &all[..]),
        (include_bytes!("data/oip/gzip.http"), &all),
        (include_bytes!("data/oip/deflate.http"), &all),
        (
            include_bytes!("data/oip/json.http"),
            &["probability", "tier", "error"],
        ),
        (
            include_bytes!("data/oip/chosen.http"),
            &["probability", "error"],
        ),
    ] {
        let answer = sent_by_triton(bytes);
        assert_eq!(answer.names(), names);
        agrees(&answer, &rows);
        let errors = answer.values("error");
        let at_fault: Vec<bool> = errors.iter().map(|e| e != "").collect();
        assert_eq!(at_fault, [false, false, false, true, true, false]);
    }
    let named = sent_by_triton(include_bytes!("data/oip/binary.http"));
    assert_eq!(named.json["id"], "42");
    assert_eq!(named.json["model_name"], "churn");
    let unnamed = sent_by_triton(include_bytes!("data/oip/json.http"));
    assert!(unnamed.binary.is_empty() && unnamed.json.get("id").is_none());
}

async fn ask(path: &str, body: &Value) -> Response {
    post(shared(), path, body.to_string()).send().await.unwrap()
}

/// One customer as inputs.
fn inputs(customer: &Value) -> Vec<Value> {
    let columns = customer.as_object().unwrap().iter();
    let tensor = |(name, value): (&String, &Value)| {
        let kind = match value {
            Value::String(_) => "BYTES",
            Value::Bool(_) => "BOOL",
            _ => "FP64",
        };
        json!({"name": name, "shape": [1, 1], "datatype": kind, "data": [[value]]})
    };
    columns.map(tensor).collect()
}

#[tokio::test]
async fn every_target_answers_a_whole_customer_as_its_own_call_does() {
    let customer = full_profile();
    for target in engagecast::models::Target::ALL {
        let path = format!("/v2/models/{target}/infer");
        let asked = json!({"inputs": inputs(&customer), "parameters": {"explain": 2}});
        let answer = ask(&path, &asked).await;
        assert_eq!(answer.status(), StatusCode::OK, "{target}");
        let answer = Answer::of(&answer.bytes().await.unwrap(), None);
        let alone = post(
            shared(),
            &format!("/predict/{target}?explain=2"),
            customer.to_string(),
        );
        let alone: Value = alone.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer.json["model_version"], alone["model_version"]);
        let number = |name: &str| answer.values(name)[0].as_f64().unwrap();
        let near = |one: f64, other: &Value| {
            assert!(
                (one - other.as_f64().unwrap()).abs() < 1e-6,
                "{target}: {one} {other}"
            );
        };
        if alone["applicable"] == false {
            assert_eq!(answer.values("applicable"), [json!(false)]);
            assert_eq!(answer.values("reasons"), [json!("")]);
            continue;
        }
        if alone.get("probability").is_some() {
            near(number("probability"), &alone["probability"]);
            assert_eq!(answer.values("tier")[0], alone["tier"]);
        } else {
            near(number("value"), &alone["value"]);
            near(number("lower"), &alone["interval"]["lower"]);
            near(number("upper"), &alone["interval"]["upper"]);
        }
        let reasons = answer.values("reasons")[0].as_str().unwrap().to_owned();
        let reasons: Value = serde_json::from_str(&reasons).unwrap();
        assert_eq!(reasons[0]["feature"], alone["reasons"][0]["feature"]);
    }
}

#[tokio::test]
async fn a_thousand_customers_are_answered_in_order() {
    let ages: Vec<f64> = (0..1000_u32).map(|i| f64::from(13 + i % 100)).collect();
    let customers: Vec<Value> = ages.iter().map(|age| json!({"age": age})).collect();
    let asked = json!({
        "inputs": [{"name": "age", "shape": [1000], "datatype": "FP64", "data": ages}],
        "outputs": [{"name": "value"}, {"name": "lower", "parameters": {"binary_data": true}}],
    });
    let answer = ask("/v2/models/ltv/infer", &asked).await;
    let length = answer.headers()["inference-header-content-length"].to_str();
    let length = length.unwrap().parse().ok();
    let answer = Answer::of(&answer.bytes().await.unwrap(), length);
    let rows = batch("ltv", &json!({"customers": customers}).to_string()).await;
    agrees(&answer, &rows);
    assert_eq!(answer.values("lower").len(), 1000);
}

#[tokio::test]
async fn a_model_tells_its_inputs_and_outputs() {
    for path in ["/v2/models/churn", "/v2/models/churn/versions/active"] {
        let model: Value = get(shared(), path)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(model["name"], "churn");
        let inputs = model["inputs"].as_array().unwrap();
        assert_eq!(inputs.len(), engagecast::schema::COLUMN_COUNT);
        let input = |name: &str| inputs.iter().find(|input| input["name"] == name).unwrap();
        assert_eq!(input("age")["datatype"], "FP64");
        assert_eq!(input("age")["shape"], json!([-1]));
        assert_eq!(input("age")["parameters"]["used"], true);
        assert_eq!(input("gender")["datatype"], "BYTES");
        assert_eq!(input("is_creator")["datatype"], "BOOL");
        assert_eq!(input("churn_30_day")["parameters"]["used"], false);
        assert_eq!(
            model["outputs"][1],
            json!({"name": "tier", "datatype": "BYTES", "shape": [-1]})
        );
    }
}

#[tokio::test]
async fn the_server_and_its_models_are_ready() {
    let version = get(shared(), "/readyz").send().await.unwrap();
    let version: Value = version.json().await.unwrap();
    let version = version["model_version"].as_str().unwrap();
    for path in [
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/ltv/ready",
        &format!("/v2/models/ltv/versions/{version}/ready"),
    ] {
        let answer = get(shared(), path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert!(answer.headers().contains_key("x-request-id"));
    }
    let index = ask("/v2/repository/index", &json!({})).await;
    let index: Value = index.json().await.unwrap();
    assert_eq!(index.as_array().unwrap().len(), 8);
    assert_eq!(index[0]["state"], "READY");
}

#[tokio::test]
async fn a_failure_is_what_clients_of_the_protocol_read() {
    let age = |rest: Value| json!({"inputs": [{"name": "age", "shape": [1], "datatype": "FP64", "data": rest}]});
    for (path, body, status, words) in [
        ("/v2/models/chrun/infer", age(json!([31])), 404, "churn"),
        (
            "/v2/models/churn/versions/1/infer",
            age(json!([31])),
            404,
            "version that serves",
        ),
        (
            "/v2/models/churn/infer",
            age(json!([31, 32])),
            400,
            "age: data",
        ),
        (
            "/v2/models/churn/infer",
            json!({"inputs": "all"}),
            400,
            "line 1",
        ),
        (
            "/v2/models/churn/infer",
            json!({"inputs": [{"name": "agee", "shape": [1], "datatype": "FP64", "data": [1]}]}),
            400,
            "did you mean age?",
        ),
        (
            "/v2/models/churn/infer",
            json!({"inputs": [{"name": "age", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": 4}}]}),
            400,
            "binary data",
        ),
        (
            "/v2/models/churn/infer",
            json!({
                "inputs": [{"name": "age", "shape": [1], "datatype": "FP64", "data": [31]}],
                "outputs": [{"name": "probability"}, {"name": "tier"}, {"name": "probability"}],
            }),
            400,
            "named twice",
        ),
        ("/v2/nothing", json!({}), 404, "/docs"),
        ("/v2/models/churn", json!({}), 405, "Allow"),
    ] {
        let answer = ask(path, &body).await;
        assert_eq!(answer.status().as_u16(), status, "{path} {body}");
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert!(answer.headers().contains_key("x-request-id"));
        let error: Value = answer.json().await.unwrap();
        assert_eq!(error.as_object().unwrap().len(), 1);
        assert!(error["error"].as_str().unwrap().contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_body_that_grows_when_it_is_unpacked_is_refused() {
    let address = in_process(&["--max-batch-bytes=20000"]);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&vec![b' '; 1_000_000]).unwrap();
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 2000);
    let of = |coding: &'static str, body: Vec<u8>| {
        let request = post(address, "/v2/models/churn/infer", body);
        request.header("content-encoding", coding).send()
    };
    assert_eq!(of("gzip", packed.clone()).await.unwrap().status(), 413);
    assert_eq!(of("deflate", packed.clone()).await.unwrap().status(), 400);
    assert_eq!(of("br", packed).await.unwrap().status(), 415);
    assert_eq!(
        of("identity", vec![b' '; 20_001]).await.unwrap().status(),
        413
    );
}
