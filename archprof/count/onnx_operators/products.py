"""Matrix products: plain, with a bias, of integers, of packed weights, by Einstein's summation."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from archprof.count import macs
from archprof.count.formulas import Count
from archprof.count.onnx_operators.activation import activation_flops
from archprof.count.onnx_operators.quantise import DEQUANTISE, QUANTISE
from archprof.count.onnx_operators.registry import MICROSOFT, register
from archprof.trace.onnx_graph.runtime_operators import product_operands

if TYPE_CHECKING:
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


@register("Einsum")
def _einsum(operation: Operation) -> Count:
    terms, kept = _terms(operation)
    elementwise = 0
    # An axis that one factor alone has, and the result has not, is summed before anything is multiplied.
    for index, term in enumerate(terms):
        others = set(kept).union(*(other for place, other in enumerate(terms) if place != index))
        if any(label not in others for label in term):
            elementwise += prod(term.values())
            terms[index] = {label: size for label, size in term.items() if label in others}
    products, (result, *rest) = 0, terms
    for index, term in enumerate(rest):
        joined = {**result, **{label: max(size, result.get(label, 1)) for label, size in term.items()}}
        products += prod(joined.values())
        needed = set(kept).union(*rest[index + 1 :])
        result = {label: size for label, size in joined.items() if label in needed}
    return Count(products, elementwise)


def _terms(operation: Operation) -> tuple[list[dict[str, int]], list[str]]:
    """The size of each label of each factor, and the labels of the result; an ellipsis is labels of its own."""
    equation = operation.attributes["equation"].replace(" ", "")
    left, arrow, right = equation.partition("->")
    terms = []
    for text, tensor in zip(left.split(","), operation.read, strict=True):
        labels = _labels(text, len(tensor.sizes))
        term: dict[str, int] = {}
        for label, size in zip(labels, tensor.sizes, strict=True):
            term[label] = max(size, term.get(label, 1))
        terms.append(term)
    if arrow:
        return terms, _labels(right, len(operation.made[0].sizes))
    every = [label for text in left.split(",") for label in text.replace("...", "")]
    dots = {label for term in terms for label in term if label.startswith(".")}
    return terms, [*sorted(dots), *(label for label in sorted(set(every)) if every.count(label) == 1)]


def _labels(text: str, axes: int) -> list[str]:
    before, dots, behind = text.partition("...")
    hidden = axes - len(before) - len(behind) if dots else 0
    # From the last on, as axes broadcast.
    return [*before, *(f".{index}" for index in reversed(range(hidden))), *behind]


@register("AffineGrid")
def _affine_grid(operation: Operation) -> Count:
    # Every point of the grid, and a 1, meets the matrix.
    return Count(operation.made[0].numel * operation.operand(0).sizes[-1])


@register("MoE", "QMoE", domain=MICROSOFT)
def _experts(operation: Operation) -> Count:
    tokens, attributes = prod(operation.operand(0).sizes[:-1]), operation.attributes
    first, second, third = (2, 5, 8) if operation.node.type == "QMoE" else (2, 4, 6)
    packed = 8 // attributes.get("expert_weight_bits", 8) if operation.node.type == "QMoE" else 1
    chosen = tokens * attributes.get("k", 1)
    weights = [tensor for index in (first, second, third) if (tensor := operation.tensor(index)) is not None]
    products = sum(prod(weight.sizes[1:]) * packed for weight in weights)
    hidden = weights[0].sizes[1]
    # The router's softmax, the activation, and each expert's share of the sum.
    flops = 5 * operation.operand(1).numel
    flops += chosen * (hidden * activation_flops(attributes.get("activation_type", "relu")) + 2 * weights[1].sizes[1])
    return Count(chosen * products, flops)
