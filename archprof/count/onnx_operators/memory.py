"""What a file's operations read, write and hold, in bytes: the rules of :mod:`archprof.count.memory`.

Reshape, Squeeze, Unsqueeze, Flatten and Identity are views; every other operator makes what it gives. Initializers and
the values of Constant nodes are weights, not activations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.count.memory import Memory, Traffic
from archprof.count.onnx_operators.free import GATHERS, MAKING

if TYPE_CHECKING:
    from archprof.count.onnx_operators.ledger import Ledger
    from archprof.trace.onnx_graph.record import Operation, Tensor

_UNREAD = MAKING | {"Shape", "Size", "If", "Loop", "Scan", "SequenceMap"}


def measure(ledger: Ledger) -> Memory:
    """What the operations of a ledger move and hold; what has no known shape is left out."""
    memory = Memory()
    weights = {id(tensor) for tensor in ledger.trace.constants}
    blocks: dict[int, list[int]] = {}  # a tensor's id -> its size, the first and last operation that has it
    end = len(ledger.entries)
    for index, entry in enumerate(ledger.entries):
        operation = entry.operation
        for tensor in (tensor.root() for tensor in operation.read):
            if block := blocks.get(id(tensor)):
                block[2] = index
        made = [tensor for tensor in operation.made if tensor.view is None and id(tensor) not in weights]
        for tensor in made:
            blocks[id(tensor)] = [tensor.nbytes, index, index]
            memory.activation_elements += operation.repeats * _numel(tensor)
            memory.activation_bytes += operation.repeats * tensor.nbytes
        memory.traffic.append(_traffic(operation, made))
    for tensor in (tensor.root() for tensor in ledger.trace.outputs):
        if block := blocks.get(id(tensor)):
            block[2] = end
    memory.peak_bytes = _peak(list(blocks.values()), end)
    return memory


def _numel(tensor: Tensor) -> int:
    return 0 if tensor.shape is None else tensor.numel


def _traffic(operation: Operation, made: list[Tensor]) -> Traffic:
    written = sum(tensor.nbytes for tensor in made)
    if operation.node.type in _UNREAD:
        read = 0
    elif operation.made and not made:
        return Traffic()  # a view
    elif operation.node.type in GATHERS:
        read = sum(tensor.nbytes for tensor in (*operation.read[1:], *operation.made))
    else:
        read = sum({id(tensor.root()): tensor.nbytes for tensor in operation.read}.values())
    return Traffic(operation.repeats * read, operation.repeats * written)


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
