//! A model for use elsewhere: its forest as a model file of `XGBoost`, and a
//! manifest of what goes in and of what becomes of the margin.
//!
//! The file holds the forest that serves, tree for tree: whatever it was made of
//! (several forests, a shift) is in its leaves and its base already. Its
//! objective is the one whose link comes nearest to the model's, so that
//! `predict` alone means something; the margin is the same under all of them,
//! and the manifest tells the rest.

use serde_json::{Value, json};

use super::forest::{Forest, Node, Tree};
use super::model::{Model, Spread};
use super::scorer::{Link, Scorer};

/// The version of the manifest's form.
const MANIFEST: u32 = 1;

impl Model {
    /// The forest as an `XGBoost` model file in JSON; none where the linear
    /// model serves, whose coefficients stand in the manifest.
    #[must_use]
    pub fn xgboost(&self) -> Option<Vec<u8>> {
        let Scorer::Forest(forest) = &self.scorer else {
            return None;
        };
        let names: Vec<String> = self.place_names();
        // Numbers and strings only: JSON can't refuse them.
        serde_json::to_vec(&learner(forest, self.link, &names)).ok()
    }

    /// What goes into the model, place by place, and how its margin becomes the
    /// answer.
    #[must_use]
    pub fn manifest(&self) -> Value {
        let names = self.place_names();
        let inputs = self.encoder.places().into_iter().zip(&names);
        let inputs: Vec<Value> = inputs
            .enumerate()
            .map(|(at, (place, name))| {
                let mut input = json!(place);
                input["place"] = at.into();
                input["name"] = name.as_str().into();
                input
            })
            .collect();
        let (method, linear) = match &self.scorer {
            Scorer::Forest(_) => ("forest", Value::Null),
            Scorer::Linear(linear) => ("linear", json!(linear)),
        };
        json!({
            "manifest": MANIFEST,
            "target": self.target.name(),
            "predicts": self.card.predicts,
            "unit": self.card.unit,
            "method": method,
            "xgboost": linear.is_null().then_some("xgboost.json"),
            "missing": "NaN",
            "inputs": inputs,
            "linear": linear,
            "base_margin": match &self.scorer {
                Scorer::Forest(forest) => json!(forest.base()),
                Scorer::Linear(_) => Value::Null,
            },
            "link": link(self.link),
            "tiers": match &self.spread {
                Spread::Tiers(thresholds) => json!(thresholds),
                Spread::Intervals(_) => Value::Null,
            },
            "intervals": match &self.spread {
                Spread::Tiers(_) => Value::Null,
                Spread::Intervals(intervals) => json!(intervals),
            },
            "percentiles": self.placement,
        })
    }

    /// What each place is called, without what `XGBoost` refuses in a name.
    fn place_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for name in self.encoder.place_names() {
            let name = name.replace(['[', ']', '<'], "_");
            let taken = names.contains(&name);
            names.push(if taken {
                format!("{name} {}", names.len())
            } else {
                name
            });
        }
        names
    }
}

/// The margin's way to the answer, as a formula with its numbers.
fn link(link: Link) -> Value {
    match link {
        Link::Logistic { slope, shift } => json!({
            "kind": "logistic", "slope": slope, "shift": shift,
            "formula": "1 / (1 + exp(-(slope * margin + shift)))",
        }),
        Link::Score { least, most } => json!({
            "kind": "score", "least": least, "most": most,
            "formula": "least + (most - least) / (1 + exp(-margin))",
        }),
        Link::Plain { least, most } => json!({
            "kind": "plain", "least": least, "most": most,
            "formula": "min(max(margin, least), most)",
        }),
        Link::Log => json!({"kind": "log", "formula": "exp(margin)"}),
        Link::LogPlusOne { factor } => json!({
            "kind": "log_plus_one", "factor": factor,
            "formula": "max(factor * exp(margin) - 1, 0)",
        }),
    }
}

