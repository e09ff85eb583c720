"""Shapes of ONNX Runtime's fused attention, whose heads may be given in several layouts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archprof.trace.onnx_graph.record import Operation, Shape

    Result = list[tuple[Shape | None, str]]


def attention(operation: Operation) -> Result:
    """What attention with its projection in one weight gives, and the keys and values."""
    source, weight = operation.operand(0), operation.operand(1)
    batch, length = source.sizes[:2]
    sizes = operation.attributes.get("qkv_hidden_sizes") or [weight.sizes[-1] // 3] * 3
    past = operation.tensor(8 if operation.node.type == "QAttention" else 4)
    heads = operation.attributes["num_heads"]
    keys = length + (past.sizes[3] if past is not None else 0)
    dtype = operation.operand(3).dtype if operation.node.type == "QAttention" else source.dtype
    return [((batch, length, sizes[2]), dtype), ((2, batch, heads, keys, sizes[0] // heads), dtype)]


def multi_head(operation: Operation) -> Result:
    """What attention of given queries, keys and values gives, and the keys and values."""
    query, key, value = heads_of(operation)
    dtype = operation.operand(0).dtype
    joined = (query[0], query[2], query[1] * value[3])
    return [(joined, dtype), (key, dtype), (value, dtype)]


def grouped_query(operation: Operation) -> Result:
    """What attention of groups of heads gives, and the keys and values."""
    query, key, value = heads_of(operation)
    dtype = operation.operand(0).dtype
    return [((query[0], query[2], query[1] * query[3]), dtype), (key, dtype), (value, dtype)]


def heads_of(operation: Operation) -> tuple[Shape, Shape, Shape]:
    """Shapes of queries, keys and values of a fused attention, (batch, heads, length, width) each, past included."""
    attributes = operation.attributes
    heads = attributes["num_heads"]
    grouped = operation.node.type == "GroupQueryAttention"
    groups = attributes["kv_num_heads"] if grouped else heads
    query, key, value = operation.operand(0).sizes, operation.tensor(1), operation.tensor(2)
    past = operation.tensor(3 if grouped else _PAST.get(operation.node.type, 6))
    if len(query) == 5:  # (batch, length, heads, 3, width)
        batch, length, width = query[0], query[1], query[4]
        keys, value_width = length, width
    elif key is None:  # (batch, length, queries, keys and values of all heads)
        batch, length = query[:2]
        keys, width = length, query[2] // (heads + 2 * groups)
        value_width = width
    else:
        batch, length = query[:2]
        width = query[2] // heads
        keys = key.sizes[-2] if len(key.sizes) == 4 else key.sizes[1]
        value_width = width
        if value is not None:
            value_width = value.sizes[-1] if len(value.sizes) == 4 else value.sizes[2] // groups
    if grouped:
        total = operation.tensor(6)
        if total is not None and total.value is not None:
            keys = max(int(total.value.reshape(-1)[0]), past.sizes[2] if past is not None and past.sizes else 0)
        elif past is not None:
            keys += past.sizes[2]
    elif past is not None:
        keys += past.sizes[2]
    return (batch, heads, length, width), (batch, groups, keys, width), (batch, groups, keys, value_width)


_PAST = {"DecoderMaskedMultiHeadAttention": 5}
