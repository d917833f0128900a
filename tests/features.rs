//! Reading one customer from JSON, and turning it into a model's input row.

#![expect(clippy::float_cmp, reason = "what is read is exactly what was sent")]

use engagecast::features::{
    ColumnSet, Encoder, FieldError, MAX_WIDTH, Profile, ProfileError, Shown, profiles,
};
use engagecast::schema::{COLUMNS, column};
use proptest::prelude::*;

use crate::support::cohort::{cohort, cohort_with};

const AGE: usize = column("age");
const GENDER: usize = column("gender");
const LOCATION: usize = column("location");
const TIER: usize = column("premium_tier");
const FOLLOWERS: usize = column("followers_count");
const CREATOR: usize = column("is_creator");
const PHOTOS: usize = column("photo_count");
const LIKES: usize = column("likes_given_day");

fn read(body: &str) -> Profile {
    Profile::from_json(body.as_bytes()).unwrap_or_else(|e| panic!("{body}: {e}"))
}

fn faults(body: &str) -> Vec<FieldError> {
    match Profile::from_json(body.as_bytes()) {
        Err(ProfileError::Fields(faults)) => faults,
        other => panic!("{body}: {other:?}"),
    }
}

fn fault(body: &str) -> (String, &'static str, String) {
    let mut faults = faults(body);
    assert_eq!(faults.len(), 1, "{body}: {faults:?}");
    let fault = faults.remove(0);
    (fault.field, fault.code, fault.message)
}

#[test]
fn reads_each_kind_of_column() {
    let profile = read(
        r#" {"customer_id": "c-17", "age": 31, "gender": "Non-binary", "location": "Reykjavík",
             "likes_given_day": 8.25, "followers_count": 9007199254740991, "is_creator": true,
             "premium_tier": "Gold", "data_generated_at": "2025-10-21T02:00:00+02:00"} "#,
    );
    assert_eq!(profile.customer_id(), Some("c-17"));
    assert_eq!(profile.shown(AGE), Shown::Number(31.0));
    assert_eq!(profile.shown(GENDER), Shown::Text("Non-binary"));
    assert_eq!(profile.location(), Some("Reykjavík"));
    assert_eq!(profile.shown(LIKES), Shown::Number(8.25));
    assert_eq!(
        profile.shown(FOLLOWERS),
        Shown::Number(9_007_199_254_740_991.0)
    );
    assert_eq!(profile.shown(CREATOR), Shown::Flag(true));
    assert_eq!(profile.shown(TIER), Shown::Text("Gold"));
    assert_eq!(
        profile.value(column("data_generated_at")),
        1_761_004_800_000_000.0
    );
}

