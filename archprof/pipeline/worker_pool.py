"""Counts tasks in processes of their own, several at once, each within bounds."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import time
from collections import deque
from contextlib import suppress
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from archprof.errors import LimitError
from archprof.pipeline.worker_server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from archprof.pipeline.execution import Means
    from archprof.pipeline.task import Task
    from archprof.pipeline.worker import Counted

LOOK = 0.05
"""Seconds between two looks at what the processes hold."""


class _Worker:
    """A process that counts one task after another, as long as none can have left anything behind in it.

    Another process takes its place where it was ended or has died.
    """

    def __init__(self, context: Any, means: Means) -> None:
        self._context = context
        self._means = means
        self._started = False

    def give(self, place: int, task: Task) -> None:
        """Let it count a task."""
        if not self._started:
            self._start()
        self.place, self._task, self._given = place, task, time.monotonic()
        with suppress(BrokenPipeError):  # it died since; its end of the pipe says so
            self.pipe.send(task)

    def _start(self) -> None:
        ours, theirs = self._context.Pipe()
        arguments = (theirs, tuple(self._means.plugins), self._means.details)
        self._process: BaseProcess = self._context.Process(target=serve, args=arguments, daemon=True)
        self._process.start()
        theirs.close()
        self.pipe: Connection = ours
        self._started = True

    def look(self) -> Counted | None:
        """What came of its task; None while it counts."""
        if self.pipe.poll():
            counted = self._received()
            if not self._as_new():
                self.end()
            return counted
        if error := self._beyond():
            self.end()
            return error, None
        return None

    def _received(self) -> Counted:
        """What it sent, or how it died."""
        try:
            answer: Any = pickle.loads(self.pipe.recv_bytes())
        except (EOFError, ConnectionResetError):
            self._process.join()
            code = self._process.exitcode or 0
            how = f"died: {signal.strsignal(-code)}" if code < 0 else f"left with exit code {code}"
            return _error(self._task, f"the process that counted it {how}"), None
        if isinstance(answer, Exception):
            raise answer
        counted: Counted = answer
        return counted

    def _beyond(self) -> LimitError | None:
        """Which of its bounds it has passed."""
        seconds, most = self._means.seconds, self._means.memory_bytes
        if seconds is not None and time.monotonic() - self._given > seconds:
            return _error(self._task, f"not counted within {seconds:g} s", "--limit-time gives it longer")
        if most is not None and (held := _held(self._process)) > most:
            took = f"{held / 10**9:.1f} GB of memory, more than the {most / 10**9:g} GB allowed"
            return _error(self._task, f"counting it took {took}", "--limit-memory gives it more")
        return None

    def _as_new(self) -> bool:
        """Whether the next task would find the process as a fresh one.

        It is alive, most of what it may hold is left, and no code of others can have changed anything in it.
        """
        most = self._means.memory_bytes
        return (
            self._process.is_alive()
            and not self._means.plugins
            and self._task.spec.reusable
            and (most is None or _held(self._process) < most / 2)
        )

    def end(self) -> None:
        """Have no process any more."""
        if self._started:
            self._started = False
            self._process.kill()
            self._process.join()
            self._process.close()
            self.pipe.close()


def count_apart(tasks: Sequence[tuple[int, Task]], means: Means) -> Iterator[tuple[int, Counted]]:
    """Count tasks.

    Args:
        tasks: Each with its number.
        means: The plugins, how many at once, and what each may take.

    Yields:
        The number of a task and what came of it, in the order in which they end.

    Raises:
        PluginError: Where a plugin is not there, or raises.
        RegistrationError: Where it registers a block that is there already.
    """
    context = _context()
    waiting = deque(tasks)
    idle = [_Worker(context, means) for _ in range(min(max(means.jobs, 1), len(tasks)))]
    busy: list[_Worker] = []
    try:
        while waiting or busy:
            while waiting and idle:
                worker = idle.pop()
                busy.append(worker)
                worker.give(*waiting.popleft())
            wait([worker.pipe for worker in busy], LOOK if means.bounded else None)
            for worker in list(busy):
                if counted := worker.look():
                    busy.remove(worker)
                    idle.append(worker)
                    yield worker.place, counted
    finally:
        for worker in (*busy, *idle):
            worker.end()


def begin() -> None:
    """Start the process that workers are forked from, which loads torch while something else is done here."""
    if _context().get_start_method() == "forkserver":
        from multiprocessing import forkserver

        forkserver.ensure_running()


def _context() -> Any:
    """Workers are forked from one process that has loaded torch; where there is no fork, each loads it."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["archprof.pipeline.worker_preload"])
    return context


def _held(process: BaseProcess) -> int:
    """Bytes of memory that a process holds."""
    import psutil

    with suppress(psutil.Error):
        return int(psutil.Process(process.pid).memory_info().rss)
    return 0


def _error(task: Task, message: str, hint: str | None = None) -> LimitError:
    spec = task.spec
    if spec.path:
        return LimitError(message, path=spec.path, hint=hint)
    return LimitError(f"{spec.reference}: {message}", hint=hint)
