"""Operators that give the same elements under another shape."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from archprof.trace.onnx_graph.shape_rules.elementwise import broadcast
from archprof.trace.onnx_graph.shape_rules.registry import axes_of, shape_rule, whole_numbers

if TYPE_CHECKING:
    from archprof.trace.onnx_graph.record import Operation
    from archprof.trace.onnx_graph.shape_rules.registry import Outputs


@shape_rule("Reshape", values=True)
def _reshape(operation: Operation) -> Outputs | None:
    source = operation.operand(0)
    requested = operation.attributes.get("shape") or whole_numbers(operation.tensor(1))
    if not requested or operation.attributes.get("allowzero") or min(requested) < -1 or requested.count(-1) > 1:
        return None
    shape = [source.sizes[axis] if size == 0 else size for axis, size in enumerate(requested)]
    elements = prod(source.sizes)
    if -1 in shape:
        others = -prod(shape)
        if others < 1 or elements % others:
            return None
        shape[shape.index(-1)] = elements // others
    return [(tuple(shape), source.dtype)] if prod(shape) == elements > 0 else None


@shape_rule("Flatten", values=True)
def _flatten(operation: Operation) -> Outputs | None:
    source = operation.operand(0)
    axis, rank = operation.attributes.get("axis", 1), len(source.sizes)
    if not 0 <= axis <= rank:
        return None
    return [((prod(source.sizes[:axis]), prod(source.sizes[axis:])), source.dtype)]


@shape_rule("Transpose")
def _transpose(operation: Operation) -> Outputs | None:
    source = operation.operand(0)
    axes = range(len(source.sizes))
    order = operation.attributes.get("perm", axes[::-1])
    if not axes or sorted(order) != list(axes):
        return None
    return [(tuple([source.sizes[axis] for axis in order]), source.dtype)]


@shape_rule("Unsqueeze", values=True)
def _unsqueeze(operation: Operation) -> Outputs | None:
    source = operation.operand(0)
    given = operation.attributes.get("axes") or whole_numbers(operation.tensor(1)) or ()
    axes = axes_of(operation, len(source.sizes) + len(given))
    if not axes:
        return None
    shape = list(source.sizes)
    for axis in sorted(axes):
        shape.insert(axis, 1)
    return [(tuple(shape), source.dtype)]


@shape_rule("Squeeze", values=True)
def _squeeze(operation: Operation) -> Outputs | None:
    source = operation.operand(0)
    axes = axes_of(operation, len(source.sizes))
    if not axes or any(source.sizes[axis] != 1 for axis in axes):
        return None
    if operation.version < 11 and axes != sorted(axes):
        return None  # onnx then overlooks some
    return [(tuple([size for axis, size in enumerate(source.sizes) if axis not in axes]), source.dtype)]


@shape_rule("Expand", values=True)
def _expand(operation: Operation) -> Outputs | None:
    source, requested = operation.operand(0), whole_numbers(operation.tensor(1))
    if not requested or min(requested) < 1:
        return None
    shape = broadcast(source.sizes, tuple(requested))
    return None if shape is None else [(shape, source.dtype)]
