//! A team's own customers: what becomes of every row of whatever file they have.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray,
    Float64Array, Int32Array, Int64Array, LargeStringArray, RecordBatch, StringArray,
    TimestampNanosecondArray,
};
use arrow_schema::{DataType, Field};
use arrow_select::concat::concat_batches;
use bytes::Bytes;
use engagecast::cohort::{
    Import, ImportError, Imported, Limits, Mapping, Reject, Source, Summary, TableError,
};
use engagecast::schema::{self, column};
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;

mod cli;

const AGE: usize = column("age");
const GENDER: usize = column("gender");
const LOCATION: usize = column("location");
const TENURE: usize = column("tenure_months");
const CREATOR: usize = column("is_creator");
const MATCH_RATE: usize = column("match_rate_pct");
const MOMENT: usize = column("data_generated_at");

/// All that comes of a file.
struct Outcome {
    batch: RecordBatch,
    lines: Vec<u64>,
    rejects: Vec<Reject>,
    summary: Summary,
}

fn read_all(mut import: Import) -> Result<Outcome, ImportError> {
    let (mut batches, mut lines, mut rejects) = (Vec::new(), Vec::new(), Vec::new());
    for rows in &mut import {
        let Imported {
            batch,
            lines: of_rows,
            rejects: of_file,
        } = rows?;
        batches.push(batch);
        lines.extend(of_rows);
        rejects.extend(of_file);
    }
    let summary = import.summary();
    let batch = concat_batches(&schema::arrow::schema(), &batches).unwrap();
    assert_eq!(summary.read, summary.accepted + summary.rejected);
    assert_eq!(summary.accepted, batch.num_rows() as u64);
    assert_eq!(summary.rejected, rejects.len() as u64);
    assert_eq!(lines.len(), batch.num_rows());
    Ok(Outcome {
        batch,
        lines,
        rejects,
        summary,
    })
}

fn import_with(
    bytes: impl Into<Bytes>,
    mapping: &Mapping,
    limits: Limits,
) -> Result<Outcome, ImportError> {
    read_all(Import::of(&Source::Bytes(bytes.into()), mapping, limits)?)
}

fn import(bytes: impl Into<Bytes>) -> Result<Outcome, ImportError> {
    import_with(bytes, &Mapping::default(), Limits::default())
}

fn import_text(text: &str) -> Outcome {
    import(text.to_owned()).unwrap()
}

fn mapped(text: &str, mapping: &str) -> Outcome {
    let mapping = Mapping::from_toml(mapping).unwrap();
    import_with(text.to_owned(), &mapping, Limits::default()).unwrap()
}

fn refused(bytes: impl Into<Bytes>) -> ImportError {
    import(bytes).err().expect("the file is refused")
}

/// Line, column and code of each reject.
fn set_aside(outcome: &Outcome) -> Vec<(u64, &str, &str)> {
    let rejects = outcome.rejects.iter();
    rejects
        .map(|r| (r.line, r.column.as_deref().unwrap_or(""), r.code))
        .collect()
}

fn ids(outcome: &Outcome) -> Vec<&str> {
    texts(outcome, 0).into_iter().flatten().collect()
}

fn texts(outcome: &Outcome, column: usize) -> Vec<Option<&str>> {
    outcome
        .batch
        .column(column)
        .as_string::<i32>()
        .iter()
        .collect()
}

fn integers(outcome: &Outcome, column: usize) -> Vec<Option<i32>> {
    outcome
        .batch
        .column(column)
        .as_primitive::<Int32Type>()
        .iter()
        .collect()
}

fn decimals(outcome: &Outcome, column: usize) -> Vec<Option<f64>> {
    outcome
        .batch
        .column(column)
        .as_primitive::<Float64Type>()
        .iter()
        .collect()
}

fn flags(outcome: &Outcome, column: usize) -> Vec<Option<bool>> {
    outcome.batch.column(column).as_boolean().iter().collect()
}

fn moments(outcome: &Outcome) -> Vec<Option<i64>> {
    let moments = outcome
        .batch
        .column(MOMENT)
        .as_primitive::<TimestampMicrosecondType>();
    moments.iter().collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 3).unwrap()
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn takes_any_columns_in_any_order_and_leaves_the_others_null() {
    let outcome =
        import_text("tenure_months,favourite_colour,customer_id,age\n5,red,ada,36\n,blue,bob,\n");
    assert_eq!(ids(&outcome), ["ada", "bob"]);
    assert_eq!(integers(&outcome, AGE), [Some(36), None]);
    assert_eq!(integers(&outcome, TENURE), [Some(5), None]);
    assert_eq!(outcome.batch.column(GENDER).null_count(), 2);
    assert_eq!(outcome.lines, [2, 3]);
    let found = outcome.summary.columns_found.iter().map(|c| c.column);
    assert_eq!(
        found.collect::<Vec<_>>(),
        ["customer_id", "age", "tenure_months"]
    );
}

