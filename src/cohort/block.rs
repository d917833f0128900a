//! Rows that are being drawn: a block of them, a column after the other, and one
//! of them as a stage sees it.

use super::draw::{Draw, Streams};
use super::variables::{TRUTH, WIDTH};
use crate::schema::COLUMN_COUNT;

/// Rows of a block: its columns in use fit the second-level cache.
pub const BLOCK_ROWS: usize = 4096;

/// Consecutive rows, a column after the other.
pub struct Block {
    first: u64,
    rows: usize,
    columns: Box<[Vec<f64>; WIDTH]>,
    /// What the next fills write to, before they take a column's place.
    spare: Vec<Vec<f64>>,
}

impl Block {
    fn new(first: u64, rows: usize) -> Self {
        Self {
            first,
            rows,
            columns: Box::new([const { Vec::new() }; WIDTH]),
            spare: Vec::new(),
        }
    }

    /// The number of the first row, from 0.
    pub fn first(&self) -> u64 {
        self.first
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The values of a variable that a stage has filled.
    pub fn column(&self, variable: usize) -> &[f64] {
        &self.columns[variable]
    }

    /// Lets go of the variables that no file holds.
    pub fn drop_latent(&mut self) {
        self.columns[COLUMN_COUNT..TRUTH].fill(Vec::new());
    }

    /// Moves the values of a variable out.
    pub fn take(&mut self, variable: usize) -> Vec<f64> {
        std::mem::take(&mut self.columns[variable])
    }

    /// Moves values into a variable.
    pub fn put(&mut self, variable: usize, values: Vec<f64>) {
        self.columns[variable] = values;
    }

    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.rows).map(|at| Row { block: self, at })
    }

    /// Fills one variable; the closure sees all variables filled before it,
    /// and this one's former value.
    pub fn fill(
        &mut self,
        variable: usize,
        streams: Streams,
        value: impl Fn(Row, &mut Draw) -> f64,
    ) {
        let mut filled = self.spare.pop().unwrap_or_default();
        filled.clear();
        filled.extend((0..self.rows).map(|at| {
            let row = Row { block: self, at };
            value(row, &mut streams.row(self.first + at as u64))
        }));
        let former = std::mem::replace(&mut self.columns[variable], filled);
        if former.capacity() > 0 {
            self.spare.push(former);
        }
    }

    /// Lets go of variables that no later stage reads: their memory is used again.
    pub fn release(&mut self, variables: &[usize]) {
        for variable in variables {
            let values = std::mem::take(&mut self.columns[*variable]);
            self.spare.push(values);
        }
    }
}

/// One customer of a block, indexed by variable.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    block: &'a Block,
    at: usize,
}

impl std::ops::Index<usize> for Row<'_> {
    type Output = f64;

    #[inline]
    fn index(&self, variable: usize) -> &f64 {
        &self.block.columns[variable][self.at]
    }
}

/// Empty blocks for so many rows from the first on.
pub fn blocks(first: u64, rows: u64) -> Vec<Block> {
    let end = first + rows;
    (first..end)
        .step_by(BLOCK_ROWS)
        .map(|start| {
            let left = usize::try_from(end - start).unwrap_or(usize::MAX);
            Block::new(start, left.min(BLOCK_ROWS))
        })
        .collect()
}
