"""What a process of its own does: one task. Torch is not imported until it runs there."""

from __future__ import annotations

import pickle
import signal
import traceback
import warnings
from typing import TYPE_CHECKING

from archprof.errors import ArchprofError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection

    from archprof.batch.task import Task


def serve(pipe: Connection, task: Task, plugins: Sequence[str]) -> None:
    """Send what :func:`archprof.batch.worker.count` returns, or the exception that should not have been."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever waits for us is told, and ends us
    warnings.simplefilter("ignore")
    answer: object
    try:
        from archprof.batch import worker

        worker.load(plugins)
        answer = worker.count(task)
    except ArchprofError as error:
        answer = error, None
    except Exception as error:
        error.add_note(traceback.format_exc())
        answer = error
    pipe.send_bytes(_pickled(answer))


def _pickled(answer: object) -> bytes:
    try:
        return pickle.dumps(answer)
    except Exception:  # an exception of some library's that holds what does not travel
        return pickle.dumps(RuntimeError(f"{type(answer).__name__}: {answer}"))
