"""Convolutions: plain, transposed, of integers, deformable, causal."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from archprof.count import macs
from archprof.count.formulas import Count
from archprof.count.onnx_operators.activation import activation_flops
from archprof.count.onnx_operators.quantise import QUANTISE
from archprof.count.onnx_operators.registry import MICROSOFT, NCHWC, register

if TYPE_CHECKING:
    from archprof.trace.onnx_graph.record import Operation, Tensor


def _products(operation: Operation, source: Tensor, weight: Tensor, *, transposed: bool = False) -> int:
    output = operation.made[0]
    return macs.convolution(source.sizes, weight.sizes, output.sizes, transposed=transposed)


@register("Conv")
@register("FusedConv", "NhwcConv", "NhwcFusedConv", domain=MICROSOFT)
@register("Conv", domain=NCHWC)
def _convolution(operation: Operation) -> Count:
    output = operation.made[0].numel
    # A bias; in a fused one an addend, and an activation.
    added = sum(operation.tensor(index) is not None for index in (2, 3))
    flops = added + activation_flops(operation.attributes.get("activation"))
    return Count(_products(operation, operation.operand(0), operation.operand(1)), flops * output)


@register("ConvTranspose")
def _transposed(operation: Operation) -> Count:
    products = _products(operation, operation.operand(0), operation.operand(1), transposed=True)
    return Count(products, operation.made[0].numel if operation.tensor(2) is not None else 0)


@register("ConvInteger")
def _integer(operation: Operation) -> Count:
    return Count(_products(operation, operation.operand(0), operation.operand(1)))


@register("QLinearConv")
@register("QLinearConv", domain=MICROSOFT)
def _quantised(operation: Operation) -> Count:
    output = operation.made[0].numel
    biased = operation.tensor(8) is not None
    return Count(_products(operation, operation.operand(0), operation.operand(3)), (biased + QUANTISE) * output)


@register("DeformConv")
def _deformable(operation: Operation) -> Count:
    source, weight, offset = (operation.operand(index) for index in range(3))
    output = operation.made[0]
    positions = output.sizes[0] * prod(output.sizes[2:])
    # Every (output position, kernel point, input channel) is a bilinear sample: 4 products, 3 sums.
    samples = positions * source.sizes[1] * prod(weight.sizes[2:])
    masked = samples if operation.tensor(4) is not None else 0
    biased = output.numel if operation.tensor(3) is not None else 0
    return Count(_products(operation, source, weight), 7 * samples + masked + 2 * offset.numel + biased)


@register("CausalConvWithState")
@register("CausalConvWithState", domain=MICROSOFT)
def _causal(operation: Operation) -> Count:
    output, weight = operation.made[0], operation.operand(1)
    biased = operation.tensor(2) is not None
    flops = biased + activation_flops(operation.attributes.get("activation"))
    return Count(output.numel * prod(weight.sizes[2:]), flops * output.numel)
