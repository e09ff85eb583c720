"""Attention in one operator: two products, and the softmax between them."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from archprof.count import macs
from archprof.count.formulas import Count
from archprof.count.onnx_operators.normalisation import ROOT_MEAN_SQUARE
from archprof.count.onnx_operators.registry import MICROSOFT, register
from archprof.trace.onnx_graph.fused_attention import cached, heads_of, projected_widths

if TYPE_CHECKING:
    from archprof.trace.onnx_graph.record import Operation, Shape

_ROTATION = 3
"""x · cos + x' · sin for each element."""


def _attend(query: Shape, key: Shape, value: Shape, *, capped: bool = False) -> Count:
    """Attention of shapes (…, length, width): scale, then softmax: largest, subtract, exponentiate, sum, divide.

    A mask saves nothing, since the dense kernels compute every product. Capped scores are divided, put through a
    tanh, and multiplied.
    """
    scores = prod(query[:-1]) * key[-2]
    return Count(macs.attention(query, key, value), (6 + 3 * capped) * scores)


def _split(shape: Shape, heads: int | None) -> Shape:
    """(batch, length, heads · width) -> (batch, heads, length, width)."""
    if len(shape) == 4 or heads is None:
        return shape
    return (shape[0], heads, shape[1], shape[2] // heads)


@register("Attention")
def _attention(operation: Operation) -> Count:
    attributes = operation.attributes
    query = _split(operation.operand(0).sizes, attributes.get("q_num_heads"))
    key, value = (_split(operation.operand(index).sizes, attributes.get("kv_num_heads")) for index in (1, 2))
    past = operation.tensor(4)
    keys = key[-2] + (past.sizes[-2] if past is not None else 0)
    capped = bool(attributes.get("softcap"))
    return _attend(query, (*key[:-2], keys, key[-1]), (*value[:-2], keys, value[-1]), capped=capped)


@register("Attention", "QAttention", domain=MICROSOFT)
def _projected(operation: Operation) -> Count:
    batch, length, width = operation.operand(0).sizes
    heads, sizes = operation.attributes["num_heads"], projected_widths(operation)
    keys, _ = cached(operation, length)
    attended = _attend(
        (batch, heads, length, sizes[0] // heads),
        (batch, heads, keys, sizes[1] // heads),
        (batch, heads, keys, sizes[2] // heads),
    )
    projected = batch * length * sum(sizes)
    biased = projected if operation.tensor(2) is not None else 0
    return Count(projected * width + attended.macs, biased + attended.elementwise_flops)


@register("MultiHeadAttention", "DecoderMaskedMultiHeadAttention", domain=MICROSOFT)
def _multi_head(operation: Operation) -> Count:
    query, key, value = heads_of(operation)
    attended = _attend(query, key, value)
    bias = operation.tensor(10 if operation.node.type == "DecoderMaskedMultiHeadAttention" else 3)
    given = sum(tensor.numel for index in range(3) if (tensor := operation.tensor(index)) is not None)
    return Count(attended.macs, attended.elementwise_flops + (given if bias is not None else 0))


@register("GroupQueryAttention", domain=MICROSOFT)
def _grouped(operation: Operation) -> Count:
    query, key, value = heads_of(operation)
    attended = _attend(query, key, value, capped=bool(operation.attributes.get("softcap")))
    rotated = prod(query) + query[0] * key[1] * query[2] * key[3]  # queries and the new keys
    turns = _ROTATION * rotated if operation.attributes.get("do_rotary") else 0
    norm = ROOT_MEAN_SQUARE * rotated if operation.tensor(14) is not None else 0
    return Count(attended.macs, attended.elementwise_flops + turns + norm)


@register("RotaryEmbedding")
@register("RotaryEmbedding", domain=MICROSOFT)
def _rotation(operation: Operation) -> Count:
    source, attributes = operation.operand(0), operation.attributes
    turned = attributes.get("rotary_embedding_dim") or 0
    width = source.sizes[-1]
    if len(source.sizes) == 3:
        # Without a number of heads the tables of angles, of half a head's width, tell it.
        angles = operation.operand(2 if operation.node.domain else 1).sizes[-1]
        width = width // attributes["num_heads"] if attributes.get("num_heads") else 2 * angles
    share = turned or width
    return Count(0, _ROTATION * source.numel // width * share)


@register("LinearAttention")
@register("LinearAttention", domain=MICROSOFT)
def _linear(operation: Operation) -> Count:
    query, value = operation.operand(0).sizes, operation.operand(2).sizes
    heads, groups = operation.attributes["q_num_heads"], operation.attributes["kv_num_heads"]
    rule = operation.attributes.get("update_rule", "gated_delta")
    tokens = query[0] * query[1]
    width, value_width = query[2] // heads, value[2] // groups
    state = width * value_width
    asked = max(heads, groups)  # a query may be shared by states, as a state by queries
    delta, gated = "delta" in rule, "gated" in rule
    # k ⊗ v joins the state, which the query reads; the delta rule asks it first what it holds under the key.
    products = tokens * state * (groups * (1 + delta) + asked)
    # The state's decay; what it held, subtracted, and the rate; the query's scale.
    flops = tokens * (groups * (gated * state + 2 * delta * value_width) + asked * value_width)
    return Count(products, flops)
