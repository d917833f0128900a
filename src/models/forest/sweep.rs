//! A forest laid out for many rows at once.
//!
//! What a walk compares at each step is done here without steps. The thresholds
//! that the forest compares an input with are numbered; a row's value becomes
//! the count of those that it has reached, in one byte. A split is then a
//! comparison of bytes, which a processor does for sixteen rows in one
//! instruction, so that all splits of a tree are compared, and the row's leaf
//! is chosen from the bottom up.
//!
//! Invariant: [`Sweep::margins`] adds the same leaves in the same order as
//! [`Forest::margin`], so that margins are the same to the bit.

use std::collections::BTreeMap;

use super::{Forest, Tree};
use crate::features::{BLOCK, Lane};

/// The deepest tree that is laid out: one more level doubles the work.
const DEEPEST: usize = 6;

/// Rows that go through a tree together.
const ABREAST: usize = 64;
const _: () = assert!(BLOCK.is_multiple_of(ABREAST));

/// How many thresholds one byte counts. A missing value is 0 where it goes left
/// and [`MISSING_RIGHT`] where it goes right.
const MOST: usize = 254;
const MISSING_RIGHT: u8 = 255;

/// Up to this many thresholds are counted one by one.
const FEW: usize = 15;

#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Sweep {
    base: f64,
    slots: Vec<Slot>,
    tests: Vec<Test>,
    leaves: Vec<f32>,
    depths: Vec<u8>,
}

/// An input, the way it goes when missing, and its thresholds in order, filled
/// up with NaN to one less than a power of two.
#[derive(Debug, Clone, PartialEq)]
struct Slot {
    place: usize,
    missing_left: bool,
    thresholds: Vec<f32>,
}

/// A split: right, where the slot counts at least so many.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Test {
    slot: u16,
    count: u8,
}

type Counts = [u8; BLOCK];

impl Sweep {
    /// Lays a forest out. Nothing, where a tree is too deep or inputs are too
    /// many.
    pub(super) fn of(forest: &Forest) -> Option<Self> {
        if forest.depth() > DEEPEST {
            return None;
        }
        let mut sweep = Self {
            base: forest.base(),
            slots: Vec::new(),
            tests: Vec::new(),
            leaves: Vec::new(),
            depths: Vec::new(),
        };
        let numbers = sweep.number(forest)?;
        for (tree, span) in forest.trees().zip(&forest.trees) {
            // The depth is at most six.
            sweep.depths.push(u8::try_from(span.depth).ok()?);
            sweep.lay_out(&tree, span.depth, &numbers);
        }
        Some(sweep)
    }

    /// Makes the slots, and tells the test of each split.
    fn number(&mut self, forest: &Forest) -> Option<Numbers> {
        let mut inputs: BTreeMap<(usize, bool), Vec<f32>> = BTreeMap::new();
        for node in &forest.nodes {
            if !node.is_leaf() {
                let thresholds = inputs.entry((node.place(), node.missing_left()));
                thresholds.or_default().push(node.threshold);
            }
        }
        let mut numbers = Numbers::new();
        for ((place, missing_left), mut thresholds) in inputs {
            thresholds.sort_unstable_by(f32::total_cmp);
            thresholds.dedup_by_key(|t| t.to_bits());
            for some in thresholds.chunks(MOST) {
                let slot = u16::try_from(self.slots.len()).ok()?;
                for (&threshold, count) in some.iter().zip(1..) {
                    let key = (place, missing_left, threshold.to_bits());
                    numbers.insert(key, Test { slot, count });
                }
                let mut thresholds = some.to_vec();
                if some.len() > FEW {
                    thresholds.resize((some.len() + 1).next_power_of_two() - 1, f32::NAN);
                }
                self.slots.push(Slot {
                    place,
                    missing_left,
                    thresholds,
                });
            }
        }
        Some(numbers)
    }

