"""Fourier transforms, distances, and what adds while it moves."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from archprof.count.formulas import Count, aten, per_input, register_formula

if TYPE_CHECKING:
    from archprof.trace.record import Operation


@register_formula(*aten("_fft_r2c _fft_c2c _fft_c2r"))
def fourier(operation: Operation) -> Count:
    """5 N log₂ N real FLOPs for a complex transform of length N (Cooley and Tukey 1965), half for a real one."""
    spectrum = max((operation.arguments[0], operation.outputs[0]), key=lambda tensor: tensor.numel)
    length = prod(spectrum.shape[dimension] for dimension in operation.arguments[1])
    flops = 5 * spectrum.numel * max(length - 1, 0).bit_length()
    return Count(0, flops if operation.name == "aten._fft_c2c" else flops // 2)


@register_formula(*aten("_cdist_forward _euclidean_dist _pdist_forward"))
def distances(operation: Operation) -> Count:
    """Subtract, square (or power), sum for each pair and coordinate; one root a pair."""
    return Count(0, operation.outputs[0].numel * (3 * operation.arguments[0].shape[-1] + 1))


@register_formula("aten._cdist_backward")
def distances_backward(operation: Operation) -> Count:
    """Subtract, divide by the distance, multiply by its gradient, sum."""
    gradient, left = operation.arguments[:2]
    return Count(0, 4 * gradient.numel * left.shape[-1])


@register_formula(*aten("_embedding_bag _embedding_bag_forward_only"))
def embedding_bag(operation: Operation) -> Count:
    """Each row that is looked up is added to its bag."""
    return Count(0, operation.arguments[1].numel * operation.arguments[0].shape[-1])


@register_formula(*aten("index_put _index_put_impl _unsafe_index_put put"))
def put(operation: Operation) -> Count:
    """Moves elements, unless it adds them to what is there."""
    values, *accumulate = operation.arguments[2:4]
    return Count(0, values.numel if any(accumulate) else 0)


@register_formula("aten._unsafe_masked_index_put_accumulate")
def masked_put(operation: Operation) -> Count:
    """Each value is added to what is there."""
    return Count(0, operation.arguments[3].numel)


# Each element, or each gradient, is added to its place.
register_formula(
    *aten("col2im unfold_backward embedding_dense_backward _embedding_bag_dense_backward _embedding_bag_backward"),
    *aten("reflection_pad1d_backward reflection_pad2d_backward reflection_pad3d_backward"),
    *aten("replication_pad1d_backward replication_pad2d_backward replication_pad3d_backward"),
)(per_input(1))
