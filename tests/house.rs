//! Who may import whom, and what stays in which room.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room with those that it may import.
const ROOMS: &[(&str, &[&str])] = &[
    (
        "main",
        &["app", "cli", "cohort", "config", "http", "telemetry"],
    ),
    (
        "app",
        &[
            "config", "http", "jobs", "progress", "report", "store", "traces",
        ],
    ),
    (
        "cli",
        &[
            "config", "progress", "jobs", "report", "cohort", "models", "store", "features",
            "schema",
        ],
    ),
    ("progress", &["telemetry", "jobs"]),
    ("telemetry", &["config", "http"]),
    ("config", &[]),
    (
        "http",
        &[
            "jobs", "report", "cohort", "models", "store", "features", "facts", "schema", "traces",
        ],
    ),
    (
        "report",
        &["cohort", "models", "store", "features", "facts", "schema"],
    ),
    (
        "jobs",
        &[
            "cohort", "models", "store", "features", "facts", "schema", "traces",
        ],
    ),
    ("cohort", &["features", "facts", "schema"]),
    ("models", &["features", "facts", "schema"]),
    ("store", &["schema", "traces"]),
    ("features", &["schema"]),
    ("facts", &["schema"]),
    ("schema", &[]),
    ("traces", &[]),
];

/// What may be named in the files below these rooms only.
const KEPT: &[(&str, &[&str])] = &[
    ("axum", &["http"]),
    ("utoipa", &["http"]),
    ("hyper", &["http", "traces"]),
    ("tower_http", &["http"]),
    ("sqlx", &["store"]),
    ("hessboost", &["models"]),
    ("smartcore", &["models"]),
    ("rand", &["cohort"]),
    ("typst", &["report"]),
    ("opentelemetry", &["traces"]),
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Every source file but the map itself: its room, and its code without comments.
fn sources() -> Vec<(String, PathBuf, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&src, &mut found);
    found
        .into_iter()
        .filter(|path| *path != src.join("lib.rs"))
        .map(|path| {
            let inside = path.strip_prefix(&src).unwrap();
            let first = inside.components().next().unwrap();
            let room = Path::new(first.as_os_str()).file_stem().unwrap();
            let text = fs::read_to_string(&path).unwrap();
            let code: String = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .flat_map(|line| [line, "\n"])
                .collect();
            (room.to_str().unwrap().to_owned(), path, code)
        })
        .collect()
}

/// The names that follow a path's beginning, one by one or in braces.
fn named_after<'a>(code: &'a str, beginning: &str) -> Vec<&'a str> {
    let mut names = Vec::new();
    for (start, _) in code.match_indices(beginning) {
        let rest = &code[start + beginning.len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(entries(group).into_iter().map(first_word)),
            None => names.push(first_word(rest)),
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// What stands between commas, up to the brace that ends the group; groups within
/// it are part of their entry.
fn entries(group: &str) -> Vec<&str> {
    let (mut found, mut depth, mut begin) = (Vec::new(), 0, 0);
    for (at, sign) in group.char_indices() {
        match sign {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                found.push(&group[begin..at]);
                begin = at + 1;
                if sign == '}' {
                    break;
                }
            }
            _ => (),
        }
    }
    found
}

fn first_word(text: &str) -> &str {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// How many `super::` lead from a file to where the rooms are.
fn depth(path: &Path) -> usize {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let inside = path.strip_prefix(src).unwrap().with_extension("");
    inside.components().count() - usize::from(inside.ends_with("mod"))
}

#[test]
fn imports_are_read_as_they_are_written() {
    let code = "use crate::{models::{A, b::C}, http::B,\n};\nuse crate::facts::D;";
    assert_eq!(named_after(code, "crate::"), ["models", "http", "facts"]);
}

#[test]
fn imports_run_one_way() {
    let rooms: BTreeMap<_, _> = ROOMS.iter().copied().collect();
    for (room, path, code) in sources() {
        let allowed = rooms
            .get(room.as_str())
            .unwrap_or_else(|| panic!("{room} is a room that the rules do not know"));
        let beginning = if room == "main" {
            "engagecast::"
        } else {
            "crate::"
        };
        let upward = "super::".repeat(depth(&path));
        let mut imports = named_after(&code, beginning);
        // From a module within a file it leads one less far, to no room's name.
        let up = named_after(&code, &upward).into_iter();
        imports.extend(up.filter(|name| rooms.contains_key(name)));
        for import in imports {
            let fine = import == room || allowed.contains(&import);
            assert!(fine, "{} imports {import}", path.display());
        }
    }
}

#[test]
fn each_crate_stays_in_its_room() {
    for (room, path, code) in sources() {
        for (name, keepers) in KEPT {
            let named = code.contains(&format!("{name}::")) || code.contains(&format!("{name}_"));
            let used = named
                && code
                    .split(|c: char| !c.is_alphanumeric() && c != '_')
                    .any(|word| word == *name || word.starts_with(&format!("{name}_")));
            assert!(
                !used || keepers.contains(&room.as_str()),
                "{} uses {name}",
                path.display()
            );
        }
    }
}

#[test]
fn only_the_configuration_reads_the_environment() {
    for (room, path, code) in sources() {
        // The arguments of the command line are not the environment.
        let code = code.replace("env::args", "");
        let reads = code.contains("env::") || code.contains("env =");
        assert!(!reads || room == "config", "{}", path.display());
    }
}

#[test]
fn every_file_says_what_it_owns() {
    for (_, path, _) in sources() {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{}", path.display());
    }
}

#[test]
fn what_is_optimised_less_is_so_in_every_profile() {
    let manifest = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let crates = |profile: &str| {
        let packages = manifest["profile"][profile]["package"].as_table().unwrap();
        packages.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(crates("release"), crates("dev"));
}
