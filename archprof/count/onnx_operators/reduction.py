"""Reductions, sorting, and Fourier transforms."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from archprof.count.formulas import Count
from archprof.count.onnx_operators.registry import MICROSOFT, register

if TYPE_CHECKING:
    from archprof.trace.onnx_graph.record import Operation

_PER_INPUT = {
    "ReduceSum": 1,
    "ReduceProd": 1,
    "ReduceMax": 1,
    "ReduceMin": 1,
    "ReduceMean": 1,
    "ArgMax": 1,
    "ArgMin": 1,
    # Square or absolute value, and sum.
    "ReduceL1": 2,
    "ReduceL2": 2,
    "ReduceSumSquare": 2,
    "ReduceLogSum": 1,
    # Largest, subtract, exponentiate, sum, logarithm.
    "ReduceLogSumExp": 5,
}
_PER_OUTPUT = {"ReduceMean": 1, "ReduceLogSum": 1}
"""The quotient, the logarithm."""


@register(*_PER_INPUT)
def _reduce(operation: Operation) -> Count:
    source, output, type_ = operation.operand(0), operation.made[0], operation.node.type
    axes = operation.tensor(1)
    unchanged = operation.attributes.get("noop_with_empty_axes") and (axes is None or not axes.numel)
    if unchanged and "axes" not in operation.attributes:
        return Count()
    return Count(0, _PER_INPUT[type_] * source.numel + _PER_OUTPUT.get(type_, 0) * output.numel)


@register("ReduceSumInteger", domain=MICROSOFT)
def _integer_sum(operation: Operation) -> Count:
    return Count(0, operation.operand(0).numel)


@register("TopK")
def _sort(operation: Operation) -> Count:
    # Comparisons of a merge sort along the axis: n ⌈log₂ n⌉.
    shape = operation.operand(0).sizes
    length = shape[operation.attributes.get("axis", -1)] if shape else 1
    return Count(0, prod(shape) * max(length - 1, 0).bit_length())


@register("NonMaxSuppression")
def _suppress(operation: Operation) -> Count:
    # Every pair of an image's boxes may be compared, for each class: intersection (6), union (3), quotient, comparison.
    batch, boxes = operation.operand(0).sizes[:2]
    classes = operation.operand(1).sizes[1]
    return Count(0, batch * classes * (11 * boxes * (boxes - 1) // 2))


def _fourier(transforms: int, length: int, *, real: bool) -> int:
    """5 N log₂ N real FLOPs for a complex transform of length N (Cooley and Tukey 1965), half for a real one."""
    flops = 5 * transforms * length * max(length - 1, 0).bit_length()
    return flops // 2 if real else flops


@register("DFT")
def _transform(operation: Operation) -> Count:
    source, output, length = operation.operand(0), operation.made[0], operation.tensor(1)
    given = operation.tensor(2)
    if given is not None and given.value is not None:
        axis = int(given.value.reshape(-1)[0])
    else:
        axis = operation.attributes.get("axis", 1 if operation.version < 20 else -2)
    # One side of a spectrum goes back to real numbers.
    back = bool(operation.attributes.get("onesided") and operation.attributes.get("inverse"))
    real = back or source.sizes[-1] == 1
    spectrum = source.sizes[axis] if operation.attributes.get("onesided") and not back else output.sizes[axis]
    if length is not None and length.value is not None:
        spectrum = int(length.value.reshape(-1)[0])
    transforms = prod(source.sizes[:-1]) // source.sizes[axis]
    return Count(0, _fourier(transforms, spectrum, real=real))


@register("STFT")
def _short_time(operation: Operation) -> Count:
    source, output, window = operation.operand(0), operation.made[0], operation.tensor(2)
    batch, frames, bins = output.sizes[:3]
    length = window.sizes[-1] if window is not None else None
    frame_length = operation.tensor(3)
    if frame_length is not None and frame_length.value is not None:
        length = int(frame_length.value.reshape(-1)[0])
    if length is None:
        length = 2 * (bins - 1) if operation.attributes.get("onesided", 1) else bins
    windowed = batch * frames * length if window is not None else 0
    real = len(source.sizes) < 3 or source.sizes[-1] == 1
    return Count(0, windowed + _fourier(batch * frames, length, real=real))


@register("Rfft", "Irfft", domain=MICROSOFT)
def _real_transform(operation: Operation) -> Count:
    plain = operation.operand(0) if operation.node.type == "Rfft" else operation.made[0]
    axes = plain.sizes[-operation.attributes["signal_ndim"] :]
    return Count(0, _fourier(plain.numel // prod(axes), prod(axes), real=True))
