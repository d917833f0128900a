//! The seven sections of the report, each with a headline that says what this
//! cohort comes to.

mod dating;
mod method;
mod recommendations;
mod retention;
mod revenue;
mod social;
mod statistics;
mod summary;

use super::builder::Pages;
use super::document::{Block, Section, Table, TableColumn};
use super::story::paragraph;

/// In their order.
pub(super) const ALL: &[fn(&mut Pages) -> Section] = &[
    summary::section,
    social::section,
    dating::section,
    revenue::section,
    retention::section,
    recommendations::section,
    method::section,
];

/// A paragraph of the sentences that can be said.
fn text(sentences: impl IntoIterator<Item = Option<String>>) -> Option<Block> {
    let paragraphs = vec![paragraph(sentences)?];
    Some(Block::Text { paragraphs })
}

/// A table whose first column names the rows; none without rows.
fn table(
    title: &str,
    columns: &[&str],
    rows: Vec<Vec<String>>,
    note: Option<String>,
) -> Option<Block> {
    plain_table(title, columns, rows, note).map(Block::Table)
}

fn plain_table(
    title: &str,
    columns: &[&str],
    rows: Vec<Vec<String>>,
    note: Option<String>,
) -> Option<Table> {
    let columns = columns.iter().enumerate().map(|(i, name)| TableColumn {
        name: (*name).to_owned(),
        numeric: i > 0,
    });
    (!rows.is_empty()).then(|| Table {
        title: title.to_owned(),
        columns: columns.collect(),
        rows,
        note,
    })
}

fn subhead(text: &str) -> Block {
    Block::Subhead {
        text: text.to_owned(),
    }
}

/// A value that may not be known.
fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "–".to_owned())
}
