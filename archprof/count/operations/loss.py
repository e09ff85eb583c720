"""Losses and their gradients."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from archprof.count import macs
from archprof.count.formulas import Count, aten, per_input, per_output, register_formula

if TYPE_CHECKING:
    from archprof.trace.record import Operation

_PER_INPUT = {
    1: "nll_loss_forward nll_loss2d_forward nll_loss_backward nll_loss2d_backward",
    # Subtract, square (or absolute value, or its mixture with it), sum.
    3: "mse_loss smooth_l1_loss huber_loss soft_margin_loss",
    # Subtract the right class's score, add the margin, compare with 0, sum.
    4: "multi_margin_loss",
    # (1 − target) · x − log σ(x), and the sum.
    5: "binary_cross_entropy_with_logits",
    # Two logarithms, two products, 1 − x twice, two sums.
    8: "binary_cross_entropy",
}
for _flops, _names in _PER_INPUT.items():
    register_formula(*aten(_names))(per_input(_flops))

# The derivative's elementary functions, and the product with the gradient.
register_formula(
    *aten("mse_loss_backward smooth_l1_loss_backward huber_loss_backward binary_cross_entropy_backward"),
    "aten.soft_margin_loss_backward",
)(per_output(3))


@register_formula(*aten("_ctc_loss"))
def connectionist_temporal_classification(operation: Operation) -> Count:
    """Each step of a sequence for each of 2 S + 1 states, S being the length of its target (Graves et al. 2006).

    log Σ exp over three predecessors: two comparisons, three subtractions, three exponentials, two sums, a logarithm
    and a sum; and the state's own logarithm, added.
    """
    steps, lengths = operation.arguments[2:4]
    if not isinstance(steps, tuple):  # given as tensors, they are values: the longest possible
        log_probabilities, targets = operation.arguments[:2]
        steps = (log_probabilities.shape[0],) * log_probabilities.shape[1]
        lengths = (targets.shape[-1],) * log_probabilities.shape[1]
    return Count(0, 13 * sum(step * (2 * length + 1) for step, length in zip(steps, lengths, strict=True)))


_CHUNKED = "torch_nn._linear_cross_entropy_batch_chunked"


@register_formula(_CHUNKED, f"{_CHUNKED}_no_reduction")
def linear_cross_entropy(operation: Operation) -> Count:
    """A linear layer, log-softmax (5) and its choice; with a reduction also the gradients that will be asked for.

    Those take the layer's products again each, and the scores' gradient, softmax less the target, 2 an element.
    """
    input_, weight = operation.arguments[:2]
    products = macs.matrix_product(input_.shape, (weight.shape[-1], weight.shape[0]))
    rows = prod(input_.shape[:-1])
    of_input, of_weight = operation.arguments[12:14] if operation.name == _CHUNKED else (False, False)
    return Count(
        products * (1 + of_input + of_weight), rows * (weight.shape[0] * (5 + 2 * (of_input or of_weight)) + 1)
    )