#[test]
fn lists_ignored_columns_with_the_one_that_may_have_been_meant() {
    let outcome = import_text("customer_id,photo_cuont,favourite_colour\na,3,red\n");
    let ignored = &outcome.summary.columns_ignored;
    assert_eq!(ignored[0].name, "photo_cuont");
    assert_eq!(ignored[0].nearest, Some("photo_count"));
    assert_eq!(ignored[1].name, "favourite_colour");
    assert_eq!(ignored[1].nearest, None);
}

#[test]
fn the_case_of_a_name_and_the_space_in_it_make_no_difference() {
    let outcome = import_text("Customer ID,AGE,Tenure-Months\na,30,4\n");
    assert_eq!(integers(&outcome, AGE), [Some(30)]);
    assert_eq!(integers(&outcome, TENURE), [Some(4)]);
}

#[test]
fn reads_numbers_flags_and_moments_as_programs_write_them() {
    let outcome = import_text(
        "customer_id,age,is_creator,match_rate_pct,data_generated_at\n\
         a,30.0,yes,1e1,2025-10-21\n\
         b, 31 ,0,12.5,2025-10-21 00:00:00\n\
         c,NA,1.0,null,NaT\n\
         d,+33,False,.5,2025-10-21T02:00:00+02:00\n",
    );
    assert_eq!(set_aside(&outcome), []);
    assert_eq!(
        integers(&outcome, AGE),
        [Some(30), Some(31), None, Some(33)]
    );
    assert_eq!(
        flags(&outcome, CREATOR),
        [Some(true), Some(false), Some(true), Some(false)]
    );
    assert_eq!(
        decimals(&outcome, MATCH_RATE),
        [Some(10.0), Some(12.5), None, Some(0.5)]
    );
    let day = Some(1_761_004_800_000_000);
    assert_eq!(moments(&outcome), [day, day, None, day]);
}

#[test]
fn sets_bad_rows_aside_with_line_column_and_reason_and_keeps_the_good_ones() {
    let outcome = import_text(
        "customer_id,age,gender,is_creator,data_generated_at\n\
         a,30,Female,true,2025-10-21\n\
         b,300,Female,true,2025-10-21\n\
         c,30.5,Female,true,2025-10-21\n\
         d,old,Female,true,2025-10-21\n\
         e,30,Robot,true,2025-10-21\n\
         f,30,Female,maybe,2025-10-21\n\
         g,30,Female,true,21/10/2025\n\
         ,30,Female,true,2025-10-21\n\
         h,31,female,false,\n",
    );
    assert_eq!(ids(&outcome), ["a", "h"]);
    assert_eq!(texts(&outcome, GENDER), [Some("Female"), Some("Female")]);
    assert_eq!(
        set_aside(&outcome),
        [
            (3, "age", "out_of_range"),
            (4, "age", "not_an_integer"),
            (5, "age", "wrong_type"),
            (6, "gender", "unknown_category"),
            (7, "is_creator", "wrong_type"),
            (8, "data_generated_at", "invalid_timestamp"),
            (9, "customer_id", "missing_id"),
        ]
    );
    assert_eq!(
        outcome.rejects[0].message,
        "must be an integer from 13 to 120"
    );
}

#[test]
fn a_row_is_set_aside_once_and_all_its_faults_are_named() {
    let outcome = import_text("customer_id,age,gender\na,300,Robot\n");
    assert_eq!(set_aside(&outcome), [(2, "age", "out_of_range")]);
    assert!(
        outcome.rejects[0]
            .message
            .ends_with("also at fault: gender")
    );
}

#[test]
fn no_reject_repeats_a_value() {
    let outcome = import_text("customer_id,age,gender,location\nhunter2,hunter2,hunter2,\n");
    assert!(!format!("{:?}", outcome.rejects).contains("hunter2"));
}

#[test]
fn keeps_a_location_that_it_never_saw() {
    let outcome = import_text("customer_id,location\na,Ulan Bator\nb,\"Köln, Deutz\"\n");
    assert_eq!(
        texts(&outcome, LOCATION),
        [Some("Ulan Bator"), Some("Köln, Deutz")]
    );
}

