//! Splits CSV text into rows and fields, as RFC 4180 has it: a quote within
//! quotes is doubled, a field may span lines, a line ends in LF, CRLF or CR.
//!
//! A row that can't be split is set aside and the rows behind it are kept. Fields
//! are positions in a block of text; memory is bounded by a block and a row.

use std::io::{self, Read};
use std::ops::Range;

use super::table::{BadRow, RowFault};

/// Text of a block, but for its last row.
const BLOCK_BYTES: usize = 8 << 20;
const READ_BYTES: u64 = 256 << 10;

/// Some rows of a file.
#[derive(Debug, Default)]
pub(in crate::cohort) struct Block {
    pub text: Vec<u8>,
    /// Positions of the kept fields in the text, row by row.
    pub fields: Vec<Range<u32>>,
    /// The line that each row begins on.
    pub lines: Vec<u64>,
    /// Rows that are no rows.
    pub bad: Vec<BadRow>,
}

impl Block {
    fn rows(&self) -> usize {
        self.lines.len() + self.bad.len()
    }
}

/// What stops the splitting.
#[derive(Debug)]
pub(super) enum SplitError {
    Read(io::Error),
    Empty,
    HeaderTooLong,
    HeaderQuotes,
}

impl From<io::Error> for SplitError {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

/// Reads rows from CSV text.
pub(super) struct Splitter<R> {
    input: R,
    ends: Ends,
    longest_row: usize,
    buffer: Vec<u8>,
    /// Where in the buffer the next row begins, and on which line of the file.
    at: usize,
    line: u64,
    /// Whether the buffer has the last of the text.
    ended: bool,
}

impl<R: Read> Splitter<R> {
    pub(super) fn new(input: R, longest_row: usize) -> Self {
        Self {
            input,
            ends: Ends::of(b','),
            longest_row,
            buffer: Vec::new(),
            at: 0,
            line: 1,
            ended: false,
        }
    }

    /// The fields of the first row, behind a byte order mark if there is one.
    /// Fields end in `,`, `;` or a tab: whichever the first line has most of.
    pub(super) fn header(&mut self) -> Result<Vec<Vec<u8>>, SplitError> {
        let mut first = self.first_line()?;
        if self.buffer.starts_with(b"\xef\xbb\xbf") {
            self.at = 3;
        }
        // An empty line tells nothing of what fields end in.
        let is_break = |b: &u8| matches!(b, b'\n' | b'\r');
        while self.at < first && self.buffer[self.at..first].iter().all(is_break) {
            self.at = first;
            self.line += 1;
            if self.at >= BLOCK_BYTES {
                self.forget_passed();
            }
            first = self.first_line()?;
        }
        self.ends = Ends::of(delimiter(&self.buffer[self.at..first]));
        loop {
            let mut names = Vec::new();
            let row = self.split(|_, field| names.push(field));
            match row {
                Some(row) if row.blank => self.pass(&row),
                Some(Row { fault: Some(_), .. }) => return Err(SplitError::HeaderQuotes),
                Some(row) => {
                    let text = |field: Field| without_doubled(&self.buffer[field.range]);
                    let names = names.into_iter().map(text).collect();
                    self.pass(&row);
                    return Ok(names);
                }
                None if self.ended => return Err(SplitError::Empty),
                None if self.buffer.len() - self.at > self.longest_row => {
                    return Err(SplitError::HeaderTooLong);
                }
                None => self.fill()?,
            }
        }
    }

    /// Where the line ends that begins here.
    fn first_line(&mut self) -> Result<usize, SplitError> {
        loop {
            match self.line_end() {
                Some(end) => return Ok(end),
                None if self.ended => return Ok(self.buffer.len()),
                None if self.buffer.len() - self.at > self.longest_row => {
                    return Err(SplitError::HeaderTooLong);
                }
                None => self.fill()?,
            }
        }
    }

