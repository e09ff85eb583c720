"""The table of ONNX operators: name -> formula, or None for one that computes nothing.

An operator that is not in it is unknown, and a total that contains it is a lower bound.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from archprof.registry import Registry

if TYPE_CHECKING:
    from archprof.count.formulas import Count
    from archprof.trace.onnx_graph.record import Operation

Formula = Callable[["Operation"], "Count | None"]
"""Gives the cost of one run of an operator, whatever its opset, or None where values decide it: it is then unknown."""

ML = "ai.onnx.ml"
MICROSOFT = "com.microsoft"
NCHWC = "com.microsoft.nchwc"

OPERATORS: Registry[Formula | None] = Registry("formula for the ONNX operator")
"""Operator's name ("Conv", "com.microsoft.QGemm") -> formula."""


def register(*names: str, domain: str = "") -> Callable[[Formula], Formula]:
    """Say what operators of a domain cost; ONNX's own is empty.

    Raises:
        RegistrationError: Where one of them has a formula already.
    """

    def add(formula: Formula) -> Formula:
        for name in names:
            OPERATORS.register(_full(name, domain), formula)
        return formula

    return add


def register_free(names: str, *, domain: str = "") -> None:
    """Say that operators compute nothing; their names are separated by blanks.

    Raises:
        RegistrationError: Where one of them has a formula already.
    """
    for name in names.split():
        OPERATORS.register(_full(name, domain), None)


def _full(name: str, domain: str) -> str:
    return f"{domain}.{name}" if domain else name
