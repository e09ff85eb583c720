"""Stdout is for data alone: whatever a model, a plugin or a library prints goes to stderr."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def reserved_stdout() -> Iterator[None]:
    """Keep this process's stdout for :data:`sys.stdout`: what is written to descriptor 1 past Python goes to stderr.

    The descriptor is not put back: a C library may write what it was given to print only when the process exits, and
    what Python prints then is no data either. Processes that are started from here on print to stderr, too. Nothing is
    done where one of the two streams is closed.
    """
    if sys.stdout is None or sys.stderr is None:
        yield
        return
    stdout = sys.stdout
    stdout.flush()
    descriptor = os.dup(stdout.fileno())
    os.dup2(sys.stderr.fileno(), stdout.fileno())
    buffering = 1 if os.isatty(descriptor) else -1
    sys.stdout = data = os.fdopen(descriptor, "w", buffering, encoding=stdout.encoding, errors=stdout.errors)
    try:
        yield
    finally:
        sys.stdout = sys.stderr
        with suppress(OSError):  # whoever read it has gone
            data.close()
