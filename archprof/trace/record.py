"""What one forward pass did: every operation with its shapes, and the module that ran it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A tensor's shape and dtype ("float32"), without its values. ``source`` names the parameter it is, if one."""

    shape: Shape
    dtype: str
    itemsize: int
    parameter: str | None = None

    @property
    def numel(self) -> int:
        """Its number of elements."""
        total = 1
        for size in self.shape:
            total *= size
        return total


@dataclass(slots=True)
class Operation:
    """One ATen call.

    ``arguments`` and ``keywords`` are what it was called with, every tensor replaced by its
    :class:`TensorInfo`; ``outputs`` are the tensors that came out; ``module`` is the index in
    :attr:`Trace.calls` of the innermost module call that ran it.
    """

    name: str
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    outputs: tuple[TensorInfo, ...]
    call: int


@dataclass(slots=True)
class ModuleCall:
    """One call of a module: its path in the model, what went in and came out, the call that it was made from.

    ``inputs`` and ``outputs`` hold the tensors found in the positional arguments and in the result, nested
    lists flattened. ``parent`` is -1 for the model itself.
    """

    index: int
    path: str
    module: nn.Module
    parent: int
    inputs: tuple[TensorInfo, ...] = ()
    outputs: tuple[TensorInfo, ...] = ()


@dataclass(slots=True)
class Trace:
    """One forward pass. ``calls[0]`` is the call of the model itself."""

    model: nn.Module
    operations: list[Operation] = field(default_factory=list)
    calls: list[ModuleCall] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
