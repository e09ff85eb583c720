"""Counts tasks in processes of their own, several at once, each within bounds and gone afterwards."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from archprof.batch.serve import serve
from archprof.errors import LimitError
from archprof.variant.spec import VariantSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from archprof.batch.means import Means
    from archprof.batch.task import Task
    from archprof.batch.worker import Counted

LOOK = 0.05
"""Seconds between two looks at what the processes hold."""


@dataclass(slots=True)
class _Running:
    place: int
    task: Task
    process: BaseProcess
    pipe: Connection
    start: float = field(default_factory=time.monotonic)

    def received(self) -> Counted:
        """What it sent, or how it died."""
        try:
            answer: Any = pickle.loads(self.pipe.recv_bytes())
        except EOFError:
            self.process.join()
            code = self.process.exitcode or 0
            how = f"died: {signal.strsignal(-code)}" if code < 0 else f"left with exit code {code}"
            return _error(self.task, f"the process that counted it {how}"), None
        if isinstance(answer, Exception):
            raise answer
        counted: Counted = answer
        return counted

    def beyond(self, means: Means) -> LimitError | None:
        """Which of its bounds it has passed."""
        if means.seconds is not None and time.monotonic() - self.start > means.seconds:
            return _error(self.task, f"not counted within {means.seconds:g} s", "--limit-time gives it longer")
        if means.memory_bytes is not None and (held := _held(self.process)) > means.memory_bytes:
            took = f"{held / 10**9:.1f} GB of memory, more than the {means.memory_bytes / 10**9:g} GB allowed"
            return _error(self.task, f"counting it took {took}", "--limit-memory gives it more")
        return None

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.process.close()
        self.pipe.close()


def count_apart(tasks: Sequence[tuple[int, Task]], means: Means) -> Iterator[tuple[int, Counted]]:
    """Count tasks.

    Args:
        tasks: Each with its number.
        means: The plugins, how many at once, and what each may take.

    Yields:
        The number of a task and what came of it, in the order in which they end.
    """
    context = _context()
    waiting, running = deque(tasks), list[_Running]()
    try:
        while waiting or running:
            while waiting and len(running) < max(means.jobs, 1):
                running.append(_started(context, *waiting.popleft(), means))
            wait([one.pipe for one in running], LOOK if means.bounded else None)
            for one in list(running):
                counted: Counted | None = one.received() if one.pipe.poll() else None
                if counted is None and (error := one.beyond(means)):
                    counted = error, None
                if counted:
                    running.remove(one)
                    one.end()
                    yield one.place, counted
    finally:
        for one in running:
            one.end()


def _context() -> Any:
    """Workers are forked from one process that has loaded torch; where there is no fork, each loads it."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["archprof.batch.worker"])
    return context


def _started(context: Any, place: int, task: Task, means: Means) -> _Running:
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=serve, args=(theirs, task, tuple(means.plugins)), daemon=True)
    process.start()
    theirs.close()
    return _Running(place, task, process, ours)


def _held(process: BaseProcess) -> int:
    """Bytes of memory that a process holds."""
    import psutil

    with suppress(psutil.Error):
        return int(psutil.Process(process.pid).memory_info().rss)
    return 0


def _error(task: Task, message: str, hint: str | None = None) -> LimitError:
    spec = task.spec
    if isinstance(spec, VariantSpec):
        return LimitError(message, path=spec.path, hint=hint)
    return LimitError(f"{spec.reference}: {message}", hint=hint)
