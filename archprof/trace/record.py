"""What one forward pass did: every operation with its shapes, and the module that ran it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from math import prod
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    import torch
    from torch import nn

Shape = tuple[int, ...]


@dataclass(slots=True, eq=False)
class TensorInfo:
    """One tensor of the pass, without its values: the same object wherever the same tensor is meant.

    ``parameter`` is the path of the parameter or buffer that it is, if it is one; ``storage`` is the same
    number for two tensors that are views of the same memory.
    """

    shape: Shape
    dtype: torch.dtype
    storage: int
    parameter: str | None = None

    @property
    def numel(self) -> int:
        """Its number of elements."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Its elements' size in bytes."""
        return prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True, slots=True)
class NamedOperator:
    """What ran as one operation and has no schema of torch's; it has what is asked of those that have one."""

    title: str

    tags: ClassVar[tuple[Any, ...]] = ()
    is_view: ClassVar[bool] = False
    _schema: ClassVar[Any] = SimpleNamespace(arguments=())

    def name(self) -> str:
        """Its name, as in "higher_order.cond"."""
        return self.title

    @property
    def _overloadpacket(self) -> str:
        return self.title


@dataclass(slots=True, eq=False)
class Operation:
    """One ATen call.

    ``arguments`` and ``keywords`` are what it was called with, every tensor replaced by its
    :class:`TensorInfo`; ``outputs`` are the tensors that came out; ``call`` is the index in
    :attr:`Trace.calls` of the innermost module call that ran it.
    """

    function: torch._ops.OpOverload | NamedOperator
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    outputs: tuple[TensorInfo, ...]
    call: int

    @property
    def name(self) -> str:
        """Its name without the overload, as in "aten.convolution"."""
        return _name(self.function)

    @property
    def inputs(self) -> list[TensorInfo]:
        """The tensors that it was called with, in order."""
        return tensors((*self.arguments, *self.keywords.values()) if self.keywords else self.arguments)


def tensors(values: Iterable[Any]) -> list[TensorInfo]:
    """The tensors among some arguments of an operation, those in its lists of tensors too."""
    tensors_found: list[TensorInfo] = []
    for value in values:
        if type(value) is TensorInfo:
            tensors_found.append(value)
        elif type(value) is tuple:
            tensors_found += [item for item in value if type(item) is TensorInfo]
    return tensors_found


@cache
def written(function: torch._ops.OpOverload | NamedOperator) -> tuple[int | str, ...]:
    """The arguments that an operation's schema says are written to: positions, or names of those given by keyword."""
    return tuple(
        argument.name if argument.kwarg_only else position
        for position, argument in enumerate(function._schema.arguments)
        if argument.alias_info is not None and argument.alias_info.is_write
    )


@cache
def _name(function: torch._ops.OpOverload | NamedOperator) -> str:
    return str(function._overloadpacket)


@dataclass(slots=True, eq=False)
class ModuleCall:
    """One call of a module: its path in the model, what went in and came out, the call that made it.

    ``inputs`` and ``outputs`` hold the tensors found in the positional arguments and in the result, nested
    containers flattened. ``parent`` is the caller's index, -1 for the model itself.
    """

    path: str
    module: nn.Module
    parent: int
    inputs: tuple[TensorInfo, ...] = ()
    outputs: tuple[TensorInfo, ...] = ()


@dataclass(slots=True, eq=False)
class Trace:
    """One forward pass, and the backward pass after it where there was one.

    ``calls[0]`` is the call of the model itself. ``backward`` holds the operations of the backward pass; their ``call``
    is the one whose forward they give the gradients of. ``parameters`` has each parameter with its memory, that of all
    its parts where it is made of others. ``advanced`` names the generators of the model that the pass has advanced, and
    that nothing can put back.
    """

    model: nn.Module
    operations: list[Operation] = field(default_factory=list)
    calls: list[ModuleCall] = field(default_factory=list)
    backward: list[Operation] = field(default_factory=list)
    parameters: list[tuple[TensorInfo, tuple[int, ...]]] = field(default_factory=list)
    advanced: list[str] = field(default_factory=list)

    def unread(self) -> list[TensorInfo]:
        """The parameters that no operation was given, nor a view of their memory."""
        operations = (*self.operations, *self.backward)
        read = {tensor.storage for operation in operations for tensor in operation.inputs}
        return [info for info, memory in self.parameters if info.numel and read.isdisjoint(memory)]

    def backward_pass(self) -> Trace:
        """The backward pass as a trace of its own, with the calls that it belongs to."""
        return Trace(self.model, self.backward, self.calls)

    def whole_step(self) -> Trace:
        """Both passes as one."""
        return Trace(self.model, self.operations + self.backward, self.calls)
