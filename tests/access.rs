//! Keys: who may call what, from when on and until when.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::app::{self, Process, binary, client, in_process, post, prepared};
use crate::support::postgres::{Cluster, Database};
use crate::support::raw;

const SEED: &str = "a-key-of-the-tests-0123456789-0123456789";
const SCOPES: [&str; 3] = ["predict", "read", "admin"];
const PROFILE: &str = r#"{"age": 30, "tenure_months": 3}"#;

/// Where keys are: a folder, or the database of a URL.
enum Place<'a> {
    Folder(&'a Path),
    Url(&'a str),
}

impl Place<'_> {
    fn at(&self, command: &mut Command) {
        match self {
            Self::Folder(folder) => command.env("ENGAGECAST_DATA_DIR", folder),
            Self::Url(url) => command.env("DATABASE_URL", url),
        };
    }

    /// Runs `engagecast keys`; what it prints.
    fn keys(&self, args: &[&str]) -> String {
        let mut command = binary(&["keys"]);
        self.at(&mut command);
        let output = command.args(args).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// A new key.
    fn key(&self, scope: &str, more: &[&str]) -> String {
        let name = format!("--name={scope} of a test");
        let args = [&["create", "--scope", scope, &name], more].concat();
        self.keys(&args).trim_end().to_owned()
    }

    /// The id of the good key of this name.
    fn id(&self, name: &str) -> String {
        let list = self.keys(&["list"]);
        let is_it = |line: &&str| line.ends_with(name) && line.contains(" good");
        let line = list.lines().find(is_it).unwrap();
        line.split_whitespace().next().unwrap().to_owned()
    }
}

/// A file with an admin key, in a folder of its own.
fn seed_file() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("admin-key");
    fs::write(&file, format!("{SEED}\n")).unwrap();
    let setting = format!("--admin-key-file={}", file.display());
    (folder, setting)
}

/// Checks that an answer is a refusal as it should be.
async fn refused(answer: Response, status: StatusCode, kind: &str, place: &str) {
    assert_eq!(answer.status(), status, "{place}");
    let asked = answer.headers()["www-authenticate"].to_str().unwrap();
    assert!(asked.starts_with("Bearer realm=\"engagecast\""), "{asked}");
    let kind_of = answer.headers().get("content-type").cloned();
    // Clients of the Open Inference Protocol read failures of another form.
    if kind_of.is_some_and(|kind| kind == "application/problem+json")
        && let Ok(body) = answer.json::<Value>().await
    {
        assert_eq!(body["type"], format!("urn:engagecast:problem:{kind}"));
    }
}

/// Every operation of the document: its method, a path, and its scope.
async fn operations(address: std::net::SocketAddr) -> Vec<(Method, String, Option<String>)> {
    let document: Value = app::get(address, "/openapi.json")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        // What a path names is not there, so no call does anything.
        let mut parts: Vec<&str> = path.split('/').collect();
        for part in &mut parts {
            if part.starts_with('{') {
                *part = "none";
            }
        }
        for (method, operation) in item.as_object().unwrap() {
            let security = operation["security"].as_array();
            let security = security.unwrap_or_else(|| panic!("{method} {path} has no scope"));
            let scope = security.first().map(|one| {
                let scope = one["key"][0].as_str().unwrap();
                assert!(SCOPES.contains(&scope), "{scope}");
                scope.to_owned()
            });
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            all.push((method, parts.join("/"), scope));
        }
    }
    all
}

#[tokio::test]
async fn every_route_asks_for_a_key_of_its_scope() {
    let (_folder, seed) = seed_file();
    let address = in_process(&["--allow-anonymous=false", &seed]);
    let client = client();
    let request = |method: &Method, path: &str| {
        client.request(method.clone(), format!("http://{address}{path}"))
    };
    let mut guarded = 0;
    for (method, path, scope) in operations(address).await {
        let place = format!("{method} {path}");
        let bare = request(&method, &path).send().await.unwrap();
        if scope.is_none() {
            assert!(!matches!(bare.status().as_u16(), 401 | 403), "{place}");
            continue;
        }
        guarded += 1;
        refused(bare, StatusCode::UNAUTHORIZED, "unauthorized", &place).await;
        for wrong in ["engagecast_0", "", SEED.trim_end_matches('9'), &SEED[1..]] {
            let answer = request(&method, &path).bearer_auth(wrong).send().await;
            let answer = answer.unwrap();
            refused(answer, StatusCode::UNAUTHORIZED, "unauthorized", &place).await;
        }
        let basic = request(&method, &path).basic_auth("admin", Some(SEED));
        let basic = basic.send().await.unwrap();
        refused(basic, StatusCode::UNAUTHORIZED, "unauthorized", &place).await;
        if method == Method::GET {
            let head = request(&Method::HEAD, &path).send().await.unwrap();
            refused(head, StatusCode::UNAUTHORIZED, "unauthorized", &place).await;
        }
        let good = request(&method, &path).bearer_auth(SEED).send().await;
        let status = good.unwrap().status().as_u16();
        assert!(!matches!(status, 401 | 403) && status < 500, "{place}");
    }
    assert!(guarded >= 20, "{guarded}");
}

