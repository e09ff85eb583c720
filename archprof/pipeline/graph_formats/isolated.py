"""Reads and runs files in processes of their own: libraries in C++ that end, or never do, take nothing with them."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

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


def count(request: Request) -> Outcome:
    """As :func:`archprof.pipeline.graph_formats.count`, in a process of its own."""
    path = request.spec.path
    try:
        process = run_module(__name__, pickle.dumps(request), SECONDS)
    except subprocess.TimeoutExpired:
        return LimitError(f"not counted within {SECONDS} s", path=path), None
    if process.returncode:
        reason = f"the process that read it {how_it_ended(process)}"
        return LimitError(reason, path=path, hint="the file may be damaged: the libraries that read it end there"), None
    answer: Outcome | Exception = pickle.loads(process.stdout)
    if isinstance(answer, Exception):
        raise answer
    return answer


def main() -> None:
    """Read a request, and give its outcome, or what was raised that should not have been."""
    from archprof.pipeline import graph_formats

    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints is not the answer
    answer: object
    try:
        answer = graph_formats.count(pickle.load(sys.stdin.buffer))
    except Exception as error:
        answer = error
    with output:
        pickle.dump(answer, output)


if __name__ == "__main__":
    main()