#[test]
fn a_customer_that_stands_twice_is_set_aside_the_second_time() {
    let mut text = "customer_id,age\n".to_owned();
    for i in 0..20_000 {
        writeln!(text, "c{i},30").unwrap();
    }
    text.push_str("c3,40\nnew,40\nc19999,40\n");
    let outcome = import_text(&text);
    assert_eq!(outcome.summary.accepted, 20_001);
    assert_eq!(
        set_aside(&outcome),
        [
            (20_002, "customer_id", "duplicate_id"),
            (20_004, "customer_id", "duplicate_id")
        ]
    );
}

#[test]
fn a_batch_of_predictions_may_ask_of_a_customer_twice() {
    let source = Source::Bytes("customer_id\na\na\n".into());
    let import = Import::of(&source, &Mapping::default(), Limits::default()).unwrap();
    assert_eq!(
        ids(&read_all(import.allow_duplicates()).unwrap()),
        ["a", "a"]
    );
}

#[test]
fn rows_without_a_customer_id_are_numbered() {
    let outcome = import_text("age,gender\n30,Male\n300,Male\n40\n31,Male\n");
    assert!(outcome.summary.numbered);
    assert_eq!(ids(&outcome), ["row-1", "row-4"]);
}

#[test]
fn a_mapping_renames_columns_units_words_and_gaps() {
    let outcome = mapped(
        "user,sex,days,rate,churned,city\nu1,m,365,0.25,-,unknown\nu2,w,31,0.5,gone,Bonn\n",
        r#"
        nulls = ["-", "unknown"]

        [columns]
        customer_id = "user"
        gender = "sex"
        tenure_months = "days"
        match_rate_pct = "rate"
        churn_30_day = "churned"
        location = "city"

        [units]
        tenure_months = "days"
        match_rate_pct = { scale = 100 }

        [values.gender]
        m = "Male"
        w = "Female"

        [values.churn_30_day]
        gone = true
        "#,
    );
    assert_eq!(set_aside(&outcome), []);
    assert_eq!(texts(&outcome, GENDER), [Some("Male"), Some("Female")]);
    assert_eq!(integers(&outcome, TENURE), [Some(12), Some(1)]);
    assert_eq!(decimals(&outcome, MATCH_RATE), [Some(25.0), Some(50.0)]);
    assert_eq!(flags(&outcome, column("churn_30_day")), [None, Some(true)]);
    assert_eq!(texts(&outcome, LOCATION), [None, Some("Bonn")]);
}

#[test]
fn a_named_unit_is_turned_into_that_of_the_column() {
    let outcome = mapped(
        "customer_id,iap_spending_month_usd,feed_time_minutes_day,churn_probability,data_generated_at\n\
         a,999,90,45,1761004800\n",
        "[units]\niap_spending_month_usd = \"cents\"\nfeed_time_minutes_day = \"seconds\"\n\
         churn_probability = \"percent\"\ndata_generated_at = \"epoch_seconds\"\n",
    );
    let first = |name| decimals(&outcome, name)[0];
    assert_eq!(first(column("iap_spending_month_usd")), Some(9.99));
    assert_eq!(first(column("feed_time_minutes_day")), Some(1.5));
    assert_eq!(first(column("churn_probability")), Some(0.45));
    assert_eq!(moments(&outcome), [Some(1_761_004_800_000_000)]);
}

#[test]
fn all_faults_of_a_mapping_are_told_at_once() {
    let faults = Mapping::from_toml(
        r#"
        colums = 1
        [columns]
        agee = "x"
        gender = 3
        [units]
        age = "parsecs"
        gender = "cents"
        tenure_months = { scale = 0 }
        [values.gender]
        m = "Man"
        "#,
    )
    .unwrap_err();
    let told = faults.to_string();
    for part in [
        "colums: is unknown",
        "columns.agee: is not a column of a customer; did you mean age?",
        "columns.gender: expected the name",
        "units.age: expected a table with scale and offset",
        "units.gender: only a number has a unit",
        "units.tenure_months: expected scale",
        "values.gender: a value must mean one of Male, Female, Non-binary",
    ] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    assert_eq!(faults.0.len(), 7);
    let syntax = Mapping::from_toml("[columns]\nage = = 3\n").unwrap_err();
    assert!(
        syntax.to_string().contains("line 2: is not TOML"),
        "{syntax}"
    );
}

#[test]
fn a_mapping_that_does_not_fit_the_file_is_refused() {
    let mapping =
        Mapping::from_toml("[columns]\nage = \"years_old\"\n[units]\ntenure_months = \"days\"\n");
    let refusal = import_with(
        "customer_id,years_odl\na,1\n",
        &mapping.unwrap(),
        Limits::default(),
    );
    let refusal = refusal.err().unwrap();
    assert_eq!(refusal.code(), "invalid_mapping");
    let told = refusal.to_string();
    assert!(told.contains("columns.age: the file has no such column; did you mean \"years_odl\"?"));
    assert!(told.contains("units.tenure_months: the file has no such column"));
}

