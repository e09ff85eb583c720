"""Lets one of the threads that a model starts run at a time, in an order that does not depend on which was faster."""

from __future__ import annotations

import time
from threading import Condition, get_ident
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_IDLE_S = 0.05
"""After so many seconds without an operation a thread is taken to wait for another."""

_LONGEST_S = 5.0
"""After so many seconds within an operation too: what it computes may wait for another thread."""

_ARRIVAL_S = 0.01
"""Threads that are woken together arrive within so many seconds."""

_STEP_S = 0.001


class Turns:
    """Who runs now.

    Workers of a pool that was handed several tasks wake together, and the system decides which is first. Here the
    first is the one whose key is least; the others wait until it ends or is idle.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._waiting: dict[int, tuple[int, str]] = {}
        self._thread: int | None = None
        self._inside: set[int] = set()
        self._since = time.monotonic()

    def take(self, *key: *tuple[int, str]) -> None:
        """Return when it is this thread's turn; at once for the thread that has it."""
        thread = get_ident()
        if self._thread == thread:
            return
        with self._changed:
            self._waiting[thread] = key
            arrival = time.monotonic()
            while not (self._is_free() and time.monotonic() - arrival > _ARRIVAL_S and self._is_next(thread)):
                self._changed.wait(_STEP_S)
            del self._waiting[thread]
            self._thread, self._since = thread, time.monotonic()

    def begin(self) -> None:
        """An operation begins: while it computes, its thread is not idle."""
        self._since = time.monotonic()
        self._inside.add(get_ident())

    def end(self) -> None:
        """An operation ends."""
        self._inside.discard(get_ident())
        self._since = time.monotonic()

    def give(self) -> None:
        """This thread ends, or waits."""
        with self._changed:
            if self._thread == get_ident():
                self._thread = None
            self._changed.notify_all()

    def wait(self, is_done: Callable[[], bool]) -> None:
        """Let other threads run until something is done, or none does anything."""
        self.give()
        self._since = time.monotonic()
        while not is_done() and (self._waiting or not self._is_idle()):
            time.sleep(_STEP_S)

    def _is_next(self, thread: int) -> bool:
        return min(self._waiting, key=lambda other: self._waiting[other]) == thread

    def _is_free(self) -> bool:
        return self._thread is None or self._is_idle()

    def _is_idle(self) -> bool:
        return time.monotonic() - self._since > (_LONGEST_S if self._inside else _IDLE_S)
