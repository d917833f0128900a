#!/usr/bin/env python3
"""Writes the table of a Parquet file anew with pyarrow, zstd level 3, and says
how long that took and how large the file is: the median of seven runs.

    bench/files/pyarrow_write.py customers.parquet
"""

import os
import statistics
import sys
import tempfile
import time

import pyarrow.parquet as pq

table = pq.read_table(sys.argv[1])
seconds = []
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "pyarrow.parquet")
    for _ in range(7):
        begun = time.perf_counter()
        pq.write_table(table, path, compression="zstd", compression_level=3)
        with open(path, "rb+") as file:
            os.fsync(file.fileno())
        seconds.append(time.perf_counter() - begun)
    print(f"{table.num_rows} rows: {statistics.median(seconds):.2f} s, {os.path.getsize(path)} bytes")