#[test]
fn a_column_that_stands_twice_is_refused_unless_the_mapping_tells_which() {
    let text = "customer_id,age,Age \na,30,40\n";
    assert!(
        refused(text)
            .to_string()
            .contains("columns.age: 2 columns of the file have this name")
    );
    let outcome = mapped(text, "[columns]\nage = \"age\"\n");
    assert_eq!(integers(&outcome, AGE), [Some(30)]);
}

#[test]
fn broken_invariants_are_warnings_with_counts_and_gaps_break_none() {
    let outcome = import_text(
        "customer_id,users_blocked,users_reported,account_type,premium_tier\n\
         a,1,5,Free,Free\nb,5,1,Premium,Free\nc,,7,,Gold\n",
    );
    assert_eq!(outcome.summary.accepted, 3);
    let warnings = outcome.summary.invariant_warnings.iter();
    let warnings: Vec<_> = warnings.map(|w| (w.invariant.as_str(), w.rows)).collect();
    assert_eq!(
        warnings,
        [
            (
                "account_type is Premium if and only if premium_tier is not Free",
                1
            ),
            ("reported <= blocked", 1),
        ]
    );
}

#[test]
fn reads_packed_files_by_their_content() {
    let text = b"customer_id,age\na,30\nb,31\n";
    let two_members = [gzip(&text[..12]), gzip(&text[12..])].concat();
    for bytes in [text.to_vec(), gzip(text), zstd(text), two_members] {
        let outcome = import(bytes).unwrap();
        assert_eq!(integers(&outcome, AGE), [Some(30), Some(31)]);
    }
}

#[test]
fn a_packed_file_that_was_cut_short_is_refused() {
    let mut text = "customer_id,age\n".to_owned();
    for i in 0..10_000 {
        writeln!(text, "c{i},{}", 20 + i % 50).unwrap();
    }
    for packed in [gzip(text.as_bytes()), zstd(text.as_bytes())] {
        let half = packed[..packed.len() / 2].to_vec();
        assert_eq!(refused(half).code(), "damaged_file");
    }
}

#[test]
fn a_zip_bomb_is_refused_before_it_goes_off() {
    let header = b"customer_id,note\n".to_vec();
    let mut bomb = header.clone();
    bomb.resize(100 << 20, b'x');
    for packed in [gzip(&bomb), zstd(&bomb)] {
        assert!(packed.len() < 1 << 20);
        assert_eq!(refused(packed).code(), "unpacks_too_large");
    }
    let limits = Limits {
        unpacked_bytes: 1000,
        ..Limits::default()
    };
    let text = "customer_id\n".to_owned() + &"abcdefgh\n".repeat(500);
    let refusal = import_with(gzip(text.as_bytes()), &Mapping::default(), limits);
    assert_eq!(refusal.err().unwrap().code(), "unpacks_too_large");
}

#[test]
fn what_is_no_table_is_refused_with_what_it_is() {
    for (bytes, says) in [
        (&b""[..], "it is empty"),
        (b"\xef\xbb\xbf", "it is empty"),
        (b"\n\n", "it is empty"),
        (b"PK\x03\x04rest", "a ZIP archive or a spreadsheet"),
        (b"\xff\xfea\0g\0e\0", "UTF-16"),
        (b"\x7fELF\x02\x01\x01\0\0\0", "no text"),
        (b"one,two\n1,2\n", "none of its 2 columns"),
        (b"caf\xe9,age\nx,1\n", "column names are not UTF-8"),
        (b"\"age,gender\n30,Male\n", "a quote that is not closed"),
    ] {
        let refusal = refused(bytes.to_vec());
        assert!(refusal.to_string().contains(says), "{refusal}");
    }
    let packed = refused(gzip(&parquet(vec![(
        "age",
        Arc::new(Int32Array::from(vec![30])),
    )])));
    assert!(packed.to_string().contains("packed Parquet"), "{packed}");
    assert_eq!(refused(gzip(b"")).code(), "empty_file");
}

#[test]
fn a_file_with_a_header_alone_has_no_rows_and_no_fault() {
    for text in [
        "customer_id,age\n",
        "customer_id,age",
        "\u{feff}customer_id,age\r\n\r\n",
    ] {
        let outcome = import_text(text);
        assert_eq!((outcome.summary.read, outcome.batch.num_columns()), (0, 72));
    }
}