/// The objective whose link is that of the margin as it is, and the base as
/// that objective counts it.
fn objective(link: Link, base: f64) -> (Value, f64) {
    let regression =
        |name: &str| json!({"name": name, "reg_loss_param": {"scale_pos_weight": "1"}});
    let share = 1.0 / (1.0 + (-base).exp());
    match link {
        Link::Logistic { .. } => (regression("binary:logistic"), share),
        Link::Score { .. } => (regression("reg:logistic"), share),
        Link::Log => {
            let parameter = json!({"tweedie_variance_power": "1.5"});
            let tweedie = json!({"name": "reg:tweedie", "tweedie_regression_param": parameter});
            (tweedie, base.exp())
        }
        Link::Plain { .. } | Link::LogPlusOne { .. } => (regression("reg:squarederror"), base),
    }
}

fn learner(forest: &Forest, link: Link, names: &[String]) -> Value {
    let (objective, base_score) = objective(link, forest.base());
    let trees: Vec<Value> = (forest.trees().enumerate())
        .map(|(id, tree)| self::tree(id, tree, forest.width()))
        .collect();
    json!({
        "version": [2, 1, 0],
        "learner": {
            "attributes": {},
            "feature_names": names,
            "feature_types": vec!["float"; names.len()],
            "gradient_booster": {
                "name": "gbtree",
                "model": {
                    "gbtree_model_param": {
                        "num_parallel_tree": "1",
                        "num_trees": trees.len().to_string(),
                    },
                    "iteration_indptr": (0..=trees.len()).collect::<Vec<_>>(),
                    "tree_info": vec![0; trees.len()],
                    "trees": trees,
                },
            },
            "learner_model_param": {
                "base_score": format!("{base_score:E}"),
                "boost_from_average": "1",
                "num_class": "0",
                "num_feature": names.len().to_string(),
                "num_target": "1",
            },
            "objective": objective,
        },
    })
}

/// The root's parent, as `XGBoost` writes it.
const NO_PARENT: i32 = i32::MAX;

fn tree(id: usize, tree: Tree<'_>, width: usize) -> Value {
    let count = tree.nodes.len();
    let mut parents = vec![NO_PARENT; count];
    let mut left = vec![-1; count];
    let mut right = vec![-1; count];
    for (at, node) in (0..).zip(tree.nodes).filter(|(_, node)| !node.is_leaf()) {
        let child = i32::try_from(node.left()).unwrap_or(NO_PARENT);
        let here = usize::try_from(at).unwrap_or(0);
        left[here] = child;
        right[here] = child + 1;
        parents[node.left()] = at;
        parents[node.left() + 1] = at;
    }
    let inner = tree
        .nodes
        .iter()
        .map(|node| (!node.is_leaf()).then_some(*node));
    // Leaves keep their value where splits keep their threshold.
    let conditions: Vec<f64> = inner
        .clone()
        .zip(tree.values)
        .map(|(node, &value)| short(node.map_or(value, Node::threshold)))
        .collect();
    json!({
        "id": id,
        "base_weights": tree.values.iter().copied().map(short).collect::<Vec<_>>(),
        "categories": [],
        "categories_nodes": [],
        "categories_segments": [],
        "categories_sizes": [],
        "default_left": inner.clone().map(|n| u8::from(n.is_some_and(Node::missing_left))).collect::<Vec<_>>(),
        "left_children": left,
        "loss_changes": vec![0.0; count],
        "parents": parents,
        "right_children": right,
        "split_conditions": conditions,
        "split_indices": inner.map(|n| n.map_or(0, Node::place)).collect::<Vec<_>>(),
        "split_type": vec![0; count],
        "sum_hessian": tree.covers.iter().copied().map(short).collect::<Vec<_>>(),
        "tree_param": {
            "num_deleted": "0",
            "num_feature": width.to_string(),
            "num_nodes": count.to_string(),
            "size_leaf_vector": "1",
        },
    })
}

/// The number as short as it can be written and still be read as the same
/// single.
fn short(x: f32) -> f64 {
    x.to_string().parse().unwrap_or(f64::from(x))
}
