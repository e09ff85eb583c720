"""Products of matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.trace.onnx_graph.shape_rules.elementwise import broadcast
from archprof.trace.onnx_graph.shape_rules.registry import shape_rule

if TYPE_CHECKING:
    from archprof.trace.onnx_graph.record import Operation
    from archprof.trace.onnx_graph.shape_rules.registry import Outputs


@shape_rule("MatMul")
def _product(operation: Operation) -> Outputs | None:
    left, right = operation.operand(0), operation.operand(1).sizes
    if len(left.sizes) < 2 or len(right) < 2 or left.sizes[-1] != right[-2]:
        return None
    batch = broadcast(left.sizes[:-2], right[:-2])
    return None if batch is None else [((*batch, left.sizes[-2], right[-1]), left.dtype)]


@shape_rule("Gemm")
def _general_product(operation: Operation) -> Outputs | None:
    left, right = operation.operand(0), operation.operand(1).sizes
    if len(left.sizes) != 2 or len(right) != 2:
        return None
    rows, inner = left.sizes[::-1] if operation.attributes.get("transA") else left.sizes
    other, columns = right[::-1] if operation.attributes.get("transB") else right
    return [((rows, columns), left.dtype)] if inner == other else None
