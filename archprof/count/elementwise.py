"""What operations outside the convolution, matrix product and attention family cost.

The rule: one FLOP for each elementary function (sum, product, comparison, exponential ...) on each element. What a
kernel spends inside on approximating an exponential is not counted, as no counter in the field does.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from archprof.count.formulas import Count, Formula, register_formula

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.trace.record import Operation


def as_tensors(value: Any) -> tuple[Any, ...]:
    """A tensor, or a list of them, as a list."""
    return value if isinstance(value, tuple) else (value,)


def per_output(flops: int) -> Formula:
    """So many FLOPs for each element of the first output."""
    return lambda operation: Count(0, flops * operation.outputs[0].numel)


def per_input(flops: int) -> Formula:
    """So many FLOPs for each element of the first input."""
    return lambda operation: Count(0, flops * operation.arguments[0].numel)


_PER_OUTPUT = {
    # Pointwise functions made of several elementary ones; every other pointwise operation is 1 (see POINTWISE).
    2: ("silu", "addcmul", "addcdiv", "hardsigmoid", "celu", "elu", "selu", "lerp", "logit", "softplus"),
    3: ("hardswish", "mish", "gelu"),
    1: (
        *(
            "hardtanh",
            "leaky_relu",
            "relu",
            "relu6",
            "prelu",
            "_prelu_kernel",
            "threshold",
            "log_sigmoid_forward",
        ),
        *(
            "clamp",
            "clamp_min",
            "clamp_max",
            "masked_fill",
            "where",
            "rrelu_with_noise",
            "glu",
            "floor_divide",
            "rsub",
            "isin",
        ),
        *("isfinite", "bernoulli", "native_dropout", "cross", "linalg_cross", "searchsorted", "bucketize"),
    ),
}
for _flops, _names in _PER_OUTPUT.items():
    register_formula(*(f"aten.{name}" for name in _names))(per_output(_flops))

_PER_INPUT = {
    # Reductions: one step an element.
    1: (
        *("sum", "prod", "amax", "amin", "aminmax", "max", "min", "argmax", "argmin", "any", "all"),
        *("cumsum", "cumprod", "logcumsumexp", "nansum", "count_nonzero", "median", "nanmedian"),
        *("scatter_add", "scatter_reduce", "index_add", "index_reduce", "trace", "mode", "kthvalue"),
        *("_cummax_helper", "_cummin_helper", "cummax", "cummin", "_logcumsumexp", "histc", "bincount"),
        *("nll_loss_forward", "nll_loss2d_forward"),
    ),
    # Square (or absolute power) and sum.
    2: ("linalg_vector_norm", "norm", "_linalg_det", "dist"),
    # Subtract, square (or absolute value, or its mixture with it), sum; multiply by the norm's share.
    3: ("mse_loss", "smooth_l1_loss", "huber_loss", "soft_margin_loss", "_weight_norm_interface"),
    # Mean, subtract, square, sum: the division and the root are one an output.
    4: ("var", "std", "var_mean", "std_mean"),
    # Largest, subtract, exponentiate, sum, divide.
    5: ("_softmax", "_log_softmax", "_safe_softmax", "_masked_softmax", "logsumexp"),
    # Two logarithms, two products, 1 − x twice, two sums.
    8: ("binary_cross_entropy",),
}
for _flops, _names in _PER_INPUT.items():
    register_formula(*(f"aten.{name}" for name in _names))(per_input(_flops))


@register_formula("aten.mean")
def _mean(operation: Operation) -> Count:
    return Count(0, operation.arguments[0].numel + operation.outputs[0].numel)


def pointwise(operation: Operation) -> Count:
    """One FLOP an output element, for whatever torch itself marks as pointwise.

    What gives no tensor (``equal``, and lists that change in place) counts its first argument's elements.
    """
    results = operation.outputs or as_tensors(operation.arguments[0])
    return Count(0, sum(result.numel for result in results))


@register_formula(
    "aten.native_batch_norm",
    "aten._native_batch_norm_legit",
    "aten._native_batch_norm_legit_no_training",
    "aten._batch_norm_with_update",
    "aten._batch_norm_no_update",
    "aten.cudnn_batch_norm",
    "aten.batch_norm",
)
def _batch_norm(operation: Operation) -> Count:
    # Subtract the mean, multiply by 1/σ; multiply and add where affine. Training computes mean and variance too.
    input_, weight = operation.arguments[:2]
    training = operation.name not in (
        "aten._native_batch_norm_legit_no_training",
        "aten._batch_norm_no_update",
    ) and any(argument is True for argument in operation.arguments[5:6])
    return Count(0, input_.numel * (2 + 2 * (weight is not None) + 4 * training))


@register_formula("aten.native_layer_norm", "aten.native_group_norm")
def _norm(operation: Operation) -> Count:
    # Mean and variance (4), subtract and divide (2), and an affine map (2) where there is one.
    affine = operation.arguments[2 if operation.name == "aten.native_layer_norm" else 1] is not None
    return Count(0, operation.arguments[0].numel * (6 + 2 * affine))


@register_formula("aten._fused_rms_norm", "aten.rms_norm")
def _rms_norm(operation: Operation) -> Count:
    # Square and sum (2), divide (1), and a scale (1) where there is one.
    affine = len(operation.arguments) > 2 and operation.arguments[2] is not None
    return Count(0, operation.arguments[0].numel * (3 + affine))


def window(kernel: Sequence[int], dimensions: int) -> int:
    """Elements of a pooling window; a single number in ``kernel`` stands for all dimensions."""
    return int(prod([*kernel] * dimensions if len(kernel) == 1 else kernel))


def _window(operation: Operation) -> int:
    return window(operation.arguments[1], int(operation.name.split("pool")[1][0]))


@register_formula("aten.max_pool1d", "aten.max_pool2d_with_indices", "aten.max_pool3d_with_indices", "aten.max_pool2d")
def _max_pool(operation: Operation) -> Count:
    return Count(0, operation.outputs[0].numel * _window(operation))


@register_formula("aten.avg_pool1d", "aten.avg_pool2d", "aten.avg_pool3d")
def _average_pool(operation: Operation) -> Count:
    return Count(0, operation.outputs[0].numel * (_window(operation) + 1))


@register_formula(
    "aten.adaptive_avg_pool1d",
    "aten._adaptive_avg_pool2d",
    "aten._adaptive_avg_pool3d",
    "aten.adaptive_max_pool1d",
    "aten.adaptive_max_pool2d",
    "aten.adaptive_max_pool3d",
    "aten.fractional_max_pool2d",
    "torchvision.roi_align",
    "torchvision.roi_pool",
    "torchvision.ps_roi_align",
)
def _adaptive_pool(operation: Operation) -> Count:
    # The windows tile the input: each element is taken once, and each output divided once.
    return Count(0, operation.arguments[0].numel + operation.outputs[0].numel)


INTERPOLATION = {
    "upsample_linear1d": 3,
    "upsample_bilinear2d": 7,
    "_upsample_bilinear2d_aa": 7,
    "upsample_trilinear3d": 15,
    "upsample_bicubic2d": 31,
    "_upsample_bicubic2d_aa": 31,
}
"""Products with the neighbours' weights and their sum; the weights are computed once a row and column."""

