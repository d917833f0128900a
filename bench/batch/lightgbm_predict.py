#!/usr/bin/env python3
"""How long LightGBM takes to predict, on one thread, with a model of a given size.

    python3 bench/batch/lightgbm_predict.py COHORT.parquet TREES DEPTH

Trains churn on the file's numbers and prints microseconds a row of `predict`
alone: the rows lie ready as a matrix of doubles. To be compared with `table/churn` of
`cargo bench --bench predict`, in the same sitting.
"""

import statistics
import sys
import time

import lightgbm as lgb
import numpy as np
import pandas as pd

path, trees, depth = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
table = pd.read_parquet(path)
label = table.pop("churn_30_day").astype(float)
table = table.drop(columns=["customer_id", "data_generated_at", "churn_probability"])
places = pd.get_dummies(table).to_numpy(dtype=np.float64)
parameters = {
    "objective": "binary",
    "num_leaves": 2**depth,
    "max_depth": depth,
    "learning_rate": 0.06,
    "min_data_in_leaf": 5,
    "verbose": -1,
}
model = lgb.train(parameters, lgb.Dataset(places, label), trees)
times = []
for _ in range(7):
    begun = time.perf_counter()
    model.predict(places, num_threads=1)
    times.append(time.perf_counter() - begun)
leaves = np.mean([t["num_leaves"] for t in model.dump_model()["tree_info"]])
print(f"{trees} trees of depth {depth}, {leaves:.1f} leaves each, {len(places)} rows")
print(f"{statistics.median(times) / len(places) * 1e6:.3f} us a row")
