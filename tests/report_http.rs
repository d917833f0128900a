//! Reports over HTTP and from the command line.

use reqwest::StatusCode;
use serde_json::Value;

use crate::support::app::{binary, get, prepared, shared};

async fn bytes_of(path: &str) -> (StatusCode, String, Vec<u8>) {
    let answer = get(shared(), path).send().await.unwrap();
    let status = answer.status();
    let kind = answer.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    (status, kind, answer.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn the_latest_cohort_has_a_report() {
    let (status, kind, pdf) = bytes_of("/reports/latest.pdf").await;
    assert_eq!((status, kind.as_str()), (StatusCode::OK, "application/pdf"));
    assert!(pdf.starts_with(b"%PDF-1."));
    let (_, _, again) = bytes_of("/reports/latest.pdf").await;
    assert_eq!(pdf, again);
}

#[tokio::test]
async fn the_report_is_json_too_with_its_facts() {
    let (status, kind, body) = bytes_of("/reports/latest.json").await;
    assert_eq!(
        (status, kind.as_str()),
        (StatusCode::OK, "application/json")
    );
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["sections"].as_array().unwrap().len(), 7);
    assert!(body["facts"]["executive"]["arpu_usd"].is_number());
    let cohort = get(shared(), "/cohorts/latest").send().await.unwrap();
    let cohort: Value = cohort.json().await.unwrap();
    let id = cohort["id"].as_str().unwrap();
    let (status, _, by_id) = bytes_of(&format!("/reports/{id}.json")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(serde_json::from_slice::<Value>(&by_id).unwrap(), body);
}

#[tokio::test]
async fn a_chart_is_an_svg() {
    let (status, kind, svg) = bytes_of("/reports/latest/charts/dating-funnel.svg").await;
    assert_eq!((status, kind.as_str()), (StatusCode::OK, "image/svg+xml"));
    assert!(String::from_utf8(svg).unwrap().contains("role=\"img\""));
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    for path in [
        "/reports/latest.pdf",
        "/reports/latest.json",
        "/reports/latest/charts/revenue-mix.svg",
    ] {
        let first = get(shared(), path).send().await.unwrap();
        let tag = first.headers()["etag"].clone();
        let same = get(shared(), path)
            .header("if-none-match", &tag)
            .send()
            .await
            .unwrap();
        assert_eq!(same.status(), StatusCode::NOT_MODIFIED, "{path}");
        assert_eq!(same.headers()["etag"], tag);
        assert!(same.bytes().await.unwrap().is_empty());
        let other = get(shared(), path)
            .header("if-none-match", "\"other\"")
            .send()
            .await
            .unwrap();
        assert_eq!(other.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_setting_changes_the_report_and_its_tag() {
    let tag =
        async |path: &str| get(shared(), path).send().await.unwrap().headers()["etag"].clone();
    let usual = tag("/reports/latest.json").await;
    assert_ne!(tag("/reports/latest.json?locale=de-DE").await, usual);
    assert_ne!(tag("/reports/latest.json?bundle=10").await, usual);
    assert_eq!(
        tag("/reports/latest.json?bundle=5").await,
        usual,
        "it is the default"
    );
}

#[tokio::test]
async fn what_is_not_there_is_told_with_what_is() {
    for (path, words) in [
        ("/reports/latest", ".pdf or .json"),
        ("/reports/latest.docx", ".pdf or .json"),
        (
            "/reports/00000000-0000-0000-0000-000000000000.pdf",
            "POST /cohorts makes one",
        ),
        ("/reports/nonsense.pdf", "the id of a complete cohort"),
        ("/reports/latest/charts/pie.svg", "revenue-mix"),
        ("/reports/latest/charts/segments", "revenue-mix"),
    ] {
        let (status, kind, body) = bytes_of(path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(kind, "application/problem+json");
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert!(
            body["detail"].as_str().unwrap().contains(words),
            "{path}: {body}"
        );
    }
}

#[tokio::test]
async fn a_setting_that_can_not_be_is_named() {
    let (status, _, body) = bytes_of("/reports/latest.pdf?locale=xx&bundel=3&customers=0").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let body: Value = serde_json::from_slice(&body).unwrap();
    let errors = body["errors"].as_array().unwrap();
    let fields: Vec<_> = errors
        .iter()
        .map(|e| e["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["locale", "bundel", "customers"]);
}

#[test]
fn the_command_writes_the_same_report() {
    let folder = prepared();
    let data = format!("--data-dir={}", folder.path().display());
    let out = folder.path().join("report.pdf");
    let run = |out: &str| {
        let args = ["report", "--cohort=latest", "--out", out, &data];
        binary(&args).output().unwrap()
    };
    let done = run(out.to_str().unwrap());
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(std::fs::read(&out).unwrap().starts_with(b"%PDF-1."));
    let refused = run("report.docx");
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains(".pdf or a .json"));
}

#[test]
fn the_command_says_how_a_cohort_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = format!("--data-dir={}", folder.path().display());
    let out = folder.path().join("report.pdf");
    let args = ["report", "--out", out.to_str().unwrap(), &data];
    let refused = binary(&args).output().unwrap();
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("engagecast import"), "{said}");
}
