#!/usr/bin/env python3
"""Holds Spark's answers to the service's, on the newest cohort of a running service.

    python3 check.py http://localhost:8080

Exports the cohort and the models, scores all customers with both, and fails
where an answer differs by more than 1e-5 (of an amount: of its size), a percentile by
more than a hundredth, or the tier of more than one customer in 10,000 (on a boundary the
last bit decides); or where a customer or an answer is missing. A customer whom a target
is not for has no answer of the service's and is left out.
"""

import io
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

import pandas as pd
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).resolve().parent
PARQUET = "application/vnd.apache.parquet"
ROWS = 50_000


def ask(address, body=None):
    headers = {"Content-Type": PARQUET, "Accept": PARQUET} if body else {}
    if key := os.environ.get("ENGAGECAST_KEY"):
        headers["Authorization"] = f"Bearer {key}"
    with urllib.request.urlopen(urllib.request.Request(address, body, headers)) as answer:
        return answer.read()


def of_service(service, target, cohort):
    """The service's answers, some customers at a time: a body has a limit."""
    for start in range(0, cohort.num_rows, ROWS):
        body = io.BytesIO()
        pq.write_table(cohort.slice(start, ROWS), body)
        answer = ask(f"{service}/predict/{target}/batch", body.getvalue())
        yield pq.read_table(io.BytesIO(answer)).to_pandas()


def compare(service, target, cohort, spark):
    told = pd.concat(of_service(service, target, cohort)).set_index("customer_id")
    told = told[told["applicable"]]
    ours = spark.loc[told.index]
    value = told["probability" if "probability" in told else "value"]
    gap = (value - ours[f"predicted_{target}"]).abs() / value.abs().clip(lower=1)
    place = (told["percentile"] - ours[f"predicted_{target}_percentile"]).abs()
    moved = told["tier"] != ours[f"predicted_{target}_tier"] if "probability" in told else gap < 0
    # No answer at all is no number, which a maximum passes over.
    fine = len(told) > 0 and gap.notna().all() and place.notna().all()
    fine = fine and gap.max() <= 1e-5 and place.max() <= 0.01
    fine = fine and moved.sum() <= 1e-4 * len(told)
    print(
        f"{target:20}{len(told):>7} customers, largest difference {gap.max():.1e},",
        f"of percentiles {place.max():.1e}, {moved.sum()} in another tier:",
        "equal" if fine else "NOT EQUAL",
    )
    return fine


def main():
    service = sys.argv[1].rstrip("/")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        subprocess.run([HERE / "export_models", service, folder / "models"], check=True)
        (folder / "customers.parquet").write_bytes(ask(f"{service}/cohorts/latest/customers.parquet"))
        command = ["spark-submit", "--master", "local[*]", "--conf", "spark.ui.enabled=false"]
        command += ["--conf", "spark.driver.bindAddress=127.0.0.1", HERE / "score.py"]
        command += ["--models", folder / "models", "--out", folder / "scored"]
        subprocess.run([*command, "--in", folder / "customers.parquet"], check=True)
        cohort = pq.read_table(folder / "customers.parquet")
        spark = pq.read_table(folder / "scored").to_pandas().set_index("customer_id")
        assert len(spark) == cohort.num_rows, "a customer is lost"
        targets = sorted(path.name for path in (folder / "models").iterdir())
        fine = [compare(service, target, cohort, spark) for target in targets]
    sys.exit(0 if fine and all(fine) else 1)


if __name__ == "__main__":
    main()
