//! Commands and settings.

use crate::support::app::{binary, shared};

/// Exit code, standard output and error of a command.
fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let output = binary(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn bad_settings_are_refused_with_the_accepted_range() {
    for (args, range) in [
        (
            ["generate", "--check", "--customers", "0"],
            "from 1 to 1,000,000,000",
        ),
        (
            ["generate", "--check", "--customers", "10000000000"],
            "from 1 to 1,000,000,000",
        ),
        (
            ["generate", "--check", "--seed", "-1"],
            "from 0 to 9,223,372,036,854,775,807",
        ),
        (
            ["serve", "--log=info", "--customers", "-5"],
            "from 1 to 1,000,000,000",
        ),
        (
            ["serve", "--log=info", "--shutdown-grace", "4000"],
            "from 0 to 3600 seconds",
        ),
        (
            ["serve", "--log=info", "--max-body-bytes", "10"],
            "1024..=1073741824",
        ),
    ] {
        let (code, _, said) = run(&args);
        assert_eq!(code, Some(2), "{args:?}: {said}");
        assert!(said.contains(range), "{args:?}: {said}");
    }
}

#[test]
fn a_bad_log_filter_is_refused() {
    let (code, _, said) = run(&["serve", "--log", "engagecast=loud"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.starts_with("error: --log"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn help_names_every_variable_and_shows_no_secret() {
    let output = binary(&["serve", "--help"])
        .env("DATABASE_URL", "postgres://ada:hunter2@db/shop")
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(!help.contains("hunter2"), "{help}");
    for variable in [
        "DATABASE_URL",
        "ENGAGECAST_LISTEN",
        "ENGAGECAST_DATA_DIR",
        "ENGAGECAST_LOG",
    ] {
        assert!(help.contains(variable), "{help}");
    }
}

#[test]
fn a_check_prints_each_statistic_and_succeeds_where_all_are_kept() {
    let (code, printed, said) = run(&["generate", "--check", "--customers", "2500"]);
    assert_eq!(code, Some(0), "{printed}{said}");
    assert!(printed.contains("churn_rate_pct"), "{printed}");
    assert!(printed.contains("invariants"), "{printed}");
}

#[test]
fn a_cohort_is_written_in_the_format_that_its_name_says() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("cohort.csv");
    let args = ["generate", "--customers=5", "--out", csv.to_str().unwrap()];
    let (code, _, said) = run(&args);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("generating customers"), "{said}");
    let text = std::fs::read_to_string(&csv).unwrap();
    assert!(text.starts_with("customer_id,age,"), "{text}");
    assert_eq!(text.lines().count(), 6);

    let parquet = folder.path().join("cohort.parquet");
    let (code, ..) = run(&[
        "generate",
        "--customers=5",
        "--out",
        parquet.to_str().unwrap(),
    ]);
    assert_eq!(code, Some(0));
    assert!(std::fs::read(parquet).unwrap().starts_with(b"PAR1"));
}

#[test]
fn an_unknown_extension_is_refused_with_those_that_are_known() {
    let (code, _, said) = run(&["generate", "--customers=5", "--out", "cohort.xlsx"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(".parquet or .csv"), "{said}");
}

#[test]
fn an_interrupted_generate_leaves_no_part_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("cohort.csv");
    let mut process = binary(&["generate", "--customers=50000000", "--out"])
        .arg(&out)
        .spawn()
        .unwrap();
    let partial = folder.path().join("cohort.csv.partial");
    while !partial.exists() {
        assert!(process.try_wait().unwrap().is_none(), "ended early");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let id = process.id().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-INT", &id])
        .status();
    assert!(sent.unwrap().success());
    assert_eq!(process.wait().unwrap().code(), Some(130));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_reader_who_has_read_enough_is_no_failure() {
    let mut process = binary(&["openapi"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(process.stdout.take());
    assert!(process.wait().unwrap().success());
}

#[test]
fn health_tells_a_service_that_answers_from_one_that_does_not() {
    let address = shared().to_string();
    for args in [
        vec!["health", "--listen", &address],
        vec!["health", "--ready", "--listen", &address],
    ] {
        assert_eq!(run(&args).0, Some(0), "{args:?}");
    }
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = free.local_addr().unwrap().to_string();
    drop(free);
    let (code, _, error) = run(&["health", "--listen", &closed]);
    assert_eq!(code, Some(1));
    assert!(error.contains("does not answer"), "{error}");
}
