//! What Typst sees: the templates, the fonts and one document as `/data.json`.
//!
//! Invariants: nothing else can be read (no file, no package, no clock), so the
//! same document gives the same bytes; and every text can be shown, since a sign
//! that the fonts lack is replaced before Typst sees it.

use std::sync::LazyLock;

use serde_json::Value;
use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};

/// Stands for a sign that the fonts don't have.
const UNKNOWN: char = '\u{fffd}';

/// What is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Main {
    Report,
    Chart,
}

struct Shelf {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    report: Source,
    chart: Source,
    parts: [Source; 4],
    data: FileId,
}

static SHELF: LazyLock<Shelf> = LazyLock::new(|| {
    let fonts: Vec<Font> = [notosans::REGULAR_TTF, notosans::BOLD_TTF]
        .into_iter()
        .flat_map(|bytes| Font::iter(Bytes::new(bytes)))
        .collect();
    Shelf {
        library: LazyHash::new(Library::default()),
        book: LazyHash::new(FontBook::from_fonts(&fonts)),
        fonts,
        report: source("/report.typ", include_str!("templates/report.typ")),
        chart: source("/chart.typ", include_str!("templates/chart.typ")),
        parts: [
            source("/style.typ", include_str!("templates/style.typ")),
            source("/charts.typ", include_str!("templates/charts.typ")),
            source("/blocks.typ", include_str!("templates/blocks.typ")),
            source("/pages.typ", include_str!("templates/pages.typ")),
        ],
        data: file("/data.json"),
    }
});

fn source(path: &'static str, text: &str) -> Source {
    Source::new(file(path), text.to_owned())
}

/// Typst keeps every file's name for ever: these seven are all there are.
fn file(path: &'static str) -> FileId {
    let path = VirtualPath::new(path).expect("a fixed path is a path");
    RootedPath::new(VirtualRoot::Project, path).intern()
}

/// One document and how it is laid out.
pub(super) struct Sheet {
    main: Main,
    data: Bytes,
}

impl Sheet {
    pub fn new(main: Main, mut data: Value) -> Self {
        make_printable(&mut data);
        Self {
            main,
            data: Bytes::from_string(data.to_string()),
        }
    }
}

impl World for Sheet {
    fn library(&self) -> &LazyHash<Library> {
        &SHELF.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &SHELF.book
    }

    fn main(&self) -> FileId {
        match self.main {
            Main::Report => SHELF.report.id(),
            Main::Chart => SHELF.chart.id(),
        }
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        let all = &*SHELF;
        let held = [&all.report, &all.chart].into_iter().chain(&all.parts);
        let mut files = held.into_iter();
        files
            .find(|file| file.id() == id)
            .cloned()
            .ok_or(FileError::AccessDenied)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if id == SHELF.data {
            Ok(self.data.clone())
        } else {
            Err(FileError::AccessDenied)
        }
    }

    fn font(&self, index: usize) -> Option<Font> {
        SHELF.fonts.get(index).cloned()
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}

/// Replaces what the fonts can't show, in every text of a document.
fn make_printable(data: &mut Value) {
    match data {
        Value::String(text) => {
            if !text.is_ascii() && !text.chars().all(is_printable) {
                *text = text
                    .chars()
                    .map(|c| if is_printable(c) { c } else { UNKNOWN })
                    .collect();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_printable),
        Value::Object(fields) => fields.values_mut().for_each(make_printable),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether every weight of the family has the sign.
fn is_printable(c: char) -> bool {
    SHELF
        .fonts
        .iter()
        .all(|font| font.info().coverage.contains(c.into()))
}
