"""Replicas of the service and the proxy before them, for the scripts of this folder.

BINARIES names another folder of engagecast than target/release, PORT another first
port than 18440. What is asked of a replica beyond its address and folder is the
caller's.
"""

import atexit
import http.client
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = pathlib.Path(os.environ.get("BINARIES", ROOT / "target/release")) / "engagecast"
PROXY = int(os.environ.get("PORT", 18440))
PORTS = tuple(range(PROXY + 1, PROXY + 4))


def is_ready(port):
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False


def start(port, folder, *options):
    """A replica that is ready; a first start generates and trains before that."""
    command = [PROGRAM, "serve", "--listen", f"127.0.0.1:{port}", "--data-dir", f"{folder}/{port}"]
    replica = subprocess.Popen([*command, "--log", "warn", *options])
    # Whatever ends the script, no replica stays.
    atexit.register(replica.kill)
    deadline = time.monotonic() + 300
    while not is_ready(port):
        if replica.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"the replica on port {port} did not start")
        time.sleep(0.05)
    return replica


def proxy(folder, ports):
    """deploy/proxy/haproxy.cfg with these replicas instead of its own."""
    text = (ROOT / "deploy/proxy/haproxy.cfg").read_text().replace("bind :8080", f"bind 127.0.0.1:{PROXY}")
    own = re.compile(r"^    server .*\n", re.M)
    servers = "".join(f"    server on-{port} 127.0.0.1:{port}\n" for port in ports)
    file = pathlib.Path(folder) / "haproxy.cfg"
    file.write_text(own.sub("", text).rstrip("\n") + "\n" + servers)
    quiet = subprocess.DEVNULL
    balancer = subprocess.Popen(["haproxy", "-f", str(file)], stdout=quiet, stderr=quiet)
    atexit.register(balancer.kill)
    return balancer
