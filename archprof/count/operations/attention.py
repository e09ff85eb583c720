"""Scaled-dot-product attention in torch's kernels, their gradients, and the blocks that torch fuses around it."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from archprof.count import macs
from archprof.count.formulas import Count, aten, register_formula

if TYPE_CHECKING:
    from archprof.trace.record import Operation


@register_formula(
    *aten("_scaled_dot_product_flash_attention _scaled_dot_product_flash_attention_for_cpu"),
    *aten("_scaled_dot_product_efficient_attention _scaled_dot_product_cudnn_attention"),
    *aten("_scaled_dot_product_fused_attention_overrideable _scaled_dot_product_attention_math"),
    "higher_order.flex_attention",
)
def attention(operation: Operation) -> Count:
    """Scores: scale once, then softmax: largest, subtract, exponentiate, sum, divide."""
    query, key, value = operation.arguments[:3]
    scores = query.numel // query.shape[-1] * key.shape[-2]
    return Count(macs.attention(query.shape, key.shape, value.shape), 6 * scores)


@register_formula(
    *aten("_scaled_dot_product_flash_attention_backward _scaled_dot_product_flash_attention_for_cpu_backward"),
    *aten("_scaled_dot_product_efficient_attention_backward _scaled_dot_product_cudnn_attention_backward"),
    *aten("_scaled_dot_product_fused_attention_overrideable_backward"),
)
def attention_backward(operation: Operation) -> Count:
    """The scores were not kept, so they are computed again; then the gradients of values, weights, queries and keys.

    Dao et al. 2022, algorithm 4.
    """
    gradient, query, key, value = operation.arguments[:4]
    recomputed = macs.attention(query.shape, key.shape, (*value.shape[:-1], 0))
    scores = query.numel // query.shape[-1] * key.shape[-2]
    # Scores: scale, subtract, exponentiate; their gradient: subtract, multiply, scale. Σ gradient · output.
    return Count(recomputed + 2 * macs.attention(query.shape, key.shape, value.shape), 6 * scores + 2 * gradient.numel)


@register_formula(*aten("_flash_attention_forward _efficient_attention_forward"))
def packed_attention(operation: Operation) -> Count:
    """(batch, length, heads, width), or sequences of several lengths one after the other.

    Each is then taken to be as long as the longest, since the kernel is told no more without reading values.
    """
    query, key, value = operation.arguments[:3]
    packed, *lengths = operation.arguments[3 if operation.name == "aten._flash_attention_forward" else 4 :][:4]
    queries, heads, width = query.shape[-3:]
    keys, batch = key.shape[-3], prod(query.shape[:-3])
    if packed is not None:
        batch, (queries, keys) = packed.numel - 1, lengths[1:]
    scores = batch * heads * queries * keys
    return Count(scores * (width + value.shape[-1]), 6 * scores)


@register_formula("aten._native_multi_head_attention")
def multi_head_attention(operation: Operation) -> Count:
    """Self-attention with its projections, in one kernel."""
    query, key, _, width, heads = operation.arguments[:5]
    return _attention_block(query.numel // width, key.shape[-2], width, heads)


def _attention_block(tokens: int, keys: int, width: int, heads: int) -> Count:
    """Self-attention with its four projections and their biases, for all the tokens of a batch."""
    products = 4 * tokens * width * width + 2 * tokens * keys * width
    return Count(products, 4 * tokens * width + 6 * heads * tokens * keys)


@register_formula("aten._transformer_encoder_layer_fwd")
def encoder_layer(operation: Operation) -> Count:
    """Attention, two norms of 8 an element, two residuals, two linear layers with biases and an activation."""
    source, width, heads = operation.arguments[:3]
    hidden = operation.arguments[14].shape[0]
    gelu = operation.arguments[7]
    tokens = source.numel // width
    block = _attention_block(tokens, source.shape[-2], width, heads)
    rest = tokens * (18 * width + width + hidden * (2 + 2 * bool(gelu)))
    return Count(block.macs + 2 * tokens * width * hidden, block.elementwise_flops + rest)