    /// The next rows, at most so many; none at the end. `keep` says of each
    /// column whether its fields are wanted.
    pub(super) fn block(
        &mut self,
        keep: &[bool],
        most_rows: usize,
    ) -> Result<Option<Block>, SplitError> {
        self.forget_passed();
        let mut block = Block::default();
        let mut doubled = Vec::new();
        while block.rows() < most_rows {
            if self.at >= BLOCK_BYTES {
                if block.rows() > 0 {
                    break;
                }
                // Empty lines alone, which are no end of the file.
                self.forget_passed();
            }
            let kept = block.fields.len();
            doubled.clear();
            let row = self.split(|index, field| {
                if keep.get(index).is_some_and(|keep| *keep) {
                    if field.doubled {
                        doubled.push(block.fields.len());
                    }
                    block.fields.push(position(&field.range));
                }
            });
            let Some(row) = row else {
                block.fields.truncate(kept);
                if self.ended {
                    break;
                }
                if self.buffer.len() - self.at <= self.longest_row {
                    self.fill()?;
                } else if block.rows() == 0 {
                    block.bad.push(BadRow::new(self.line, RowFault::TooLong));
                    self.skip_line()?;
                } else {
                    break;
                }
                continue;
            };
            if let Some(fault) = self.fault(&row, keep.len()) {
                block.fields.truncate(kept);
                block.bad.push(BadRow::new(self.line, fault));
                match fault {
                    RowFault::FieldCount { .. } => self.pass(&row),
                    // Its quotes may be to blame, and have taken in other rows.
                    _ => self.skip_line()?,
                }
            } else if row.blank {
                block.fields.truncate(kept);
                self.pass(&row);
            } else {
                block.lines.push(self.line);
                // Its lines are counted in what the file has.
                self.pass(&row);
                for slot in &doubled {
                    undouble(&mut self.buffer, &mut block.fields[*slot]);
                }
            }
        }
        block.text = self.buffer[..self.at].to_vec();
        Ok((block.rows() > 0).then_some(block))
    }

    /// What is wrong with a row, if anything is.
    fn fault(&self, row: &Row, columns: usize) -> Option<RowFault> {
        if row.end - self.at > self.longest_row {
            return Some(RowFault::TooLong);
        }
        let found = row.fields;
        row.fault.or_else(|| {
            (found != columns && !row.blank).then_some(RowFault::FieldCount {
                found,
                expected: columns,
            })
        })
    }

    /// Goes on behind a row.
    fn pass(&mut self, row: &Row) {
        let text = &self.buffer[self.at..row.end];
        self.line += if row.quoted { line_ends(text) } else { 1 };
        self.at = row.end;
    }

    /// Lets go of the text of the rows that were passed.
    fn forget_passed(&mut self) {
        self.buffer.drain(..self.at);
        self.at = 0;
    }

    /// Goes on with the next line, however far it is.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            if let Some(end) = self.line_end() {
                self.at = end;
                self.line += 1;
                return Ok(());
            }
            if self.ended {
                self.at = self.buffer.len();
                return Ok(());
            }
            if self.buffer.len() - self.at > self.longest_row {
                // Only a block without rows gets here: nothing of it is needed.
                let last = self.buffer.pop();
                self.buffer.clear();
                self.buffer.extend(last);
                self.at = 0;
            }
            self.fill()?;
        }
    }

    /// Where the line that the next row begins on ends; none where that is not
    /// in the buffer.
    fn line_end(&self) -> Option<usize> {
        let rest = &self.buffer[self.at..];
        let end = self.at + rest.iter().position(|b| *b == b'\n' || *b == b'\r')?;
        match (self.buffer[end], self.buffer.get(end + 1)) {
            (b'\r', Some(b'\n')) => Some(end + 2),
            (b'\r', None) if !self.ended => None,
            _ => Some(end + 1),
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut more = self.input.by_ref().take(READ_BYTES);
        self.ended = more.read_to_end(&mut self.buffer)? == 0;
        Ok(())
    }

    /// The row that begins here, if it is whole.
    #[inline]
    fn split(&self, mut take: impl FnMut(usize, Field)) -> Option<Row> {
        let text = &self.buffer[..];
        if self.at >= text.len() {
            return None;
        }
        let mut row = Row {
            end: self.at,
            fields: 0,
            blank: false,
            quoted: false,
            fault: None,
        };
        loop {
            let field = if text.get(row.end) == Some(&b'"') {
                row.quoted = true;
                match self.quoted(row.end + 1) {
                    Ok(field) => field,
                    Err(Broken::Open) if !self.ended => return None,
                    Err(Broken::Open) => {
                        row.fault = Some(RowFault::UnclosedQuote);
                        row.end = text.len();
                        return Some(row);
                    }
                    Err(Broken::Junk(at)) => {
                        row.fault = Some(RowFault::Quotes);
                        self.ends.rest_of_line(text, at)
                    }
                }
            } else {
                self.ends.field(text, row.end)
            };
            let (next, empty) = (
                field.range.end + usize::from(field.quoted),
                field.range.is_empty(),
            );
            let quoted = field.quoted;
            take(row.fields, field);
            row.fields += 1;
            match text.get(next) {
                Some(b'\r') if next + 1 == text.len() && !self.ended => return None,
                Some(b'\r') if text.get(next + 1) == Some(&b'\n') => row.end = next + 2,
                Some(b'\n' | b'\r') => row.end = next + 1,
                Some(_) => {
                    row.end = next + 1;
                    continue;
                }
                None if self.ended => row.end = next,
                None => return None,
            }
            row.blank = row.fields == 1 && empty && !quoted;
            return Some(row);
        }
    }

    /// The field behind an opening quote.
    fn quoted(&self, begin: usize) -> Result<Field, Broken> {
        let text = &self.buffer[..];
        let mut at = begin;
        let mut doubled = false;
        loop {
            let quote = text[at..].iter().position(|b| *b == b'"');
            let quote = at + quote.ok_or(Broken::Open)?;
            match text.get(quote + 1) {
                Some(b'"') => {
                    doubled = true;
                    at = quote + 2;
                }
                Some(b) if !self.ends.table[usize::from(*b)] => return Err(Broken::Junk(quote)),
                None if !self.ended => return Err(Broken::Open),
                _ => {
                    return Ok(Field {
                        range: begin..quote,
                        doubled,
                        quoted: true,
                    });
                }
            }
        }
    }
}

