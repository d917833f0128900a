#!/usr/bin/env python3
"""Serves an exported churn model with MLServer, until it is killed.

    serve.py FOLDER PORT CUSTOMER.json

FOLDER has manifest.json and xgboost.json of the service, and gets row.json: the
customer as a request of the Open Inference Protocol for a server that knows nothing
of columns, which is one tensor with the numbers of the model's input row. To make
those is left to its client, and not measured.
"""

import json
import os
import pathlib
import sys

from mlserver.cli.main import main

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "fastapi"))
from encoding import Encoder  # noqa: E402

folder, port, customer = pathlib.Path(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
manifest = json.loads((folder / "manifest.json").read_text())
row = Encoder(manifest).row(json.loads(customer.read_text()))
tensor = {"name": "customer", "shape": [1, len(row)], "datatype": "FP32", "data": row}
(folder / "row.json").write_text(json.dumps({"inputs": [tensor]}))
# Without metrics and access log, in one process of one thread: a row is not worth
# handing to another, and the client has the second core.
settings = {"debug": False, "host": "127.0.0.1", "http_port": port, "grpc_port": port + 100}
settings |= {"metrics_endpoint": None, "parallel_workers": 0}
(folder / "settings.json").write_text(json.dumps(settings))
model = {"name": "churn", "implementation": "mlserver_xgboost.XGBoostModel"}
model["parameters"] = {"uri": str(folder / "xgboost.json")}
(folder / "model-settings.json").write_text(json.dumps(model))
os.environ["OMP_NUM_THREADS"] = "1"
sys.argv[1:] = ["start", str(folder)]
main()
