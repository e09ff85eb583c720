"""Holds back what a library prints, by Python or past it, and logs it instead."""

from __future__ import annotations

import ctypes
import io
import logging
import os
import sys
import tempfile
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOGGER = logging.getLogger(__name__)


@contextmanager
def output_logged(source: str) -> Iterator[None]:
    """While it holds nothing is written to stdout or stderr; afterwards all of it is logged as one warning.

    Args:
        source: What prints, for the log.
    """
    with tempfile.TemporaryFile() as file:
        try:
            with _all_output_to(file.fileno()):
                yield
        finally:
            file.seek(0)
            if printed := file.read().decode("utf-8", "replace").strip():
                _LOGGER.warning("%s: %s", source, printed)


@contextmanager
def output_discarded() -> Iterator[None]:
    """While it holds nothing is written to stdout or stderr: what a solver prints there is of no use to anybody."""
    with Path(os.devnull).open("w") as nowhere, _all_output_to(nowhere.fileno()):
        yield


@contextmanager
def _all_output_to(target: int) -> Iterator[None]:
    """While it holds whatever is printed, by Python or past it, goes to a descriptor."""
    with ExitStack() as stack:
        text = io.TextIOWrapper(io.FileIO(os.dup(target), "w"), "utf-8", "replace", write_through=True)
        stack.callback(text.close)
        for descriptor in (1, 2):
            stack.enter_context(_redirected(descriptor, target))
        stack.enter_context(redirect_stdout(text))
        stack.enter_context(redirect_stderr(text))
        yield


@contextmanager
def _redirected(descriptor: int, target: int) -> Iterator[None]:
    """While it holds a descriptor of this process writes to another one's file; nothing is done where it is closed."""
    try:
        before = os.dup(descriptor)
    except OSError:
        yield
        return
    _flush()
    os.dup2(target, descriptor)
    try:
        yield
    finally:
        _flush()
        os.dup2(before, descriptor)
        os.close(before)


def _flush() -> None:
    """Have written what Python and the C library still hold of their own output."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # there is none, or it is closed
            stream.flush()
    with suppress(AttributeError, OSError, TypeError):  # not every system lends its C library by that name
        ctypes.CDLL(None).fflush(None)
