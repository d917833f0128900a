//! Exact Shapley values of a forest's margin: what each input adds to it.
//!
//! The game is that of `TreeSHAP` (Lundberg et al. 2020, path-dependent): an input that
//! is left out is averaged over both children of its splits, by their cover. A
//! leaf's part in the game is a product over the inputs on its path, and the
//! Shapley value of input *i* in a product game is
//!
//! ```text
//! value · (o_i − z_i) · ∫₀¹ ∏_{j≠i} ((1−t) z_j + t o_j) dt
//! ```
//!
//! with *o* 1 where the row follows the path and else 0, and *z* the share of
//! cover that does. The integrand is a polynomial of a degree below the depth,
//! so that few points of Gauss-Legendre quadrature integrate it exactly. Of all
//! leaves below the last split on an input, *o* and *z* are the same: their products
//! are summed first, and integrated once.

use super::forest::{Forest, MAX_DEPTH, Tree};

/// Points of the quadrature: exact to the degree `2 * POINTS - 1`.
const POINTS: usize = 4;
const _: () = assert!(MAX_DEPTH <= 2 * POINTS);

type Weights = [f64; POINTS];

/// The roots of the Legendre polynomial of degree four, and their weights, on
/// [0, 1].
const AT: Weights = [
    0.069_431_844_202_973_71,
    0.330_009_478_207_571_87,
    0.669_990_521_792_428_1,
    0.930_568_155_797_026_3,
];
const WEIGHT: Weights = [
    0.173_927_422_568_726_93,
    0.326_072_577_431_273_07,
    0.326_072_577_431_273_07,
    0.173_927_422_568_726_93,
];

/// Adds what each place of the row adds to the margin to `out`; returns the
/// expected margin, which everything starts from.
pub(super) fn contributions(forest: &Forest, row: &[f32], out: &mut [f64]) -> f64 {
    let mut base = forest.base();
    for tree in forest.trees() {
        let mut walk = Walk {
            tree,
            row,
            out: &mut *out,
            steps: [Step::default(); MAX_DEPTH],
        };
        base += walk.visit(0, 0, WEIGHT, 1.0).mean;
    }
    base
}

/// An input met on the path: its share of cover, and whether the row goes along.
#[derive(Clone, Copy)]
struct Step {
    place: usize,
    share: f64,
    follows: f64,
    /// Its factor at each point, and one over that.
    factor: Weights,
    inverse: Weights,
}

/// An input that no split has asked for.
impl Default for Step {
    fn default() -> Self {
        Self {
            place: 0,
            share: 1.0,
            follows: 1.0,
            factor: [1.0; POINTS],
            inverse: [1.0; POINTS],
        }
    }
}

impl Step {
    /// The step after one more split on its input. Nothing, where neither the row
    /// nor any of the training data gets: all products beyond are 0.
    fn after(self, place: usize, share: f64, follows: f64) -> Option<Self> {
        let (share, follows) = (self.share * share, self.follows * follows);
        if share == 0.0 && follows == 0.0 {
            return None;
        }
        let factor = AT.map(|t| (1.0 - t) * share + t * follows);
        Some(Self {
            place,
            share,
            follows,
            factor,
            inverse: factor.map(|f| 1.0 / f),
        })
    }

    /// What its input adds to the margin by the leaves of this sum.
    fn adds(&self, sum: Weights) -> f64 {
        let integral: f64 = (0..POINTS).map(|q| sum[q] * self.inverse[q]).sum();
        (self.follows - self.share) * integral
    }
}

/// The leaves of a subtree, summed.
#[derive(Clone, Copy, Default)]
struct Leaves {
    /// Their part of the tree's mean.
    mean: f64,
    /// Their values by the product of all factors, at each point.
    products: Weights,
}

struct Walk<'a> {
    tree: Tree<'a>,
    row: &'a [f32],
    out: &'a mut [f64],
    /// The distinct inputs from the root to where the walk is.
    steps: [Step; MAX_DEPTH],
}

impl Walk<'_> {
    /// Visits a subtree below so many steps. `product` is that of all factors on
    /// the path and `reach` that of all shares.
    fn visit(&mut self, at: usize, steps: usize, product: Weights, reach: f64) -> Leaves {
        let node = self.tree.nodes[at];
        if node.is_leaf() {
            let value = f64::from(self.tree.values[at]);
            return Leaves {
                mean: reach * value,
                products: product.map(|p| p * value),
            };
        }
        let right = node.goes_right(self.row);
        let shares = shares(&self.tree, node.left());
        // An input that is met again keeps one factor for all its splits.
        let place = node.place();
        let known = self.steps[..steps].iter().position(|s| s.place == place);
        let index = known.unwrap_or(steps);
        let before = known.map_or_else(Step::default, |known| self.steps[known]);
        let mut all = Leaves::default();
        for (side, share) in shares.into_iter().enumerate() {
            let follows = if right == (side == 1) { 1.0 } else { 0.0 };
            let Some(after) = before.after(place, share, follows) else {
                continue;
            };
            self.steps[index] = after;
            let factor = |q: usize| product[q] * before.inverse[q] * after.factor[q];
            let product: Weights = std::array::from_fn(factor);
            let steps = steps.max(index + 1);
            let below = self.visit(node.left() + side, steps, product, reach * share);
            // A split above on the same input counts these leaves too, as if it
            // were the last one.
            self.out[place] += after.adds(below.products) - before.adds(below.products);
            all.mean += below.mean;
            for (sum, product) in all.products.iter_mut().zip(below.products) {
                *sum += product;
            }
        }
        if known.is_some() {
            self.steps[index] = before;
        }
        all
    }
}

