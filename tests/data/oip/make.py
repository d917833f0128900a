"""Writes what tritonclient sends, byte for byte, for tests/oip.rs to send again.

Run it with tritonclient[http] installed; it needs no server but its own:

    python tests/data/oip/make.py

Each file is one HTTP request of `InferenceServerClient.infer`, as it came off
the socket; customers.json has the same customers for POST /predict/churn/batch.
"""

import json
import socket
import threading
from pathlib import Path

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import np_to_triton_dtype

FOLDER = Path(__file__).parent
NAN = float("nan")
CUSTOMERS = {
    "customer_id": ["c-1", "c-2", "c-3", "c-4", "c-5", "c-6"],
    "age": [31.0, 44.0, NAN, 5.0, 27.0, 61.0],
    "tenure_months": [7, 30, 2, 12, 0, 84],
    "gender": ["Female", "Male", "", "Male", "female", "Non-binary"],
    "location": ["Chicago", "São Paulo", "", "Boston", "Boston", "Seattle"],
    "feed_time_minutes_day": [24.5, 3.25, NAN, 100.125, 0.0, 31.0],
    "days_since_last_active": [5, 21, 40, 0, 3, 1],
    "is_creator": [False, True, False, False, True, False],
}
TYPES = {"tenure_months": np.int32, "feed_time_minutes_day": np.float32}


def inputs(binary):
    for name, values in CUSTOMERS.items():
        if isinstance(values[0], str):
            array = np.array([v.encode() for v in values], dtype=object)
        else:
            array = np.array(values, dtype=TYPES.get(name))
        tensor = triton.InferInput(name, array.shape, np_to_triton_dtype(array.dtype))
        yield tensor.set_data_from_numpy(array, binary_data=binary)


def sent(call):
    """The bytes of the request that the call makes."""
    listener = socket.create_server(("127.0.0.1", 0))
    taken = []

    def serve():
        connection, _ = listener.accept()
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        head, body = data.split(b"\r\n\r\n", 1)
        lines = head.decode().lower().split("\r\n")
        length = next(int(l.split(":")[1]) for l in lines if l.startswith("content-length"))
        while len(body) < length:
            body += connection.recv(65536)
        taken.append(head + b"\r\n\r\n" + body)
        answer = b'{"model_name": "churn", "outputs": []}'
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(answer), answer))
        connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    with triton.InferenceServerClient("127.0.0.1:%d" % listener.getsockname()[1]) as client:
        call(client)
    thread.join()
    return taken[0]


def main():
    wanted = [
        triton.InferRequestedOutput("probability", binary_data=True),
        triton.InferRequestedOutput("error", binary_data=False),
    ]
    requests = {
        "binary": lambda c: c.infer("churn", list(inputs(True)), request_id="42"),
        "json": lambda c: c.infer(
            "churn",
            list(inputs(False)),
            outputs=[triton.InferRequestedOutput(n, binary_data=False) for n in ["probability", "tier", "error"]],
        ),
        "chosen": lambda c: c.infer("churn", list(inputs(True)), model_version="active", outputs=wanted),
        "gzip": lambda c: c.infer("churn", list(inputs(True)), request_compression_algorithm="gzip"),
        "deflate": lambda c: c.infer("churn", list(inputs(True)), request_compression_algorithm="deflate"),
    }
    for name, call in requests.items():
        (FOLDER / f"{name}.http").write_bytes(sent(call))
    missing = lambda v: v == "" or v != v
    rows = zip(*CUSTOMERS.values())
    rows = [{n: v for n, v in zip(CUSTOMERS, row) if not missing(v)} for row in rows]
    text = json.dumps({"customers": rows}, ensure_ascii=False, indent=1)
    (FOLDER / "customers.json").write_text(text + "\n")


main()
