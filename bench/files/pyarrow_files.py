#!/usr/bin/env python3
"""Writes and reads with pyarrow the files that `cargo bench --bench files` keeps,
and prints seconds: the median of five runs each.

    ENGAGECAST_BENCH_FOLDER=files cargo bench --bench files
    bench/files/pyarrow_files.py files

Parquet is written with zstd level 3, and written files are synced to the disk, as
Engagecast does both. pyarrow writes on one core and reads CSV on all of them.
"""

import os
import pathlib
import statistics
import sys
import tempfile
import time

import pyarrow.csv as csv
import pyarrow.parquet as parquet


def seconds(work):
    taken = []
    for _ in range(5):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def written(write, path):
    def work():
        write(path)
        with open(path, "rb+") as file:
            os.fsync(file.fileno())

    taken = seconds(work)
    print(f"{path.name}: {os.path.getsize(path)} bytes", file=sys.stderr)
    return taken


def main():
    folder = pathlib.Path(sys.argv[1])
    table = parquet.read_table(folder / "customers.parquet")
    options = {"compression": "zstd", "compression_level": 3}
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        to_parquet = lambda path: parquet.write_table(table, path, **options)
        print("write parquet", written(to_parquet, scratch / "pyarrow.parquet"))
        to_csv = lambda path: csv.write_csv(table, path)
        print("write csv", written(to_csv, scratch / "pyarrow.csv"))
    del table
    print("read csv", seconds(lambda: csv.read_csv(folder / "customers.csv")))


main()
