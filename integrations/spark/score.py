#!/usr/bin/env python3
"""Scores Parquet files with exported models on Apache Spark.

    spark-submit score.py --models models --in customers.parquet --out scored.parquet

`models` has a folder for each target, with what the service answers to
`GET /models/{version}/{target}/manifest.json` and `…/xgboost.json` (the latter
only where a forest serves). The output has the identifier and, for each target,
its answer, its tier where it has one, and its percentile.

Nothing here needs the service, or Engagecast, on the cluster.
"""

import argparse
import json
import pathlib

import numpy as np
import pandas as pd
import xgboost
from pyspark.sql import SparkSession

IDENTIFIER = "customer_id"
FUNCTIONS = {"exp": np.exp, "max": np.maximum, "min": np.minimum, "__builtins__": {}}


class Model:
    """One exported model."""

    def __init__(self, folder):
        self.manifest = json.loads((folder / "manifest.json").read_text())
        self.file = None
        if self.manifest["xgboost"]:
            self.file = (folder / self.manifest["xgboost"]).read_bytes()
        self._booster = None

    def __getstate__(self):
        return self.__dict__ | {"_booster": None}

    @property
    def name(self):
        return self.manifest["target"]

    def columns(self):
        return list(dict.fromkeys(p["column"] for p in self.manifest["inputs"]))

    def rows(self, frame):
        """The input rows: a float for each place, NaN where it is not known."""
        rows = np.full((len(frame), len(self.manifest["inputs"])), np.nan, np.float32)
        for column in self.columns():
            if column in frame:
                places = [p for p in self.manifest["inputs"] if p["column"] == column]
                rows[:, [p["place"] for p in places]] = encoded(frame[column], places)
        return rows

    def margins(self, rows):
        if self.file is not None:
            if self._booster is None:
                # Once a process. Spark has a task for each core already.
                self._booster = xgboost.Booster(model_file=bytearray(self.file))
                self._booster.set_param({"nthread": 1})
            margins = self._booster.inplace_predict(rows, predict_type="margin")
            return margins.astype(np.float64)
        linear = self.manifest["linear"]
        weight, mean, scale = (
            np.array([place[key] for place in linear["places"]])
            for key in ("weight", "mean", "scale")
        )
        terms = weight * np.clip((rows.astype(np.float64) - mean) / scale, -5, 5)
        return linear["intercept"] + np.nansum(terms, axis=1)

    def answers(self, frame):
        """The columns of the answer, in the order of `fields`."""
        link = self.manifest["link"]
        names = {k: v for k, v in link.items() if k not in ("kind", "formula")}
        margin = self.margins(self.rows(frame))
        # The formula is the service's own, read from its manifest.
        value = eval(link["formula"], FUNCTIONS, names | {"margin": margin})
        answers = {f"predicted_{self.name}": value}
        if (tiers := self.manifest["tiers"]) is not None:
            chosen = [value >= tiers["high"], value < tiers["low"]]
            answers[f"predicted_{self.name}_tier"] = np.select(chosen, ["high", "low"], "medium")
        answers[f"predicted_{self.name}_percentile"] = self.percentiles(value)
        return answers

    def percentiles(self, value):
        """The share of the hold-out below the value, in percent; of equals, half."""
        quantiles = np.array(self.manifest["percentiles"]["quantiles"])
        below = np.searchsorted(quantiles, value, "left")
        up_to = np.searchsorted(quantiles, value, "right")
        at = np.interp(value, quantiles, np.arange(len(quantiles)))
        at = np.where(below < up_to, (below + up_to - 1) / 2, at)
        return 100 * at / (len(quantiles) - 1)

    def fields(self):
        tier = [f"`predicted_{self.name}_tier` string"] if self.manifest["tiers"] else []
        number = [f"`predicted_{self.name}` double"]
        return [*number, *tier, f"`predicted_{self.name}_percentile` double"]


def encoded(values, places):
    """A column as its places of the input row have it, side by side."""
    encoding = places[0]["encoding"]
    if encoding == "number":
        return numbers(pd.to_numeric(values))
    if encoding == "flag":
        return numbers(values.map({True: 1.0, False: 0.0}))
    if encoding == "ordinal":
        order = {name: i for i, name in enumerate(places[0]["categories"])}
        return numbers(values.map(order))
    # A text is looked up once, for all of its places.
    known = [p.get("category") for p in places]
    code = pd.Categorical(values, categories=[name for name in known if name]).codes
    hits = [code == -1 if name is None else code == known.index(name) for name in known]
    return np.where(values.isna().to_numpy()[:, None], np.nan, np.column_stack(hits))


def numbers(values):
    return values.to_numpy(np.float64, na_value=np.nan)[:, None]


def score(customers, models):
    """A frame of customers with the answers of the models."""
    wanted = dict.fromkeys(column for model in models for column in model.columns())
    inputs = [column for column in wanted if column in customers.columns]
    kept = [column for column in [IDENTIFIER] if column in customers.columns]
    schema = [f"`{c}` {customers.schema[c].dataType.simpleString()}" for c in kept]
    schema += [field for model in models for field in model.fields()]

    def parts(frames):
        for frame in frames:
            answers = {column: frame[column] for column in kept}
            for model in models:
                answers |= model.answers(frame)
            yield pd.DataFrame(answers)

    selected = customers.select(*kept, *inputs)
    return selected.mapInPandas(parts, ", ".join(schema))


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--models", type=pathlib.Path, required=True)
    arguments.add_argument("--in", dest="source", required=True)
    arguments.add_argument("--out", required=True)
    arguments.add_argument("--targets", help="such as churn,ltv; all by default")
    given = arguments.parse_args()
    folders = sorted(path.parent for path in given.models.glob("*/manifest.json"))
    wanted = given.targets.split(",") if given.targets else [f.name for f in folders]
    models = [Model(given.models / target) for target in wanted]

    spark = SparkSession.builder.appName("engagecast score").getOrCreate()
    spark.sparkContext.setLogLevel("WARN")
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 20_000)
    scored = score(spark.read.parquet(given.source), models)
    scored.write.mode("overwrite").parquet(given.out)
    spark.stop()


if __name__ == "__main__":
    main()
