//! `engagecast score`, as a person runs it.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, DictionaryArray, Int64Array, LargeStringArray,
    ListArray, RecordBatch, StringArray,
};
use arrow_cast::display::array_value_to_string;
use arrow_schema::DataType;
use arrow_select::concat::concat_batches;
use engagecast::models::Target;
use engagecast::models::score::Scoring;
use engagecast::schema::{self, COLUMNS, column};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::support::app::{binary, prepared};
use crate::support::cohort::cohort;
use crate::support::trained::MODELS;

/// A folder with the models in `ours.models`.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ours.models"), MODELS.to_bytes()).unwrap();
    folder
}

/// Exit code, standard output and error of `score` within a folder.
fn score(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = binary(&["score", "--log=warn", "--model=ours.models"]);
    let output = command.args(args).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// The same where it is to succeed: what it printed.
fn scored(folder: &Path, args: &[&str]) -> String {
    let (code, printed, said) = score(folder, args);
    assert_eq!(code, Some(0), "{args:?}: {printed}{said}");
    printed
}

/// The same where it is to fail, with one line and without a trace in the folder.
fn refused(folder: &Path, args: &[&str]) -> String {
    let names = || -> Vec<_> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    let (code, printed, said) = score(folder, args);
    assert!(matches!(code, Some(1 | 2)), "{args:?}: {code:?} {said}");
    assert_eq!(printed, "", "{args:?}");
    assert_eq!(names(), before, "{args:?}");
    let told = said.lines().find(|line| line.starts_with("error: "));
    told.unwrap_or_else(|| panic!("{args:?}: {said}"))
        .to_owned()
}

fn write_parquet(path: &Path, table: &RecordBatch) {
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, table.schema(), None).unwrap();
    writer.write(table).unwrap();
    writer.close().unwrap();
}

