//! The documentation says what the code does: the OpenAPI document, the page
//! that shows it, and the tables of columns and settings.

use std::collections::BTreeSet;
use std::fs;

use engagecast::schema::{COLUMNS, Kind, document as columns_document};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::app::{self, client, get, in_process, shared};

mod settings;

async fn document() -> Value {
    let answer = get(shared(), "/openapi.json").send().await.unwrap();
    answer.json().await.unwrap()
}

/// Every operation: its path, its method, and what is said of it.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let item = item.as_object().unwrap();
            item.iter()
                .map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
        })
        .collect()
}

#[tokio::test]
async fn the_committed_document_is_the_one_that_is_served_and_printed() {
    let committed =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json"));
    let committed = committed.unwrap();
    let printed = app::binary(&["openapi"]).output().unwrap();
    // Not by assert_eq!, which would print both.
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert!(
        committed == printed,
        "run scripts/document to write it anew"
    );
    let served = get(shared(), "/openapi.json").send().await.unwrap();
    assert_eq!(served.text().await.unwrap(), committed);
}

#[tokio::test]
async fn every_operation_says_what_it_does_and_how_it_can_fail() {
    let document = document().await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for (path, method, operation) in operations(&document) {
        let place = format!("{method} {path}");
        assert!(operation["summary"].is_string(), "{place}");
        assert!(operation["description"].is_string(), "{place}");
        assert!(operation["operationId"].is_string(), "{place}");
        let succeeds = ["200", "202", "204"].map(|status| &operation["responses"][status]);
        assert!(succeeds.iter().any(|r| r.is_object()), "{place}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(response["description"].is_string(), "{place} {status}");
            let failure = if path.starts_with("/v2") {
                "application/json"
            } else {
                "application/problem+json"
            };
            let is_problem = response["content"].get(failure).is_some();
            let is_failure = status.parse::<u16>().unwrap() >= 400;
            assert_eq!(
                is_problem,
                is_failure && (path, status.as_str()) != ("/readyz", "503")
                    || path.starts_with("/v2"),
                "{place} {status}"
            );
        }
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    fn check(document: &Value, value: &Value) {
        if let Some(pointer) = value.get("$ref").and_then(Value::as_str) {
            let target = document.pointer(pointer.trim_start_matches('#'));
            assert!(target.is_some(), "{pointer}");
        }
        match value {
            Value::Object(fields) => fields.values().for_each(|v| check(document, v)),
            Value::Array(items) => items.iter().for_each(|v| check(document, v)),
            _ => {}
        }
    }
    let document = document().await;
    check(&document, &document);
}

/// The examples of a request's body, each with its format: those of the formats
/// that are text, or of their schemas.
fn examples_of(document: &Value, body: &Value) -> Vec<(String, String)> {
    let content = body["content"].as_object().unwrap();
    let examples = content.iter().filter_map(|(kind, media)| {
        let pointer = media["schema"]["$ref"].as_str();
        let schema = pointer.map(|at| document.pointer(at.trim_start_matches('#')).unwrap());
        let example = match (kind.as_str(), media["example"].as_str(), schema) {
            ("multipart/form-data", ..) => return Some(form_of(schema.unwrap())),
            (_, Some(text), _) => text.to_owned(),
            (_, None, Some(schema)) if schema["format"] != "binary" => {
                let examples = [&schema["example"], &schema["examples"][0]];
                let example = examples.into_iter().find(|example| example.is_object());
                example.expect("an example").to_string()
            }
            _ => return None,
        };
        Some((kind.clone(), example))
    });
    examples.collect()
}

/// A form whose file is read by the example of a mapping.
fn form_of(schema: &Value) -> (String, String) {
    let mapping = schema["properties"]["mapping"]["example"].as_str().unwrap();
    let parts = [
        ("file", "customer_id,months_active\nc-1,7\n"),
        ("mapping", mapping),
    ];
    let mut form = String::new();
    for (name, text) in parts {
        form.extend([
            "--part\r\ncontent-disposition: form-data; name=\"",
            name,
            "\"\r\n\r\n",
            text,
            "\r\n",
        ]);
    }
    (
        "multipart/form-data; boundary=part".into(),
        form + "--part--\r\n",
    )
}

#[tokio::test]
async fn the_examples_of_the_requests_work() {
    // They make and delete, so the service is one of their own.
    let address = in_process(&[]);
    let document = document().await;
    let mut tried = 0;
    // What is read is read first: an example that imports makes a `latest` cohort
    // without what a chart needs.
    let mut all: Vec<_> = operations(&document).into_iter().collect();
    all.sort_by_key(|(_, method, _)| *method != "get");
    for (path, method, operation) in all {
        let mut path = path.to_owned();
        let mut query = Vec::new();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            let example = &parameter["example"];
            let text = example.as_str().map_or(example.to_string(), str::to_owned);
            match parameter["in"].as_str().unwrap() {
                "path" => path = path.replace(&format!("{{{name}}}"), &text),
                "query" if !example.is_null() => query.push(format!("{name}={text}")),
                _ => {}
            }
        }
        let place = format!("{method} {path}?{}", query.join("&"));
        let url = format!("http://{address}{path}?{}", query.join("&"));
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        let mut requests = vec![client().request(method.clone(), &url)];
        if let Some(body) = operation.get("requestBody") {
            let examples = examples_of(&document, body).into_iter();
            let request = |(kind, body)| {
                let request = client().request(method.clone(), &url);
                request.header("content-type", kind).body(body)
            };
            requests = examples.map(request).collect();
            assert!(!requests.is_empty(), "{place} has no example");
        }
        for request in requests {
            let status = request.send().await.unwrap().status();
            // An example can't know the ids of a database that it has never seen, nor
            // which of the two candidates of a target serves.
            let unknown = path.contains("0199c5f2") || path.ends_with("xgboost.json");
            let fine = status.is_success() || unknown && status == StatusCode::NOT_FOUND;
            assert!(fine, "{place}: {status}");
            let documented = &operation["responses"][status.as_str()];
            assert!(documented.is_object(), "{place}: {status}");
            tried += 1;
        }
    }
    assert!(tried >= 43, "{tried}");
}

