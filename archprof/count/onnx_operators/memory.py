"""What a file's operations read, write and hold, in bytes: the rules of :mod:`archprof.count.memory`.

Reshape, Squeeze, Unsqueeze, Flatten and Identity are views; every other operator makes what it gives. Initializers and
the values of Constant nodes are weights, not activations.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from archprof.count.memory import Memory, Traffic
from archprof.count.onnx_operators.free import GATHERS, MAKING

if TYPE_CHECKING:
    from archprof.count.onnx_operators.ledger import Ledger
    from archprof.trace.onnx_graph.record import Operation

_NOTHING = Traffic()
_UNREAD = MAKING | {"Shape", "Size", "If", "Loop", "Scan", "SequenceMap"}


def measure(ledger: Ledger) -> Memory:
    """What the operations of a ledger move and hold; what has no known shape is left out."""
    memory = Memory()
    blocks: dict[int, list[int]] = {}  # a tensor's id -> its size, the first and last operation that has it
    for index, entry in enumerate(ledger.entries):
        operation, repeats = entry.operation, entry.operation.repeats
        read: dict[int, int] = {}
        for tensor in operation.read:
            root = id(tensor if tensor.view is None else tensor.root())
            read[root] = tensor.nbytes
            if root in blocks:
                blocks[root][2] = index
        written, is_view = 0, bool(operation.made)
        for tensor in operation.made:
            if tensor.view is not None or tensor.is_constant:
                continue
            is_view = False
            size = tensor.nbytes
            blocks[id(tensor)] = [size, index, index]
            written += size
            memory.activation_elements += 0 if tensor.shape is None else repeats * prod(tensor.shape)
        memory.activation_bytes += repeats * written
        memory.traffic.append(_NOTHING if is_view else Traffic(repeats * _read(operation, read), repeats * written))
    end = len(ledger.entries)
    for tensor in (tensor.root() for tensor in ledger.trace.outputs):
        if block := blocks.get(id(tensor)):
            block[2] = end
    memory.peak_bytes = _peak(list(blocks.values()), end)
    return memory


def _read(operation: Operation, sizes: dict[int, int]) -> int:
    """Bytes that an operation reads, ``sizes`` being those of what it was given."""
    type_ = operation.node.type
    if type_ in _UNREAD:
        return 0
    if type_ in GATHERS:
        return sum([tensor.nbytes for tensor in (*operation.read[1:], *operation.made)])
    return sum(sizes.values())


def _peak(blocks: list[list[int]], end: int) -> int:
    """The largest sum of blocks that are there at one time."""
    changes = [0] * (end + 2)
    for size, first, last in blocks:
        changes[first] += size
        changes[last + 1] -= size
    most = held = 0
    for change in changes:
        held += change
        most = max(most, held)
    return most