#[test]
fn ragged_rows_are_set_aside() {
    let outcome =
        import_text("customer_id,age,gender\na,30,Male\nb,30\nc,30,Male,extra\nd,31,Male\n");
    assert_eq!(ids(&outcome), ["a", "d"]);
    assert_eq!(
        set_aside(&outcome),
        [(3, "", "wrong_field_count"), (4, "", "wrong_field_count")]
    );
    assert_eq!(
        outcome.rejects[0].message,
        "the row has 2 fields where the header has 3"
    );
}

#[test]
fn a_row_with_broken_utf_8_is_set_aside_with_its_column() {
    let mut bytes = b"note,customer_id,location\n".to_vec();
    bytes.extend(b"fine,a,K\xc3\xb6ln\nfine,b,K\xf6ln\n\xff,c,Bonn\nfine,\xf6,Bonn\n");
    let outcome = import(bytes).unwrap();
    assert_eq!(
        ids(&outcome),
        ["a", "c"],
        "a column that is not read may hold anything"
    );
    assert_eq!(
        set_aside(&outcome),
        [
            (3, "location", "invalid_utf8"),
            (5, "customer_id", "invalid_utf8")
        ]
    );
}

#[test]
fn takes_byte_order_marks_line_ends_and_quotes_of_all_sorts() {
    let outcome = import_text(
        "\u{feff}\"customer_id\",location,age\r\n\
         a,\"New\nYork\",30\r\n\
         \r\n\
         \"b \"\"Bob\"\"\",\"a, b\r\nc\",31\n\
         c,5\" disk,32\r\
         d,,33",
    );
    assert_eq!(ids(&outcome), ["a", "b \"Bob\"", "c", "d"]);
    assert_eq!(
        texts(&outcome, LOCATION),
        [Some("New\nYork"), Some("a, b\r\nc"), Some("5\" disk"), None]
    );
    assert_eq!(outcome.lines, [2, 5, 7, 8]);
}

#[test]
fn a_line_end_behind_a_doubled_quote_is_counted_once() {
    let outcome = import_text("customer_id,location,age\na,\"x\"\"y\n\",30\nb,z,999\nc,z,31\n");
    assert_eq!(texts(&outcome, LOCATION), [Some("x\"y"), Some("z")]);
    assert_eq!(outcome.lines, [2, 5]);
    assert_eq!(set_aside(&outcome), [(4, "age", "out_of_range")]);
}

#[test]
fn millions_of_empty_lines_are_neither_rows_nor_an_end() {
    let empty = "\r\n".repeat(9 << 20);
    let outcome = import_text(&format!(
        "{empty}customer_id,age\na,30\n{empty}b,31\n{empty}"
    ));
    assert_eq!(ids(&outcome), ["a", "b"]);
    assert_eq!(outcome.summary.rejected, 0);
    let lines = 9 << 20;
    assert_eq!(outcome.lines, [lines + 2, 2 * lines + 3]);
}

#[test]
fn a_name_of_a_column_however_long_is_not_repeated_whole() {
    let long = " ".repeat(100_000);
    let outcome = import_text(&format!(
        "customer_id,age{long},{long}photo_cuont{long}\na,x,1\n"
    ));
    assert_eq!(set_aside(&outcome), [(2, "age", "wrong_type")]);
    let said = serde_json::to_string(&outcome.summary).unwrap();
    assert!(said.len() < 10_000, "{}", said.len());
    let ignored = &outcome.summary.columns_ignored[0];
    assert_eq!(ignored.nearest, Some("photo_count"));
}

#[test]
fn fields_may_end_in_semicolons_or_tabs() {
    for delimiter in [";", "\t"] {
        let text = "customer_id,age,location\na,30,\"x,y\"\n"
            .replace(",age,", &format!("{delimiter}age{delimiter}"));
        let text = text.replace("a,30,", &format!("a{delimiter}30{delimiter}"));
        let outcome = import_text(&text);
        assert_eq!(texts(&outcome, LOCATION), [Some("x,y")]);
        let after_empty_lines = import_text(&format!("\r\n\n{text}"));
        assert_eq!(texts(&after_empty_lines, LOCATION), [Some("x,y")]);
        assert_eq!(after_empty_lines.lines, [4]);
    }
}

