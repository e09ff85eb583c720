"""What a formula is, and the table from an operation's name to its formula; the formulas are in `operations`.

An operation that is neither in the table nor in :mod:`archprof.count.free`, and that torch does not mark as pointwise
or as a view, is unknown, and a total that contains it is a lower bound.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from archprof.registry import Registry

if TYPE_CHECKING:
    from archprof.trace.record import Operation


class Count(NamedTuple):
    """MACs of the convolution, matrix product and attention family; FLOPs of everything else."""

    macs: int = 0
    elementwise_flops: int = 0


Formula = Callable[["Operation"], "Count | None"]
"""Gives the cost of one call, or None where its shapes do not tell it: the call is then unknown."""

FORMULAS: Registry[Formula] = Registry("formula for")
"""Operation name ("aten.convolution") -> formula."""


def register_formula(*names: str) -> Callable[[Formula], Formula]:
    """Say what operations cost; ``names`` are those of :attr:`Operation.name`, without the overload.

    Raises:
        RegistrationError: Where one of them has a formula already.
    """

    def add(formula: Formula) -> Formula:
        for name in names:
            FORMULAS.register(name, formula)
        return formula

    return add


def aten(names: str, namespace: str = "aten") -> tuple[str, ...]:
    """Names of torch's own operations, separated by spaces, as they are registered; of ATen, or of another library."""
    return tuple(f"{namespace}.{name}" for name in names.split())


def per_output(flops: int) -> Formula:
    """So many FLOPs for each element of the first output."""
    return lambda operation: Count(0, flops * operation.outputs[0].numel)


def per_input(flops: int) -> Formula:
    """So many FLOPs for each element of the first input."""
    return lambda operation: Count(0, flops * operation.arguments[0].numel)


def as_tensors(value: Any) -> tuple[Any, ...]:
    """A tensor, or a list of them, as a list."""
    return value if isinstance(value, tuple) else (value,)


def real_products(*tensors: Any) -> int:
    """Real products in a product of such numbers: four where both are complex, two where one is."""
    return 1 << sum(bool(tensor.dtype.is_complex) for tensor in tensors)
