"""Pooling: one FLOP for each element of each window, and one for each division; a maximum is not divided."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from archprof.count.formulas import Count, aten, per_input, register_formula
from archprof.trace.regions import WINDOW_ELEMENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.trace.record import Operation

BILINEAR = 7
"""FLOPs of a bilinear sample: the products with four neighbours' weights, and their sum."""


def window(kernel: Sequence[int], dimensions: int) -> int:
    """Elements of a pooling window; a single number in ``kernel`` stands for all dimensions."""
    return int(prod([*kernel] * dimensions if len(kernel) == 1 else kernel))


def adaptive_windows(inputs: Sequence[int], outputs: Sequence[int]) -> int:
    """Elements of all the windows of adaptive pooling together, which overlap where the sizes do not divide.

    Along each dimension window i goes from ⌊i · input / output⌋ to ⌈(i + 1) · input / output⌉, as ATen's
    AdaptivePooling.h has it.

    Args:
        inputs: Sizes of the map that is pooled.
        outputs: Sizes of the result, as many.
    """
    return prod(
        sum(-(-(index + 1) * size // count) - index * size // count for index in range(count))
        for size, count in zip(inputs, outputs, strict=True)
    )


def _dimensions(operation: Operation) -> int:
    return int(operation.name.split("pool")[1][0])


@register_formula(*aten("max_pool1d max_pool2d_with_indices max_pool3d_with_indices max_pool2d"))
@register_formula(*aten("fractional_max_pool2d fractional_max_pool3d"))
def max_pool(operation: Operation) -> Count:
    """Each element of each window; fractional windows have a fixed size too, and lie at random."""
    return Count(0, operation.outputs[0].numel * window(operation.arguments[1], _dimensions(operation)))


@register_formula(*aten("avg_pool1d avg_pool2d avg_pool3d"))
def average_pool(operation: Operation) -> Count:
    """Each element of each window, and a division."""
    return Count(0, operation.outputs[0].numel * (window(operation.arguments[1], _dimensions(operation)) + 1))


@register_formula(*aten("avg_pool2d_backward avg_pool3d_backward"))
def average_pool_backward(operation: Operation) -> Count:
    """Each gradient is divided once and added to each element of its window."""
    gradient, _, kernel = operation.arguments[:3]
    return Count(0, gradient.numel * (window(kernel, _dimensions(operation)) + 1))


@register_formula(*aten("adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d"))
def adaptive_max_pool(operation: Operation) -> Count:
    """Each element of each window."""
    return Count(0, _adaptive(operation, operation.arguments[0].shape, operation.outputs[0].shape))


@register_formula(*aten("adaptive_avg_pool1d _adaptive_avg_pool2d _adaptive_avg_pool3d mkldnn_adaptive_avg_pool2d"))
def adaptive_average_pool(operation: Operation) -> Count:
    """Each element of each window, and a division."""
    input_, output = operation.arguments[0], operation.outputs[0]
    return Count(0, _adaptive(operation, input_.shape, output.shape) + output.numel)


@register_formula(*aten("_adaptive_avg_pool2d_backward _adaptive_avg_pool3d_backward"))
def adaptive_average_pool_backward(operation: Operation) -> Count:
    """Each gradient is divided once and added to each element of its window."""
    gradient, input_ = operation.arguments[:2]
    return Count(0, _adaptive(operation, input_.shape, gradient.shape) + gradient.numel)


def _adaptive(operation: Operation, pooled: Sequence[int], result: Sequence[int]) -> int:
    dimensions = _dimensions(operation)
    return prod(result[:-dimensions]) * adaptive_windows(pooled[-dimensions:], result[-dimensions:])


# Each gradient is added where its maximum came from.
register_formula(
    *aten("max_pool2d_with_indices_backward max_pool3d_with_indices_backward max_pool2d_backward"),
    *aten("adaptive_max_pool2d_backward adaptive_max_pool3d_backward"),
    *aten("fractional_max_pool2d_backward fractional_max_pool3d_backward"),
    "torchvision._roi_pool_backward",
)(per_input(1))


@register_formula("torchvision.roi_align", "torchvision.ps_roi_align")
def region_align(operation: Operation) -> Count | None:
    """The mean of bilinear samples, ratio × ratio of them; without a ratio as many as a pass with values found."""
    samples = _samples(operation, operation.arguments[5])
    # The samples, their sum (one less than there are), and a division.
    return None if samples is None else Count(0, (BILINEAR + 1) * samples)


@register_formula("torchvision._roi_align_backward", "torchvision._ps_roi_align_backward")
def region_align_backward(operation: Operation) -> Count | None:
    """Each gradient is divided once; each sample's four neighbours take a product and a sum."""
    ratio = operation.arguments[9 if operation.name == "torchvision._roi_align_backward" else 6]
    samples = _samples(operation, ratio)
    return None if samples is None else Count(0, 8 * samples + operation.arguments[0].numel)


def _samples(operation: Operation, ratio: int) -> int | None:
    """The samples of all windows together; None where neither a ratio nor the regions' values tell them."""
    if ratio > 0:
        results = operation.arguments[0] if operation.name.endswith("backward") else operation.outputs[0]
        return int(results.numel * ratio**2)
    return _window_elements(operation)


@register_formula("torchvision.roi_pool")
def region_pool(operation: Operation) -> Count | None:
    """Each element of each window."""
    elements = _window_elements(operation)
    return None if elements is None else Count(0, elements)


@register_formula("torchvision.ps_roi_pool", "torchvision._ps_roi_pool_backward")
def region_average_pool(operation: Operation) -> Count | None:
    """Each element of each window, and a division for each window; the gradients take the same."""
    elements = _window_elements(operation)
    windows = operation.arguments[0] if operation.name.endswith("backward") else operation.outputs[0]
    return None if elements is None else Count(0, elements + windows.numel)


def _window_elements(operation: Operation) -> int | None:
    """Elements of all windows together: none where there are no regions, None where nobody has read the regions."""
    return operation.keywords.get(WINDOW_ELEMENTS) if operation.arguments[1].numel else 0
