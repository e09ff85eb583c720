"""The memory that activations take at once in a model, from what each of its rows takes and hands on. Free of torch."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.pipeline.composition.records import RowRecord, Tensor


@dataclass(slots=True, eq=False)
class Memory:
    """A stretch of memory that a row made and later rows may use: bytes, first and last operation."""

    size: int
    first: int
    last: int


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A tensor that goes from row to row; ``memory`` is None for what no operation made."""

    tensor: Tensor
    memory: Memory | None = None


Structure = Any
"""A :class:`Value`, or a tuple or list of such things, or None."""


def flat(structure: Structure) -> list[Value]:
    """The tensors in a structure, in order."""
    if isinstance(structure, Value):
        return [structure]
    if structure is None:
        return []
    return [value for part in structure for value in flat(part)]


class Liveness:
    """Follows the memory through the rows, in their order."""

    def __init__(self) -> None:
        self._records: list[RowRecord] = []
        self._memories: list[Memory] = []
        self._operations = 0

    def run(self, record: RowRecord, inputs: Sequence[Value]) -> list[Value]:
        """What a row gives.

        Args:
            record: The row's.
            inputs: What it reads: each tensor once.
        """
        start = self._operations
        for value, last in zip(inputs, record.last_uses, strict=True):
            if value.memory is not None and last >= 0:
                value.memory.last = max(value.memory.last, start + last)
        made = [Memory(size, start + first, start + last) for first, last, size in record.blocks]
        self._memories += made
        self._records.append(record)
        self._operations += record.operations
        outputs = []
        for output in record.outputs:
            if output.same_input >= 0:
                outputs.append(inputs[output.same_input])
                continue
            memory = inputs[output.input_memory].memory if output.input_memory >= 0 else None
            outputs.append(Value(output.tensor, made[output.block] if output.block >= 0 else memory))
        return outputs

    def peak(self, results: Sequence[Value]) -> int:
        """The most bytes that are held at once, the model's results to the end."""
        for value in results:
            if value.memory is not None:
                value.memory.last = self._operations
        changes: Counter[int] = Counter()
        for memory in self._memories:
            changes[memory.first] += memory.size
            changes[memory.last + 1] -= memory.size
        most = held = start = 0
        for record in self._records:
            for first, own in record.segments:
                held += changes.pop(start + first, 0)
                most = max(most, held + own)
            start += record.operations
        return most