    /// Lays a tree out complete: what is below a leaf leads to its value
    /// whichever way it is taken.
    fn lay_out(&mut self, tree: &Tree<'_>, depth: usize, numbers: &Numbers) {
        let mut level = vec![0];
        for _ in 0..depth {
            let mut below = Vec::with_capacity(2 * level.len());
            for at in level {
                let node = tree.nodes[at];
                if node.is_leaf() {
                    self.tests.push(Test { slot: 0, count: 1 });
                    below.extend([at, at]);
                } else {
                    let key = (node.place(), node.missing_left(), node.threshold.to_bits());
                    self.tests.push(numbers[&key]);
                    below.extend([node.left(), node.left() + 1]);
                }
            }
            level = below;
        }
        self.leaves
            .extend(level.into_iter().map(|at| tree.values[at]));
    }

    /// The margins of rows given place by place.
    pub(in super::super) fn margins(&self, places: &[Lane]) -> [f64; BLOCK] {
        let counts: Vec<Counts> = self
            .slots
            .iter()
            .map(|slot| slot.counts(&places[slot.place]))
            .collect();
        let mut margins = [self.base; BLOCK];
        let (mut tests, mut leaves) = (&self.tests[..], &self.leaves[..]);
        for &depth in &self.depths {
            let size = 1 << depth;
            let (here, after) = tests.split_at(size - 1);
            let (values, beyond) = leaves.split_at(size);
            (tests, leaves) = (after, beyond);
            match depth {
                0 => margins.iter_mut().for_each(|m| *m += f64::from(values[0])),
                1 => add::<1, 2>(here, values, &counts, &mut margins),
                2 => add::<2, 4>(here, values, &counts, &mut margins),
                3 => add::<3, 8>(here, values, &counts, &mut margins),
                4 => add::<4, 16>(here, values, &counts, &mut margins),
                5 => add::<5, 32>(here, values, &counts, &mut margins),
                _ => add::<6, 64>(here, values, &counts, &mut margins),
            }
        }
        margins
    }
}

/// The test of a split by its place, its way for a missing value and the bits of
/// its threshold.
type Numbers = BTreeMap<(usize, bool, u32), Test>;

impl Slot {
    /// For each row, how many thresholds it has reached.
    fn counts(&self, lane: &Lane) -> Counts {
        let mut counts = if self.thresholds.len() <= FEW {
            one_by_one(lane, &self.thresholds)
        } else {
            by_halves(lane, &self.thresholds)
        };
        if !self.missing_left {
            for (count, x) in counts.iter_mut().zip(lane) {
                *count = if x.is_nan() { MISSING_RIGHT } else { *count };
            }
        }
        counts
    }
}

fn one_by_one(lane: &Lane, thresholds: &[f32]) -> Counts {
    let mut counts = [0_i32; BLOCK];
    for &threshold in thresholds {
        for (count, &x) in counts.iter_mut().zip(lane) {
            *count += i32::from(x >= threshold);
        }
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few thresholds"
    )]
    counts.map(|count| count as u8)
}

/// All rows take a step of the search together, since none waits for another.
fn by_halves(lane: &Lane, thresholds: &[f32]) -> Counts {
    let mut counts = [0_usize; BLOCK];
    for step in (0..(thresholds.len() + 1).ilog2()).rev() {
        for (count, &x) in counts.iter_mut().zip(lane) {
            // A shift and no branch, which would be guessed wrong half the time.
            let reached = x >= thresholds[*count + (1 << step) - 1];
            *count += usize::from(reached) << step;
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "254 thresholds at most")]
    counts.map(|count| count as u8)
}

/// Adds what a tree of this depth adds to each margin.
fn add<const DEPTH: usize, const LEAVES: usize>(
    tests: &[Test],
    values: &[f32],
    counts: &[Counts],
    margins: &mut [f64; BLOCK],
) {
    let mut leaves = [0.0; LEAVES];
    leaves.copy_from_slice(values);
    for first in (0..BLOCK).step_by(ABREAST) {
        let found = leaf::<DEPTH>(tests, counts, first);
        for (margin, leaf) in margins[first..].iter_mut().zip(found) {
            *margin += f64::from(leaves[usize::from(leaf) % LEAVES]);
        }
    }
}

