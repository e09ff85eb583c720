"""Pooling and resampling: windows that slide, and values between pixels."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from archprof.count.formulas import Count
from archprof.count.onnx_operators.quantise import QUANTISE
from archprof.count.onnx_operators.registry import MICROSOFT, NCHWC, register

if TYPE_CHECKING:
    from archprof.trace.onnx_graph.record import Operation

_CUBIC = 31
"""16 products with the neighbours' weights and their sum."""


def _window(operation: Operation) -> int:
    return prod(operation.attributes["kernel_shape"])


@register("MaxPool")
@register("MaxPool", domain=NCHWC)
@register("NhwcMaxPool", domain=MICROSOFT)
def _max_pool(operation: Operation) -> Count:
    return Count(0, operation.made[0].numel * _window(operation))


@register("AveragePool")
@register("AveragePool", domain=NCHWC)
def _average_pool(operation: Operation) -> Count:
    return Count(0, operation.made[0].numel * (_window(operation) + 1))


@register("QLinearAveragePool", domain=MICROSOFT)
def _quantised_average(operation: Operation) -> Count:
    output = operation.made[0].numel
    return Count(0, output * (_window(operation) + 1 + QUANTISE))


@register("LpPool")
def _power_pool(operation: Operation) -> Count:
    # Power and sum of each element of the window, and the root.
    return Count(0, operation.made[0].numel * (2 * _window(operation) + 1))


@register("GlobalAveragePool")
@register("GlobalAveragePool", domain=NCHWC)
def _global_average(operation: Operation) -> Count:
    # The sum of everything, and the quotient.
    return Count(0, operation.operand(0).numel + operation.made[0].numel)


@register("GlobalMaxPool")
@register("GlobalMaxPool", domain=NCHWC)
def _global_max(operation: Operation) -> Count:
    return Count(0, operation.operand(0).numel)


@register("RoiAlign")
def _region_align(operation: Operation) -> Count | None:
    # Bilinear samples, and their mean or the largest; without a ratio their number depends on the regions' sizes.
    samples = operation.attributes.get("sampling_ratio", 0) ** 2
    joined = samples if operation.attributes.get("mode", "avg") == "avg" else samples - 1
    return Count(0, operation.made[0].numel * (_linear(2) * samples + joined)) if samples else None


@register("MaxRoiPool")
def _region_pool(operation: Operation) -> Count | None:
    # Its windows are as large as the regions, which are values.
    return None


@register("GlobalLpPool")
def _global_power(operation: Operation) -> Count:
    return Count(0, 2 * operation.operand(0).numel + operation.made[0].numel)


@register("Resize", "Upsample")
@register("Upsample", domain=NCHWC)
def _resize(operation: Operation) -> Count:
    mode, output = operation.attributes.get("mode", "nearest"), operation.made[0]
    if mode == "nearest":
        return Count()
    return Count(0, (_CUBIC if mode == "cubic" else _linear(_resized_axes(operation))) * output.numel)


def _linear(axes: int) -> int:
    """Products with the 2ⁿ neighbours' weights and their sum; the weights are computed once a row and column."""
    return int(2 * 2**axes - 1)


def _resized_axes(operation: Operation) -> int:
    """The axes that an image has: all but batch and channels, or those that the node names or changes."""
    source, output = operation.operand(0).sizes, operation.made[0].sizes
    if "axes" in operation.attributes:
        return len(operation.attributes["axes"])
    changed = sum(before != after for before, after in zip(source, output, strict=True))
    return changed if len(source) < 3 else max(changed, len(source) - 2)


@register("GridSample")
@register("GridSample", domain=MICROSOFT)
def _grid_sample(operation: Operation) -> Count:
    axes, mode = operation.operand(1).sizes[-1], operation.attributes.get("mode", "linear")
    if mode == "nearest":
        return Count()
    cubic = mode in ("cubic", "bicubic")
    return Count(0, (_CUBIC if cubic else _linear(axes)) * operation.made[0].numel)


@register("Col2Im")
def _fold(operation: Operation) -> Count:
    # Each element of a column is added to its place.
    return Count(0, operation.operand(0).numel)
