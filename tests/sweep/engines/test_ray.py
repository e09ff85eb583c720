"""Ray for real, on two nodes of this computer: the same table as without it, whatever dies meanwhile."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

import archprof
from archprof.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

VARY = {"nc": list(range(2, 130))}


@pytest.fixture
def no_network() -> None:
    """Sockets connect to this computer's own address, too: Ray's nodes listen there, even to each other."""


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two nodes of a processor each, beside the head that has none."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    if "ray" not in sys.modules:  # it reads the variables once; Ultralytics imports it where it is installed
        monkeypatch.setenv("RAY_AUTH_MODE", "token")
        monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    import ray
    from ray.cluster_utils import Cluster

    folder = tempfile.mkdtemp(prefix="ray", dir="/tmp")  # tmp_path is too long for a socket
    # Whatever folder it is given, Ray writes the head's address into this one, which it does not make.
    monkeypatch.setenv("RAY_TMPDIR", folder)
    (Path(folder) / "ray").mkdir()
    arguments = {"num_cpus": 0, "include_dashboard": False, "temp_dir": folder}
    cluster = Cluster(initialize_head=True, head_node_args=arguments)
    cluster.added = [cluster.add_node(num_cpus=1) for _ in range(2)]
    yield cluster
    ray.shutdown()
    cluster.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


def test_a_cluster_gives_the_same_table_although_a_worker_and_a_node_die(variant: Path, cluster: Any) -> None:
    expected = archprof.sweep(variant.name, vary=VARY, imgsz=32)
    killed: list[str] = []

    def interfere() -> None:
        deadline = time.monotonic() + 90
        while not killed and time.monotonic() < deadline:
            for process in psutil.process_iter(["cmdline"]):
                if any(part.startswith("ray::_count") for part in process.info["cmdline"] or ()):
                    os.kill(process.pid, signal.SIGKILL)
                    killed.append("worker")
                    break
            time.sleep(0.05)
        cluster.remove_node(cluster.added[0], allow_graceful=False)
        killed.append("node")

    thread = threading.Thread(target=interfere)
    thread.start()
    result = archprof.sweep(variant.name, vary=VARY, imgsz=32, engine="ray", address=cluster.address)
    thread.join()
    assert killed == ["worker", "node"]
    assert result.to_json() == expected.to_json()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"hi", b""])
def test_an_address_where_something_else_answers(variant: Path, answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(100)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(
            UsageError, match=f"no Ray cluster answers at {address}: what listens there is something else"
        ):
            archprof.sweep(variant.name, vary=VARY, engine="ray", address=address)
        thread.join()


def test_an_address_where_nothing_answers(variant: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(UsageError, match=f"no Ray cluster answers at {address}"):
        archprof.sweep(variant.name, vary=VARY, engine="ray", address=address)
    with pytest.raises(UsageError, match="invalid address"):
        archprof.sweep(variant.name, vary=VARY, engine="ray", address="there")
    with pytest.raises(UsageError, match="--address is of a cluster"):
        archprof.sweep(variant.name, vary=VARY, address=address)
