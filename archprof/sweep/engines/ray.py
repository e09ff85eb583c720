"""Ray: batches as tasks of a cluster, or of a small one that is started on this computer and ended again."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archprof import cache
from archprof.errors import ArchprofError, LimitError, UsageError
from archprof.pipeline import ExecutionConfig  # noqa: TC001
from archprof.sweep import tasks
from archprof.sweep.engines import ENGINES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RUNS = 4
"""How often a batch is begun whose worker or node dies, before it is split."""

AUTOMATIC = "auto"
"""The address of the cluster that this computer is a node of."""

PATIENCE_S = 5.0
"""How long a cluster's address may take to answer. Ray itself goes on trying for longer than anybody waits."""

_FRAME_HEADER, _SETTINGS = 9, 4
"""Bytes of the head of an HTTP/2 frame, whose fourth is its type, and the type of settings (RFC 9113, 4.1 and 6.5)."""

_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, _SETTINGS, 0, 0, 0, 0, 0))
"""How a client of HTTP/2 begins: the preface, and its settings, which are empty."""

IN_FLIGHT = 2
"""Batches that are submitted for each processor: one that runs, and one that waits for it."""


class Ray:
    """Tasks of Ray Core, a batch each. They return rows; an error is a row, too."""

    def missing(self) -> list[str]:
        """Ray itself, where it is not installed."""
        return [] if find_spec("ray") else ["ray"]

    def run(
        self, batches: Iterable[Sequence[tasks.Task]], config: ExecutionConfig, address: str | None
    ) -> Iterator[list[tasks.Kept]]:
        """Count batches wherever the cluster has a processor that is free.

        A batch whose worker dies is counted again, at last one variant at a time, so that only the variant that ends
        processes is a row with an error.

        Raises:
            UsageError: Where the cluster cannot be reached.
            ArchprofError: What a plugin raises there.
        """
        with _cluster(address, config.jobs) as ray:
            count = ray.remote(num_cpus=1, max_retries=RUNS - 1)(_count)
            processors = max(int(ray.cluster_resources().get("CPU", 1)), 1)
            remaining, running = iter(batches), dict[Any, Sequence[tasks.Task]]()

            def submit(batch: Sequence[tasks.Task]) -> None:
                running[count.remote(list(batch), config, cache.enabled)] = batch

            exhausted = False
            while running or not exhausted:
                while not exhausted and len(running) < IN_FLIGHT * processors:
                    batch = next(remaining, None)
                    exhausted = batch is None
                    if batch is not None:
                        submit(batch)
                if not running:
                    break
                (finished, *_), _ = ray.wait(list(running), num_returns=1)
                batch = running.pop(finished)
                try:
                    answer = ray.get(finished)
                except ray.exceptions.RayError as error:
                    if len(batch) == 1:
                        yield [(_died(batch[0], error), None)]
                    for task in batch if len(batch) > 1 else ():
                        submit([task])
                    continue
                if isinstance(answer, ArchprofError):
                    raise answer
                if isinstance(answer, str):
                    raise RuntimeError(f"counting failed in a task of Ray:\n{answer}")
                yield answer


def _count(
    batch: Sequence[tasks.Task], config: ExecutionConfig, caching: bool
) -> list[tasks.Kept] | ArchprofError | str:
    """What a task does: no exception leaves it, because Ray would change its class, or end the worker."""
    try:
        cache.enabled = caching
        return tasks.run(batch, config)
    except ArchprofError as error:
        return error
    except BaseException:
        return traceback.format_exc()


def _died(task: tasks.Task, error: BaseException) -> Any:
    first, *_ = str(error).splitlines() or [type(error).__name__]
    return tasks.row_of(task.point, task.request, LimitError(f"the process that counted it died {RUNS} times: {first}"))


@contextmanager
def _cluster(address: str | None, jobs: int) -> Iterator[Any]:
    """Ray, connected to a cluster while it holds.

    Without an address it is one of this computer alone, started with a token of its own, so that nobody else uses its
    ports, without usage statistics, and with a folder of its own that goes with it. Whatever Ray prints goes to stderr.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    own = address is None
    if address is not None and address != AUTOMATIC:
        _reach(address)
    if own and "ray" not in sys.modules:  # it reads them once, when it is imported
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    # A socket's path may have 107 characters, of which Ray's own names take 63.
    short = "/tmp" if Path("/tmp").is_dir() else None
    folder = tempfile.mkdtemp(prefix="ray", dir=short) if own else None
    with redirect_stdout(sys.stderr):
        import ray

        options: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
        if own:
            options |= {"address": "local", "num_cpus": jobs, "include_dashboard": False, "_temp_dir": folder}
        else:
            options["address"] = address
        try:
            ray.init(**options)
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            first, *_ = str(error).splitlines() or [type(error).__name__]
            hint = "start one with `ray start --head`, or leave out --address for one of this computer"
            raise UsageError(f"no Ray cluster at {address!r}: {first}", hint=None if own else hint) from None
        try:
            yield ray
        finally:
            with suppress(Exception):
                ray.shutdown()
            if folder:
                shutil.rmtree(folder, ignore_errors=True)


def _reach(address: str) -> None:
    """See to it that something answers at an address.

    Raises:
        UsageError: Where it is none, or nothing does.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    hint = (
        "ADDRESS is HOST:PORT as `ray start --head` prints it, or auto; without it a cluster of this computer is used"
    )
    if not colon or not port.isdecimal():
        raise UsageError(f"invalid address: --address {address!r}", hint=hint)
    try:
        with socket.create_connection((host.strip("[]"), int(port)), PATIENCE_S) as connection:
            answers = _speaks_grpc(connection)
    except (OSError, OverflowError) as error:
        raise UsageError(f"no Ray cluster answers at {address}: {error}", hint=hint) from None
    if not answers:
        raise UsageError(f"no Ray cluster answers at {address}: what listens there is something else", hint=hint)


def _speaks_grpc(connection: socket.socket) -> bool:
    """Whether the other end greets as servers of gRPC do, which Ray's are: with its settings of HTTP/2 (RFC 9113, 3.4).

    Ray itself goes on asking for minutes.
    """
    if os.environ.get("RAY_USE_TLS", "0") != "0":
        return True
    connection.sendall(_GREETING)
    answer = b""
    while len(answer) < _FRAME_HEADER and (more := connection.recv(_FRAME_HEADER - len(answer))):
        answer += more
    return len(answer) == _FRAME_HEADER and answer[3] == _SETTINGS


ENGINES.register("ray", Ray())