fn read_parquet(path: &Path) -> RecordBatch {
    let file = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = Arc::clone(file.schema());
    let batches: Vec<_> = file.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

/// Each column with what it says of each row, in whichever type it is kept.
fn told(table: &RecordBatch) -> Vec<(String, Vec<String>)> {
    let said = |column: &ArrayRef| -> Vec<_> {
        (0..column.len())
            .map(|row| array_value_to_string(column, row).unwrap())
            .collect()
    };
    let columns = table.columns().iter().map(said);
    names(table).into_iter().zip(columns).collect()
}

fn names(table: &RecordBatch) -> Vec<String> {
    let schema = table.schema();
    schema.fields().iter().map(|f| f.name().clone()).collect()
}

/// The fields of each line of a file without quotes.
fn fields(path: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(path).unwrap();
    let line = |line: &str| line.split(',').map(str::to_owned).collect();
    text.lines().map(line).collect()
}

/// So many customers with some of the columns, and with what else a team keeps of
/// them, of other types and names.
fn customers(rows: i64) -> RecordBatch {
    let cohort = cohort(usize::try_from(rows).unwrap(), 41);
    let cohort = concat_batches(&schema::arrow::schema(), &cohort).unwrap();
    let seen: ArrayRef = Arc::new(
        (0..rows)
            .map(|i| (i % 3 > 0).then_some(i))
            .collect::<Int64Array>(),
    );
    let vip: ArrayRef = Arc::new(
        (0..rows)
            .map(|i| Some(i % 2 == 0))
            .collect::<BooleanArray>(),
    );
    let of = |name| (name, Arc::clone(cohort.column_by_name(name).unwrap()), true);
    RecordBatch::try_from_iter_with_nullable([
        of("days_since_last_active"),
        ("seen", seen, true),
        of("location"),
        of("customer_id"),
        of("lifetime_value_usd"),
        ("VIP", vip, true),
        of("premium_tier"),
    ])
    .unwrap()
}

#[test]
fn parquet_keeps_its_columns_and_gains_the_answers_of_each_row() {
    let folder = folder();
    let own = customers(120);
    write_parquet(&folder.path().join("users.parquet"), &own);
    let printed = scored(
        folder.path(),
        &[
            "--in=users.parquet",
            "--out=scored.parquet",
            "--targets=ltv,churn",
            "--explain=3",
        ],
    );
    for line in [
        "120 rows, 0 of them with an error\n",
        "churn: 120 predicted\nltv: 120 predicted\n",
        "not in the file, so missing: age, gender, tenure_months,",
        "kept and not read: seen, VIP\n",
    ] {
        assert!(printed.contains(line), "{printed}");
    }
    let found = read_parquet(&folder.path().join("scored.parquet"));
    let targets = [Target::Churn, Target::Ltv];
    let answers = Scoring::new(&MODELS, &targets, 3).prefixed().score(&own);
    // Who the customer is stands among the file's own columns.
    let answers = answers
        .project(&(1..answers.num_columns()).collect::<Vec<_>>())
        .unwrap();
    let known: Vec<_> = [told(&own), told(&answers)].concat();
    assert_eq!(told(&found), known);
}

/// Views are how texts are read here, and no type that every reader knows.
#[test]
fn texts_keep_the_type_that_the_file_gives_them() {
    let folder = folder();
    let texts = ["Boston", "Chicago", "Boston", "Miami"];
    let dictionary: DictionaryArray<Int32Type> = texts.into_iter().collect();
    let own = RecordBatch::try_from_iter([
        (
            "location",
            Arc::new(StringArray::from_iter_values(texts)) as ArrayRef,
        ),
        (
            "note",
            Arc::new(LargeStringArray::from_iter_values(texts)) as ArrayRef,
        ),
        ("group", Arc::new(dictionary) as ArrayRef),
        (
            "token",
            Arc::new(BinaryArray::from_iter_values(texts)) as ArrayRef,
        ),
    ])
    .unwrap();
    write_parquet(&folder.path().join("users.parquet"), &own);
    scored(
        folder.path(),
        &[
            "--in=users.parquet",
            "--out=scored.parquet",
            "--targets=churn",
            "--explain=1",
        ],
    );
    let found = read_parquet(&folder.path().join("scored.parquet"));
    let kept = found.project(&[0, 1, 2, 3]).unwrap();
    let types = |table: &RecordBatch| -> Vec<DataType> {
        let columns = table.columns().iter();
        columns.map(|column| column.data_type().clone()).collect()
    };
    assert_eq!(types(&kept), types(&own));
    assert_eq!(told(&kept), told(&own));
    let answers = Scoring::new(&MODELS, &[Target::Churn], 1).prefixed();
    let known = answers.schema();
    for field in found.schema().fields().iter().skip(4) {
        let known = known.field_with_name(field.name()).unwrap();
        assert_eq!(field.data_type(), known.data_type());
    }
}

#[test]
fn csv_and_parquet_give_the_same_answers_in_either_format() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    write_parquet(&path("users.parquet"), &customers(300));
    let args = ["--targets=all", "--explain=1"];
    let run = |input: &str, out: &str| {
        let (input, out) = (format!("--in={input}"), format!("--out={out}"));
        scored(folder.path(), &[&input, &out, args[0], args[1]]);
    };
    run("users.parquet", "scored.csv");
    let once = fs::read_to_string(path("scored.csv")).unwrap();
    let header = once.lines().next().unwrap();
    assert!(
        header.starts_with("days_since_last_active,seen,location,customer_id,"),
        "{header}"
    );
    assert!(
        header.contains(",predicted_date_conversion_applicable,"),
        "{header}"
    );
    assert!(header.ends_with(",predicted_error"), "{header}");
    assert_eq!(once.lines().count(), 301);
    // The file's own part, as CSV.
    let own: String = (fields(&path("scored.csv")).iter())
        .map(|line| line[..7].join(",") + "\n")
        .collect();
    fs::write(path("users.csv"), own).unwrap();
    run("users.csv", "again.csv");
    assert_eq!(fs::read_to_string(path("again.csv")).unwrap(), once);
    run("users.csv", "again.parquet");
    run("users.parquet", "scored.parquet");
    let (straight, other) = (
        read_parquet(&path("scored.parquet")),
        read_parquet(&path("again.parquet")),
    );
    assert_eq!(names(&straight), names(&other));
    for (i, name) in names(&straight).iter().enumerate().skip(7) {
        assert_eq!(straight.column(i), other.column(i), "{name}");
    }
}