#[tokio::test]
async fn every_route_refuses_a_key_of_a_lesser_scope() {
    let folder = prepared();
    let place = Place::Folder(folder.path());
    let keys = SCOPES.map(|scope| (scope, place.key(scope, &[])));
    let mut service = Process::start(folder.path(), &["--allow-anonymous=false"]);
    service.wait_until_ready();
    let address = service.address();
    let client = client();
    let rank = |scope: &str| SCOPES.iter().position(|known| *known == scope).unwrap();
    let mut tried = [0; 2];
    for (method, path, needed) in operations(address).await {
        let Some(needed) = needed else { continue };
        for (scope, key) in &keys {
            let place = format!("{method} {path} with {scope}");
            let request = client.request(method.clone(), format!("http://{address}{path}"));
            let answer = request.bearer_auth(key).send().await.unwrap();
            let enough = rank(scope) >= rank(&needed);
            tried[usize::from(enough)] += 1;
            if enough {
                let status = answer.status().as_u16();
                assert!(
                    !matches!(status, 401 | 403) && status < 500,
                    "{place}: {status}"
                );
            } else {
                refused(answer, StatusCode::FORBIDDEN, "forbidden", &place).await;
            }
        }
    }
    assert!(tried[0] >= 20 && tried[1] >= 40, "{tried:?}");
}

#[tokio::test]
async fn an_address_that_is_none_tells_nothing_of_keys() {
    let (_folder, seed) = seed_file();
    let address = in_process(&["--allow-anonymous=false", &seed]);
    for (method, path, status) in [
        (Method::GET, "/nothing", 404),
        (Method::GET, "/predict/churn/batch/x", 404),
        (Method::PUT, "/models", 405),
        (Method::OPTIONS, "/cohorts", 405),
    ] {
        let mut bodies = Vec::new();
        for key in [None, Some("wrong"), Some(SEED)] {
            let request = client().request(method.clone(), format!("http://{address}{path}"));
            let request = request.header("x-request-id", "same");
            let request = match key {
                Some(key) => request.bearer_auth(key),
                None => request,
            };
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), status, "{method} {path}");
            bodies.push(answer.text().await.unwrap());
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "{bodies:?}");
    }
}

#[tokio::test]
async fn on_a_loopback_address_no_key_is_needed_and_a_wrong_one_is_told() {
    let address = app::shared();
    let ask = || post(address, "/predict/churn", PROFILE);
    assert_eq!(ask().send().await.unwrap().status(), StatusCode::OK);
    let wrong = ask().bearer_auth("wrong").send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    // A proxy before the service may ask for credentials of its own.
    let proxied = ask().basic_auth("a", Some("b")).send().await.unwrap();
    assert_eq!(proxied.status(), StatusCode::OK);
}

fn anywhere(folder: &Path, settings: &[&str]) -> Command {
    let data = format!("--data-dir={}", folder.display());
    let mut command = binary(&["serve", "--listen=0.0.0.0:0", "--customers=1500", &data]);
    command.args(settings);
    command
}

#[tokio::test]
async fn an_address_of_others_is_not_served_without_a_key() {
    let folder = prepared();
    let refused = anywhere(folder.path(), &[]).output().unwrap();
    assert!(!refused.status.success());
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    let last = words.lines().last().unwrap();
    for way in ["keys create", "--admin-key-file", "--allow-anonymous"] {
        assert!(last.starts_with("error: ") && last.contains(way), "{words}");
    }
    assert!(!words.contains("listening"), "{words}");

    // A key that is revoked is none.
    let place = Place::Folder(folder.path());
    place.key("admin", &[]);
    place.keys(&["revoke", &place.id("admin of a test")]);
    assert!(!anywhere(folder.path(), &[]).status().unwrap().success());

    let mut open = Process::spawn(&mut anywhere(folder.path(), &["--allow-anonymous"]));
    open.wait_until_ready();
    let answer = post(open.address(), "/predict/churn", PROFILE).send().await;
    assert_eq!(answer.unwrap().status(), StatusCode::OK);
    assert!(open.log().contains("may do everything without a key"));
    assert!(open.terminate().success());
}

