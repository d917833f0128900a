//! `engagecast import`, as a person runs it.

use std::fs;
use std::path::Path;

use engagecast::store::{Location, Store};

use crate::support::app::binary;

const CUSTOMERS: &str = "\
user,age,gender,photo_cuont
u1,30,m,3
u2,300,w,3
u3,31,w,4
u1,32,m,5
u4,33
";
const MAP: &str = "\
[columns]
customer_id = \"user\"

[values.gender]
m = \"Male\"
w = \"Female\"
";

/// Exit code, standard output and error of an import within a folder.
fn import(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = binary(&["import", "--log=warn", "--data-dir=data"]);
    let output = command.args(args).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("users.csv"), CUSTOMERS).unwrap();
    fs::write(folder.path().join("map.toml"), MAP).unwrap();
    folder
}

#[tokio::test]
async fn stores_the_good_rows_and_lists_the_others() {
    let folder = folder();
    let (code, printed, said) = import(
        folder.path(),
        &[
            "users.csv",
            "--map=map.toml",
            "--name=ours",
            "--rejects=rejects.csv",
        ],
    );
    assert_eq!(code, Some(0), "{printed}{said}");
    for part in [
        "5 read = 2 accepted + 3 rejected",
        "1 rejected: age, out_of_range",
        "1 rejected: user, duplicate_id",
        "1 rejected: the row, wrong_field_count",
        "listed in rejects.csv",
        "columns   3 of 72 found",
        "ignored: \"photo_cuont\"; did you mean photo_count?",
        "stored as \"ours\", cohort ",
    ] {
        assert!(printed.contains(part), "{part} is not in {printed}");
    }
    let rejects = fs::read_to_string(folder.path().join("rejects.csv")).unwrap();
    assert_eq!(
        rejects,
        "line,column,code,message\n\
         3,age,out_of_range,must be an integer from 13 to 120\n\
         5,user,duplicate_id,an earlier row has the same customer\n\
         6,,wrong_field_count,the row has 2 fields where the header has 4\n"
    );

    let location = Location::of(None, &folder.path().join("data"));
    let store = Store::open(&location, std::time::Duration::ZERO, &|_| ())
        .await
        .unwrap();
    let cohort = store.latest_cohort().await.unwrap().unwrap();
    assert_eq!(
        (cohort.name.as_str(), cohort.customers, cohort.seed),
        ("ours", 2, None)
    );
    assert_eq!(cohort.facts["customers"], 2);
    assert_eq!(cohort.spec["imported"], "users.csv");
    assert_eq!(cohort.spec["mapping"]["columns"]["customer_id"], "user");
    let kept = store.rejects(cohort.id, 0, 10).await.unwrap();
    let kept: Vec<_> = kept
        .iter()
        .map(|(_, r)| (r.line, r.code.as_str()))
        .collect();
    assert_eq!(
        kept,
        [
            (3, "out_of_range"),
            (5, "duplicate_id"),
            (6, "wrong_field_count")
        ]
    );
    store.close().await;
}

#[test]
fn a_dry_run_checks_and_stores_nothing() {
    let folder = folder();
    let (code, printed, said) =
        import(folder.path(), &["users.csv", "--map=map.toml", "--dry-run"]);
    assert_eq!(code, Some(0), "{printed}{said}");
    assert!(
        printed.contains("5 read = 2 accepted + 3 rejected"),
        "{printed}"
    );
    assert!(printed.contains("nothing was stored: this was a dry run"));
    assert!(!folder.path().join("data").exists());
}

#[test]
fn a_file_of_which_nothing_can_be_imported_fails_and_leaves_no_cohort() {
    let folder = folder();
    for (text, says) in [
        ("customer_id,age\n", "it has column names and no rows"),
        (
            "customer_id,age\na,300\n",
            "none of its rows can be imported",
        ),
        (
            "a,b\n1,2\n",
            "none of its 2 columns is a column of a customer",
        ),
        ("", "it is empty"),
    ] {
        fs::write(folder.path().join("bad.csv"), text).unwrap();
        let (code, printed, said) = import(folder.path(), &["bad.csv"]);
        assert_eq!(code, Some(1), "{printed}{said}");
        assert!(said.contains(&format!("error: bad.csv: {says}")), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    let (code, _, said) = import(folder.path(), &["nowhere.csv"]);
    assert_eq!(code, Some(1));
    assert!(
        said.starts_with("error: nowhere.csv: it can't be opened"),
        "{said}"
    );
}

#[test]
fn a_mapping_at_fault_is_told_with_its_file() {
    let folder = folder();
    fs::write(folder.path().join("bad.toml"), "[columns]\nagee = \"x\"\n").unwrap();
    let (code, _, said) = import(folder.path(), &["users.csv", "--map=bad.toml"]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("bad.toml: the mapping can't be used: columns.agee"),
        "{said}"
    );
    let (code, _, said) = import(folder.path(), &["users.csv", "--map=none.toml"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("none.toml can't be read"), "{said}");
}