#[test]
fn the_models_that_serve_are_used_where_no_file_is_named() {
    let data = prepared();
    fs::write(data.path().join("users.csv"), "customer_id,age\nc-1,30\n").unwrap();
    let mut command = binary(&["score", "--log=warn", "--in=users.csv", "--out=scored.csv"]);
    command.arg("--data-dir=.").current_dir(data.path());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let lines = fields(&data.path().join("scored.csv"));
    let at = |name: &str| lines[0].iter().position(|n| n == name).expect(name);
    for column in [
        "predicted_churn_tier",
        "predicted_ltv_upper",
        "predicted_creator_probability",
    ] {
        assert_ne!(lines[1][at(column)], "", "{column}");
    }
}

#[test]
fn csv_has_moments_with_their_offset_and_refuses_what_it_has_no_form_for() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let cohort = &cohort(5, 3)[0];
    let moment = column("data_generated_at");
    let columns = [column("age"), moment].map(|i| {
        let name = COLUMNS[i].name;
        (name, Arc::clone(cohort.column(i)), true)
    });
    let own = RecordBatch::try_from_iter_with_nullable(columns.clone()).unwrap();
    write_parquet(&path("users.parquet"), &own);
    scored(
        folder.path(),
        &["--in=users.parquet", "--out=scored.csv", "--targets=churn"],
    );
    let lines = fields(&path("scored.csv"));
    assert_eq!(lines.len(), 6);
    assert!(lines[1][1].ends_with('Z'), "{:?}", lines[1]);
    let tags: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(
        (0..5).map(|i| Some([Some(i)])),
    ));
    let own = columns.into_iter().chain([("tags", tags, true)]);
    let own = RecordBatch::try_from_iter_with_nullable(own).unwrap();
    write_parquet(&path("users.parquet"), &own);
    let said = refused(
        folder.path(),
        &["--in=users.parquet", "--out=scored.csv", "--targets=churn"],
    );
    let told = "error: CSV has no form for what the column tags holds: write .parquet";
    assert_eq!(said, told);
    // The answers of before are still there.
    assert_eq!(fields(&path("scored.csv")).len(), 6);
}

#[test]
fn every_row_is_accounted_for_whatever_is_wrong_with_it() {
    let folder = folder();
    let rows: [&[u8]; 8] = [
        b"c-1,30,Gold,note",
        b"c-2,300,Gold,note",
        b"c-3,30",
        b"c-4,30,Gold,\xff\xfe",
        b"c-5,inf,gold,\"two\nlines\"",
        b"c-6,,,",
        b"c-7,30,Gold,\"a\"b",
        b"c-8,31,Free,\"not closed",
    ];
    let text = [b"customer_id,age,premium_tier,note", &rows.join(&b'\n')[..]].join(&b'\n');
    fs::write(folder.path().join("users.csv"), text).unwrap();
    let printed = scored(
        folder.path(),
        &["--in=users.csv", "--out=scored.parquet", "--targets=churn"],
    );
    assert!(
        printed.starts_with("8 rows, 7 of them with an error\nchurn: 1 predicted\n"),
        "{printed}"
    );
    let found = read_parquet(&folder.path().join("scored.parquet"));
    let texts = |name: &str| -> Vec<String> {
        let column = found.column_by_name(name).expect(name);
        let column = column.as_any().downcast_ref::<StringArray>().expect(name);
        column
            .iter()
            .map(|text| text.unwrap_or("-").to_owned())
            .collect()
    };
    assert_eq!(
        texts("customer_id"),
        ["c-1", "c-2", "-", "-", "c-5", "c-6", "-", "-"]
    );
    assert_eq!(texts("note")[4], "two\nlines");
    assert_eq!(
        texts("predicted_error"),
        [
            "-",
            "age: must be an integer from 13 to 120",
            "line 4: the row has 2 fields, the header 4",
            "line 5: a field is not UTF-8",
            "age: must be an integer from 13 to 120; premium_tier: must be one of Free, Gold, Platinum",
            "churn: none of the model's inputs is given",
            "line 9: text follows a closing quote",
            "line 10: a quote is not closed",
        ]
    );
    let probability = found.column_by_name("predicted_churn_probability").unwrap();
    assert_eq!(probability.len() - probability.null_count(), 1);
}

