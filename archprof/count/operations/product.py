"""Matrix products; their gradients are matrix products too, which torch runs as such."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from archprof.count import macs
from archprof.count.formulas import Count, aten, real_products, register_formula

if TYPE_CHECKING:
    from archprof.trace.record import Operation


@register_formula(*aten("mm bmm mv dot vdot _int_mm _scaled_mm _scaled_mm_v2 matmul"))
def product(operation: Operation) -> Count:
    """Left @ right."""
    left, right = operation.arguments[:2]
    count = macs.matrix_product(left.shape, right.shape if len(right.shape) > 1 else (*right.shape, 1))
    return Count(count * real_products(left, right))


@register_formula(*aten("addmm baddbmm addbmm addmv _addmm_activation"))
def product_added(operation: Operation) -> Count:
    """A product, and a sum for each element of the result."""
    _, left, right = operation.arguments[:3]
    count = macs.matrix_product(left.shape, right.shape if len(right.shape) > 1 else (*right.shape, 1))
    return Count(count * real_products(left, right), operation.outputs[0].numel)


@register_formula(*aten("_grouped_mm _scaled_grouped_mm"))
def grouped_product(operation: Operation) -> Count:
    """Every row meets the matrix of its group."""
    left, right = operation.arguments[:2]
    return Count(macs.grouped_product(left.shape, right.shape))


@register_formula("aten.linear")
def linear(operation: Operation) -> Count:
    """Input @ weightᵀ, and a bias where there is one."""
    input_, weight = operation.arguments[:2]
    biased = len(operation.arguments) > 2 and operation.arguments[2] is not None
    count = macs.matrix_product(input_.shape, (weight.shape[-1], weight.shape[0]))
    return Count(count * real_products(input_, weight), operation.outputs[0].numel if biased else 0)


@register_formula("aten._weight_int8pack_mm")
def int8_product(operation: Operation) -> Count:
    """A product with weights in 8 bits, whose scales are applied to the result."""
    left, right = operation.arguments[:2]
    return Count(macs.matrix_product(left.shape, right.shape[::-1]), operation.outputs[0].numel)


@register_formula("aten._trilinear")
def trilinear(operation: Operation) -> Count:
    """nn.Bilinear: the product of three tensors, summed; one of its two products is in the MAC."""
    shapes = []
    for tensor, added in zip(operation.arguments[:3], operation.arguments[3:6], strict=True):
        shape = list(tensor.shape)
        for dimension in added:
            shape.insert(dimension, 1)
        shapes.append(shape)
    products = prod(map(max, zip(*shapes, strict=True)))
    return Count(products, products)


@register_formula("aten.affine_grid_generator")
def affine_grid(operation: Operation) -> Count:
    """Every point of the grid, and a 1, meets the matrix."""
    return Count(operation.outputs[0].numel * operation.arguments[0].shape[-1])


@register_formula("aten.addr")
def outer_product_added(operation: Operation) -> Count:
    """An outer product sums over nothing: a product and a sum for each element."""
    return Count(0, 2 * operation.outputs[0].numel)
