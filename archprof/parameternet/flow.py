"""Which tensor of a trace comes from which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.count.free import GATHERS
from archprof.trace.record import tensors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archprof.trace.record import TensorInfo, Trace


class Flow:
    """The operations of a trace by what they give, and what depends on the model's input.

    Sets of operations are integers, whose bits are the operations' indices: in a network everything comes from nearly
    everything before it.
    """

    def __init__(self, trace: Trace) -> None:
        self.operations = trace.operations
        self._makers: dict[int, list[int]] = {}
        self._parameters: dict[int, TensorInfo] = {}
        self._dynamic = {id(tensor) for tensor in trace.calls[0].inputs} if trace.calls else set()
        self._behind: list[int] = []
        self._values_behind: list[int] = []
        for index, operation in enumerate(trace.operations):
            arguments = operation.inputs
            depends = False
            for tensor in arguments:
                if tensor.parameter is not None:
                    self._parameters.setdefault(tensor.storage, tensor)
                depends = depends or id(tensor) in self._dynamic
            values = tensors(operation.arguments[:1]) if operation.name in GATHERS else arguments
            self._behind.append(1 << index | self.behind(arguments, index))
            self._values_behind.append(1 << index | self.behind(values, index, data=True))
            for tensor in operation.outputs:
                self._makers.setdefault(id(tensor), []).append(index)
                if depends:
                    self._dynamic.add(id(tensor))

    def dynamic(self, tensor: TensorInfo) -> bool:
        """Whether it depends on the model's input."""
        return id(tensor) in self._dynamic

    def maker(self, tensor: TensorInfo, before: int) -> int | None:
        """The last operation before another that gave a tensor."""
        for index in reversed(self._makers.get(id(tensor), ())):
            if index < before:
                return index
        return None

    def origin(self, tensor: TensorInfo) -> TensorInfo | None:
        """The parameter that a tensor is, or is a view of."""
        return tensor if tensor.parameter is not None else self._parameters.get(tensor.storage)

    def behind(self, roots: Iterable[TensorInfo], before: int, *, data: bool = False) -> int:
        """The operations that tensors come from.

        Args:
            roots: The tensors.
            before: The operation that they go into.
            data: Whether to follow values only, and not the indices that choose among them.
        """
        known = self._values_behind if data else self._behind
        operations = 0
        for tensor in roots:
            index = self.maker(tensor, before)
            if index is not None:
                operations |= known[index]
        return operations

    def parameters(self, operations: Iterable[int]) -> list[TensorInfo]:
        """The parameters that operations use, each once, in the order of use."""
        used = {
            id(tensor): tensor
            for index in sorted(operations)
            for tensor in self.operations[index].inputs
            if tensor.parameter is not None
        }
        return list(used.values())


def indices(operations: int) -> list[int]:
    """The indices in a set of operations, from the first."""
    positions = []
    while operations:
        lowest = operations & -operations
        positions.append(lowest.bit_length() - 1)
        operations ^= lowest
    return positions
