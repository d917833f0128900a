//! The forest that serves: immutable, flat, and free of allocation per prediction.
//!
//! A tree is a run of eight-byte nodes, parents before children and siblings
//! side by side. A leaf leads to itself, so that a walk takes the same number of
//! steps for every row, without a branch that the processor could mispredict.
//!
//! Invariant: every [`Forest`] in existence passed [`Forest::check`], so no walk
//! leaves its tree.

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
        let missing_right = self.split & MISSING_LEFT == 0;
        let right = (x >= self.threshold) | (x.is_nan() & missing_right);
        usize::from(self.left) + usize::from(right)
    }

    pub(super) fn place(self) -> usize {
        usize::from(self.split & !MISSING_LEFT)
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

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Forest {
    base: f64,
    width: usize,
    nodes: Vec<Node>,
    /// What each node adds to the margin: 0 but at leaves.
    values: Vec<f32>,
    /// How much of the training data passed each node, by weight.
    covers: Vec<f32>,
    trees: Vec<Span>,
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

/// A node as it is handed over, children by their index in the tree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Split {
    pub place: usize,
    pub threshold: f32,
    pub missing_left: bool,
    pub left: usize,
    pub right: usize,
}

/// A node of a tree in any order, the root first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Source {
    pub cover: f32,
    /// The split, or the leaf's value.
    pub split: Result<Split, f32>,
}

/// Why nodes are no forest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("tree {tree}: {fault}")]
pub(super) struct ForestError {
    tree: usize,
    fault: &'static str,
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
        }
    }

    /// Adds a tree, laid out afresh level by level.
    pub(super) fn push(&mut self, source: &[Source]) -> Result<(), ForestError> {
        let fault = |fault| ForestError {
            tree: self.trees.len(),
            fault,
        };
        let mut order = vec![0];
        let mut at = 0;
        let mut nodes = Vec::with_capacity(source.len());
        while let Some(&index) = order.get(at) {
            let node = source.get(index).ok_or(fault("a child is not there"))?;
            if order.len() > source.len() {
                return Err(fault("more children than nodes"));
            }
            nodes.push(match node.split {
                Ok(split) => {
                    let left = order.len();
                    order.extend([split.left, split.right]);
                    flat(&split, left).ok_or(fault("too many nodes or inputs"))?
                }
                Err(_) => leaf(at).ok_or(fault("too many nodes"))?,
            });
            at += 1;
        }
        let laid_out = order.iter().map(|&i| &source[i]);
        let values: Vec<f32> = laid_out
            .clone()
            .map(|n| n.split.err().unwrap_or(0.0))
            .collect();
        let covers: Vec<f32> = laid_out.map(|n| n.cover).collect();
        self.push_flat(&nodes, &values, &covers)
    }

    /// Adds a tree that is laid out already, checking all that a walk relies on.
    pub(super) fn push_flat(
        &mut self,
        nodes: &[Node],
        values: &[f32],
        covers: &[f32],
    ) -> Result<(), ForestError> {
        let depth = check(nodes, values, covers, self.width).map_err(|fault| ForestError {
            tree: self.trees.len(),
            fault,
        })?;
        let start = self.nodes.len();
        self.nodes.extend_from_slice(nodes);
        self.values.extend_from_slice(values);
        self.covers.extend_from_slice(covers);
        self.trees.push(Span {
            start,
            end: self.nodes.len(),
            depth,
        });
        Ok(())
    }

    pub(super) fn base(&self) -> f64 {
        self.base
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

    /// The forest whose margin is the mean of two forests' of the same rows.
    pub(super) fn mean(mut self, other: Self) -> Self {
        debug_assert_eq!(self.width, other.width);
        let nodes = self.nodes.len();
        self.base = f64::midpoint(self.base, other.base);
        self.nodes.extend(other.nodes);
        self.values.extend(other.values);
        self.covers.extend(other.covers);
        self.trees.extend(other.trees.into_iter().map(|tree| Span {
            start: tree.start + nodes,
            end: tree.end + nodes,
            ..tree
        }));
        // Halving is exact.
        self.values.iter_mut().for_each(|value| *value /= 2.0);
        self
    }

    /// Adds the same to every margin.
    pub(super) fn shift(&mut self, by: f64) {
        self.base += by;
    }

    /// The margin of a row of [`Self::width`] places.
    pub(super) fn margin(&self, row: &[f32]) -> f64 {
        let row = &row[..self.width];
        let mut margin = self.base;
        for span in &self.trees {
            let tree = &self.nodes[span.start..span.end];
            let mut at = 0;
            for _ in 0..span.depth {
                at = tree[at].next(row);
            }
            margin += f64::from(self.values[span.start + at]);
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

fn flat(split: &Split, left: usize) -> Option<Node> {
    let place = u16::try_from(split.place)
        .ok()
        .filter(|p| p & MISSING_LEFT == 0)?;
    Some(Node {
        threshold: split.threshold,
        split: place | if split.missing_left { MISSING_LEFT } else { 0 },
        left: u16::try_from(left).ok()?,
    })
}

fn leaf(at: usize) -> Option<Node> {
    Some(Node {
        threshold: f32::NAN,
        split: MISSING_LEFT,
        left: u16::try_from(at).ok()?,
    })
}

/// Whether the nodes are a tree that every walk ends in: every node but the
/// root has one parent, before it. Gives the depth.
fn check(
    nodes: &[Node],
    values: &[f32],
    covers: &[f32],
    width: usize,
) -> Result<usize, &'static str> {
    if nodes.is_empty() || nodes.len() != values.len() || nodes.len() != covers.len() {
        return Err("parts of unequal length");
    }
    if !values.iter().all(|v| v.is_finite()) {
        return Err("a value is not finite");
    }
    if !covers.iter().all(|c| c.is_finite() && *c >= 0.0) {
        return Err("a cover is not a weight");
    }
    let mut depths = vec![None; nodes.len()];
    depths[0] = Some(0);
    for (i, node) in nodes.iter().enumerate() {
        let depth = depths[i].ok_or("a node has no parent before it")?;
        if node.place() >= width {
            return Err("a split reads beyond the row");
        }
        if node.is_leaf() {
            if node.left() != i || node.split & MISSING_LEFT == 0 {
                return Err("a leaf leads away");
            }
            continue;
        }
        if !node.threshold.is_finite() {
            return Err("a threshold is not finite");
        }
        if depth == MAX_DEPTH {
            return Err("too deep");
        }
        for child in [node.left(), node.left() + 1] {
            let slot = depths.get_mut(child).ok_or("a child is not there")?;
            if child <= i || slot.replace(depth + 1).is_some() {
                return Err("a node has two parents or is its own");
            }
        }
    }
    Ok(depths.into_iter().flatten().max().unwrap_or(0))
}

#[cfg(test)]
pub(super) mod tests;