#[test]
fn null_and_absent_are_missing() {
    let profile = read(r#"{"age": null, "gender": null, "location": null, "is_creator": null}"#);
    for (i, column) in COLUMNS.iter().enumerate() {
        assert_eq!(profile.shown(i), Shown::Missing, "{}", column.name);
    }
}

#[test]
fn numbers_may_be_written_in_any_way_json_has() {
    for (sent, value) in [
        ("1.0", 1.0),
        ("1e0", 1.0),
        ("-0", 0.0),
        ("-0.0", 0.0),
        ("30E-1", 3.0),
    ] {
        let profile = read(&format!(r#"{{"photo_count": {sent}}}"#));
        assert_eq!(profile.value(PHOTOS), value, "{sent}");
    }
    assert_eq!(read(r#"{"\u0061ge": 20}"#).value(AGE), 20.0);
}

#[test]
fn flags_take_true_false_1_and_0() {
    for (sent, value) in [
        ("true", true),
        ("false", false),
        ("1", true),
        ("0", false),
        ("1.0", true),
    ] {
        let profile = read(&format!(r#"{{"is_creator": {sent}}}"#));
        assert_eq!(profile.shown(CREATOR), Shown::Flag(value), "{sent}");
    }
    for sent in ["2", "-1", "0.5", r#""true""#, "[]"] {
        let (_, code, message) = fault(&format!(r#"{{"is_creator": {sent}}}"#));
        assert_eq!(
            (code, message.as_str()),
            ("wrong_type", "must be true, false, 1 or 0")
        );
    }
}

#[test]
fn a_misspelt_name_is_told_the_nearest_column() {
    let (field, code, message) = fault(r#"{"photo_cuont": 3}"#);
    assert_eq!((field.as_str(), code), ("photo_cuont", "unknown_field"));
    assert_eq!(message, "is not a column; did you mean photo_count?");
    assert_eq!(fault(r#"{"favourite_colour": 3}"#).2, "is not a column");
}

#[test]
fn a_wrong_type_is_told_what_the_column_takes() {
    for (body, message) in [
        (r#"{"age": "31"}"#, "must be an integer from 13 to 120"),
        (r#"{"age": true}"#, "must be an integer from 13 to 120"),
        (r#"{"age": [31]}"#, "must be an integer from 13 to 120"),
        (
            r#"{"age": {"years": [31, {}]}}"#,
            "must be an integer from 13 to 120",
        ),
        (
            r#"{"likes_given_day": false}"#,
            "must be a number, 0 or more",
        ),
        (
            r#"{"gender": 1}"#,
            "must be one of Male, Female, Non-binary",
        ),
        (r#"{"location": 3}"#, "must be a string"),
        (r#"{"customer_id": 17}"#, "must be a string"),
        (
            r#"{"data_generated_at": 17}"#,
            "must be an RFC 3339 timestamp",
        ),
    ] {
        let (_, code, found) = fault(body);
        assert_eq!((code, found.as_str()), ("wrong_type", message), "{body}");
    }
}

#[test]
fn a_fraction_is_no_integer() {
    let (field, code, message) = fault(r#"{"age": 31.5}"#);
    assert_eq!((field.as_str(), code), ("age", "not_an_integer"));
    assert_eq!(message, "must be an integer from 13 to 120");
}

#[test]
fn an_unknown_category_lists_what_is_accepted() {
    for sent in ["gold", "", "Gold "] {
        let (_, code, message) = fault(&format!(r#"{{"premium_tier": "{sent}"}}"#));
        assert_eq!(
            (code, message.as_str()),
            ("unknown_category", "must be one of Free, Gold, Platinum")
        );
    }
}

#[test]
fn a_value_outside_the_valid_range_is_refused() {
    for body in [
        r#"{"age": 12}"#,
        r#"{"age": 121}"#,
        r#"{"age": -31}"#,
        r#"{"likes_given_day": -0.1}"#,
        r#"{"response_rate_pct": 100.1}"#,
        r#"{"photo_count": 3000000000}"#,
        r#"{"followers_count": 18446744073709551615}"#,
        r#"{"likes_given_day": 1e300}"#,
        r#"{"likes_given_day": 1e999}"#,
    ] {
        assert_eq!(fault(body).1, "out_of_range", "{body}");
    }
    // The generator would not draw these, but a real customer may have them.
    read(r#"{"age": 13, "tenure_months": 200, "photo_count": 40}"#);
}

#[test]
fn a_moment_must_be_one() {
    assert_eq!(
        fault(r#"{"data_generated_at": "yesterday"}"#).1,
        "invalid_timestamp"
    );
    assert_eq!(
        fault(r#"{"data_generated_at": "2025-02-30T00:00:00Z"}"#).1,
        "invalid_timestamp"
    );
}

#[test]
fn a_field_given_twice_is_refused() {
    let (field, code, message) = fault(r#"{"age": 31, "gender": "Male", "age": 31}"#);
    assert_eq!((field.as_str(), code), ("age", "duplicate_field"));
    assert_eq!(message, "is given more than once");
    assert_eq!(fault(r#"{"age": null, "age": 31}"#).1, "duplicate_field");
}

#[test]
fn all_faults_are_listed_at_once() {
    let found = faults(
        r#"{"age": 7, "gendre": "Male", "gender": "male", "photo_count": 1.5,
            "likes_given_day": "8", "tenure_months": 3}"#,
    );
    let found: Vec<_> = found.iter().map(|f| (f.field.as_str(), f.code)).collect();
    assert_eq!(
        found,
        [
            ("age", "out_of_range"),
            ("gendre", "unknown_field"),
            ("gender", "unknown_category"),
            ("photo_count", "not_an_integer"),
            ("likes_given_day", "wrong_type"),
        ]
    );
}

#[test]
fn no_message_repeats_a_value() {
    let secret = "7349215";
    for body in [
        format!(r#"{{"age": {secret}}}"#),
        format!(r#"{{"age": "{secret}"}}"#),
        format!(r#"{{"premium_tier": "{secret}"}}"#),
        format!(r#"{{"data_generated_at": "{secret}"}}"#),
        format!(r#"{{"age": {secret}"#),
        format!(r#"{{"age": 31}} {secret}"#),
        secret.to_owned(),
    ] {
        let error = Profile::from_json(body.as_bytes()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(secret), "{error:?}");
    }
}

#[test]
fn a_long_name_is_cut_short_in_the_answer() {
    let (field, ..) = fault(&format!(r#"{{"{}": 1}}"#, "ä".repeat(10_000)));
    assert_eq!(field.chars().count(), 65);
}

#[test]
fn a_body_full_of_faults_is_answered_in_bounds() {
    let fields: Vec<String> = (0..50_000)
        .map(|i| format!(r#""field_{i}": {i}"#))
        .collect();
    let faults = faults(&format!("{{{}}}", fields.join(",")));
    assert_eq!(faults.len(), 101);
    assert_eq!(faults[100].message, "49900 more faults are not listed");
}

#[test]
fn what_is_not_json_is_told_where() {
    for (body, line, at) in [
        ("", 1, 0),
        ("{\"age\": 31,\n \"gender\" \"Male\"}", 2, 11),
        ("{\"age\": 31} x", 1, 13),
        ("{\"age\": 31}{}", 1, 12),
        ("{\"age\": 031}", 1, 10),
        ("{age: 31}", 1, 2),
    ] {
        let error = Profile::from_json(body.as_bytes()).unwrap_err();
        assert_eq!(error, ProfileError::Syntax { line, column: at }, "{body}");
    }
    assert!(matches!(
        Profile::from_json(b"{\"location\": \"\xff\"}"),
        Err(ProfileError::Syntax { .. })
    ));
}

#[test]
fn what_is_not_an_object_is_refused() {
    for body in ["[]", "[{\"age\": 31}]", "31", "null", "\"age\"", "true"] {
        assert_eq!(
            Profile::from_json(body.as_bytes()).unwrap_err(),
            ProfileError::NotAnObject,
            "{body}"
        );
    }
}

#[test]
fn deep_nesting_is_refused_and_not_followed() {
    for bomb in ["[", "{\"a\":"] {
        for field in ["age", "unknown"] {
            let body = format!("{{\"{field}\": {}", bomb.repeat(200_000));
            assert!(Profile::from_json(body.as_bytes()).is_err());
        }
    }
}

#[test]
fn batches_and_json_make_the_same_profile() {
    let batch = &cohort(40, 3)[0];
    for profile in profiles(batch).unwrap() {
        let fields: Vec<String> = (0..COLUMNS.len())
            .filter(|&c| COLUMNS[c].name != "data_generated_at")
            .map(|c| {
                let value = match profile.shown(c) {
                    Shown::Missing => "null".to_owned(),
                    Shown::Number(x) => x.to_string(),
                    Shown::Flag(flag) => flag.to_string(),
                    Shown::Text(text) => format!("{text:?}"),
                };
                format!("\"{}\": {value}", COLUMNS[c].name)
            })
            .collect();
        let again = read(&format!("{{{}}}", fields.join(", ")));
        for (c, column) in COLUMNS.iter().enumerate().take(71) {
            assert_eq!(profile.shown(c), again.shown(c), "{}", column.name);
        }
    }
}

fn encoder() -> Encoder {
    // One customer of the last city, which training will see once.
    let cohort = cohort_with(300, 1, |i, row| {
        row[LOCATION] = Some([0.0, 1.0, 1.0, 2.0, 2.0, 2.0][i % 6]);
        if i == 299 {
            row[LOCATION] = Some(9.0);
        }
    });
    let columns: ColumnSet = [AGE, GENDER, LOCATION, TIER].into_iter().collect();
    Encoder::fit(&cohort, columns, &|row| row < 299).unwrap()
}

fn encoded(profile: &Profile) -> Vec<f32> {
    encoder().encode(profile, &mut [7.0; MAX_WIDTH]).to_vec()
}

#[test]
fn numbers_stay_orders_count_and_categories_take_a_place_each() {
    let row = encoded(&read(
        r#"{"age": 31, "gender": "Female", "location": "Chicago", "premium_tier": "Platinum"}"#,
    ));
    assert_eq!(row, [31.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 2.0]);
    assert_eq!(
        encoder().place_names(),
        [
            "age",
            "gender=Male",
            "gender=Female",
            "gender=Non-binary",
            "location=Chicago",
            "location=Los Angeles",
            "location=New York",
            "location=other",
            "premium_tier"
        ]
    );
}

#[test]
fn a_city_that_training_never_saw_is_other() {
    for city in ["Reykjavík", "Seattle", ""] {
        let row = encoded(&read(&format!(r#"{{"location": "{city}"}}"#)));
        assert_eq!(row[4..8], [0.0, 0.0, 0.0, 1.0], "{city}");
    }
}

#[test]
fn what_is_missing_is_nan_in_all_its_places() {
    assert!(encoded(&Profile::new()).iter().all(|x| x.is_nan()));
    let row = encoded(&read(r#"{"gender": "Male"}"#));
    assert_eq!(row[1..4], [1.0, 0.0, 0.0]);
    assert!(row[0].is_nan() && row[4..].iter().all(|x| x.is_nan()));
    let missing: Vec<_> = encoder().missing(&row).names().collect();
    assert_eq!(missing, ["age", "location", "premium_tier"]);
}

#[test]
fn columns_and_customers_encode_alike() {
    let cohort = cohort_with(600, 2, |i, row| {
        // Gaps in every column, at different rows.
        for (c, value) in row.iter_mut().enumerate().skip(1) {
            if (i + c) % 7 == 0 {
                *value = None;
            }
        }
    });
    let columns = (1..COLUMNS.len() - 1).collect();
    let encoder = Encoder::fit(&cohort, columns, &|_| true).unwrap();
    let matrix = encoder.encode_batches(&cohort).unwrap();
    let customers = cohort.iter().flat_map(|batch| profiles(batch).unwrap());
    for (profile, row) in customers.zip(matrix.chunks(encoder.width())) {
        let mut buffer = [0.0; MAX_WIDTH];
        let alone = encoder.encode(&profile, &mut buffer);
        assert!(
            alone
                .iter()
                .zip(row)
                .all(|(a, b)| a.to_bits() == b.to_bits())
        );
    }
}

#[test]
fn an_encoder_survives_storage_and_notices_another_schema() {
    let stored = serde_json::to_string(&encoder()).unwrap();
    assert_eq!(serde_json::from_str::<Encoder>(&stored).unwrap(), encoder());
    for (from, to) in [
        ("\"age\"", "\"aeg\""),
        ("\"age\"", "\"customer_id\""),
        ("Non-binary", "Other"),
        ("Platinum", "Silver"),
    ] {
        let changed = stored.replace(from, to);
        assert_ne!(changed, stored);
        assert!(serde_json::from_str::<Encoder>(&changed).is_err(), "{from}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Profile::from_json(&body);
    }

    #[test]
    fn any_text_is_a_location(city in "\\PC{0,40}") {
        let body = serde_json::json!({ "location": city }).to_string();
        let profile = read(&body);
        prop_assert_eq!(profile.location(), Some(city.as_str()));
    }
}
