"""Sequences of tensors: what they hold, as far as it is known before the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from archprof.trace.onnx_graph.record import Tensor

if TYPE_CHECKING:
    from archprof.trace.onnx_graph.record import Operation

LONGEST = 10_000
"""A sequence of more elements is not followed."""


def resolve(operation: Operation) -> bool:
    """Enter what an operation on sequences gives.

    Returns:
        False for an operator that has nothing to do with sequences.
    """
    rule = _RULES.get(operation.node.type)
    if rule is None or operation.node.domain or not operation.made:
        return False
    rule(operation, operation.made[0])
    return True


def _construct(operation: Operation, made: Tensor) -> None:
    made.sequence, made.elements = True, operation.read
    made.dtype = operation.operand(0).dtype


def _empty(operation: Operation, made: Tensor) -> None:
    made.sequence, made.elements = True, []


def _insert(operation: Operation, made: Tensor) -> None:
    sequence, element = operation.operand(0), operation.operand(1)
    made.sequence, made.dtype = True, element.dtype
    index = _index(operation, 2, len(sequence.elements or ()))
    if sequence.elements is not None and index is not None and len(sequence.elements) < LONGEST:
        made.elements = [*sequence.elements[:index], element, *sequence.elements[index:]]


def _erase(operation: Operation, made: Tensor) -> None:
    sequence = operation.operand(0)
    made.sequence, made.dtype = True, sequence.dtype
    index = _index(operation, 1, len(sequence.elements or ()) - 1)
    if sequence.elements is not None and index is not None:
        made.elements = [*sequence.elements[:index], *sequence.elements[index + 1 :]]


def _at(operation: Operation, made: Tensor) -> None:
    sequence, position = operation.operand(0), operation.operand(1)
    made.dtype = sequence.dtype
    elements = sequence.elements
    if elements is None:
        return
    shapes = {element.shape for element in elements}
    if position.value is not None:
        element = elements[int(position.value.reshape(-1)[0])]
        made.shape, made.value, made.dtype = element.shape, element.value, element.dtype
    elif len(shapes) == 1:
        made.shape = shapes.pop()


def _length(operation: Operation, made: Tensor) -> None:
    made.shape, made.dtype = (), "int64"
    elements = operation.operand(0).elements
    if elements is not None:
        made.value = np.array(len(elements), np.int64)


def _concat(operation: Operation, made: Tensor) -> None:
    sequence = operation.operand(0)
    made.dtype = sequence.dtype
    shapes = [element.shape for element in sequence.elements or ()]
    if not shapes or None in shapes:
        return
    first = shapes[0] or ()
    sizes = [shape or () for shape in shapes]
    if operation.attributes.get("new_axis"):
        axis = operation.attributes["axis"] % (len(first) + 1)
        made.shape = (*first[:axis], len(sizes), *first[axis:])
    else:
        axis = operation.attributes["axis"] % len(first)
        made.shape = (*first[:axis], sum(shape[axis] for shape in sizes), *first[axis + 1 :])


def _split(operation: Operation, made: Tensor) -> None:
    source, split = operation.operand(0), operation.tensor(1)
    made.sequence, made.dtype = True, source.dtype
    if source.shape is None or (split is not None and split.value is None):
        return
    axis = operation.attributes.get("axis", 0) % len(source.shape)
    size, keep = source.shape[axis], True
    if size > LONGEST:
        return
    if split is None:
        parts, keep = [1] * size, bool(operation.attributes.get("keepdims", 1))
    elif not split.shape:
        part = int(split.value.reshape(-1)[0])  # type: ignore[union-attr]
        parts = [min(part, size - start) for start in range(0, size, part)]
    else:
        parts = [int(part) for part in split.value]  # type: ignore[union-attr]
    before, behind = source.shape[:axis], source.shape[axis + 1 :]
    middles: list[tuple[int, ...]] = [(part,) if keep else () for part in parts]
    made.elements = [
        Tensor(f"{made.name}[{index}]", (*before, *middle, *behind), source.dtype)
        for index, middle in enumerate(middles)
    ]


def _has_element(operation: Operation, made: Tensor) -> None:
    made.shape, made.dtype = (), "bool"
    source = operation.tensor(0)
    if source is None or source.known:
        made.value = np.array(source is not None)


def _index(operation: Operation, position: int, default: int) -> int | None:
    """Where an element goes: an input's value, the end without it, None where the value is not known."""
    tensor = operation.tensor(position)
    if tensor is None:
        return default
    if tensor.value is None:
        return None
    index = int(tensor.value.reshape(-1)[0])
    return index if index >= 0 else index + len(operation.operand(0).elements or ())


_RULES = {
    "SequenceConstruct": _construct,
    "SequenceEmpty": _empty,
    "SequenceInsert": _insert,
    "SequenceErase": _erase,
    "SequenceAt": _at,
    "SequenceLength": _length,
    "ConcatFromSequence": _concat,
    "SplitToSequence": _split,
    "OptionalHasElement": _has_element,
}
