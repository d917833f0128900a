//! Means by group: the counts and sums of the tables that [`LAYOUTS`] lists.
//!
//! Every table keeps count, sum and sum of squares, so that whoever reads it
//! can tell a difference from noise, and size an experiment.
//!
//! [`LAYOUTS`]: super::layouts::LAYOUTS

use serde::{Deserialize, Serialize};

use super::fixed::Moments;
use super::frame::{CHUNK, Frame, Quantity};
use super::groups::NO_GROUP;
use super::layouts::Layout;

/// The counts and sums of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Table {
    /// Customers of each group.
    pub customers: Vec<u64>,
    /// A row a group, a place a quantity.
    pub cells: Vec<Moments>,
}

impl Table {
    pub fn new(groups: usize, quantities: usize) -> Self {
        Self {
            customers: vec![0; groups],
            cells: vec![Moments::default(); groups * quantities],
        }
    }

    pub fn of(layout: &Layout) -> Self {
        Self::new(layout.groups(), layout.of.len())
    }

    pub fn observe(&mut self, layout: &Layout, frame: &Frame) {
        let mut codes = [NO_GROUP; CHUNK];
        layout.codes(frame, &mut codes);
        self.add(&codes[..frame.rows()], layout.of, frame);
    }

    /// Adds the customers of a frame, each to the group that its code says.
    ///
    /// Group by group, so that the sums of a group stay in registers.
    pub fn add(&mut self, codes: &[u8], of: &[Quantity], frame: &Frame) {
        let mut rows = [0_u16; CHUNK];
        let ends = sort(codes, self.customers.len(), &mut rows);
        let mut start = 0;
        for (group, &end) in ends[..self.customers.len()].iter().enumerate() {
            let members = &rows[start..end];
            start = end;
            self.customers[group] += members.len() as u64;
            let row = &mut self.cells[group * of.len()..][..of.len()];
            for (cell, &quantity) in row.iter_mut().zip(of) {
                let rows = members.iter().map(|&row| usize::from(row));
                cell.merge(Moments::of(frame.values(quantity), rows));
            }
        }
    }

    pub fn merge(&mut self, other: &Self) {
        for (sum, part) in self.customers.iter_mut().zip(&other.customers) {
            *sum += part;
        }
        for (sum, part) in self.cells.iter_mut().zip(&other.cells) {
            sum.merge(*part);
        }
    }

    /// Gives each group a place for a quantity that was not measured yet.
    pub fn widen(&mut self, layout: &Layout, of: Quantity) {
        let groups = layout.groups();
        let Some(place) = layout.place(of) else {
            return;
        };
        if self.cells.len() == groups * (layout.of.len() - 1) {
            for group in 0..groups {
                let at = group * layout.of.len() + place;
                self.cells.insert(at, Moments::default());
            }
        }
    }

    /// Whether it is as large as the layout says.
    pub fn fits(&self, layout: &Layout) -> bool {
        let groups = layout.groups();
        self.customers.len() == groups && self.cells.len() == groups * layout.of.len()
    }
}

/// Writes the rows ordered by their group, and where each group's rows end;
/// those in no group are left out.
fn sort(codes: &[u8], groups: usize, rows: &mut [u16; CHUNK]) -> [usize; 256] {
    let mut ends = [0_usize; 256];
    for &code in codes {
        ends[usize::from(code)] += 1;
    }
    let mut next = 0;
    for end in &mut ends[..groups] {
        let size = *end;
        *end = next;
        next += size;
    }
    for (row, &code) in (0_u16..).zip(codes) {
        let code = usize::from(code);
        if code < groups {
            rows[ends[code]] = row;
            ends[code] += 1;
        }
    }
    ends
}
