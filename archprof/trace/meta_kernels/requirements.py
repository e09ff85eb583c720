"""What torch's CPU kernels refuse and its meta kernels do not: how it is entered, and said.

It is held before an operation is left to a meta kernel; the rules that need none hold it themselves. A message says
what torch's says, and is of the same kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof.trace.meta_kernels.registry import REQUIREMENTS, aten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch

    Check = Callable[..., None]


def requires(*operations: Any) -> Callable[[Check], Check]:
    """Enter a check of the arguments of some operations."""

    def add(check: Check) -> Check:
        for operation in operations:
            REQUIREMENTS.setdefault(operation, []).append(check)
        return check

    return add


def overloads(names: str) -> Iterator[Any]:
    """Every overload of some operations, those in place too; what this release of torch has not is left out."""
    for name in names.split():
        packet = getattr(aten, name, None)
        yield from (getattr(packet, overload) for overload in packet.overloads()) if packet else ()


def need(condition: bool, message: str, kind: type[Exception] = RuntimeError) -> None:
    """Raise an error unless a condition holds."""
    if not condition:
        raise kind(message)


def type_name(dtype: torch.dtype) -> str:
    """A type's name as torch prints it, without the module."""
    return str(dtype).removeprefix("torch.")
