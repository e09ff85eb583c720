"""What a model costs as a polynomial of the sizes of its input: each way to count at a size is the file of its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from archprof.errors import ArchprofError, UsageError
from archprof.pipeline.size_formulas.fit import Axis, CountAt, fit
from archprof.registry import Registry

if TYPE_CHECKING:
    from archprof.pipeline.request import Request
    from archprof.records.size_formula import SizeFormula

OpenAxes = Callable[["Request"], tuple[Sequence[tuple[str, int]], CountAt]]
"""The open axes of a request's file, by name and size, and what counts at sizes of them."""

_NAMELESS = re.compile(r"\[([0-3])\]$")
_LETTERS = {"0": "b", "1": "l", "2": "h", "3": "w"}
"""What stands for an axis without a name: the batch, a length, a height and a width."""

COUNTS: Registry[OpenAxes] = Registry("format of graphs with open axes", __name__, ("onnx", "pt2"))
"""A spec's ``graph_format`` -> its open axes."""


def size_formula(request: Request) -> SizeFormula:
    """The formula of a file with open axes, in a process of its own.

    Raises:
        UsageError: Where it is no such file.
        RunError: Where its cost is no polynomial.
    """
    from archprof.pipeline.graph_formats.isolated import call

    if request.spec.graph_format not in COUNTS:
        raise UsageError(
            f"{request.spec.reference} has no open axes", hint="--detail formula takes .onnx and .pt2 files"
        )
    try:
        formula: SizeFormula = call(f"{__name__}:compute", request)
    except ArchprofError as error:
        error.path = error.path or request.spec.path
        raise
    return formula


def compute(request: Request) -> SizeFormula:
    """As :func:`size_formula`, in this process."""
    axes, count = COUNTS[request.spec.graph_format or ""](request)
    if not axes:
        raise UsageError(f"every axis of {request.spec.reference} has its size", hint="export it with dynamic axes")
    return fit(_with_symbols(axes), count)


def _with_symbols(axes: Sequence[tuple[str, int]]) -> list[Axis]:
    """The axes with a letter for each: its first, or where that is taken another."""
    letters_used: set[str] = set()
    result = []
    for name, size in axes:
        nameless = _NAMELESS.search(name)
        letters = [_LETTERS[nameless[1]]] if nameless else [letter for letter in name.lower() if letter.isalpha()]
        symbol = next(
            (letter for letter in [*letters, *"nmkxyz"] if letter not in letters_used), f"n{len(letters_used)}"
        )
        letters_used.add(symbol)
        result.append(Axis(name, symbol, size))
    return result
