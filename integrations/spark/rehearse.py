#!/usr/bin/env python3
"""Scores a large cohort with Spark on this machine: how long, how fast, how much memory.

    engagecast generate --customers 10000000 --seed 7 --out customers.parquet
    python3 rehearse.py --models models --in customers.parquet --targets churn,ltv --tasks 2

Java's heap and each Python worker get as much memory as MEMORY says (1g). What all of
them take is looked at four times a second, a page that some share counted once. Every
customer has to be in the output. Needs Linux.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).resolve().parent
MEMORY = os.environ.get("MEMORY", "1g")


def below(process):
    """A process and all that it started."""
    yield process
    for file in pathlib.Path(f"/proc/{process}/task").glob("*/children"):
        for child in file.read_text().split():
            yield from below(child)


def memory(process):
    """Whether it is Java, and its megabytes; none where it ended meanwhile."""
    try:
        told = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text()
        name = pathlib.Path(f"/proc/{process}/comm").read_text()
    except OSError:
        return False, 0
    return name.startswith("java"), int(re.search(r"^Pss:\s+(\d+)", told, re.M)[1]) / 1024


def watch(spark):
    """The most that was seen until Spark ends: all together, Java's, Python's."""
    most = (0, 0, 0)
    while spark.poll() is None:
        try:
            seen = [memory(process) for process in below(spark.pid)]
        except OSError:
            # A thread ended while its processes were listed.
            continue
        java = sum(size for is_java, size in seen if is_java)
        total = sum(size for _, size in seen)
        most = max(most, (total, java, total - java))
        time.sleep(0.25)
    return most


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--models", required=True)
    arguments.add_argument("--in", dest="source", required=True)
    arguments.add_argument("--targets", required=True)
    arguments.add_argument("--tasks", type=int, default=os.cpu_count())
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = ["spark-submit", "--master", f"local[{given.tasks}]", "--driver-memory", MEMORY]
        options = {
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.executor.pyspark.memory": MEMORY,
            "spark.local.dir": folder,
            "spark.log.level": "WARN",
            # Enough parts that all tasks have work to the end.
            "spark.sql.files.maxPartitionBytes": "32m",
            "spark.ui.enabled": "false",
        }
        for option in options.items():
            command += ["--conf", "=".join(option)]
        command += [HERE / "score.py", "--models", given.models, "--targets", given.targets]
        begun = time.monotonic()
        spark = subprocess.Popen([*command, "--in", given.source, "--out", f"{folder}/scored"])
        together, java, python = watch(spark)
        seconds = time.monotonic() - begun
        if spark.returncode:
            sys.exit(f"spark-submit ended with {spark.returncode}")
        rows = pq.ParquetDataset(given.source).read(columns=[]).num_rows
        scored = pq.ParquetDataset(f"{folder}/scored").read(columns=[]).num_rows
    if rows != scored:
        sys.exit(f"{scored:,} of {rows:,} customers are in the output")
    print(
        f"{rows:,} customers, {given.targets}, {given.tasks} tasks: {seconds:.0f} s, {rows / seconds:,.0f} a second,",
        f"{together:,.0f} MB at most (Java {java:,.0f}, Python {python:,.0f})",
    )


if __name__ == "__main__":
    main()
