"""Reductions, scans, softmax, sorting and searching, and their gradients."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from archprof.count.formulas import Count, aten, per_input, per_output, register_formula

if TYPE_CHECKING:
    from archprof.trace.record import Operation

_PER_INPUT = {
    # One step an element.
    1: """
        sum prod amax amin aminmax max min argmax argmin any all _is_all_true _is_any_true cumsum cumprod logcumsumexp
        nansum count_nonzero median nanmedian scatter_add scatter_reduce index_add index_reduce segment_reduce trace
        mode kthvalue _cummax_helper _cummin_helper cummax cummin _logcumsumexp histc histogram bincount hash_tensor
        _histogramdd_bin_edges _histogramdd_from_bin_cts _histogramdd_from_bin_tensors
    """,
    # Square (or absolute power) and sum. A random choice divides each probability by a random number and compares.
    2: "linalg_vector_norm norm dist multinomial",
    # Mean, subtract, square, sum: the division and the root are one an output.
    4: "var std var_mean std_mean",
    # Largest, subtract, exponentiate, sum, divide.
    5: "_softmax _log_softmax _safe_softmax _masked_softmax logsumexp",
}
for _flops, _names in _PER_INPUT.items():
    register_formula(*aten(_names))(per_input(_flops))

register_formula(*aten("searchsorted bucketize"))(per_output(1))
# softmax: y · (g − Σ g·y); log-softmax: g − exp(y) · Σ g.
register_formula(*aten("_softmax_backward_data _log_softmax_backward_data _masked_softmax_backward"))(per_input(4))


@register_formula("aten.mean")
def mean(operation: Operation) -> Count:
    """A sum, and a division for each output."""
    return Count(0, operation.arguments[0].numel + operation.outputs[0].numel)


@register_formula(*aten("sort topk argsort"))
def sort(operation: Operation) -> Count:
    """Comparisons of a merge sort along the last dimension: n ⌈log₂ n⌉."""
    shape = operation.arguments[0].shape
    length = shape[-1] if shape else 1
    return Count(0, prod(shape) * max(length - 1, 0).bit_length())


@register_formula("torchvision.nms")
def non_maximum_suppression(operation: Operation) -> Count:
    """Every pair of boxes may be compared: intersection (6) and union (3), division and comparison."""
    boxes = operation.arguments[0].shape[0]
    return Count(0, 11 * boxes * (boxes - 1) // 2)
