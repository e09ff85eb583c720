"""Answers requests in processes of their own, several at once, each within bounds."""

from __future__ import annotations

import pickle
import signal
import time
from collections import deque
from contextlib import suppress
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from archprof import cache, fork_server
from archprof.errors import LimitError
from archprof.pipeline.worker_server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from archprof.pipeline.execution import ExecutionConfig
    from archprof.pipeline.request import Request
    from archprof.pipeline.worker import Outcome

LOOK = 0.05
"""Seconds between two looks at what the processes hold."""


class _Worker:
    """A process that counts one request after another, as long as none can have left anything behind in it.

    Another process takes its place where it was ended or has died.
    """

    def __init__(self, context: Any, config: ExecutionConfig) -> None:
        self._context = context
        self._config = config
        self._started = False

    def give(self, index: int, request: Request) -> None:
        """Let it answer a request."""
        if not self._started:
            self._start()
        self.index, self._request, self._given = index, request, time.monotonic()
        with suppress(BrokenPipeError):  # it died since; its end of the pipe says so
            self.pipe.send(request)

    def _start(self) -> None:
        parent_end, child_end = self._context.Pipe()
        arguments = (child_end, tuple(self._config.plugins), cache.enabled)
        self._process: BaseProcess = self._context.Process(target=serve, args=arguments, daemon=True)
        self._process.start()
        child_end.close()
        self.pipe: Connection = parent_end
        self._started = True

    def look(self) -> Outcome | None:
        """What came of its request; None while it counts."""
        if self.pipe.poll():
            outcome = self._received()
            if not self._as_new():
                self.end()
            return outcome
        if error := self._beyond():
            self.end()
            return error, None
        return None

    def _received(self) -> Outcome:
        """What it sent, or how it died."""
        try:
            answer: Any = pickle.loads(self.pipe.recv_bytes())
        except (EOFError, ConnectionResetError):
            self._process.join()
            code = self._process.exitcode or 0
            how = f"died: {signal.strsignal(-code)}" if code < 0 else f"left with exit code {code}"
            return _error(self._request, f"the process that counted it {how}"), None
        if isinstance(answer, Exception):
            raise answer
        outcome: Outcome = answer
        return outcome

    def _beyond(self) -> LimitError | None:
        """Which of its bounds it has passed."""
        seconds, most = self._config.time_limit_s, self._config.memory_limit_bytes
        if seconds is not None and time.monotonic() - self._given > seconds:
            return _error(self._request, f"not counted within {seconds:g} s", "--time-limit gives it longer")
        if most is not None and (held := _held(self._process)) > most:
            took = f"{held / 10**9:.1f} GB of memory, more than the {most / 10**9:g} GB allowed"
            return _error(self._request, f"counting it took {took}", "--memory-limit gives it more")
        return None

    def _as_new(self) -> bool:
        """Whether the next request would find the process as a fresh one.

        It is alive, most of what it may hold is left, and no code of others can have changed anything in it.
        """
        most = self._config.memory_limit_bytes
        return (
            self._process.is_alive()
            and not self._config.plugins
            and self._request.spec.reusable
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


def count_in_subprocesses(
    requests: Sequence[tuple[int, Request]], config: ExecutionConfig
) -> Iterator[tuple[int, Outcome]]:
    """Answer requests.

    Args:
        requests: Each with its number.
        config: The plugins, how many at once, and what each may take.

    Yields:
        The number of a request and what came of it, in the order in which they end.

    Raises:
        PluginError: Where a plugin is not there, or raises.
        RegistrationError: Where it registers a block that is there already.
    """
    context = _context(with_torch=any(request.spec.graph_format is None for _, request in requests))
    waiting = deque(requests)
    idle = [_Worker(context, config) for _ in range(min(max(config.jobs, 1), len(requests)))]
    busy: list[_Worker] = []
    try:
        while waiting or busy:
            while waiting and idle:
                worker = idle.pop()
                busy.append(worker)
                worker.give(*waiting.popleft())
            wait([worker.pipe for worker in busy], LOOK if config.bounded else None)
            for worker in list(busy):
                if outcome := worker.look():
                    busy.remove(worker)
                    idle.append(worker)
                    yield worker.index, outcome
    finally:
        for worker in (*busy, *idle):
            worker.end()


def start_fork_server() -> None:
    """Start the process that workers are forked from, which loads torch while something else is done here."""
    fork_server.start(_context())


def _context(*, with_torch: bool = True) -> Any:
    """Workers are forked from one process that has loaded torch, if any needs it."""
    return fork_server.context_with(["archprof.pipeline.worker_preload"] if with_torch else [])


def _held(process: BaseProcess) -> int:
    """Bytes of memory that a process holds."""
    import psutil

    with suppress(psutil.Error):
        return int(psutil.Process(process.pid).memory_info().rss)
    return 0


def _error(request: Request, message: str, hint: str | None = None) -> LimitError:
    spec = request.spec
    if spec.path:
        return LimitError(message, path=spec.path, hint=hint)
    return LimitError(f"{spec.reference}: {message}", hint=hint)
