//! The documentation says what the code does.

use engagecast::schema::document;

/// The part of a page that is generated stands between two such lines.
const BEGIN: &str = "<!-- columns: begin, written by scripts/document -->\n";
const END: &str = "<!-- columns: end -->";

#[test]
fn the_data_set_page_lists_the_columns_of_the_schema() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/dataset.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page
        .split_once(BEGIN)
        .expect("the page has a generated part");
    let (stands, after) = rest.split_once(END).expect("the generated part ends");
    if std::env::var_os("ENGAGECAST_WRITE_DOCUMENTS").is_some() {
        let written = format!("{before}{BEGIN}{}{END}{after}", document::markdown());
        std::fs::write(path, written).unwrap();
        return;
    }
    assert_eq!(
        stands,
        document::markdown(),
        "run scripts/document to write it anew"
    );
}
