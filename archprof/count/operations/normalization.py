"""Normalisation and its gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.count.formulas import Count, aten, per_input, per_output, register_formula

if TYPE_CHECKING:
    from archprof.trace.record import Operation

_INFERENCE = aten("_native_batch_norm_legit_no_training _batch_norm_no_update")


@register_formula(
    *_INFERENCE,
    *aten("native_batch_norm _native_batch_norm_legit _batch_norm_with_update cudnn_batch_norm batch_norm"),
)
def batch_norm(operation: Operation) -> Count:
    """Subtract the mean, multiply by 1/σ (2); an affine map (2) where there is one; in training the statistics (4)."""
    input_, weight = operation.arguments[:2]
    training = operation.name not in _INFERENCE and any(argument is True for argument in operation.arguments[5:6])
    return Count(0, input_.numel * (2 + 2 * (weight is not None) + 4 * training))


@register_formula(*aten("native_layer_norm native_group_norm"))
def norm(operation: Operation) -> Count:
    """Mean and variance (4), subtract and divide (2), and an affine map (2) where there is one."""
    affine = operation.arguments[2 if operation.name == "aten.native_layer_norm" else 1] is not None
    return Count(0, operation.arguments[0].numel * (6 + 2 * affine))


@register_formula(*aten("_fused_rms_norm rms_norm"))
def rms_norm(operation: Operation) -> Count:
    """Square and sum (2), divide (1), and a scale (1) where there is one."""
    affine = len(operation.arguments) > 2 and operation.arguments[2] is not None
    return Count(0, operation.arguments[0].numel * (3 + affine))


_CUDNN = aten("cudnn_batch_norm_backward miopen_batch_norm_backward")


@register_formula(*_CUDNN, *aten("native_batch_norm_backward batch_norm_backward"))
def batch_norm_backward(operation: Operation) -> Count:
    """Subtract the mean and divide (2), sum the gradients (1) and their products with that (2).

    The input's takes two products and two sums more (4), and without training one product.
    """
    numel = operation.arguments[1].numel
    if operation.name in _CUDNN:
        return Count(0, 9 * numel)
    training, (of_input, *of_affine) = operation.arguments[7], operation.arguments[9]
    sums = 5 * any(of_affine) if not training else 5
    return Count(0, numel * (sums + (4 if training else 1) * of_input))


@register_formula(*aten("native_layer_norm_backward native_group_norm_backward _fused_rms_norm_backward"))
def norm_backward(operation: Operation) -> Count:
    """Normalise again (2). The input's: scale (1 where there is one), two sums (3), two products and two sums (4).

    The scale's: multiply and sum (2); the shift's: sum (1).
    """
    weight = operation.arguments[5 if operation.name == "aten.native_layer_norm_backward" else 4]
    of_input, of_scale, *of_shift = operation.arguments[-1]
    per_element = 2 + of_input * (7 + (weight is not None)) + 2 * of_scale + sum(of_shift)
    return Count(0, operation.arguments[1].numel * per_element)


# Square (or absolute power) and sum, and a product where the norm is too large.
register_formula("aten.renorm")(per_input(3))
# Square, sum, multiply by the norm's share.
register_formula("aten._weight_norm_interface")(per_input(3))
register_formula("aten._weight_norm_interface_backward")(per_output(3))
