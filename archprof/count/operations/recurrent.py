"""Fused recurrent kernels and their gradients, which cost the same as the operations that torch runs without them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof.count.formulas import Count, aten, register_formula
from archprof.count.operations.quantized import DEQUANTIZE, QUANTIZE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archprof.trace.record import Operation

_RELU, _TANH, _LSTM, _GRU = range(4)
"""cuDNN's and oneDNN's own numbers for the kinds of cell."""

_CELL = {
    # Each unit, with biases: two of them a gate, the sum of the two products, the activation.
    _RELU: 4,
    _TANH: 4,
    # Four gates of 4; c' = f·c + i·g (3), tanh, o· (2).
    _LSTM: 4 * 4 + 5,
    # Two gates of 4, their biases again for the third (2), r·, +, tanh (3), h' = n + z·(h − n) (3).
    _GRU: 2 * 4 + 2 + 3 + 3,
}
_KINDS = {"rnn_relu": _RELU, "rnn_tanh": _TANH, "lstm": _LSTM, "gru": _GRU}
_GATES = {_RELU: 1, _TANH: 1, _LSTM: 4, _GRU: 3}


def _count(tokens: int, mode: int, hidden: int, weights: Iterable[Any], *, biased: bool) -> Count:
    """Every token meets every weight once; ``weights`` may hold biases too, which have one dimension."""
    matrices = [weight for weight in weights if len(weight.shape) == 2]
    # An input and a hidden matrix make one cell.
    cells = len(matrices) // 2
    per_unit = _CELL[mode] - (0 if biased else 2 * _GATES[mode])
    return Count(tokens * sum(matrix.numel for matrix in matrices), tokens * cells * hidden * per_unit)


@register_formula("aten.mkldnn_rnn_layer")
def _mkldnn(operation: Operation) -> Count:
    # Where there are no biases two matrices of zeros stand for them.
    input_, *weights = operation.arguments[:3]
    mode, hidden, _, biased = operation.arguments[9:13]
    return _count(input_.numel // input_.shape[-1], mode, hidden, weights, biased=biased)


@register_formula("aten._cudnn_rnn", "aten.miopen_rnn")
def _cudnn(operation: Operation) -> Count:
    input_, weights, rows = operation.arguments[:3]
    mode, hidden = operation.arguments[6:8]
    return _count(input_.numel // input_.shape[-1], mode, hidden, weights, biased=rows > 2)


@register_formula("aten._thnn_fused_lstm_cell", "aten._thnn_fused_gru_cell")
def _fused_cell(operation: Operation) -> Count:
    # The two products have run; what is left is a cell's elementwise work.
    mode = _LSTM if "lstm" in operation.name else _GRU
    return Count(0, operation.outputs[0].numel * _CELL[mode])


@register_formula("aten.quantized_lstm", "aten.quantized_gru")
def _quantized(operation: Operation) -> Count:
    """Layers of cells whose weights are packed; a row of packed sequences has no batch dimension."""
    arguments = [*operation.arguments]
    if str(operation.function).endswith(".data"):
        del arguments[1]  # how many sequences there still are at each step
    input_, state, cells, biased, layers, _, _, both_ways = arguments[:8]
    mode = _LSTM if "lstm" in operation.name else _GRU
    hidden = (state[0] if mode == _LSTM else state).shape[-1]
    tokens, directions = input_.numel // input_.shape[-1], 1 + both_ways
    integers = "fp16" not in cells[0].__getstate__()[0]
    widths = [input_.shape[-1], *[hidden * directions] * (layers - 1)]
    counts = [_quantized_cell(tokens, mode, width, hidden, biased=biased, integers=integers) for width in widths]
    macs, elementwise = (sum(column) for column in zip(*counts, strict=True))
    return Count(directions * macs, directions * elementwise)


@register_formula(
    *aten("quantized_lstm_cell_dynamic quantized_gru_cell_dynamic", "quantized"),
    *aten("quantized_rnn_tanh_cell_dynamic quantized_rnn_relu_cell_dynamic", "quantized"),
)
def _single_quantized_cell(operation: Operation) -> Count:
    input_ = operation.arguments[0]
    mode = next(mode for kind, mode in _KINDS.items() if kind in operation.name)
    rows, width = input_.shape
    return _quantized_cell(rows, mode, width, operation.outputs[0].shape[-1], biased=True, integers=True)


def _quantized_cell(tokens: int, mode: int, width: int, hidden: int, *, biased: bool, integers: bool) -> Count:
    """Of integers, what goes into the two products is measured (2) and quantised, what comes out dequantised."""
    gates = _GATES[mode] * hidden
    per_unit = _CELL[mode] - (0 if biased else 2 * _GATES[mode])
    moved = (2 + QUANTIZE) * (width + hidden) + DEQUANTIZE * 2 * gates if integers else 0
    return Count(tokens * gates * (width + hidden), tokens * (hidden * per_unit + moved))


# The gradients of what went in and of the weights each take the forward pass's products once more, and the cells'
# elementwise work is done twice, for its results and for its derivatives.
@register_formula("aten.mkldnn_rnn_layer_backward")
def _mkldnn_backward(operation: Operation) -> Count:
    input_, *weights = operation.arguments[:3]
    mode, hidden, _, biased = operation.arguments[14:18]
    return _twice(_count(input_.numel // input_.shape[-1], mode, hidden, weights, biased=biased))


@register_formula("aten._cudnn_rnn_backward", "aten.miopen_rnn_backward")
def _cudnn_backward(operation: Operation) -> Count:
    input_, weights, rows = operation.arguments[:3]
    mode, hidden = operation.arguments[10:12]
    return _twice(_count(input_.numel // input_.shape[-1], mode, hidden, weights, biased=rows > 2))


@register_formula("aten._thnn_fused_lstm_cell_backward_impl", "aten._thnn_fused_gru_cell_backward")
def _fused_cell_backward(operation: Operation) -> Count:
    mode = _LSTM if "lstm" in operation.name else _GRU
    gradient = next(argument for argument in operation.arguments if argument is not None)
    return _twice(Count(0, gradient.numel * _CELL[mode]))


def _twice(count: Count) -> Count:
    return Count(2 * count.macs, 2 * count.elementwise_flops)