#[test]
fn a_quote_that_is_not_closed_costs_its_own_row_alone() {
    let outcome = import_text("customer_id,location\na,\"Bonn\nb,Köln\nc,Ulm\n");
    assert_eq!(ids(&outcome), ["b", "c"]);
    assert_eq!(set_aside(&outcome), [(2, "", "unclosed_quote")]);
    let outcome = import_text("customer_id,location\na,\"Bo\"nn\nb,Köln\n");
    assert_eq!(ids(&outcome), ["b"]);
    assert_eq!(set_aside(&outcome), [(2, "", "misplaced_quote")]);
    let outcome = import_text("customer_id,location\na,\"Bonn\nb,\"Köln\"\nc,Ulm\n");
    assert_eq!(ids(&outcome), ["b", "c"]);
    assert_eq!(set_aside(&outcome), [(2, "", "misplaced_quote")]);
}

#[test]
fn an_enormous_field_costs_its_own_row_alone() {
    for quote in ["", "\""] {
        let field = "x".repeat(3 << 20);
        let text = format!("customer_id,note\na,1\nb,{quote}{field}{quote}\nc,3\n");
        let outcome = import_text(&text);
        assert_eq!(ids(&outcome), ["a", "c"], "{quote}");
        assert_eq!(set_aside(&outcome), [(3, "", "row_too_long")], "{quote}");
    }
    let long = format!("customer_id,location\na,{}\nb,Bonn\n", "x".repeat(1_001));
    assert_eq!(
        set_aside(&import_text(&long)),
        [(2, "location", "text_too_long")]
    );
    let one_line = "x".repeat(3 << 20);
    assert_eq!(refused(one_line).code(), "invalid_header");
}

#[test]
fn a_header_of_ten_thousand_columns_is_read_and_a_longer_one_refused() {
    let names = |count| {
        let names: Vec<String> = (0..count).map(|i| format!("feature_{i}")).collect();
        names.join(",")
    };
    let row = vec!["1"; 10_000].join(",");
    let text = format!("customer_id,{}\na,{row}\nb,1\n", names(10_000));
    let outcome = import_text(&text);
    assert_eq!(ids(&outcome), ["a"]);
    assert_eq!(set_aside(&outcome), [(3, "", "wrong_field_count")]);
    assert_eq!(outcome.summary.columns_ignored.len(), 10_000);
    assert_eq!(refused(names(20_001)).code(), "too_many_columns");
}

#[test]
fn text_that_no_database_holds_is_set_aside() {
    let outcome = import_text("customer_id,location\na,x\0y\nb,Bonn\n");
    assert_eq!(set_aside(&outcome), [(2, "location", "invalid_character")]);
}

#[test]
fn a_file_with_too_many_rows_is_refused() {
    let limits = Limits {
        rows: 2,
        ..Limits::default()
    };
    let refusal = import_with("age\n20\n21\n22\n", &Mapping::default(), limits);
    assert_eq!(refusal.err().unwrap().code(), "too_many_rows");
}

#[test]
fn reads_whatever_types_a_parquet_file_has() {
    let dictionary: DictionaryArray<arrow_array::types::Int8Type> =
        vec![Some("male"), None, Some("Female")]
            .into_iter()
            .collect();
    let tenure = Decimal128Array::from(vec![Some(500), None, Some(1200)]);
    let tenure = tenure.with_precision_and_scale(9, 2).unwrap();
    let file = parquet(vec![
        ("customer_id", Arc::new(Int64Array::from(vec![17, 18, 19]))),
        (
            "age",
            Arc::new(Float64Array::from(vec![Some(30.0), Some(f64::NAN), None])),
        ),
        ("gender", Arc::new(dictionary)),
        (
            "location",
            Arc::new(LargeStringArray::from(vec!["Bonn", "", "Ulm"])),
        ),
        ("tenure_months", Arc::new(tenure)),
        ("is_creator", Arc::new(Int32Array::from(vec![1, 0, 1]))),
        (
            "churn_30_day",
            Arc::new(BooleanArray::from(vec![true, false, true])),
        ),
        (
            "followers_count",
            Arc::new(StringArray::from(vec!["12.0", "NA", "7"])),
        ),
        (
            "data_generated_at",
            Arc::new(Date32Array::from(vec![20_382, 20_382, 20_382])),
        ),
        ("notes", Arc::new(StringArray::from(vec!["x", "y", "z"]))),
    ]);
    let outcome = import(file).unwrap();
    assert_eq!(set_aside(&outcome), []);
    assert_eq!(ids(&outcome), ["17", "18", "19"]);
    assert_eq!(integers(&outcome, AGE), [Some(30), None, None]);
    assert_eq!(
        texts(&outcome, GENDER),
        [Some("Male"), None, Some("Female")]
    );
    assert_eq!(texts(&outcome, LOCATION), [Some("Bonn"), None, Some("Ulm")]);
    assert_eq!(integers(&outcome, TENURE), [Some(5), None, Some(12)]);
    assert_eq!(
        flags(&outcome, CREATOR),
        [Some(true), Some(false), Some(true)]
    );
    let followers = outcome.batch.column(column("followers_count"));
    let followers: Vec<_> = followers.as_primitive::<Int64Type>().iter().collect();
    assert_eq!(followers, [Some(12), None, Some(7)]);
    assert_eq!(moments(&outcome), [Some(1_761_004_800_000_000); 3]);
}