GRID_SAMPLE = {2: 7, 3: 15}
"""The same for a sample at any place, by the coordinates of the place."""

for _name, _flops in INTERPOLATION.items():
    register_formula(f"aten.{_name}")(per_output(_flops))


@register_formula("aten.grid_sampler_2d", "aten.grid_sampler_3d", "aten.cudnn_grid_sampler")
def _grid_sample(operation: Operation) -> Count:
    return Count(0, GRID_SAMPLE[operation.arguments[1].shape[-1]] * operation.outputs[0].numel)


@register_formula("aten.sort", "aten.topk", "aten.argsort")
def _sort(operation: Operation) -> Count:
    # Comparisons of a merge sort along the last dimension: n ⌈log₂ n⌉.
    shape = operation.arguments[0].shape
    length = shape[-1] if shape else 1
    return Count(0, prod(shape) * max(length - 1, 0).bit_length())


@register_formula("aten._fft_r2c", "aten._fft_c2c", "aten._fft_c2r")
def _fft(operation: Operation) -> Count:
    # 5 N log₂ N real FLOPs for a complex transform of length N (Cooley and Tukey 1965), half for a real one.
    spectrum = max((operation.arguments[0], operation.outputs[0]), key=lambda tensor: tensor.numel)
    length = prod(spectrum.shape[dimension] for dimension in operation.arguments[1])
    flops = 5 * spectrum.numel * max(length - 1, 0).bit_length()
    return Count(0, flops if operation.name == "aten._fft_c2c" else flops // 2)


@register_formula("aten._cdist_forward", "aten._euclidean_dist")
def _distances(operation: Operation) -> Count:
    # Subtract, square (or power), sum for each pair and coordinate; one root a pair.
    output = operation.outputs[0]
    return Count(0, output.numel * (3 * operation.arguments[0].shape[-1] + 1))


@register_formula("aten._embedding_bag", "aten._embedding_bag_forward_only")
def _embedding_bag(operation: Operation) -> Count:
    return Count(0, operation.arguments[1].numel * operation.arguments[0].shape[-1])


@register_formula("torchvision.nms")
def _nms(operation: Operation) -> Count:
    # Every pair of boxes may be compared: intersection (6) and union (3), division and comparison.
    boxes = operation.arguments[0].shape[0]
    return Count(0, 11 * boxes * (boxes - 1) // 2)


@register_formula("aten.index_put", "aten._index_put_impl", "aten._unsafe_index_put", "aten.put")
def _put(operation: Operation) -> Count:
    # Moves elements, unless it adds them to what is there.
    values, *accumulate = operation.arguments[2:4]
    return Count(0, values.numel if any(accumulate) else 0)


@register_formula("aten.col2im")
def _fold(operation: Operation) -> Count:
    # Each element of a column is added to its place.
    return Count(0, operation.arguments[0].numel)
