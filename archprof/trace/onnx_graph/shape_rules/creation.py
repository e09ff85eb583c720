"""Operators that make tensors of sizes, and of another type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.trace.onnx_graph.record import UNDEFINED, dtype_name
from archprof.trace.onnx_graph.shape_rules.registry import shape_rule, whole_numbers

if TYPE_CHECKING:
    from archprof.trace.onnx_graph.record import Operation
    from archprof.trace.onnx_graph.shape_rules.registry import Outputs


@shape_rule("Shape", values=True)
def _shape(operation: Operation) -> Outputs | None:
    if operation.attributes:
        return None
    return [((len(operation.operand(0).sizes),), "int64")]


@shape_rule("Size", values=True)
def _size(operation: Operation) -> Outputs | None:
    return [((), "int64")]


@shape_rule("ConstantOfShape", values=True)
def _constant(operation: Operation) -> Outputs | None:
    shape, filled = whole_numbers(operation.tensor(0)), operation.attributes.get("value")
    if not shape or min(shape) < 0:
        return None
    if filled is None:
        return [(tuple(shape), "float32")]
    dtype = dtype_name(filled.data_type)
    return [(tuple(shape), dtype)] if dtype != UNDEFINED and list(filled.dims) == [1] else None


@shape_rule("Cast")
def _cast(operation: Operation) -> Outputs | None:
    dtype = dtype_name(operation.attributes["to"])
    return [(operation.operand(0).sizes, dtype)] if dtype != UNDEFINED else None
