"""What a process of its own does: one request after another. Torch is not imported until it runs there."""

from __future__ import annotations

import logging
import pickle
import signal
import traceback
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING

from archprof import cache
from archprof.errors import ArchprofError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection

    from archprof.pipeline.request import Request


def serve(pipe: Connection, plugins: Sequence[str], keeps: bool) -> None:
    """Answer every request with what :func:`archprof.pipeline.worker.count` returns, until the other end is closed.

    Where it raises what it should not have, that is the answer.

    Args:
        pipe: Where requests come from.
        plugins: Files or modules that register blocks.
        keeps: Whether the process that asks keeps results.
    """
    cache.enabled = keeps
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever waits for us is told, and ends us
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # it was closed, or whoever held it is dead
        while True:
            pipe.send_bytes(_pickled(_answer(pipe.recv(), plugins)))


def _answer(request: Request, plugins: Sequence[str]) -> object:
    try:
        if request.spec.graph_format:
            from archprof.pipeline import graph_formats

            return graph_formats.count(request)
        from archprof.builder.plugins import load_plugins
        from archprof.pipeline import worker

        load_plugins(plugins)
        return worker.count(request, plugins)
    except ArchprofError as error:  # of a plugin: nothing can be counted without it
        return error
    except Exception as error:
        error.add_note(traceback.format_exc())
        return error


def _pickled(answer: object) -> bytes:
    try:
        return pickle.dumps(answer)
    except Exception:  # an exception of some library's that holds what does not travel
        return pickle.dumps(RuntimeError(f"{type(answer).__name__}: {answer}"))