#[tokio::test]
async fn a_key_in_a_file_lets_a_container_start() {
    let (secret, seed) = seed_file();
    let folder = prepared();
    let mut service = Process::spawn(&mut anywhere(folder.path(), &[&seed]));
    service.wait_until_ready();
    let ask = || post(service.address(), "/predict/churn", PROFILE);
    let bare = ask().send().await.unwrap();
    assert_eq!(bare.status(), StatusCode::UNAUTHORIZED);
    let good = ask().bearer_auth(SEED).send().await.unwrap();
    assert_eq!(good.status(), StatusCode::OK);
    assert!(service.terminate().success());

    // It is a key like any other from now on: once, and until it is revoked.
    let place = Place::Folder(folder.path());
    place.keys(&["revoke", &place.id("admin-key-file")]);
    assert!(
        !anywhere(folder.path(), &[&seed])
            .status()
            .unwrap()
            .success()
    );

    fs::write(secret.path().join("admin-key"), "too-short").unwrap();
    let refused = anywhere(folder.path(), &[&seed]).output().unwrap();
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success());
    assert!(words.contains("32 to 256 visible ASCII"), "{words}");
    assert!(!words.contains("too-short"), "{words}");
}

fn replica(url: &str, folder: &Path, settings: &[&str]) -> Process {
    let data = format!("--data-dir={}", folder.display());
    let mut command = binary(&["serve", "--listen=127.0.0.1:0", "--customers=1500", &data]);
    Process::spawn(command.env("DATABASE_URL", url).args(settings))
}

fn with_key(service: &Process, key: &str) -> RequestBuilder {
    post(service.address(), "/predict/churn", PROFILE).bearer_auth(key)
}