#[test]
fn a_file_without_rows_becomes_one_with_the_columns_alone() {
    let folder = folder();
    fs::write(folder.path().join("users.csv"), "customer_id,age\n").unwrap();
    write_parquet(
        &folder.path().join("users.parquet"),
        &customers(1).slice(0, 0),
    );
    for input in ["--in=users.csv", "--in=users.parquet"] {
        let printed = scored(
            folder.path(),
            &[input, "--out=scored.csv", "--targets=churn"],
        );
        assert!(
            printed.starts_with("0 rows, 0 of them with an error\nchurn: 0 predicted\n"),
            "{printed}"
        );
        let lines = fields(&folder.path().join("scored.csv"));
        assert_eq!(lines.len(), 1);
        assert!(lines[0].contains(&"predicted_churn_probability".to_owned()));
        scored(folder.path(), &[input, "--out=scored.parquet"]);
        let found = read_parquet(&folder.path().join("scored.parquet"));
        assert_eq!(found.num_rows(), 0);
        assert!(found.column_by_name("predicted_creator_tier").is_some());
    }
    fs::write(folder.path().join("users.csv"), "").unwrap();
    let said = refused(folder.path(), &["--in=users.csv", "--out=none.csv"]);
    assert_eq!(
        said,
        "error: users.csv: it is empty: expected a line of column names"
    );
}

#[test]
fn a_file_that_ends_too_soon_leaves_no_answers() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    write_parquet(&path("users.parquet"), &customers(3000));
    let whole = fs::read(path("users.parquet")).unwrap();
    fs::write(path("users.parquet"), &whole[..whole.len() / 2]).unwrap();
    let said = refused(folder.path(), &["--in=users.parquet", "--out=scored.csv"]);
    assert!(said.starts_with("error: users.parquet: "), "{said}");
    // The bytes of a page, after the first ones were read and answered.
    let mut broken = whole;
    let middle = broken.len() / 2;
    broken[middle..middle + 64].fill(0xff);
    fs::write(path("users.parquet"), broken).unwrap();
    let said = refused(folder.path(), &["--in=users.parquet", "--out=scored.csv"]);
    assert!(said.starts_with("error: users.parquet: "), "{said}");
}

#[test]
fn what_cannot_be_done_is_told_in_one_line() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("users.csv"), "customer_id,age\nc-1,30\n").unwrap();
    fs::write(path("answered.csv"), "age,predicted_churn_tier\n30,high\n").unwrap();
    fs::write(path("damaged.models"), &MODELS.to_bytes()[1..]).unwrap();
    let known = "churn, creator, date-conversion, engagement, ltv, match-quality, premium-conversion, virality";
    for (args, told) in [
        (
            &["--in=users.csv", "--out=users.csv"][..],
            "--out is the file that is read",
        ),
        (
            &["--in=users.csv", "--out=scored.xlsx"],
            "scored.xlsx: unknown extension, expected .parquet or .csv",
        ),
        (
            &["--in=users.csv", "--out=no/scored.csv"],
            "no/scored.csv can't be written",
        ),
        (&["--in=none.csv", "--out=scored.csv"], "none.csv: "),
        (
            &["--in=answered.csv", "--out=scored.csv"],
            "answered.csv has a column predicted_churn_tier already",
        ),
        (
            &[
                "--in=users.csv",
                "--out=scored.csv",
                "--targets=churn,loyalty",
            ],
            "loyalty is no target of these models",
        ),
        (
            &["--in=users.csv", "--out=scored.csv", "--explain=21"],
            "21 is not in 0..=20",
        ),
    ] {
        let said = refused(folder.path(), args);
        assert!(said.contains(told), "{said}");
        assert!(!told.contains("loyalty") || said.ends_with(known), "{said}");
    }
    for (models, told) in [
        ("--model=none.models", "none.models can't be read"),
        (
            "--model=damaged.models",
            "damaged.models: the model set is damaged",
        ),
        ("--model=active", "no models are active yet"),
    ] {
        let mut command = binary(&["score", models, "--in=users.csv", "--out=scored.csv"]);
        let output = command.current_dir(folder.path()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with("error: ") && said.contains(told), "{said}");
        assert_eq!(output.status.code(), Some(1));
    }
}
