"""Recurrent layers: every token meets every weight once, and each unit's gates are elementwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.count.formulas import Count
from archprof.count.onnx_operators.quantise import QUANTISE
from archprof.count.onnx_operators.registry import MICROSOFT, register

if TYPE_CHECKING:
    from archprof.trace.onnx_graph.record import Operation

_GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
_UNIT = {
    # Each unit, without biases: the sum of the two products, the activation.
    "RNN": 2,
    # Two gates of 2; r·, +, tanh (3), h' = n + z·(h − n) (3).
    "GRU": 2 * 2 + 3 + 3,
    # Four gates of 2; c' = f·c + i·g (3), tanh, o· (2).
    "LSTM": 4 * 2 + 5,
}
_PEEPHOLES = 3
"""Of the input, output and forget gate: a product and a sum."""


@register(*_UNIT)
def _recurrent(operation: Operation) -> Count:
    source, weight, recurrence = (operation.operand(index) for index in range(3))
    type_ = operation.node.type
    tokens = source.numel // source.sizes[-1]
    units = recurrence.sizes[0] * recurrence.sizes[-1]
    flops = _UNIT[type_]
    if operation.tensor(3) is not None:
        flops += 2 * _GATES[type_]
    if type_ == "LSTM" and operation.tensor(7) is not None:
        flops += 2 * _PEEPHOLES
    return Count(tokens * (weight.numel + recurrence.numel), tokens * units * flops)


@register("DynamicQuantizeLSTM", domain=MICROSOFT)
def _quantised(operation: Operation) -> Count:
    # What goes in and the state become integers, and each gate's two products floating point again.
    plain = _lstm(operation)
    source, weight = operation.operand(0), operation.operand(1)
    tokens, directions = source.numel // source.sizes[-1], weight.sizes[0]
    hidden = operation.attributes["hidden_size"]
    flops = source.numel * (2 + QUANTISE) * directions + tokens * directions * hidden * (2 + QUANTISE)
    return Count(plain.macs, plain.elementwise_flops + flops + 2 * tokens * directions * 4 * hidden)


def _lstm(operation: Operation) -> Count:
    source, weight, recurrence = (operation.operand(index) for index in range(3))
    tokens = source.numel // source.sizes[-1]
    units = weight.sizes[0] * operation.attributes["hidden_size"]
    flops = _UNIT["LSTM"] + (2 * _GATES["LSTM"] if operation.tensor(3) is not None else 0)
    return Count(tokens * (weight.numel + recurrence.numel), tokens * units * flops)
