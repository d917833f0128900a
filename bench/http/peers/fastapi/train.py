#!/usr/bin/env python3
"""Trains a LightGBM model of churn, of the size of the one that the service serves.

    train.py FOLDER    # with manifest.json, xgboost.json and customers.parquet

Writes lightgbm.txt there. The inputs are those of the manifest; the number of trees
and their depth are those of the service's own forest.
"""

import json
import pathlib
import sys

import lightgbm
import numpy
import pandas

from encoding import Encoder

folder = pathlib.Path(sys.argv[1])
manifest = json.loads((folder / "manifest.json").read_text())
forest = json.loads((folder / "xgboost.json").read_text())
trees = forest["learner"]["gradient_booster"]["model"]["trees"]


def depth(tree, node=0):
    children = tree["left_children"][node], tree["right_children"][node]
    return 0 if children[0] < 0 else 1 + max(depth(tree, child) for child in children)


deepest = max(map(depth, trees))
customers = pandas.read_parquet(folder / "customers.parquet").astype(object)
customers = customers.where(customers.notna(), None)
encoder = Encoder(manifest)
rows = numpy.array([encoder.row(customer) for customer in customers.to_dict("records")], numpy.float64)
label = customers["churn_30_day"].astype(float)
parameters = {
    "objective": "binary",
    "num_leaves": 2**deepest,
    "max_depth": deepest,
    "learning_rate": 0.06,
    "min_data_in_leaf": 5,
    "verbose": -1,
}
model = lightgbm.train(parameters, lightgbm.Dataset(rows, label), len(trees))
model.save_model(folder / "lightgbm.txt")
leaves = numpy.mean([tree["num_leaves"] for tree in model.dump_model()["tree_info"]])
ours = numpy.mean([sum(left < 0 for left in tree["left_children"]) for tree in trees])
print(
    f"LightGBM: {model.num_trees()} trees of depth {deepest}, {leaves:.1f} leaves each;"
    f" the service: {len(trees)}, {ours:.1f} leaves each",
    file=sys.stderr,
)
