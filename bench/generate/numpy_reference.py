#!/usr/bin/env python3
"""Draws the cohort with the numpy model that the generator's specification came
with, and prints seconds: the median of five runs.

    REFERENCE=dataset/reference.py bench/generate/numpy_reference.py 100000

The model is not part of this repository. It is a file with a class `Gen` and,
beside it, its constants in `K.json`.
"""

import importlib.util
import json
import os
import pathlib
import statistics
import sys
import time

file = pathlib.Path(os.environ["REFERENCE"])
customers = int(sys.argv[1])
spec = importlib.util.spec_from_file_location("reference", file)
reference = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reference)
constants = json.loads((file.parent / "K.json").read_text())
taken = []
for seed in range(5):
    begun = time.perf_counter()
    reference.Gen(customers, seed, "pin", dict(constants)).run()
    taken.append(time.perf_counter() - begun)
print(statistics.median(taken))
