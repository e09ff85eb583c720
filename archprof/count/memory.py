"""What each operation reads and writes, and how much memory the activations take at once.

The rule: an operation reads each of its tensors once and writes each of its results once, whatever its kernel does with
caches. A broadcast tensor is read at the size that it has in memory. A view moves nothing. What happens in place
reads and writes the same tensor. A gather (embedding, indexing) reads the elements that it gives and their indices, not
the whole table; a scatter in place touches the elements that it is given.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from archprof.count.free import GATHERS, MAKING
from archprof.trace.record import tensors, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archprof.trace.record import Operation, TensorInfo, Trace

_EMPTY = frozenset({"aten.resize_", *(name for name in MAKING if "empty" in name)})
_OVERWRITES = frozenset({"aten.copy_", "aten.bernoulli_", *(f"{name}_" for name in MAKING)})
_SCATTERS = frozenset(
    {
        *("aten.index_put_", "aten._index_put_impl_", "aten.index_copy_", "aten.index_add_", "aten.index_fill_"),
        *("aten.scatter_", "aten.scatter_add_", "aten.scatter_reduce_", "aten.masked_scatter_", "aten.put_"),
    }
)


class Traffic(NamedTuple):
    """Bytes that an operation reads and writes."""

    read: int = 0
    written: int = 0


_NOTHING = Traffic()


@dataclass(slots=True)
class Memory:
    """What the operations of a trace move, and hold.

    Attributes:
        traffic: What each operation reads and writes, in the order of the trace.
        made_bytes: Bytes of the tensors that each operation makes.
        activation_elements: Elements of all the tensors that operations make; a view and a result in place make none.
        activation_bytes: The same in bytes.
        peak_bytes: The most that those tensors hold at one time: a tensor's memory is held from the operation that
            makes it to the last that uses it or a view of it, a result's of the model to the end. Inputs, parameters,
            buffers and constants are made by no operation.
        made: The memory behind each tensor that operations make, by its storage.
        given: The same of tensors that no operation makes; of an input that none reads, the last use is -1.
        results: The ids of the blocks that the model's results are in, which are held to the end.
    """

    traffic: list[Traffic] = field(default_factory=list)
    made_bytes: list[int] = field(default_factory=list)
    activation_elements: int = 0
    activation_bytes: int = 0
    peak_bytes: int = 0
    made: dict[int, Block] = field(default_factory=dict, compare=False, repr=False)
    given: dict[int, Block] = field(default_factory=dict, compare=False, repr=False)
    results: frozenset[int] = field(default=frozenset(), compare=False, repr=False)

    @property
    def blocks(self) -> list[Block]:
        """The memory of tensors that operations make, each stretch once."""
        return list({id(block): block for block in self.made.values()}.values())

    @property
    def bytes_read(self) -> int:
        """What all the operations read."""
        return sum(traffic.read for traffic in self.traffic)

    @property
    def bytes_written(self) -> int:
        """What all the operations write."""
        return sum(traffic.written for traffic in self.traffic)


class Block:
    """One stretch of memory: its size in bytes, and the first and last operation that it is used by.

    ``tensor`` is what it was made for.
    """

    __slots__ = ("first", "last", "size", "tensor")

    def __init__(self, tensor: TensorInfo, first: int) -> None:
        self.tensor = tensor
        self.size = tensor.nbytes
        self.first = self.last = first


def held(memory: Memory, operations: int) -> list[int]:
    """The bytes of what operations make that are there while each of them runs.

    Args:
        memory: What is held, and until when.
        operations: How many operations there are.
    """
    changes = [0] * (operations + 1)
    for block in memory.blocks:
        changes[block.first] += block.size
        changes[operations if id(block) in memory.results else block.last + 1] -= block.size
    return list(accumulate(changes))[:operations]


def measure(trace: Trace) -> Memory:
    """What the operations of a trace read, write and hold, in bytes."""
    memory = Memory()
    # Those that no operation makes are inputs, parameters, buffers and constants, and whatever views them.
    blocks, given = memory.made, memory.given
    for tensor in trace.calls[0].inputs if trace.calls else ():
        given.setdefault(tensor.storage, Block(tensor, -1))
    for index, operation in enumerate(trace.operations):
        arguments = operation.inputs
        sizes: dict[int, int] = {}
        for tensor in arguments:
            block = blocks.get(tensor.storage) or given.get(tensor.storage)
            if block is None:
                block = given[tensor.storage] = Block(tensor, index)
            block.last = index
            # A broadcast tensor is smaller in memory than its elements would be.
            sizes[id(tensor)] = min(tensor.nbytes, block.size)
        if operation.function.is_view and operation.outputs:
            source = arguments[0].storage
            home = blocks if source in blocks else given
            for tensor in operation.outputs:
                home.setdefault(tensor.storage, home[source])
            memory.traffic.append(_NOTHING)
            memory.made_bytes.append(0)
            continue
        new = []
        for tensor in operation.outputs:
            if tensor.storage in blocks or tensor.storage in given:
                continue
            blocks[tensor.storage] = Block(tensor, index)
            new.append(tensor)
            memory.activation_elements += tensor.numel
            memory.activation_bytes += tensor.nbytes
        memory.traffic.append(_traffic(operation, arguments, new, sizes))
        memory.made_bytes.append(sum([tensor.nbytes for tensor in new]))
    results = trace.calls[0].outputs if trace.calls else ()
    memory.results = frozenset(id(blocks[tensor.storage]) for tensor in results if tensor.storage in blocks)
    memory.peak_bytes = max(held(memory, len(trace.operations)), default=0)
    return memory


def _traffic(
    operation: Operation, arguments: list[TensorInfo], new: list[TensorInfo], sizes: dict[int, int]
) -> Traffic:
    """What one operation moves, ``new`` being its results that take memory of their own, ``sizes`` by tensor."""
    name = operation.name
    written = sum([tensor.nbytes for tensor in new])
    if name in _EMPTY:
        return _NOTHING
    if name in MAKING:
        return Traffic(0, written)
    changed = {id(tensor) for tensor in _changed(operation)}
    if not new and not changed and operation.outputs:
        return _NOTHING  # gave what it was given
    if name in GATHERS:
        table = id(operation.arguments[0])
        indices = sum(size for key, size in sizes.items() if key != table)
        return Traffic(indices + sum(tensor.nbytes for tensor in operation.outputs), written)
    if name in _SCATTERS:
        target = operation.arguments[0]
        elements = max((tensor.numel for tensor in arguments if tensor is not target), default=0)
        given = sum(size for key, size in sizes.items() if key != id(target))
        return Traffic(given, elements * target.dtype.itemsize)
    unread = changed if name in _OVERWRITES else {id(tensor) for tensor in tensors((operation.keywords.get("out"),))}
    read = sum([size for key, size in sizes.items() if key not in unread])
    return Traffic(read, written + sum([sizes[key] for key in changed]))


def _changed(operation: Operation) -> Iterator[TensorInfo]:
    """The tensors that the operation changes in place."""
    for key in written(operation.function):
        values = (operation.keywords.get(key),) if isinstance(key, str) else operation.arguments[key : key + 1]
        yield from tensors(values)
