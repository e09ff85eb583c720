"""To integers and back, and pointwise operators that do so around what they compute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.count.formulas import Count
from archprof.count.onnx_operators.registry import MICROSOFT, register

if TYPE_CHECKING:
    from archprof.trace.onnx_graph.record import Operation

QUANTISE = 4
"""Divide by the scale, round, add the zero point, saturate."""

DEQUANTISE = 2
"""Subtract the zero point, multiply by the scale."""


@register("QuantizeLinear")
@register("QuantizeLinear", domain=MICROSOFT)
def _quantise(operation: Operation) -> Count:
    without_zero = operation.tensor(2) is None
    return Count(0, (QUANTISE - without_zero) * operation.made[0].numel)


@register("DequantizeLinear")
@register("DequantizeLinear", domain=MICROSOFT)
def _dequantise(operation: Operation) -> Count:
    without_zero = operation.tensor(2) is None
    return Count(0, (DEQUANTISE - without_zero) * operation.made[0].numel)


@register("DynamicQuantizeLinear")
def _dynamic(operation: Operation) -> Count:
    # The smallest and the largest element first.
    return Count(0, (2 + QUANTISE) * operation.operand(0).numel)


@register("QLinearAdd", "QLinearMul", domain=MICROSOFT)
def _pair(operation: Operation) -> Count:
    read = operation.operand(0).numel + operation.operand(3).numel
    return Count(0, DEQUANTISE * read + (1 + QUANTISE) * operation.made[0].numel)


_POINTWISE = {"QLinearSigmoid": 1, "QLinearLeakyRelu": 1, "QLinearSoftmax": 5}


@register(*_POINTWISE, domain=MICROSOFT)
def _pointwise(operation: Operation) -> Count:
    flops = DEQUANTISE + _POINTWISE[operation.node.type] + QUANTISE
    return Count(0, flops * operation.made[0].numel)


@register("QLinearConcat", "QLinearWhere", domain=MICROSOFT)
def _moved(operation: Operation) -> Count:
    # What comes with one scale leaves with another.
    return Count(0, (DEQUANTISE + QUANTISE) * operation.made[0].numel)


@register("QLinearReduceMean", "QLinearGlobalAveragePool", domain=MICROSOFT)
def _mean(operation: Operation) -> Count:
    return Count(0, operation.operand(0).numel + (1 + QUANTISE) * operation.made[0].numel)


@register("GatherBlockQuantized", domain=MICROSOFT)
def _gather(operation: Operation) -> Count:
    return Count(0, DEQUANTISE * operation.made[0].numel)
