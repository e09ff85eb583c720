"""Multiply-accumulates of the convolution, matrix product and attention family, as functions of shapes.

A MAC is one multiplication and one addition to a running sum; a bias is not one.
"""

from __future__ import annotations

from math import prod

Shape = tuple[int, ...]


def convolution(input_: Shape, weight: Shape, output: Shape, *, transposed: bool) -> int:
    """MACs of a convolution of any dimension, grouped or not.

    Args:
        input_: (N, C_in, *spatial).
        weight: (C_out, C_in / groups, *kernel), or transposed (C_in, C_out / groups, *kernel).
        output: (N, C_out, *spatial).
        transposed: Each input element is then multiplied with its slice of the weight and spread over the
            output; otherwise each output element is a sum over its slice of the weight.
    """
    return prod(input_ if transposed else output) * prod(weight[1:])


def matrix_product(left: Shape, right: Shape) -> int:
    """MACs of (..., n, k) @ (..., k, m), the leading sizes those of the left (already broadcast)."""
    return prod(left) * right[-1]


def grouped_product(left: Shape, right: Shape) -> int:
    """MACs of a grouped matrix product, where every row (or column) belongs to one group and meets only its matrix.

    Args:
        left: (G, n, k), or (n, k) with n or k the sum over the groups.
        right: (G, k, m), or (k, m) with k or m the sum over the groups.
    """
    summed_columns = len(left) == 3 and len(right) == 2
    return matrix_product(left[1:] if summed_columns else left, right)


def attention(query: Shape, key: Shape, value: Shape) -> int:
    """MACs of scaled-dot-product attention: query · keyᵀ, and its softmax times value.

    Args:
        query: (..., heads, L, E).
        key: (..., heads or fewer, S, E); a mask saves nothing, as the dense kernels compute every product.
        value: (..., heads or fewer, S, Ev).
    """
    return prod(query[:-1]) * key[-2] * (query[-1] + value[-1])
