"""Runs counters in processes of their own, side by side, where nothing that they leave behind touches anything of ours.

Counters patch functions of torch, print, leave hooks, and some do not come back. Each process makes the model and
serves one counter after another; where a counter fails, dies or takes too long, a fresh process takes its place.
"""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from collections.abc import Callable
from contextlib import contextmanager, suppress
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from archprof import fork_server
from archprof.counters import COUNTERS
from archprof.counters.interface import CounterResult, described

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    import torch
    from torch import nn

Source = Callable[[], "tuple[nn.Module, tuple[torch.Tensor, ...]]"]
"""Makes a model, in eval mode, and its inputs."""

Watch = Callable[["Sequence[str]", int], None]
"""Is told which counters run, and how many are left, each time that this changes."""


def run_isolated(source: Source, names: Sequence[str], *, time_limit: float) -> Iterator[CounterResult]:
    """Run counters one after another, each on a copy of the same model.

    Args:
        source: Makes the model and its inputs. It is called in the other processes, so it must pickle.
        names: Which of :data:`COUNTERS`.
        time_limit: Seconds that each may take.

    Yields:
        One result each, in their order; one that says why where there is no figure.
    """
    with started(source, names, time_limit=time_limit) as results:
        yield from results(None)


def start_fork_server() -> None:
    """Start the process that counters' are forked from, which loads torch while something else is done here."""
    fork_server.start(_context())


@contextmanager
def started(
    source: Source, names: Sequence[str], *, time_limit: float, jobs: int = 1, threads: int | None = None
) -> Iterator[Callable[[Watch | None], Iterator[CounterResult]]]:
    """As :func:`run_isolated`, several at once, and begun at once: something else can be done meanwhile.

    Args:
        source: Makes the model and its inputs.
        names: Which of :data:`COUNTERS`.
        time_limit: Seconds that each may take.
        jobs: How many run at once.
        threads: CPU threads of each; torch's own choice where None.

    Yields:
        What waits for the results, in the order in which they end, and tells which run.
    """
    waiting = deque(names)
    processes = [_Process(source, waiting, time_limit, threads) for _ in range(min(jobs, len(names)))]

    def results(watch: Watch | None) -> Iterator[CounterResult]:
        left = len(names)
        shown: list[str] = []
        while left:
            running = [process.name for process in processes if process.name]
            if watch and running != shown:
                watch(running, left)
                shown = running
            busy = [process for process in processes if process.busy]
            wait(
                [process.pipe for process in busy],
                min((process.seconds_left for process in busy if process.name), default=None),
            )
            for process in busy:
                for result in process.look():
                    left -= 1
                    yield result

    try:
        yield results
    finally:
        for process in processes:
            process.end()


class _Process:
    """A process that serves counters from a queue.

    Attributes:
        name: The counter that it runs; None while it makes the model.
        busy: Whether anything is to come of it.
    """

    def __init__(self, source: Source, waiting: deque[str], time_limit: float, threads: int | None) -> None:
        self._source, self._waiting, self._time_limit, self._threads = source, waiting, time_limit, threads
        self.name: str | None = None
        self.busy = False
        self._deadline = 0.0
        self._start()

    @property
    def seconds_left(self) -> float:
        """What its counter may still take."""
        return max(0.0, self._deadline - time.monotonic())

    def look(self) -> Iterator[CounterResult]:
        """What has come of it."""
        if not self.pipe.poll():
            if self.name and not self.seconds_left:
                yield from self._failed(f"stopped after {self._time_limit:g} s")
            return
        received = self._received()
        if isinstance(received, CounterResult):
            self.name = None
            yield received
            if received.error:
                self._start()  # it may have left anything behind
            else:
                self._next()
        elif received is None:
            self._next()
        elif self.name:
            yield from self._failed(received)
        else:  # the model cannot be made, here or in any other process
            while self._waiting:
                yield _failure(self._waiting.popleft(), received)
            self.end()

    def _failed(self, reason: str) -> Iterator[CounterResult]:
        name, self.name = self.name, None
        yield _failure(str(name), reason)
        self._start()

    def _next(self) -> None:
        if not self._waiting:
            self.end()
            return
        self.name = self._waiting.popleft()
        self._deadline = time.monotonic() + self._time_limit
        with suppress(BrokenPipeError):  # it died since; its end of the pipe says so
            self.pipe.send(self.name)

    def _start(self) -> None:
        """Have a fresh process, where there is anything for it to do."""
        self.end()
        if not self._waiting:
            return
        context = _context()
        self.pipe, child_end = context.Pipe()
        self._process: BaseProcess = context.Process(
            target=_serve, args=(self._source, child_end, self._threads), daemon=True
        )
        self._process.start()
        child_end.close()
        self.busy = True

    def _received(self) -> CounterResult | str | None:
        """What the process sent, or how it died."""
        try:
            received: CounterResult | str | None = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self._process.join()
            code = self._process.exitcode or 0
            died = f"its process died: {signal.strsignal(-code)}"
            return died if code < 0 else f"its process left with exit code {code}"
        return received

    def end(self) -> None:
        """Have no process."""
        if self.busy:
            self.busy = False
            self._process.kill()
            self._process.join()
            self._process.close()
            self.pipe.close()


def _failure(name: str, reason: str) -> CounterResult:
    counter = COUNTERS[name]
    return CounterResult(name=name, version=counter.version, unit=counter.unit, error=reason)


def _context() -> Any:
    """Processes are forked from one that has loaded torch, and run nothing yet."""
    return fork_server.context_with(["archprof.counters.process_preload"])


def _serve(source: Source, pipe: Connection, threads: int | None) -> None:
    """In the other process: what went wrong in making the model, then a result for each name that is sent."""
    import torch

    silence = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silence, stream)
    if threads:
        torch.set_num_threads(threads)
    try:
        model, inputs = source()
    except Exception as error:
        pipe.send(described(error))
        return
    pipe.send(None)
    while True:
        pipe.send(COUNTERS[pipe.recv()].run(model, inputs))
