"""What the operations of a backward pass cost; those that it shares with the forward pass are counted as there.

The rule is the forward pass's: a MAC in the convolution, matrix product and attention family, one FLOP for each
elementary function on each element elsewhere. A gradient that nobody asked for (``output_mask``) costs nothing.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from archprof.count import macs
from archprof.count.elementwise import GRID_SAMPLE, INTERPOLATION, per_input, per_output, window
from archprof.count.formulas import Count, real_products, register_formula

if TYPE_CHECKING:
    from archprof.trace.record import Operation


@register_formula("aten.convolution_backward", "aten.convolution_backward_overrideable")
def _convolution(operation: Operation) -> Count:
    # The gradients of the input and of the weight each take every product of the forward pass once more, with the
    # groups that it had; that of the bias is a sum.
    gradient, input_, weight = operation.arguments[:3]
    of_input, of_weight, of_bias = operation.arguments[-1]
    transposed = operation.arguments[7] if operation.name == "aten.convolution_backward" else operation.arguments[6]
    forward = macs.convolution(input_.shape, weight.shape, gradient.shape, transposed=transposed)
    return Count((of_input + of_weight) * forward * real_products(input_, weight), of_bias * gradient.numel)


@register_formula(
    "aten._scaled_dot_product_flash_attention_backward",
    "aten._scaled_dot_product_flash_attention_for_cpu_backward",
    "aten._scaled_dot_product_efficient_attention_backward",
    "aten._scaled_dot_product_cudnn_attention_backward",
    "aten._scaled_dot_product_fused_attention_overrideable_backward",
)
def _attention(operation: Operation) -> Count:
    # The scores were not kept, so they are computed again; then the gradients of the values, the weights, the
    # queries and the keys (Dao et al. 2022, algorithm 4).
    gradient, query, key, value = operation.arguments[:4]
    again = macs.attention(query.shape, key.shape, (*value.shape[:-1], 0))
    scores = query.numel // query.shape[-1] * key.shape[-2]
    # Scores: scale, subtract, exponentiate; their gradient: subtract, multiply, scale. Σ gradient · output.
    return Count(again + 2 * macs.attention(query.shape, key.shape, value.shape), 6 * scores + 2 * gradient.numel)


@register_formula("torchvision._deform_conv2d_backward")
def _deformable_convolution(operation: Operation) -> Count:
    # As a convolution; each bilinear sample is taken again (7), and gives gradients of the input (8), and of its two
    # offsets and its mask (8 each).
    gradient, input_, weight, offset = operation.arguments[:4]
    samples = prod((gradient.shape[0], *gradient.shape[2:], input_.shape[1], *weight.shape[2:]))
    masked = operation.arguments[-1]
    forward = macs.convolution(input_.shape, weight.shape, gradient.shape, transposed=False)
    return Count(2 * forward, samples * (7 + 8 + 16 + 8 * masked) + 2 * offset.numel + gradient.numel)


# Subtract the mean and divide (2), sum the gradients (1) and their products with that (2); the input's gradient takes
# two products and two sums more (4), and without training one product.
@register_formula(
    "aten.native_batch_norm_backward",
    "aten.batch_norm_backward",
    "aten.cudnn_batch_norm_backward",
    "aten.miopen_batch_norm_backward",
)
def _batch_norm(operation: Operation) -> Count:
    numel = operation.arguments[1].numel
    if operation.name in ("aten.cudnn_batch_norm_backward", "aten.miopen_batch_norm_backward"):
        return Count(0, 9 * numel)
    training, (of_input, *of_affine) = operation.arguments[7], operation.arguments[9]
    sums = 5 * any(of_affine) if not training else 5
    return Count(0, numel * (sums + (4 if training else 1) * of_input))


@register_formula("aten.native_layer_norm_backward", "aten.native_group_norm_backward", "aten._fused_rms_norm_backward")
def _norm(operation: Operation) -> Count:
    # Normalise again (2). The input's: scale (1 where there is one), two sums (3), two products and two sums (4). The
    # scale's: multiply and sum (2); the shift's: sum (1).
    weight = operation.arguments[5 if operation.name == "aten.native_layer_norm_backward" else 4]
    of_input, of_scale, *of_shift = operation.arguments[-1]
    per_element = 2 + of_input * (7 + (weight is not None)) + 2 * of_scale + sum(of_shift)
    return Count(0, operation.arguments[1].numel * per_element)


_PER_GRADIENT = {
    # Each gradient is added where its element came from.
    1: (
        *("embedding_dense_backward", "_embedding_bag_dense_backward", "_embedding_bag_backward", "unfold_backward"),
        *("max_pool2d_with_indices_backward", "max_pool3d_with_indices_backward", "max_pool2d_backward"),
        *("adaptive_max_pool2d_backward", "adaptive_max_pool3d_backward"),
        *("fractional_max_pool2d_backward", "fractional_max_pool3d_backward"),
        *("upsample_nearest1d_backward", "upsample_nearest2d_backward", "upsample_nearest3d_backward"),
        *("_upsample_nearest_exact1d_backward", "_upsample_nearest_exact2d_backward"),
        *("_upsample_nearest_exact3d_backward", "reflection_pad1d_backward", "reflection_pad2d_backward"),
        *("reflection_pad3d_backward", "replication_pad1d_backward", "replication_pad2d_backward"),
        *("replication_pad3d_backward",),
    ),
    # softmax: y · (g − Σ g·y); log-softmax: g − exp(y) · Σ g.
    4: ("_softmax_backward_data", "_log_softmax_backward_data", "_masked_softmax_backward"),
}
_PER_RESULT = {
    # The derivative's elementary functions, and the product with the gradient.
    1: ("hardtanh_backward", "leaky_relu_backward", "threshold_backward", "hardshrink_backward", "softshrink_backward"),
    2: ("elu_backward", "hardsigmoid_backward", "native_dropout_backward", "rrelu_with_noise_backward"),
    3: (
        *("sigmoid_backward", "tanh_backward", "hardswish_backward", "softplus_backward", "log_sigmoid_backward"),
        *("logit_backward", "_prelu_kernel_backward", "mse_loss_backward", "smooth_l1_loss_backward"),
        *("huber_loss_backward", "binary_cross_entropy_backward", "soft_margin_loss_backward", "glu_backward"),
        *("_weight_norm_interface_backward",),
    ),
    6: ("silu_backward",),
    7: ("gelu_backward",),
    9: ("mish_backward",),
}
for _flops, _names in _PER_GRADIENT.items():
    register_formula(*(f"aten.{name}" for name in _names))(per_input(_flops))
for _flops, _names in _PER_RESULT.items():
    register_formula(*(f"aten.{name}" for name in _names))(per_output(_flops))
register_formula("aten.nll_loss_backward", "aten.nll_loss2d_backward")(per_input(1))

# Interpolation: each neighbour's share is a product, and is added to what it has.
for _name, _flops in INTERPOLATION.items():
    register_formula(f"aten.{_name}_backward")(per_input(_flops + 1))


@register_formula("aten.grid_sampler_2d_backward", "aten.grid_sampler_3d_backward", "aten.cudnn_grid_sampler_backward")
def _grid_sample(operation: Operation) -> Count:
    # The neighbours' shares for the input; as many products and sums again for each coordinate of the grid.
    native = operation.name != "aten.cudnn_grid_sampler_backward"
    input_, grid = operation.arguments[1:3] if native else operation.arguments[:2]
    of_input, of_grid = operation.arguments[-1] if native else (True, True)
    *points, coordinates = grid.shape
    share = GRID_SAMPLE[coordinates] + 1
    return Count(0, prod(points) * input_.shape[1] * share * (of_input + coordinates * of_grid))


@register_formula("aten.avg_pool2d_backward", "aten.avg_pool3d_backward")
def _average_pool(operation: Operation) -> Count:
    gradient, _, kernel = operation.arguments[:3]
    return Count(0, gradient.numel * (window(kernel, 2 if "2d" in operation.name else 3) + 1))


@register_formula(
    "aten._adaptive_avg_pool2d_backward",
    "aten._adaptive_avg_pool3d_backward",
    "torchvision._roi_align_backward",
    "torchvision._roi_pool_backward",
    "torchvision._ps_roi_align_backward",
    "torchvision._ps_roi_pool_backward",
)
def _adaptive_pool(operation: Operation) -> Count:
    return Count(0, operation.arguments[0].numel + operation.outputs[0].numel)


@register_formula("aten._cdist_backward")
def _distances(operation: Operation) -> Count:
    gradient, left = operation.arguments[:2]
    return Count(0, 4 * gradient.numel * left.shape[-1])
