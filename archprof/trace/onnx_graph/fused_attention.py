"""Shapes of ONNX Runtime's fused attention, whose heads may be given in several layouts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.trace.onnx_graph.record import Operation, Shape, Tensor

    Result = list[tuple[Shape | None, str]]

_PAST = {"Attention": 4, "QAttention": 8, "GroupQueryAttention": 3, "DecoderMaskedMultiHeadAttention": 5}
"""Operator -> which of its inputs has the keys of before, (…, heads, length, width)."""

_FILLED = {"Attention": 6, "DecoderMaskedMultiHeadAttention": 7, "MultiHeadAttention": 8}
"""Operator -> which of its inputs says how much of that is filled, where it is a buffer that runs fill."""


def attention(operation: Operation) -> Result:
    """What attention with its projection in one weight gives, and the keys and values."""
    source, heads = operation.operand(0), operation.attributes["num_heads"]
    batch, length = source.sizes[:2]
    sizes = projected_widths(operation)
    dtype = operation.operand(3).dtype if operation.node.type == "QAttention" else source.dtype
    _, room = cached(operation, length)
    return [((batch, length, sizes[2]), dtype), ((2, batch, heads, room, sizes[0] // heads), dtype)]


def projected_widths(operation: Operation) -> Sequence[int]:
    """How wide the queries, keys and values are that an attention projects to, those of all heads."""
    return operation.attributes.get("qkv_hidden_sizes") or [operation.operand(1).sizes[-1] // 3] * 3


def multi_head(operation: Operation) -> Result:
    """What attention of given queries, keys and values gives, and the keys and values."""
    query, key, value, room = _heads(operation)
    dtype = operation.operand(0).dtype
    joined = (query[0], query[2], query[1] * value[3])
    caches = (*key[:2], room, key[3]), (*value[:2], room, value[3])
    return [(shape, dtype) for shape in (joined, *caches, (*query[:3], key[2]))]


def heads_of(operation: Operation) -> tuple[Shape, Shape, Shape]:
    """Shapes of queries, keys and values of a fused attention, (batch, heads, length, width) each, past included."""
    return _heads(operation)[:3]


def cached(operation: Operation, added: int) -> tuple[int, int]:
    """How many keys an attention meets, and how many the cache that it gives has room for.

    Args:
        operation: The attention.
        added: How many keys are new.
    """
    type_ = operation.node.type
    past = operation.tensor(_PAST.get(type_, 6))
    before = past.sizes[-2] if past is not None else 0
    if type_ == "GroupQueryAttention":
        total = _number(operation.tensor(6))
        return (before + added,) * 2 if total is None else (total, max(total, before))
    filled = operation.tensor(_FILLED[type_]) if type_ in _FILLED else None
    if past is None or (filled is None and not operation.attributes.get("past_present_share_buffer")):
        return (before + added,) * 2
    known = _number(filled)
    # A full buffer, where nothing before the run says how much of it is filled.
    return before if known is None else known + added, before


def _heads(operation: Operation) -> tuple[Shape, Shape, Shape, int]:
    """As :func:`heads_of`, and for how many keys the cache has room."""
    attributes = operation.attributes
    heads = attributes["num_heads"]
    groups = attributes.get("kv_num_heads", heads)
    query, key, value = operation.operand(0).sizes, operation.tensor(1), operation.tensor(2)
    batch, length = query[:2]
    if len(query) == 5:  # (batch, length, heads, 3, width)
        keys, width = length, query[4]
        value_width = width
    elif key is None:  # (batch, length, queries, keys and values of all heads)
        keys, width = length, query[2] // (heads + 2 * groups)
        value_width = width
    else:
        width = query[2] // heads
        keys = key.sizes[-2] if len(key.sizes) == 4 else key.sizes[1]
        value_width = width
        if value is not None:
            value_width = value.sizes[-1] if len(value.sizes) == 4 else value.sizes[2] // groups
    met, room = cached(operation, keys)
    return (batch, heads, length, width), (batch, groups, met, width), (batch, groups, met, value_width), room


def _number(tensor: Tensor | None) -> int | None:
    """The value of an input of one number, or None."""
    return None if tensor is None or tensor.value is None else int(tensor.value.reshape(-1)[0])
