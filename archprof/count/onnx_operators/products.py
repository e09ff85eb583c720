"""Matrix products: plain, with a bias, of integers, of packed weights, by Einstein's summation."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from archprof.count import macs
from archprof.count.formulas import Count
from archprof.count.onnx_operators.activation import activation_flops
from archprof.count.onnx_operators.normalisation import ROOT_MEAN_SQUARE
from archprof.count.onnx_operators.quantise import DEQUANTISE, QUANTISE
from archprof.count.onnx_operators.registry import MICROSOFT, register
from archprof.trace.onnx_graph.einsum import terms
from archprof.trace.onnx_graph.runtime_operators import product_operands

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.trace.onnx_graph.record import Operation


def _products(operation: Operation) -> int:
    """Every element of the result is a sum over the inner axis."""
    left, _ = product_operands(operation)
    return operation.made[0].numel * left[-1]


@register("MatMul", "MatMulInteger")
@register("FusedMatMul", "TransposeMatMul", "MatMulInteger16", domain=MICROSOFT)
def _product(operation: Operation) -> Count:
    return Count(_products(operation))


@register("FusedMatMulActivation", domain=MICROSOFT)
def _activated(operation: Operation) -> Count:
    flops = activation_flops(operation.attributes.get("activation"))
    return Count(_products(operation), flops * operation.made[0].numel)


@register("Gemm")
@register("FusedGemm", "GemmFastGelu", domain=MICROSOFT)
def _general(operation: Operation) -> Count:
    flops = int(operation.tensor(2) is not None) + activation_flops(operation.attributes.get("activation"))
    if operation.node.type == "GemmFastGelu":
        flops += activation_flops("fastgelu")
    return Count(_products(operation), flops * operation.made[0].numel)


@register("QLinearMatMul")
def _quantised(operation: Operation) -> Count:
    return Count(_products(operation), QUANTISE * operation.made[0].numel)


@register("QGemm", domain=MICROSOFT)
def _quantised_general(operation: Operation) -> Count:
    biased = operation.tensor(6) is not None
    # To integers of another scale, or to floating point by one product.
    last = QUANTISE if operation.tensor(7) is not None else 1
    return Count(_products(operation), (biased + last) * operation.made[0].numel)


@register("MatMulIntegerToFloat", domain=MICROSOFT)
def _to_float(operation: Operation) -> Count:
    biased = operation.tensor(6) is not None
    return Count(_products(operation), (1 + biased) * operation.made[0].numel)


@register("DynamicQuantizeMatMul", domain=MICROSOFT)
def _dynamic(operation: Operation) -> Count:
    # The left factor becomes integers: smallest, largest, and each element.
    biased = operation.tensor(4) is not None
    first = (2 + QUANTISE) * operation.operand(0).numel
    return Count(_products(operation), first + (1 + biased) * operation.made[0].numel)


@register("MatMulNBits", "MatMulBnb4", domain=MICROSOFT)
def _packed(operation: Operation) -> Count:
    # The weight of N rows of K elements is unpacked once; its tensor's own shape is that of blocks of bytes.
    attributes, output = operation.attributes, operation.made[0].numel
    biased = operation.node.type == "MatMulNBits" and operation.tensor(5) is not None
    unpacked = DEQUANTISE * attributes["K"] * attributes["N"]
    return Count(
        macs.matrix_product(operation.operand(0).sizes, (attributes["K"], attributes["N"])), unpacked + biased * output
    )


def _packed_products(operation: Operation, widths: Sequence[int], biases: Sequence[int], *, scale: int) -> Count:
    """Products of one tensor with several packed weights of so many rows, after a norm where there is its scale."""
    source, inner = operation.operand(0), operation.attributes["K"]
    rows = source.numel // inner
    flops = sum(DEQUANTISE * inner * width for width in widths)
    flops += sum(rows * width for width, bias in zip(widths, biases, strict=True) if operation.tensor(bias) is not None)
    if operation.tensor(scale) is not None:
        flops += (ROOT_MEAN_SQUARE + (operation.tensor(1) is not None)) * source.numel
    return Count(rows * inner * sum(widths), flops)


@register("MatMulNBitsMlp", domain=MICROSOFT)
def _packed_gate(operation: Operation) -> Count:
    width = operation.attributes["N"]
    both = _packed_products(operation, (width, width), (5, 8), scale=2)
    gated = activation_flops(operation.attributes["activation"]) + 1
    return Count(both.macs, both.elementwise_flops + gated * operation.made[0].numel)


@register("MatMulNBitsQkv", domain=MICROSOFT)
def _packed_heads(operation: Operation) -> Count:
    attributes = operation.attributes
    return _packed_products(operation, (attributes["Nq"], attributes["Nkv"], attributes["Nkv"]), (5, 8, 11), scale=2)


@register("Einsum")
def _einsum(operation: Operation) -> Count:
    factors, labels = terms(operation)
    elementwise = 0
    # An axis that one factor alone has, and the result has not, is summed before anything is multiplied.
    for index, factor in enumerate(factors):
        others = set(labels).union(*(other for other_index, other in enumerate(factors) if other_index != index))
        if any(label not in others for label in factor):
            elementwise += prod(factor.values())
            factors[index] = {label: size for label, size in factor.items() if label in others}
    products, (result, *rest) = 0, factors
    for index, factor in enumerate(rest):
        joined = {**result, **{label: max(size, result.get(label, 1)) for label, size in factor.items()}}
        products += prod(joined.values())
        needed = set(labels).union(*rest[index + 1 :])
        result = {label: size for label, size in joined.items() if label in needed}
    return Count(products, elementwise)


@register("AffineGrid")
def _affine_grid(operation: Operation) -> Count:
    # Every point of the grid, and a 1, meets the matrix.
    return Count(operation.made[0].numel * operation.operand(0).sizes[-1])


_GATES = {"swiglu": "silu", "geglu": "gelu"}
"""Activation whose result is multiplied with a second projection -> the activation."""


@register("MoE", "QMoE", domain=MICROSOFT)
def _experts(operation: Operation) -> Count:
    attributes = operation.attributes
    *batch, width = operation.operand(0).sizes
    chosen = prod(batch) * attributes.get("k", 1)
    first, third = operation.operand(2), operation.tensor(8 if operation.node.type == "QMoE" else 6)
    # Rows of the weights are not packed, their columns may be. A gated activation reads two results for each that it
    # gives: of one weight, or the second of a third one.
    rows = first.sizes[1]
    activation = attributes.get("activation_type", "relu")
    gate = _GATES.get(activation)
    inner = rows // 2 if gate is not None and third is None else rows
    products = width * rows + inner * width + (width * inner if third is not None else 0)
    activated = activation_flops(gate or activation) + (gate is not None or third is not None)
    # The router's softmax, the activation, and each expert's share of the sum.
    flops = 5 * operation.operand(1).numel + chosen * (inner * activated + 2 * width)
    return Count(chosen * products, flops)
