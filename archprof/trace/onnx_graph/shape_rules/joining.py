"""Operators that put tensors together and take them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.trace.onnx_graph.shape_rules.registry import axis_of, shape_rule, whole_numbers

if TYPE_CHECKING:
    from archprof.trace.onnx_graph.record import Operation
    from archprof.trace.onnx_graph.shape_rules.registry import Outputs


@shape_rule("Concat")
def _concat(operation: Operation) -> Outputs | None:
    first = operation.operand(0)
    axis = operation.attributes.get("axis", 1)
    if axis < 0 and operation.version < 11:
        return None
    axis = axis_of(axis, len(first.sizes))
    before, behind = first.sizes[:axis], first.sizes[axis + 1 :]
    total = 0
    for tensor in operation.read:
        sizes = tensor.sizes
        if len(sizes) != len(first.sizes) or sizes[:axis] != before or sizes[axis + 1 :] != behind:
            return None
        total += sizes[axis]
    return [((*before, total, *behind), first.dtype)]


@shape_rule("Split", values=True)
def _split(operation: Operation) -> Outputs | None:
    source, attributes, count = operation.operand(0), operation.attributes, len(operation.outputs)
    axis = axis_of(attributes.get("axis", 0), len(source.sizes))
    size = source.sizes[axis]
    parts = attributes.get("split")
    if operation.tensor(1) is not None:
        parts = whole_numbers(operation.tensor(1))
        if parts is None or "num_outputs" in attributes:
            return None
    elif parts is None:
        requested = attributes.get("num_outputs", count if operation.version < 18 else None)
        if size % count or requested != count:
            return None
        parts = [size // count] * count
    if len(parts) != count or sum(parts) != size or min(parts) < 0:
        return None
    return [((*source.sizes[:axis], part, *source.sizes[axis + 1 :]), source.dtype) for part in parts]


@shape_rule("Slice", values=True)
def _slice(operation: Operation) -> Outputs | None:
    source, attributes = operation.operand(0), operation.attributes
    steps = None
    if operation.version < 10:
        starts, ends, axes = attributes.get("starts"), attributes.get("ends"), attributes.get("axes")
    else:
        starts, ends = whole_numbers(operation.tensor(1)), whole_numbers(operation.tensor(2))
        axes, steps = (whole_numbers(operation.tensor(index)) for index in (3, 4))
        if (axes is None) != (operation.tensor(3) is None) or (steps is None) != (operation.tensor(4) is None):
            return None
    if not starts or not ends or (operation.version < 10 and min(axes or (0,)) < 0):
        return None
    shape = list(source.sizes)
    axes = [axis_of(axis, len(shape)) for axis in (range(len(starts)) if axes is None else axes)]
    if operation.version < 10 and axes != sorted(axes):
        return None
    steps = [1] * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps) == len(set(axes)) or min(steps) < 1:
        return None
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if operation.version < 10 and min(start, end) < -shape[axis]:
            return None
        shape[axis] = len(range(*slice(start, end, step).indices(shape[axis])))
        if operation.version < 10 and not shape[axis]:
            return None
    return [(tuple(shape), source.dtype)]


@shape_rule("Gather")
def _gather(operation: Operation) -> Outputs | None:
    source, indices = operation.operand(0), operation.operand(1).sizes
    axis = axis_of(operation.attributes.get("axis", 0), len(source.sizes))
    return [((*source.sizes[:axis], *indices, *source.sizes[axis + 1 :]), source.dtype)]
