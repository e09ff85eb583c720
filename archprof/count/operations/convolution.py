"""Convolutions and their gradients."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from archprof.count import macs
from archprof.count.formulas import Count, aten, real_products, register_formula

if TYPE_CHECKING:
    from archprof.trace.record import Operation

_TRANSPOSABLE = aten("convolution _convolution convolution_overrideable")


@register_formula(*_TRANSPOSABLE, *aten("cudnn_convolution mkldnn_convolution"))
def convolution(operation: Operation) -> Count:
    """The products of its windows, and a bias for each output element."""
    input_, weight, bias = operation.arguments[:3]
    transposed = operation.arguments[6] if operation.name in _TRANSPOSABLE else False
    count = macs.convolution(input_.shape, weight.shape, operation.outputs[0].shape, transposed=transposed)
    added = operation.outputs[0].numel if bias is not None else 0
    return Count(count * real_products(input_, weight), added)


@register_formula(*aten("convolution_backward convolution_backward_overrideable"))
def convolution_backward(operation: Operation) -> Count:
    """Each gradient that ``output_mask`` wants: the input's and the weight's take the forward's products again."""
    gradient, input_, weight = operation.arguments[:3]
    of_input, of_weight, of_bias = operation.arguments[-1]
    transposed = operation.arguments[7] if operation.name == "aten.convolution_backward" else operation.arguments[6]
    forward = macs.convolution(input_.shape, weight.shape, gradient.shape, transposed=transposed)
    return Count((of_input + of_weight) * forward * real_products(input_, weight), of_bias * gradient.numel)


@register_formula("torchvision.deform_conv2d")
def deformable_convolution(operation: Operation) -> Count:
    """A convolution of bilinear samples: each of 4 products and 3 sums, and a product more where there is a mask."""
    input_, weight, offset = operation.arguments[:3]
    output = operation.outputs[0]
    samples = prod((output.shape[0], *output.shape[2:], input_.shape[1], *weight.shape[2:]))
    masked = samples if operation.arguments[-1] else 0
    count = macs.convolution(input_.shape, weight.shape, output.shape, transposed=False)
    return Count(count, 7 * samples + masked + 2 * offset.numel + output.numel)


@register_formula("torchvision._deform_conv2d_backward")
def deformable_convolution_backward(operation: Operation) -> Count:
    """As a convolution; each sample is taken again (7), and gives gradients of input, both offsets, mask (8 each)."""
    gradient, input_, weight, offset = operation.arguments[:4]
    samples = prod((gradient.shape[0], *gradient.shape[2:], input_.shape[1], *weight.shape[2:]))
    masked = operation.arguments[-1]
    forward = macs.convolution(input_.shape, weight.shape, gradient.shape, transposed=False)
    return Count(2 * forward, samples * (7 + 8 + 16 + 8 * masked) + 2 * offset.numel + gradient.numel)
