//! The columns as a Markdown table, for the documentation.

use std::fmt::Write as _;

use super::{COLUMNS, Column, Group, Kind};

const GROUPS: [Group; 6] = [
    Group::Demographics,
    Group::Social,
    Group::Dating,
    Group::Revenue,
    Group::Churn,
    Group::Platform,
];

/// All columns, a table a group.
#[must_use]
pub fn markdown() -> String {
    let mut page = String::new();
    for group in GROUPS {
        let columns = || COLUMNS.iter().filter(|c| c.group == group);
        // Writing to a string can't fail.
        let _ = writeln!(page, "\n### {} ({})\n", group.title(), columns().count());
        page.push_str(
            "| column | type | unit | valid | generated | meaning |\n|---|---|---|---|---|---|\n",
        );
        for c in columns() {
            let _ = writeln!(
                page,
                "| `{}` | {} | {} | {} | {} | {} |",
                c.name,
                type_name(c.kind),
                c.unit,
                c.expected(),
                generated(c),
                c.meaning
            );
        }
    }
    page
}

fn type_name(kind: Kind) -> String {
    match kind {
        Kind::Id | Kind::Category(_) | Kind::OpenCategory(_) => "text".into(),
        Kind::Integer => "integer, 32 bits".into(),
        Kind::BigInteger => "integer, 64 bits".into(),
        Kind::Decimal(places) => format!("number, {places} decimals"),
        Kind::Flag => "true or false".into(),
        Kind::Timestamp => "timestamp, UTC".into(),
    }
}

fn generated(column: &Column) -> String {
    match column.kind {
        Kind::Id => "`C0000001` and on".into(),
        Kind::OpenCategory(names) => names.join(", "),
        Kind::Timestamp => super::SNAPSHOT.into(),
        Kind::Integer | Kind::BigInteger | Kind::Decimal(_) if column.generated != column.valid => {
            let range = column.generated;
            if range.max >= column.valid.max {
                format!("{} or more", range.min)
            } else {
                format!("{} to {}", range.min, range.max)
            }
        }
        _ => "the same".into(),
    }
}
