"""Reads and runs files in processes of their own: libraries in C++ that end, or never do, take nothing with them."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from archprof.errors import LimitError

if TYPE_CHECKING:
    from archprof.pipeline.request import Request
    from archprof.pipeline.worker import Outcome

SECONDS = 300
"""A file that takes longer is given up."""


def run_module(name: str, data: bytes, seconds: float) -> subprocess.CompletedProcess[bytes]:
    """Run a module of archprof's as a program of its own, which finds what this process does.

    Args:
        name: Its full name.
        data: What it reads.
        seconds: What it may take.

    Raises:
        TimeoutExpired: Where it takes longer.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    # Without -P, a user's onnx.py in the working folder would be imported.
    command = [sys.executable, "-P", "-m", name]
    return subprocess.run(command, input=data, capture_output=True, timeout=seconds, check=False, env=environment)


def how_it_ended(process: subprocess.CompletedProcess[bytes]) -> str:
    """How a process ended that gave no answer."""
    code = process.returncode
    return f"died: {signal.strsignal(-code)}" if code < 0 else f"left with exit code {code}"


def call(target: str, *arguments: Any, seconds: float = SECONDS) -> Any:
    """What a function of archprof's returns in a process of its own; what it raises is raised here.

    Args:
        target: The function, as ``package.module:name``.
        arguments: Its arguments.
        seconds: What it may take.

    Raises:
        LimitError: Where it takes longer, or the process dies.
    """
    try:
        process = run_module(__name__, pickle.dumps((target, arguments)), seconds)
    except subprocess.TimeoutExpired:
        raise LimitError(f"no answer within {seconds:g} s") from None
    if process.returncode:
        reason = f"the process that read it {how_it_ended(process)}"
        raise LimitError(reason, hint="the file may be damaged: the libraries that read it end there")
    answer, error = pickle.loads(process.stdout)
    if error is not None:
        raise error
    return answer


def count(request: Request) -> Outcome:
    """As :func:`archprof.pipeline.graph_formats.count`, in a process of its own."""
    try:
        outcome: Outcome = call("archprof.pipeline.graph_formats:count", request)
    except LimitError as error:
        error.path = request.spec.path
        return error, None
    return outcome


def main() -> None:
    """Read which function is to be called, and give what it returns, or raises."""
    # All that a graph is made of is there until the answer is: looking for garbage would take as long as counting.
    gc.disable()
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints is not the answer
    target, arguments = pickle.load(sys.stdin.buffer)
    module, _, name = target.partition(":")
    answer, raised = None, None
    try:
        answer = getattr(import_module(module), name)(*arguments)
    except Exception as error:
        raised = error
    with output:
        pickle.dump((answer, raised), output)
    gc.freeze()  # at exit, too


if __name__ == "__main__":
    main()