#[tokio::test]
async fn a_customer_in_the_document_has_the_columns_of_the_schema() {
    let document = document().await;
    let customer = &document["components"]["schemas"]["Customer"];
    let properties = customer["properties"].as_object().unwrap();
    let documented: BTreeSet<_> = properties.keys().map(String::as_str).collect();
    let columns: BTreeSet<_> = COLUMNS.iter().map(|column| column.name).collect();
    assert_eq!(documented, columns);
    assert_eq!(customer["additionalProperties"], false);
    for column in &COLUMNS {
        let property = &properties[column.name];
        let description = property["description"].as_str().unwrap();
        assert!(description.starts_with(column.meaning));
        if column.kind.is_number() {
            assert_eq!(property["minimum"].as_f64(), Some(column.valid.min));
            assert_eq!(property["maximum"].as_f64(), Some(column.valid.max));
        }
        if let Kind::Category(names) = column.kind {
            let values = property["enum"].as_array().unwrap();
            assert!(names.iter().all(|name| values.contains(&(*name).into())));
        }
    }
}

#[tokio::test]
async fn answers_have_no_field_that_the_document_lacks() {
    let document = document().await;
    let schemas = &document["components"]["schemas"];
    let profile = app::full_profile().to_string();
    let churn = app::post(shared(), "/predict/churn?explain=2", profile.clone());
    let ltv = app::post(shared(), "/predict/ltv", profile);
    let unknown = get(shared(), "/nothing");
    for (request, schema) in [
        (churn, "Prediction"),
        (ltv, "Prediction"),
        (unknown, "Problem"),
        (get(shared(), "/models/active/churn"), "ModelCard"),
        (get(shared(), "/models/active/ltv"), "ModelCard"),
        (get(shared(), "/cohorts/latest"), "Cohort"),
        (get(shared(), "/readyz"), "Readiness"),
        (get(shared(), "/healthz"), "Health"),
    ] {
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        let fields = answer.as_object().unwrap();
        let schema = &schemas[schema];
        let documented = schema["properties"].as_object().unwrap();
        for field in fields.keys() {
            assert!(documented.contains_key(field), "{field}");
        }
        for field in schema["required"].as_array().unwrap() {
            assert!(fields.contains_key(field.as_str().unwrap()), "{field}");
        }
    }
}

#[tokio::test]
async fn the_page_works_without_the_internet() {
    let redirect = get(shared(), "/docs").send().await.unwrap();
    assert_eq!(redirect.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(redirect.headers()["location"], "/docs/");

    let page = get(shared(), "/docs/").send().await.unwrap();
    assert_eq!(page.headers()["content-type"], "text/html");
    let html = page.text().await.unwrap();
    let mut loaded = 0;
    for attribute in ["src=\"", "href=\""] {
        for rest in html.split(attribute).skip(1) {
            let file = rest.split('"').next().unwrap();
            assert!(!file.contains("//"), "{file} is loaded from elsewhere");
            let path = format!("/docs/{}", file.trim_start_matches("./"));
            let asset = get(shared(), &path).send().await.unwrap();
            assert_eq!(asset.status(), StatusCode::OK, "{path}");
            loaded += 1;
        }
    }
    assert!(loaded >= 5);
    let settings = get(shared(), "/docs/swagger-initializer.js").send().await;
    let settings = settings.unwrap().text().await.unwrap();
    assert!(settings.contains("\"/openapi.json\""));
    assert!(settings.contains("\"validatorUrl\": \"none\""));
    assert!(!settings.contains("http"), "{settings}");
}

/// Compares the part of a page that stands between two such lines with what it
/// should be, or writes it anew for `scripts/document`.
fn compare(page: &str, part: &str, expected: &str) {
    let begin = format!("<!-- {part}: begin, written by scripts/document -->\n");
    let end = format!("<!-- {part}: end -->");
    let path = format!("{}/{page}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(&begin).expect("it has a written part");
    let (stands, after) = rest.split_once(&end).expect("the written part ends");
    if std::env::var_os("ENGAGECAST_WRITE_DOCUMENTS").is_some() {
        fs::write(&path, format!("{before}{begin}{expected}{end}{after}")).unwrap();
        return;
    }
    assert_eq!(
        stands, expected,
        "run scripts/document to write {page} anew"
    );
}

#[test]
fn written_tables_list_the_columns_of_the_schema() {
    compare("docs/dataset.md", "columns", &columns_document::markdown());
}

#[test]
fn written_tables_list_the_settings_of_the_service() {
    compare("docs/operations.md", "settings", &settings::markdown());
}

#[tokio::test]
async fn what_is_read_is_compressed_for_those_who_ask() {
    for path in ["/openapi.json", "/models/active/churn", "/docs/"] {
        let plain = get(shared(), path).send().await.unwrap();
        assert!(!plain.headers().contains_key("content-encoding"), "{path}");
        let plain = plain.bytes().await.unwrap().len();
        let packed = get(shared(), path).header("accept-encoding", "gzip");
        let packed = packed.send().await.unwrap();
        assert_eq!(packed.headers()["content-encoding"], "gzip", "{path}");
        assert!(packed.bytes().await.unwrap().len() < plain, "{path}");
    }
}