/// A row as it was found.
struct Row {
    /// Where the next one begins.
    end: usize,
    fields: usize,
    /// An empty line.
    blank: bool,
    /// Whether it may span lines.
    quoted: bool,
    fault: Option<RowFault>,
}

/// A field as it was found.
struct Field {
    range: Range<usize>,
    /// Whether it has doubled quotes.
    doubled: bool,
    quoted: bool,
}

/// Why a quoted field is none.
enum Broken {
    /// The text ends before it.
    Open,
    /// More follows its closing quote, which is here.
    Junk(usize),
}

/// What ends a field.
struct Ends {
    delimiter: u8,
    table: [bool; 256],
}

impl Ends {
    fn of(delimiter: u8) -> Self {
        let mut table = [false; 256];
        for end in [delimiter, b'\n', b'\r'] {
            table[usize::from(end)] = true;
        }
        Self { delimiter, table }
    }

    /// The field without quotes that begins here.
    #[inline]
    fn field(&self, text: &[u8], begin: usize) -> Field {
        Field::until(text, begin, |b| self.table[usize::from(b)])
    }

    /// What is left of a broken row.
    fn rest_of_line(&self, text: &[u8], begin: usize) -> Field {
        let delimiter = self.delimiter;
        Field::until(text, begin, |b| {
            b != delimiter && self.table[usize::from(b)]
        })
    }
}

impl Field {
    #[inline]
    fn until(text: &[u8], begin: usize, is_end: impl Fn(u8) -> bool) -> Self {
        let length = text[begin..].iter().position(|b| is_end(*b));
        Self {
            range: begin..length.map_or(text.len(), |length| begin + length),
            doubled: false,
            quoted: false,
        }
    }
}

/// What the fields of a header end in.
fn delimiter(header: &[u8]) -> u8 {
    let count = |delimiter: &u8| header.split(|b| b == delimiter).count();
    // Of equals the last is taken.
    let most = [b'\t', b';', b','].into_iter().max_by_key(count);
    most.unwrap_or(b',')
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a block and a row are far below 4 GiB"
)]
fn position(range: &Range<usize>) -> Range<u32> {
    range.start as u32..range.end as u32
}

/// How many lines end in a text.
fn line_ends(text: &[u8]) -> u64 {
    let feeds = text.split(|b| *b == b'\n').count() - 1;
    let returns = text.iter().enumerate();
    let lone = returns.filter(|(i, b)| **b == b'\r' && text.get(i + 1) != Some(&b'\n'));
    (feeds + lone.count()) as u64
}

fn without_doubled(text: &[u8]) -> Vec<u8> {
    let mut all = position(&(0..text.len()));
    let mut text = text.to_vec();
    undouble(&mut text, &mut all);
    text.truncate(all.end as usize);
    text
}

/// Takes one of each two quotes out of a field, in place.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a field gets no longer, and its end fits"
)]
fn undouble(text: &mut [u8], field: &mut Range<u32>) {
    let mut to = field.start as usize;
    let mut from = to;
    while from < field.end as usize {
        text[to] = text[from];
        to += 1;
        from += if text[from] == b'"' { 2 } else { 1 };
    }
    field.end = to as u32;
}
