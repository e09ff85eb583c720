"""Functions of each element, and their gradients: as many FLOPs an element as they have elementary functions.

Whatever torch itself marks as pointwise and is not here is one (:func:`pointwise`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.count.formulas import Count, as_tensors, aten, per_input, per_output, register_formula

if TYPE_CHECKING:
    from archprof.trace.record import Operation

_PER_OUTPUT = {
    1: """
        hardtanh leaky_relu relu relu6 prelu _prelu_kernel threshold log_sigmoid_forward clamp clamp_min clamp_max
        masked_fill where rrelu_with_noise glu floor_divide rsub isin isfinite bernoulli native_dropout cross
        linalg_cross
    """,
    2: "silu addcmul addcdiv hardsigmoid celu elu selu lerp logit softplus",
    3: "hardswish mish gelu",
}
_BACKWARD = {
    # The derivative's elementary functions, and the product with the gradient.
    1: "hardtanh_backward leaky_relu_backward threshold_backward hardshrink_backward softshrink_backward",
    2: "elu_backward hardsigmoid_backward native_dropout_backward rrelu_with_noise_backward",
    3: """
        sigmoid_backward tanh_backward hardswish_backward softplus_backward log_sigmoid_backward logit_backward
        _prelu_kernel_backward glu_backward
    """,
    6: "silu_backward",
    7: "gelu_backward",
    9: "mish_backward",
}
for _table in (_PER_OUTPUT, _BACKWARD):
    for _flops, _names in _table.items():
        register_formula(*aten(_names))(per_output(_flops))

# |a − b| ≤ absolute + relative · |b|: two sums, two absolute values, a product, a comparison; and whether all are.
register_formula("aten.allclose")(per_input(7))


def pointwise(operation: Operation) -> Count:
    """One FLOP an output element, for whatever torch itself marks as pointwise.

    What gives no tensor (``equal``, and lists that change in place) counts its first argument's elements.
    """
    results = operation.outputs or as_tensors(operation.arguments[0])
    return Count(0, sum(result.numel for result in results))
