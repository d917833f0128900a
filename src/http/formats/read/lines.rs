//! NDJSON: a customer a line. A line that is no customer is the fault of its
//! row; an empty one is no row.

use crate::features::{FieldError, Profile, ProfileError};
use crate::http::formats::rows::{Faults, Rows};

/// Rows that are handed on at once: enough to make the work per piece vanish.
const ROWS: usize = 4096;

/// Customers read from JSON.
#[derive(Default)]
pub struct Collected {
    profiles: Vec<Profile>,
    faults: Faults,
}

impl Collected {
    /// Reads one customer.
    pub fn push(&mut self, json: &[u8]) {
        match Profile::from_json(json) {
            Ok(profile) => self.profiles.push(profile),
            Err(error) => self.fault(match error {
                ProfileError::Fields(faults) => faults,
                other => vec![FieldError {
                    field: String::new(),
                    code: "malformed_json",
                    message: other.to_string(),
                }],
            }),
        }
    }

    /// Keeps the place of a row that can't be read.
    fn fault(&mut self, faults: Vec<FieldError>) {
        self.faults.insert(self.profiles.len(), faults);
        self.profiles.push(Profile::new());
    }

    /// Whether there are enough to be handed on.
    pub fn is_full(&self) -> bool {
        self.profiles.len() >= ROWS
    }

    pub fn is_empty(&self) -> bool {
        self.profiles.is_empty()
    }

    pub fn take(&mut self) -> Rows {
        let Self { profiles, faults } = std::mem::take(self);
        Rows::Profiles(profiles, faults)
    }
}

/// Lines that come in pieces.
pub struct Lines {
    limit: usize,
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
    /// Whether that line is over the limit, and so not kept.
    oversized: bool,
    collected: Collected,
}

impl Lines {
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            begun: Vec::new(),
            oversized: false,
            collected: Collected::default(),
        }
    }

    pub fn feed(&mut self, piece: &[u8]) -> Vec<Rows> {
        let mut done = Vec::new();
        let mut rest = piece;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            let (line, after) = rest.split_at(end);
            rest = &after[1..];
            if self.begun.is_empty() && !self.oversized && line.len() <= self.limit {
                self.line(line);
            } else {
                self.append(line);
                self.end_line();
            }
            if self.collected.is_full() {
                done.push(self.collected.take());
            }
        }
        self.append(rest);
        if !self.collected.is_empty() {
            done.push(self.collected.take());
        }
        done
    }

    pub fn finish(mut self) -> Vec<Rows> {
        self.end_line();
        if self.collected.is_empty() {
            Vec::new()
        } else {
            vec![self.collected.take()]
        }
    }

    fn append(&mut self, part: &[u8]) {
        if self.oversized || self.begun.len() + part.len() > self.limit {
            self.oversized = true;
            self.begun.clear();
        } else {
            self.begun.extend_from_slice(part);
        }
    }

    fn end_line(&mut self) {
        if std::mem::take(&mut self.oversized) {
            self.collected.fault(vec![FieldError {
                field: String::new(),
                code: "row_too_large",
                message: format!("the row may have {} bytes at most", self.limit),
            }]);
        } else {
            let line = std::mem::take(&mut self.begun);
            self.line(&line);
        }
    }

    fn line(&mut self, line: &[u8]) {
        if !line.trim_ascii().is_empty() {
            self.collected.push(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many rows there are, and which of them are at fault.
    fn read(text: &[u8], piece: usize, limit: usize) -> (usize, Vec<usize>) {
        let mut lines = Lines::new(limit);
        let mut done = Vec::new();
        for piece in text.chunks(piece) {
            done.extend(lines.feed(piece));
        }
        done.extend(lines.finish());
        let (mut rows, mut at_fault) = (0, Vec::new());
        for part in done {
            let (profiles, faults) = part.into_profiles();
            at_fault.extend(faults.keys().map(|row| row + rows));
            rows += profiles.len();
        }
        (rows, at_fault)
    }

    #[test]
    fn a_line_is_a_row_however_the_bytes_are_cut() {
        let text = b"{\"age\": 30}\r\n\n{\"age\": 5}\nnot json\n{\"age\": 31}";
        for piece in 1..=text.len() {
            assert_eq!(read(text, piece, 99), (4, vec![1, 2]), "{piece}");
        }
    }

    #[test]
    fn a_line_over_the_limit_is_the_fault_of_its_row_alone() {
        let long = format!(
            "{{\"age\": 30}}\n{{\"location\": \"{}\"}}\n{{\"age\": 31}}\n",
            "x".repeat(500)
        );
        for piece in [1, 7, 64, 1000] {
            assert_eq!(read(long.as_bytes(), piece, 64), (3, vec![1]), "{piece}");
        }
    }
}
