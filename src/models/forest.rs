//! The forest that serves: immutable, flat, and walked without allocation for one
//! customer; [`Sweep`] is the same forest for many at once, laid out when first
//! asked for.
//!
//! A tree is a run of eight-byte nodes, parents before children and siblings
//! side by side. A leaf leads to itself, so that a walk takes the same number of
//! steps for every row, without a branch that the processor could mispredict.
//!
//! Invariant: [`build`] lets in only trees that every walk ends in.

use std::sync::OnceLock;

mod build;
mod sweep;

pub(super) use build::{Source, Split};
pub(super) use sweep::Sweep;

/// The deepest tree accepted: what [`super::shap`] integrates exactly.
pub(super) const MAX_DEPTH: usize = 8;

/// The bit of [`Node::split`] that sends a missing value left.
const MISSING_LEFT: u16 = 1 << 15;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Node {
    /// Smaller values go left. NaN at a leaf: nothing is ever not smaller.
    threshold: f32,
    /// The place in the row, with [`MISSING_LEFT`].
    split: u16,
    /// The left child, counted from the tree's root; the right one follows it.
    /// A leaf's own place at a leaf.
    left: u16,
}

impl Node {
    #[inline]
    fn next(self, row: &[f32]) -> usize {
        let x = row[usize::from(self.split & !MISSING_LEFT)];
        let right = (x >= self.threshold) | (x.is_nan() & !self.missing_left());
        usize::from(self.left) + usize::from(right)
    }

    pub(super) fn place(self) -> usize {
        usize::from(self.split & !MISSING_LEFT)
    }

    pub(super) fn threshold(self) -> f32 {
        self.threshold
    }

    pub(super) fn missing_left(self) -> bool {
        self.split & MISSING_LEFT != 0
    }

    pub(super) fn is_leaf(self) -> bool {
        self.threshold.is_nan()
    }

    pub(super) fn left(self) -> usize {
        usize::from(self.left)
    }

    /// Whether the row goes right from here.
    pub(super) fn goes_right(self, row: &[f32]) -> bool {
        self.next(row) > self.left()
    }
}

#[derive(Debug, Clone)]
pub(super) struct Forest {
    base: f64,
    width: usize,
    nodes: Vec<Node>,
    /// What each node adds to the margin: 0 but at leaves.
    values: Vec<f32>,
    /// How much of the training data passed each node, by weight.
    covers: Vec<f32>,
    trees: Vec<Span>,
    /// The same forest for many rows at once, laid out when first asked for.
    sweep: OnceLock<Option<Sweep>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Span {
    start: usize,
    end: usize,
    depth: usize,
}

/// A tree for [`super::shap`] to take apart.
#[derive(Clone, Copy)]
pub(super) struct Tree<'a> {
    pub nodes: &'a [Node],
    pub values: &'a [f32],
    pub covers: &'a [f32],
}

impl Forest {
    pub(super) fn new(base: f64, width: usize) -> Self {
        Self {
            base,
            width,
            nodes: Vec::new(),
            values: Vec::new(),
            covers: Vec::new(),
            trees: Vec::new(),
            sweep: OnceLock::new(),
        }
    }

    /// The forest for many rows at once, unless its trees are too deep for that.
    pub(super) fn sweep(&self) -> Option<&Sweep> {
        self.sweep.get_or_init(|| Sweep::of(self)).as_ref()
    }

    pub(super) fn base(&self) -> f64 {
        self.base
    }

    /// The depth of the deepest tree.
    pub(super) fn depth(&self) -> usize {
        self.trees.iter().map(|tree| tree.depth).max().unwrap_or(0)
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn trees(&self) -> impl ExactSizeIterator<Item = Tree<'_>> {
        self.trees.iter().map(|span| Tree {
            nodes: &self.nodes[span.start..span.end],
            values: &self.values[span.start..span.end],
            covers: &self.covers[span.start..span.end],
        })
    }

    /// The forest whose margin lies between two forests' of the same rows: the
    /// other's by this weight, its own by what is left.
    pub(super) fn blend(mut self, mut other: Self, weight: f32) -> Self {
        debug_assert_eq!(self.width, other.width);
        let nodes = self.nodes.len();
        self.scale(1.0 - weight);
        other.scale(weight);
        self.base += other.base;
        self.nodes.extend(other.nodes);
        self.values.extend(other.values);
        self.covers.extend(other.covers);
        self.trees.extend(other.trees.into_iter().map(|tree| Span {
            start: tree.start + nodes,
            end: tree.end + nodes,
            ..tree
        }));
        self.sweep = OnceLock::new();
        self
    }

    fn scale(&mut self, by: f32) {
        self.base *= f64::from(by);
        self.values.iter_mut().for_each(|value| *value *= by);
    }

    /// Adds the same to every margin.
    pub(super) fn shift(&mut self, by: f64) {
        self.sweep = OnceLock::new();
        self.base += by;
    }

    /// The margin of a row of [`Self::width`] places.
    ///
    /// Several trees are walked side by side: a step waits for the one before
    /// it in its own tree, but not for those in others.
    pub(super) fn margin(&self, row: &[f32]) -> f64 {
        const ABREAST: usize = 8;
        let row = &row[..self.width];
        let mut margin = self.base;
        let mut groups = self.trees.chunks_exact(ABREAST);
        for trees in &mut groups {
            let mut at: [usize; ABREAST] = std::array::from_fn(|i| trees[i].start);
            let depth = trees.iter().map(|tree| tree.depth).max().unwrap_or(0);
            for _ in 0..depth {
                for (at, tree) in at.iter_mut().zip(trees) {
                    *at = tree.start + self.nodes[*at].next(row);
                }
            }
            for at in at {
                margin += f64::from(self.values[at]);
            }
        }
        for tree in groups.remainder() {
            let mut at = tree.start;
            for _ in 0..tree.depth {
                at = tree.start + self.nodes[at].next(row);
            }
            margin += f64::from(self.values[at]);
        }
        margin
    }
}

impl Node {
    pub(super) fn to_parts(self) -> (u32, u16, u16) {
        (self.threshold.to_bits(), self.split, self.left)
    }

    pub(super) fn from_parts((threshold, split, left): (u32, u16, u16)) -> Self {
        Self {
            threshold: f32::from_bits(threshold),
            split,
            left,
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