/// The shares of a split's cover that its children have.
fn shares(tree: &Tree<'_>, left: usize) -> [f64; 2] {
    let covers = [left, left + 1].map(|i| f64::from(tree.covers[i]));
    let sum = covers[0] + covers[1];
    if sum > 0.0 {
        covers.map(|cover| cover / sum)
    } else {
        [0.5; 2]
    }
}

#[cfg(test)]
mod tests {
    use super::super::forest::Source;
    use super::super::forest::tests::{leaf, split};
    use super::*;

    fn inner(cover: f32, place: usize, threshold: f32, children: [usize; 2]) -> Source {
        Source {
            cover,
            ..split(place, threshold, children)
        }
    }

    /// Splits on the same input twice along a path, and one child unseen in training.
    fn forest() -> Forest {
        let mut forest = Forest::new(0.25, 4);
        forest
            .push(&[
                inner(16.0, 0, 1.0, [1, 2]),
                inner(11.0, 1, 5.0, [3, 4]),
                inner(5.0, 2, 0.0, [5, 6]),
                leaf(3.0, 1.0),
                inner(8.0, 0, 0.5, [7, 8]),
                leaf(5.0, -2.0),
                leaf(0.0, 4.0),
                leaf(2.0, 0.5),
                leaf(6.0, -1.5),
            ])
            .unwrap();
        forest
            .push(&[
                inner(12.0, 3, 2.0, [1, 2]),
                leaf(2.0, 0.75),
                inner(10.0, 1, 1.0, [3, 4]),
                leaf(1.0, -0.5),
                leaf(9.0, 0.125),
            ])
            .unwrap();
        forest
    }

    /// The expected margin where only the inputs of `known` are known.
    fn expected(forest: &Forest, row: &[f32], known: u32) -> f64 {
        fn visit(tree: &Tree<'_>, at: usize, row: &[f32], known: u32) -> f64 {
            let node = tree.nodes[at];
            if node.is_leaf() {
                return f64::from(tree.values[at]);
            }
            let sides = [0, 1].map(|side| visit(tree, node.left() + side, row, known));
            if known >> node.place() & 1 == 1 {
                return sides[usize::from(node.goes_right(row))];
            }
            let shares = shares(tree, node.left());
            shares[0] * sides[0] + shares[1] * sides[1]
        }
        forest.base()
            + forest
                .trees()
                .map(|t| visit(&t, 0, row, known))
                .sum::<f64>()
    }

    /// Shapley values by their definition: the mean over all orders of joining.
    fn by_definition(forest: &Forest, row: &[f32], n: u32) -> Vec<f64> {
        let factorial = |k: u32| (1..=k).map(f64::from).product::<f64>();
        let value = |i: u32| {
            (0..1_u32 << n)
                .filter(|known| known >> i & 1 == 0)
                .map(|known| {
                    let k = known.count_ones();
                    let weight = factorial(k) * factorial(n - k - 1) / factorial(n);
                    weight * (expected(forest, row, known | 1 << i) - expected(forest, row, known))
                })
                .sum()
        };
        (0..n).map(value).collect()
    }

    #[test]
    fn agrees_with_the_definition_of_shapley_values() {
        let forest = forest();
        let nan = f32::NAN;
        for row in [
            [0.0, 6.0, 1.0, 3.0],
            [0.7, 6.0, -1.0, 1.0],
            [2.0, 0.0, 1.0, 3.0],
            [nan, nan, nan, nan],
            [0.2, nan, 0.0, nan],
        ] {
            let mut found = [0.0; 4];
            let base = contributions(&forest, &row, &mut found);
            assert!((base - expected(&forest, &row, 0)).abs() < 1e-12);
            for (found, known) in found.iter().zip(by_definition(&forest, &row, 4)) {
                assert!((found - known).abs() < 1e-12, "{found}, not {known}");
            }
            let sum = base + found.iter().sum::<f64>();
            assert!((sum - forest.margin(&row)).abs() < 1e-12);
        }
    }
}
