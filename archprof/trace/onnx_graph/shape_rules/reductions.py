"""Reductions over axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.trace.onnx_graph.shape_rules.registry import axes_of, axis_of, shape_rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.trace.onnx_graph.record import Operation, Shape
    from archprof.trace.onnx_graph.shape_rules.registry import Outputs


def _reduced(shape: Shape, axes: Sequence[int], *, keep: bool) -> Shape:
    if keep:
        return tuple([1 if axis in axes else size for axis, size in enumerate(shape)])
    return tuple([size for axis, size in enumerate(shape) if axis not in axes])


@shape_rule("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", values=True)
@shape_rule("ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare", values=True)
def _reduction(operation: Operation) -> Outputs | None:
    source = operation.operand(0)
    axes = axes_of(operation, len(source.sizes))
    if not axes:
        if operation.attributes.get("noop_with_empty_axes"):
            return None
        axes = list(range(len(source.sizes)))
    return [(_reduced(source.sizes, axes, keep=operation.attributes.get("keepdims", 1) == 1), source.dtype)]


@shape_rule("ArgMax", "ArgMin")
def _index(operation: Operation) -> Outputs | None:
    source, attributes = operation.operand(0), operation.attributes
    axis = axis_of(attributes.get("axis", 0), len(source.sizes))
    return [(_reduced(source.sizes, [axis], keep=attributes.get("keepdims", 1) == 1), "int64")]