#[test]
fn sets_bad_rows_of_a_parquet_file_aside_by_their_number() {
    let file = parquet(vec![
        (
            "customer_id",
            Arc::new(StringArray::from(vec!["a", "b", "c", "d", "a"])),
        ),
        (
            "age",
            Arc::new(Float64Array::from(vec![
                30.0,
                30.5,
                -1.0,
                f64::INFINITY,
                30.0,
            ])),
        ),
        (
            "location",
            Arc::new(BinaryArray::from(vec![
                &b"x"[..],
                b"x",
                b"x",
                b"x",
                b"\xff",
            ])),
        ),
    ]);
    let outcome = import(file).unwrap();
    assert_eq!(ids(&outcome), ["a"]);
    assert_eq!(
        set_aside(&outcome),
        [
            (2, "age", "not_an_integer"),
            (3, "age", "out_of_range"),
            (4, "age", "out_of_range"),
            (5, "location", "invalid_utf8"),
        ]
    );
}

#[test]
fn moments_of_every_unit_come_out_the_same() {
    let nanos = TimestampNanosecondArray::from(vec![Some(1_761_004_800_000_000_000), None]);
    let file = parquet(vec![
        ("customer_id", Arc::new(StringArray::from(vec!["a", "b"]))),
        ("data_generated_at", Arc::new(nanos.with_timezone("+02:00"))),
    ]);
    assert_eq!(
        moments(&import(file).unwrap()),
        [Some(1_761_004_800_000_000), None]
    );
    let seconds = arrow_array::TimestampSecondArray::from(vec![i64::MAX / 2_000, 0]);
    let file = parquet(vec![
        ("customer_id", Arc::new(StringArray::from(vec!["a", "b"]))),
        ("data_generated_at", Arc::new(seconds)),
    ]);
    assert_eq!(moments(&import(file).unwrap()), [Some(0)]);
}

#[test]
fn a_column_whose_type_can_not_be_is_refused_as_a_whole() {
    let field = Arc::new(Field::new("item", DataType::Int32, true));
    let list = arrow_array::ListArray::new_null(field, 2);
    let file = parquet(vec![("age", Arc::new(list))]);
    let refusal = refused(file);
    assert!(matches!(
        refusal,
        ImportError::Table(TableError::ColumnType { .. })
    ));
    assert!(refusal.to_string().contains("\"age\""), "{refusal}");
    let file = parquet(vec![("age", Arc::new(BooleanArray::from(vec![true])))]);
    assert_eq!(refused(file).code(), "unsupported_type");
}

#[test]
fn a_parquet_file_that_was_cut_short_or_scrambled_is_refused() {
    let ages: Vec<i32> = (0..5_000).map(|i| 20 + i % 50).collect();
    let file = parquet(vec![("age", Arc::new(Int32Array::from(ages)))]);
    for length in [4, 5, 12, file.len() / 2, file.len() - 1] {
        assert_eq!(
            refused(file[..length].to_vec()).code(),
            "damaged_file",
            "{length}"
        );
    }
}

#[test]
fn a_page_that_says_it_unpacks_to_more_than_its_column_is_refused() {
    let ages: Vec<i32> = (0..5_000).map(|i| 20 + i % 50).collect();
    let mut file = parquet(vec![("age", Arc::new(Int32Array::from(ages)))]);
    assert_eq!(import(file.clone()).unwrap().batch.num_rows(), 5_000);
    // The first page, a dictionary of 200 bytes, behind the four of the format's name.
    assert_eq!(file[6..9], [0x15, 0x90, 0x03]);
    file[7..9].copy_from_slice(&[0xfe, 0x7f]);
    let refused = refused(file);
    assert_eq!(refused.code(), "damaged_file");
    let reason = "a page of age says that it unpacks to more than the whole column";
    assert!(refused.to_string().contains(reason), "{refused}");
}

/// A list, in a field that nobody knows, of 2^31 - 1 flags.
const FLAGS: [u8; 7] = [0xf9, 0xf2, 0xff, 0xff, 0xff, 0xff, 0x07];

/// A file that says this of itself, and has nothing else.
fn saying(about: &[u8]) -> Vec<u8> {
    let length = u32::try_from(about.len()).unwrap().to_le_bytes();
    [b"PAR1", about, &length, b"PAR1"].concat()
}

