"""What each operation costs: a table from the operation's name to its formula.

An operation that is neither here nor in :mod:`archprof.count.free` is unknown, and a total that contains it is a
lower bound.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from archprof.count import macs
from archprof.errors import RegistrationError

if TYPE_CHECKING:
    from archprof.trace.record import Operation


class Count(NamedTuple):
    """MACs of the convolution, matrix product and attention family; FLOPs of everything else."""

    macs: int = 0
    elementwise_flops: int = 0


Formula = Callable[["Operation"], Count]

FORMULAS: dict[str, Formula] = {}
"""Operation name ("aten.convolution") -> formula."""


def register_formula(*names: str) -> Callable[[Formula], Formula]:
    """Say what operations cost; ``names`` are those of :attr:`Operation.name`, without the overload.

    Raises:
        RegistrationError: Where one of them has a formula already.
    """

    def add(formula: Formula) -> Formula:
        for name in names:
            if name in FORMULAS:
                raise RegistrationError(f"operation {name!r} has a formula already")
            FORMULAS[name] = formula
        return formula

    return add


def real_products(*tensors: Any) -> int:
    """Real products in a product of such numbers: four where both are complex, two where one is."""
    return 1 << sum(bool(tensor.dtype.is_complex) for tensor in tensors)


@register_formula(
    "aten.convolution",
    "aten._convolution",
    "aten.convolution_overrideable",
    "aten.cudnn_convolution",
    "aten.mkldnn_convolution",
)
def _convolution(operation: Operation) -> Count:
    input_, weight, bias = operation.arguments[:3]
    transposed = operation.arguments[6] if operation.name in _TRANSPOSABLE else False
    count = macs.convolution(input_.shape, weight.shape, operation.outputs[0].shape, transposed=transposed)
    added = operation.outputs[0].numel if bias is not None else 0
    return Count(count * real_products(input_, weight), added)


_TRANSPOSABLE = ("aten.convolution", "aten._convolution", "aten.convolution_overrideable")


@register_formula(
    "aten.mm", "aten.bmm", "aten.mv", "aten.dot", "aten.vdot", "aten._int_mm", "aten._scaled_mm", "aten.matmul"
)
def _product(operation: Operation) -> Count:
    left, right = operation.arguments[:2]
    count = macs.matrix_product(left.shape, right.shape if len(right.shape) > 1 else (*right.shape, 1))
    return Count(count * real_products(left, right))


@register_formula("aten.addmm", "aten.baddbmm", "aten.addbmm", "aten.addmv", "aten._addmm_activation")
def _product_added(operation: Operation) -> Count:
    _, left, right = operation.arguments[:3]
    count = macs.matrix_product(left.shape, right.shape if len(right.shape) > 1 else (*right.shape, 1))
    return Count(count * real_products(left, right), operation.outputs[0].numel)


@register_formula("aten._grouped_mm", "aten._scaled_grouped_mm")
def _grouped_product(operation: Operation) -> Count:
    left, right = operation.arguments[:2]
    return Count(macs.grouped_product(left.shape, right.shape))


@register_formula("aten.linear")
def _linear(operation: Operation) -> Count:
    input_, weight = operation.arguments[:2]
    biased = len(operation.arguments) > 2 and operation.arguments[2] is not None
    count = macs.matrix_product(input_.shape, (weight.shape[-1], weight.shape[0]))
    return Count(count * real_products(input_, weight), operation.outputs[0].numel if biased else 0)


@register_formula("aten._weight_int8pack_mm")
def _product_unpacked(operation: Operation) -> Count:
    left, right = operation.arguments[:2]
    return Count(macs.matrix_product(left.shape, right.shape[::-1]), operation.outputs[0].numel)


@register_formula("aten._trilinear")
def _trilinear(operation: Operation) -> Count:
    # nn.Bilinear: the product of three tensors, summed; one of its two products is in the MAC.
    shapes = []
    for tensor, added in zip(operation.arguments[:3], operation.arguments[3:6], strict=True):
        shape = list(tensor.shape)
        for dimension in added:
            shape.insert(dimension, 1)
        shapes.append(shape)
    products = prod(map(max, zip(*shapes, strict=True)))
    return Count(products, products)


@register_formula("aten.affine_grid_generator")
def _affine_grid(operation: Operation) -> Count:
    # Every point of the grid, and a 1, meets the matrix.
    return Count(operation.outputs[0].numel * operation.arguments[0].shape[-1])


@register_formula(
    "aten._scaled_dot_product_flash_attention",
    "aten._scaled_dot_product_flash_attention_for_cpu",
    "aten._scaled_dot_product_efficient_attention",
    "aten._scaled_dot_product_cudnn_attention",
    "aten._scaled_dot_product_fused_attention_overrideable",
    "aten._scaled_dot_product_attention_math",
    "higher_order.flex_attention",
)
def _attention(operation: Operation) -> Count:
    query, key, value = operation.arguments[:3]
    scores = query.numel // query.shape[-1] * key.shape[-2]
    # scale once, then softmax: largest, subtract, exponentiate, sum, divide
    return Count(macs.attention(query.shape, key.shape, value.shape), 6 * scores)


@register_formula("aten._flash_attention_forward", "aten._efficient_attention_forward")
def _packed_attention(operation: Operation) -> Count:
    # (batch, length, heads, width); sequences of several lengths lie one after the other, and each is taken to be
    # as long as the longest, since the kernel is told no more without reading values.
    query, key, value = operation.arguments[:3]
    packed, *lengths = operation.arguments[3 if operation.name == "aten._flash_attention_forward" else 4 :][:4]
    queries, heads, width = query.shape[-3:]
    keys, batch = key.shape[-3], prod(query.shape[:-3])
    if packed is not None:
        batch, (queries, keys) = packed.numel - 1, lengths[1:]
    scores = batch * heads * queries * keys
    return Count(scores * (width + value.shape[-1]), 6 * scores)


@register_formula("aten._native_multi_head_attention")
def _fused_attention(operation: Operation) -> Count:
    query, key, _, width, heads = operation.arguments[:5]
    return _attention_block(query.numel // width, key.shape[-2], width, heads)


def _attention_block(tokens: int, keys: int, width: int, heads: int) -> Count:
    """Self-attention with its four projections and their biases, for all the tokens of a batch."""
    products = 4 * tokens * width * width + 2 * tokens * keys * width
    return Count(products, 4 * tokens * width + 6 * heads * tokens * keys)


@register_formula("aten._transformer_encoder_layer_fwd")
def _fused_encoder_layer(operation: Operation) -> Count:
    source, width, heads = operation.arguments[:3]
    hidden = operation.arguments[14].shape[0]
    gelu = operation.arguments[7]
    tokens = source.numel // width
    attention = _attention_block(tokens, source.shape[-2], width, heads)
    # Two norms of 8 an element, two residuals, and the two biases and the activation between the linear layers.
    rest = tokens * (18 * width + width + hidden * (2 + 2 * bool(gelu)))
    return Count(attention.macs + 2 * tokens * width * hidden, attention.elementwise_flops + rest)


@register_formula("torchvision.deform_conv2d")
def _deformable_convolution(operation: Operation) -> Count:
    input_, weight, offset = operation.arguments[:3]
    output = operation.outputs[0]
    # every (output position, kernel point, input channel) is a bilinear sample: 4 products, 3 sums
    samples = output.shape[0] * output.shape[2] * output.shape[3] * input_.shape[1] * weight.shape[2] * weight.shape[3]
    masked = samples if operation.arguments[-1] else 0
    count = macs.convolution(input_.shape, weight.shape, output.shape, transposed=False)
    return Count(count, 7 * samples + masked + 2 * offset.numel + output.numel)
