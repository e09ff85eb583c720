"""The table of ONNX operators: domain and name -> formula, or free.

An operator that is not in it is unknown, and a total that contains it is a lower bound.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from archprof.count.formulas import Count
from archprof.errors import RegistrationError

if TYPE_CHECKING:
    from archprof.trace.onnx_graph.record import Operation

Formula = Callable[["Operation"], Count]

ML = "ai.onnx.ml"
MICROSOFT = "com.microsoft"
NCHWC = "com.microsoft.nchwc"

FORMULAS: dict[tuple[str, str], Formula | None] = {}
"""(domain, operator) -> formula; None for an operator that computes nothing. ONNX's own domain is empty."""


def register(*names: str, domain: str = "") -> Callable[[Formula], Formula]:
    """Say what operators cost, whatever their opset.

    Raises:
        RegistrationError: Where one of them has a formula already.
    """

    def add(formula: Formula) -> Formula:
        _enter(names, domain, formula)
        return formula

    return add


def register_free(names: str, *, domain: str = "") -> None:
    """Say that operators compute nothing; their names are separated by blanks.

    Raises:
        RegistrationError: Where one of them has a formula already.
    """
    _enter(names.split(), domain, None)


def _enter(names: tuple[str, ...] | list[str], domain: str, formula: Formula | None) -> None:
    for name in names:
        if (domain, name) in FORMULAS:
            raise RegistrationError(f"operator {name!r} has a formula already")
        FORMULAS[domain, name] = formula
