"""Layers whose weights are integers, and turning numbers into integers and back."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from archprof.count.formulas import Count, aten, per_input, register_formula

if TYPE_CHECKING:
    from archprof.trace.record import Operation

QUANTIZE, DEQUANTIZE = 4, 2
"""Divide by the scale, round, add the zero point, clamp; subtract the zero point, multiply by the scale."""


@register_formula(*aten("linear_dynamic linear_relu_dynamic linear_dynamic_fp16 linear_relu_dynamic_fp16", "quantized"))
def dynamic_linear(operation: Operation) -> Count:
    """Input @ weightᵀ in integers: what goes in is measured (2) and quantised, what comes out dequantised."""
    input_, output = operation.arguments[0], operation.outputs[0]
    relu = "relu" in operation.name
    integers = "fp16" not in operation.name
    moved = (2 + QUANTIZE) * input_.numel + DEQUANTIZE * output.numel if integers else 0
    # A bias and an activation are one each.
    return Count(output.numel * input_.shape[-1], moved + (1 + relu) * output.numel)


@register_formula(*aten("linear linear_relu", "quantized"))
def static_linear(operation: Operation) -> Count:
    """Input @ weightᵀ of integers; the sums get their bias and are scaled to the result's integers."""
    input_, output = operation.arguments[0], operation.outputs[0]
    relu = "relu" in operation.name
    return Count(output.numel * input_.shape[-1], (1 + QUANTIZE + relu) * output.numel)


@register_formula(*aten("conv1d conv2d conv3d conv1d_relu conv2d_relu conv3d_relu", "quantized"))
def static_convolution(operation: Operation) -> Count:
    """A convolution of integers; the sums get their bias and are scaled to the result's integers."""
    output = operation.outputs[0]
    weight = operation.arguments[1].unpack()[0]
    relu = "relu" in operation.name
    return Count(output.numel * prod(weight.shape[1:]), (1 + QUANTIZE + relu) * output.numel)


_KINDS = "{0}_per_tensor {0}_per_channel {0}_per_token"

register_formula(
    *aten("quantize_per_tensor quantize_per_channel quantize_per_tensor_dynamic"),
    *aten(_KINDS.format("quantize"), "quantized_decomposed"),
)(per_input(QUANTIZE))
register_formula("aten.dequantize", *aten(_KINDS.format("dequantize"), "quantized_decomposed"))(per_input(DEQUANTIZE))
# Quantise and dequantise at once, as training with quantisation does.
register_formula(*aten("fake_quantize_per_tensor_affine_cachemask fake_quantize_per_channel_affine_cachemask"))(
    per_input(QUANTIZE + DEQUANTIZE)
)
# The smallest and the largest element.
register_formula(*aten("choose_qparams choose_qparams_symmetric", "quantized_decomposed"))(per_input(2))
