//! Trees on their way into a forest: laid out, and checked for all that a walk
//! relies on, wherever they come from.

use std::sync::OnceLock;

use super::{Forest, MAX_DEPTH, MISSING_LEFT, Node, Span};

/// A node as it is handed over, children by their index in the tree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) struct Split {
    pub place: usize,
    pub threshold: f32,
    pub missing_left: bool,
    pub left: usize,
    pub right: usize,
}

/// A node of a tree in any order, the root first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) struct Source {
    pub cover: f32,
    /// The split, or the leaf's value.
    pub split: Result<Split, f32>,
}

/// Why nodes are no forest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("tree {tree}: {fault}")]
pub(in super::super) struct ForestError {
    tree: usize,
    pub(super) fault: &'static str,
}

impl Forest {
    /// Adds a tree, laid out afresh level by level.
    pub(in super::super) fn push(&mut self, source: &[Source]) -> Result<(), ForestError> {
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
    pub(in super::super) fn push_flat(
        &mut self,
        nodes: &[Node],
        values: &[f32],
        covers: &[f32],
    ) -> Result<(), ForestError> {
        let depth = check(nodes, values, covers, self.width).map_err(|fault| ForestError {
            tree: self.trees.len(),
            fault,
        })?;
        self.sweep = OnceLock::new();
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

pub(super) fn leaf(at: usize) -> Option<Node> {
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