/// Waits until all replicas answer a key so; within the two seconds promised.
async fn all_answer(services: &[Process], key: &str, status: StatusCode) {
    let begun = Instant::now();
    for service in services {
        while with_key(service, key).send().await.unwrap().status() != status {
            assert!(begun.elapsed() < Duration::from_secs(2), "{status}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_good_and_revoked_on_every_replica_within_two_seconds() {
    let database = Database::fresh().await;
    let place = Place::Url(&database.url);
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut services = folders
        .each_ref()
        .map(|folder| replica(&database.url, folder.path(), &["--allow-anonymous"]));
    services.iter_mut().for_each(Process::wait_until_ready);
    for _ in 0..2 {
        let key = place.key("predict", &[]);
        all_answer(&services, &key, StatusCode::OK).await;
        place.keys(&["revoke", &place.id("predict of a test")]);
        all_answer(&services, &key, StatusCode::UNAUTHORIZED).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_go_on_while_the_database_is_away_and_after_a_start_without_it() {
    let cluster = Cluster::private();
    cluster.start();
    let url = cluster.url("postgres");
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Url(&url);
    let strict = ["--allow-anonymous=false"];
    let (_secret, seed) = seed_file();
    let first = [strict[0], &seed];
    let mut service = replica(&url, folder.path(), &first);
    service.wait_until_ready();
    let (key, revoked) = (place.key("predict", &[]), place.key("read", &[]));
    let services = [service];
    all_answer(&services, &key, StatusCode::OK).await;
    place.keys(&["revoke", &place.id("read of a test")]);
    all_answer(&services, &revoked, StatusCode::UNAUTHORIZED).await;
    let [mut service] = services;

    cluster.kill();
    let away = with_key(&service, &key).send().await.unwrap();
    assert_eq!(away.status(), StatusCode::OK);
    service.wait_for_log("the database's state changed");
    assert!(service.terminate().success());

    let mut service = replica(&url, folder.path(), &strict);
    service.wait_until_ready();
    for (key, status) in [
        (key.as_str(), StatusCode::OK),
        (SEED, StatusCode::OK),
        (&revoked, StatusCode::SERVICE_UNAVAILABLE),
        ("made-meanwhile", StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let answer = with_key(&service, key).send().await.unwrap();
        assert_eq!(answer.status(), status);
    }
    let bare = post(service.address(), "/predict/churn", PROFILE);
    let bare = bare.send().await.unwrap();
    assert_eq!(bare.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_last_use_of_a_key_is_known_after_a_stop() {
    let folder = prepared();
    let place = Place::Folder(folder.path());
    let key = place.key("predict", &["--rate-limit", "50", "--expires-in", "2"]);
    let list = place.keys(&["list"]);
    assert!(
        list.contains("never") && list.contains("good until"),
        "{list}"
    );
    let mut service = Process::start(folder.path(), &[]);
    service.wait_until_ready();
    let used = with_key(&service, &key).send().await.unwrap();
    assert_eq!(used.status(), StatusCode::OK);
    assert!(service.terminate().success());
    let list = place.keys(&["list"]);
    assert!(!list.contains("never") && list.contains(" 50 "), "{list}");
}

#[tokio::test]
async fn a_key_is_in_no_log_line_no_list_and_no_file() {
    let folder = prepared();
    let place = Place::Folder(folder.path());
    let key = place.key("predict", &[]);
    let random = key.strip_prefix("engagecast_").unwrap().to_owned();
    let (_secret, seed) = seed_file();
    let settings = ["--log=trace", "--allow-anonymous=false", &seed];
    let mut service = Process::start(folder.path(), &settings);
    service.wait_until_ready();
    for (key, status) in [(key.as_str(), 200), (SEED, 200), ("wrong-secret", 401)] {
        let answer = with_key(&service, key).send().await.unwrap();
        assert_eq!(answer.status(), status);
        let text = answer.text().await.unwrap();
        assert!(!text.contains(key), "{text}");
    }
    // Nor where it does not belong.
    let path = format!("/predict/churn?key={key}");
    drop(post(service.address(), &path, PROFILE).send().await);
    let head = format!(
        "GET /models HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {key}\r\nbad header\r\n\r\n"
    );
    drop(raw::rest(raw::begin(service.address(), &head)));
    assert!(service.terminate().success());
    let log = service.log();
    assert!(log.contains("predict of a test"), "the name is there");
    for secret in [random.as_str(), SEED, "wrong-secret"] {
        assert!(!log.contains(secret), "a key is in the log");
        assert!(!place.keys(&["list"]).contains(secret));
        for entry in fs::read_dir(folder.path()).unwrap() {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!found, "a key is in a file");
        }
    }
}

#[tokio::test]
async fn an_idempotency_key_is_its_caller_s_own() {
    let folder = prepared();
    let place = Place::Folder(folder.path());
    let keys = [place.key("admin", &[]), place.key("admin", &[])];
    let mut service = Process::start(folder.path(), &["--allow-anonymous=false", "--jobs=0"]);
    service.wait_until_ready();
    let make = async |key: &str, customers: u32| {
        let body = format!(r#"{{"customers": {customers}}}"#);
        let request = post(service.address(), "/cohorts", body);
        let request = request.header("idempotency-key", "one").bearer_auth(key);
        let answer = request.send().await.unwrap();
        let location = answer.headers().get("location").cloned();
        (answer.status(), location)
    };
    let first = make(&keys[0], 2000).await;
    assert_eq!(first.0, StatusCode::ACCEPTED);
    assert_eq!(make(&keys[0], 2000).await, first, "the same caller again");
    let other = make(&keys[1], 3000).await;
    assert_eq!(other.0, StatusCode::ACCEPTED);
    assert_ne!(other.1, first.1);
}

#[tokio::test]
async fn a_key_may_ask_so_often_and_is_told_how_often() {
    let folder = prepared();
    let place = Place::Folder(folder.path());
    let (own, free) = (
        place.key("predict", &["--rate-limit=2"]),
        place.key("predict", &["--rate-limit=1000000"]),
    );
    let default = place.key("predict", &[]);
    let mut service = Process::start(folder.path(), &["--rate-limit=3"]);
    service.wait_until_ready();
    let header = |answer: &Response, name: &str| {
        let value = answer.headers().get(name);
        value.map(|value| value.to_str().unwrap().to_owned())
    };
    for (key, limit) in [(&own, 2), (&default, 3)] {
        let policy = Some(format!("\"key\";q={limit};w=1"));
        let (mut good, mut left, mut refused) = (0, Vec::new(), None);
        for _ in 0..20 {
            let answer = with_key(&service, key).send().await.unwrap();
            assert_eq!(header(&answer, "ratelimit-policy"), policy);
            left.push(header(&answer, "ratelimit").unwrap());
            if answer.status() != StatusCode::OK {
                refused = Some(answer);
                break;
            }
            good += 1;
        }
        assert!(good >= limit, "a second's worth is let through: {good}");
        assert_eq!(left[0], format!("\"key\";r={};t=1", limit - 1));
        let refused = refused.expect("twenty a second are too many");
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(header(&refused, "retry-after").unwrap(), "1");
        assert_eq!(left.last().unwrap(), "\"key\";r=0;t=1");
        let body: Value = refused.json().await.unwrap();
        assert_eq!(body["type"], "urn:engagecast:problem:too-many-requests");
    }
    // One key's haste is nobody else's.
    let other = with_key(&service, &free).send().await.unwrap();
    assert_eq!(other.status(), StatusCode::OK);
    let anonymous = post(service.address(), "/predict/churn", PROFILE);
    let anonymous = anonymous.send().await.unwrap();
    assert_eq!(header(&anonymous, "ratelimit"), None);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let again = with_key(&service, &own).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_admins_do_and_others_try_is_in_the_audit_log_after_a_stop() {
    let folder = prepared();
    let place = Place::Folder(folder.path());
    let (admin, reader) = (place.key("admin", &[]), place.key("read", &[]));
    let mut service = Process::start(folder.path(), &["--allow-anonymous=false", "--jobs=0"]);
    service.wait_until_ready();
    let ask = |method: Method, path: &str, key: &str| {
        let url = format!("http://{}{path}", service.address());
        let request = client().request(method, url).bearer_auth(key);
        request.header("x-request-id", "of-a-test").body("{}")
    };
    let cohort = ask(Method::POST, "/cohorts", &admin);
    let cohort = cohort.header("content-type", "application/json");
    let cohort = cohort.send().await.unwrap();
    assert_eq!(cohort.status(), StatusCode::ACCEPTED);
    let cohort = cohort.headers()["location"].to_str().unwrap().to_owned();
    let none = ask(Method::POST, "/models/none/activate", &admin);
    assert_eq!(none.send().await.unwrap().status(), StatusCode::NOT_FOUND);
    for _ in 0..5 {
        let denied = ask(Method::DELETE, "/cohorts/latest", &reader);
        assert_eq!(denied.send().await.unwrap().status(), StatusCode::FORBIDDEN);
        let unknown = ask(Method::DELETE, "/cohorts/latest", "unknown");
        let unknown = unknown.send().await.unwrap();
        assert_eq!(unknown.status(), StatusCode::UNAUTHORIZED);
    }
    let read = ask(Method::GET, "/models", &admin).send().await.unwrap();
    assert_eq!(read.status(), StatusCode::OK);
    assert!(service.terminate().success());

    let log = place.keys(&["audit"]);
    let lines: Vec<Vec<&str>> = (log.lines().skip(1))
        .map(|line| line.split_whitespace().skip(1).collect())
        .collect();
    let count = |status: &str, action: &str, object: &str, key: &str| {
        let same = |line: &&Vec<&str>| line[..3] == [status, action, object] && line[4] == key;
        lines.iter().filter(same).count()
    };
    assert_eq!(
        count("202", "cohorts.create_cohort", &cohort, "admin"),
        1,
        "{log}"
    );
    let tried = count("404", "models.activate", "/models/none/activate", "admin");
    assert_eq!(tried, 1, "{log}");
    let denied = count("403", "cohorts.delete_cohort", "/cohorts/latest", "read");
    assert!((1..=3).contains(&denied), "once a second: {log}");
    assert!(log.contains("of-a-test"), "{log}");
    assert!(!log.contains("401"), "strangers do not fill it: {log}");
    let by_hand = lines.iter().filter(|line| line[1] == "keys.create");
    assert_eq!(
        by_hand.count(),
        2,
        "the command line's deeds are there: {log}"
    );
}

#[test]
fn the_command_line_says_what_is_wrong_with_a_key_that_is_asked_for() {
    for (args, words) in [
        (
            &["create", "--scope=owner", "--name=a"][..],
            "must be predict, read or admin",
        ),
        (&["create", "--scope=read"], "--name"),
        (
            &["create", "--scope=read", "--name= a"],
            "1 to 100 characters",
        ),
        (
            &["create", "--scope=read", "--name=a", "--rate-limit=0"],
            "1..=1000000",
        ),
        (&["revoke", "a"], "invalid"),
        (
            &["revoke", "0199c5f2-3b1e-7c40-9d57-2f6a8e1b4c03"],
            "there is no key 0199c5f2",
        ),
    ] {
        let output = binary(&["keys"]).args(args).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && told.contains(words), "{told}");
        assert!(output.stdout.is_empty());
    }
}
