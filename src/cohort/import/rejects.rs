//! Rows that are set aside: where they are and why, never what they hold.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::cohort::files::{BadRow, RowFault};

/// A row that is not imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The line that the row begins on in a CSV file, the header's being the
    /// first; the row's number, from 1, in a Parquet file.
    pub line: u64,
    /// The first column at fault, by the file's name for it.
    pub column: Option<String>,
    pub code: &'static str,
    /// One sentence; other columns at fault are named in it.
    pub message: String,
}

impl Reject {
    /// A row that could not be told apart from those around it.
    pub(super) fn of(bad: &BadRow, names: &[String]) -> Self {
        let (code, message) = match bad.fault {
            RowFault::FieldCount { found, expected } => (
                "wrong_field_count",
                format!("the row has {found} fields where the header has {expected}"),
            ),
            RowFault::TooLong => (
                "row_too_long",
                "the row is longer than a row may be, or has a quote that is not closed".into(),
            ),
            RowFault::UnclosedQuote => (
                "unclosed_quote",
                "the row has a quote that is not closed".into(),
            ),
            RowFault::Quotes => (
                "misplaced_quote",
                "text follows a closing quote: quotes within a field must be doubled".into(),
            ),
            RowFault::Encoding => ("invalid_utf8", "the text is not UTF-8".into()),
        };
        Self {
            line: bad.line,
            column: bad.column.and_then(|column| names.get(column).cloned()),
            code,
            message,
        }
    }
}

/// A CSV file of rejects.
pub struct RejectsFile {
    file: BufWriter<File>,
}

impl RejectsFile {
    /// Begins the file with its header.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut file = BufWriter::new(File::create(path)?);
        writeln!(file, "line,column,code,message")?;
        Ok(Self { file })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn write(&mut self, reject: &Reject) -> io::Result<()> {
        let column = quoted(reject.column.as_deref().unwrap_or_default());
        let message = quoted(&reject.message);
        writeln!(
            self.file,
            "{},{column},{},{message}",
            reject.line, reject.code
        )
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