/// The leaf of each row: at each split the one that its better half leads to,
/// from the last splits up to the first.
#[inline]
fn leaf<const DEPTH: usize>(tests: &[Test], counts: &[Counts], first: usize) -> [u8; ABREAST] {
    const WIDEST: usize = 1 << (DEEPEST - 1);
    let mut found = [[0_u8; ABREAST]; WIDEST];
    for level in (0..DEPTH).rev() {
        let bit = 1_u8 << (DEPTH - 1 - level);
        for at in 0..1 << level {
            let test = tests[(1 << level) - 1 + at];
            let counts = &counts[usize::from(test.slot)][first..first + ABREAST];
            let [left, right] = if level == DEPTH - 1 {
                [[0; ABREAST]; 2]
            } else {
                [found[2 * at], found[2 * at + 1]]
            };
            for (i, &count) in counts.iter().enumerate() {
                let is_right = count >= test.count;
                found[at][i] = if is_right { right[i] | bit } else { left[i] };
            }
        }
    }
    found[0]
}

#[cfg(test)]
mod tests {
    use super::super::tests::{leaf as value, split};
    use super::super::{Source, Split};
    use super::*;
    use crate::models::split::{Draw, draw};

    const WIDTH: usize = 5;

    fn number(seed: u64, at: usize) -> f32 {
        #[expect(clippy::cast_possible_truncation, reason = "any number will do")]
        let number = (draw(seed, at, Draw::Part) * 8.0) as f32;
        number
    }

    /// A tree that is complete or has early leaves, and splits that are many
    /// enough to fill more than one slot.
    fn tree(seed: u64, depth: usize) -> Vec<Source> {
        let mut nodes = Vec::new();
        let inner = (1 << depth) - 1;
        for at in 0..=2 * inner {
            let u = draw(seed, at, Draw::Gaps);
            nodes.push(if at >= inner || (at > 0 && u < 0.1) {
                value(1.0, number(seed, at) - 4.0)
            } else {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_precision_loss,
                    clippy::cast_sign_loss,
                    reason = "a place"
                )]
                let place = (draw(seed, at, Draw::GapShare) * WIDTH as f64) as usize;
                let mut node = split(place, number(seed, at), [2 * at + 1, 2 * at + 2]);
                if let Ok(Split { missing_left, .. }) = &mut node.split {
                    *missing_left = u > 0.5;
                }
                node
            });
        }
        nodes
    }

    fn forest(depth: usize, trees: u64) -> Forest {
        let mut forest = Forest::new(0.3, WIDTH);
        for seed in 0..trees {
            forest.push(&tree(seed, depth)).unwrap();
        }
        forest
    }

    fn lanes() -> Vec<Lane> {
        let value = |place: usize, row: usize| match draw(9, row, Draw::Gap(place)) {
            u if u < 0.2 => f32::NAN,
            // Some values are thresholds, where a tie is decided.
            u if u < 0.5 => number(row as u64 % 7, place),
            _ => number(row as u64, place),
        };
        (0..WIDTH)
            .map(|place| std::array::from_fn(|row| value(place, row)))
            .collect()
    }

    #[test]
    fn many_rows_at_once_have_the_margins_of_each_to_the_bit() {
        let lanes = lanes();
        for depth in 0..=DEEPEST {
            let forest = forest(depth, 60);
            let sweep = Sweep::of(&forest).expect("not too deep");
            let margins = sweep.margins(&lanes);
            for (i, margin) in margins.iter().enumerate() {
                let row: Vec<f32> = lanes.iter().map(|lane| lane[i]).collect();
                assert_eq!(margin.to_bits(), forest.margin(&row).to_bits(), "{depth}");
            }
        }
    }

    #[test]
    fn an_input_of_many_thresholds_takes_several_slots() {
        let sweep = Sweep::of(&forest(6, 60)).expect("not too deep");
        assert!(sweep.slots.len() > 2 * WIDTH);
    }

    #[test]
    fn a_forest_too_deep_is_not_laid_out() {
        assert_eq!(Sweep::of(&forest(DEEPEST + 1, 1)), None);
    }
}