fn assert_damaged(file: Vec<u8>, reason: &str) {
    let refused = refused(file);
    assert_eq!(refused.code(), "damaged_file");
    assert!(refused.to_string().contains(reason), "{refused}");
}

#[test]
fn a_list_that_takes_no_bytes_is_not_counted_through() {
    assert_damaged(saying(&[&FLAGS[..], &[0]].concat()), "a list of flags");
}

#[test]
fn a_list_that_takes_no_bytes_is_not_hidden_in_a_field_of_another_kind() {
    // A number, as a text of eight bytes; the decoder takes the length for it, and
    // goes on with the text.
    let text = [&[8], &FLAGS[..], &[0]].concat();
    let version = [&[0x18], &text[..], &[0]].concat();
    assert_damaged(saying(&version), "of other types");

    // In a group of rows, a column, what is said of it, its statistics: how many
    // are null.
    let way = [0x15, 2, 0x39, 0x1c, 0x19, 0x1c, 0x3c, 0xcc, 0x38];
    let nulls = [&way, &text[..], &[0; 5]].concat();
    assert_damaged(saying(&nulls), "of other types");
}

#[test]
fn more_columns_than_anybody_has_are_not_made_room_for() {
    // The version, and half a million columns of which nothing is said.
    let mut about = vec![0x15, 2, 0x19, 0xfc, 0xa0, 0xc2, 0x1e];
    about.resize(about.len() + 500_000, 0);
    about.push(0);
    assert_damaged(saying(&about), "a list that is too long");
    about.resize(20 << 20, 0);
    assert_damaged(saying(&about), "more of itself than 16 MiB");
}

#[test]
fn a_page_header_whose_fields_are_of_other_kinds_is_refused() {
    let ages: Vec<i32> = (0..5_000).map(|i| 20 + i % 50).collect();
    let mut file = parquet(vec![("age", Arc::new(Int32Array::from(ages)))]);
    // The size that the first page unpacks to, as the length of a text.
    assert_eq!(file[6..9], [0x15, 0x90, 0x03]);
    file[6] = 0x18;
    let refused = refused(file);
    assert_eq!(refused.code(), "damaged_file");
    assert!(refused.to_string().contains("of other types"), "{refused}");
}

#[test]
fn a_short_page_that_stands_for_much_text_takes_no_more_memory() {
    let long = "x".repeat(4 << 10);
    let keys = arrow_array::Int32Array::from(vec![0; 20_000]);
    let values = Arc::new(StringArray::from(vec![long.as_str()]));
    let dictionary = DictionaryArray::new(keys, values);
    let file = parquet(vec![
        (
            "customer_id",
            Arc::new(Int64Array::from_iter_values(0..20_000)),
        ),
        ("location", Arc::new(dictionary)),
    ]);
    assert!(file.len() < 1 << 18);
    let outcome = import(file).unwrap();
    assert_eq!(outcome.summary.rejected, 20_000);
    assert_eq!(outcome.rejects[0].code, "text_too_long");
}

/// Text that is hard on whoever splits it.
fn field() -> impl Strategy<Value = String> {
    "[a-c ,;\"\n\r\tö]{0,6}"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_text_comes_back_from_a_csv_file(cities in proptest::collection::vec(field(), 1..40)) {
        let mut text = "customer_id,location\n".to_owned();
        for (i, city) in cities.iter().enumerate() {
            writeln!(text, "c{i},\"{}\"", city.replace('"', "\"\"")).unwrap();
        }
        let outcome = import_text(&text);
        let expected: Vec<Option<&str>> = cities
            .iter()
            .map(|city| Some(city.trim()).filter(|city| !city.is_empty()))
            .collect();
        prop_assert_eq!(texts(&outcome, LOCATION), expected);
    }

    #[test]
    fn no_bytes_stop_the_importer_and_totals_always_add_up(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut bytes = b"customer_id,age,location\n".to_vec();
        bytes.extend(body);
        // `read_all` holds the totals against what came out.
        let _ = import(bytes);
    }

    #[test]
    fn no_scrambled_parquet_file_stops_the_importer(at in 0_usize..2_000, byte in any::<u8>()) {
        let ages: Vec<i32> = (0..200).map(|i| 20 + i % 50).collect();
        let ids: Vec<String> = (0..200).map(|i| format!("c{i}")).collect();
        let mut file = parquet(vec![
            ("customer_id", Arc::new(StringArray::from(ids))),
            ("age", Arc::new(Int32Array::from(ages))),
        ]);
        let at = at % file.len();
        file[at] = byte;
        let _ = import(file);
    }
}
