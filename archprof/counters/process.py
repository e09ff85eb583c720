"""Runs counters in a process of their own, where nothing that they leave behind touches anything of ours.

Counters patch functions of torch, print, leave hooks, and some do not come back. One process makes the model and
serves one counter after the other; where a counter fails, dies or takes too long, a fresh one goes on.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import nn

from archprof.counters import COUNTERS
from archprof.counters.interface import CounterResult, described

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

Source = Callable[[], tuple[nn.Module, tuple[torch.Tensor, ...]]]
"""Makes a model, in eval mode, and its inputs."""


def run_isolated(source: Source, names: Sequence[str], *, time_limit: float) -> Iterator[CounterResult]:
    """Run counters one after the other, each on a copy of the same model.

    Args:
        source: Makes the model and its inputs. It is called in the other process, so it must pickle.
        names: Which of :data:`COUNTERS`.
        time_limit: Seconds that each may take.

    Yields:
        One result each, in their order; one that says why where there is no figure.
    """
    waiting = list(names)
    while waiting:
        with _serving(source, tuple(waiting)) as (pipe, process):
            problem = _received(pipe, process)
            while waiting:
                name = waiting.pop(0)
                answer = problem or (
                    _received(pipe, process) if pipe.poll(time_limit) else f"stopped after {time_limit:g} s"
                )
                if isinstance(answer, CounterResult):
                    yield answer
                else:
                    counter = COUNTERS[name]
                    yield CounterResult(name=name, version=counter.version, unit=counter.unit, error=answer)
                if not problem and (not isinstance(answer, CounterResult) or answer.error):
                    break  # it may have left anything behind


@contextmanager
def _serving(source: Source, names: tuple[str, ...]) -> Iterator[tuple[Connection, SpawnProcess]]:
    context = multiprocessing.get_context("spawn")
    pipe, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(source, names, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield pipe, process
    finally:
        process.kill()
        process.join()
        process.close()
        pipe.close()


def _serve(source: Source, names: tuple[str, ...], pipe: Connection) -> None:
    """In the other process: what went wrong in making the model, then one result each."""
    silence = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silence, stream)
    try:
        model, inputs = source()
    except Exception as error:
        pipe.send(described(error))
        return
    pipe.send(None)
    for name in names:
        pipe.send(COUNTERS[name].run(model, inputs))


def _received(pipe: Connection, process: SpawnProcess) -> CounterResult | str | None:
    """What the process sent, or how it died."""
    try:
        received: CounterResult | str | None = pipe.recv()
    except EOFError:
        process.join()
        code = process.exitcode or 0
        return f"its process died: {signal.strsignal(-code)}" if code < 0 else f"its process left with exit code {code}"
    return received
