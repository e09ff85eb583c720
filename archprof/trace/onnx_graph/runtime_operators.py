"""Shapes of what the operators of ONNX Runtime give, which onnx has no rules for, and of one whose rule may not end.

The signatures: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import TYPE_CHECKING

from archprof.trace.onnx_graph import einsum, fused_attention, windows
from archprof.trace.onnx_graph.record import ShapeUnknownError

if TYPE_CHECKING:
    from archprof.trace.onnx_graph.record import Operation, Shape

MICROSOFT = "com.microsoft"
NCHWC = "com.microsoft.nchwc"
"""Of files that ONNX Runtime saved after it chose a layout; the shapes are those of any other."""

Result = list[tuple["Shape | None", str]]
Rule = Callable[["Operation"], Result]

RULES: dict[tuple[str, str], Rule] = {}
"""(domain, operator) -> its rule."""


def _rule(*names: str, domain: str = MICROSOFT) -> Callable[[Rule], Rule]:
    def add(rule: Rule) -> Rule:
        RULES.update({(domain, name): rule for name in names})
        return rule

    return add


def broadcast(*shapes: Shape) -> Shape:
    """The shape that shapes have together.

    Raises:
        ValueError: Where two sizes are neither equal nor 1.
    """
    sizes = []
    for axis in zip_longest(*(reversed(shape) for shape in shapes), fillvalue=1):
        size = max(axis) if 0 not in axis else 0
        if any(other not in (1, size) for other in axis):
            raise ValueError(f"{' and '.join('×'.join(map(str, shape)) for shape in shapes)} do not broadcast")
        sizes.append(size)
    return tuple(reversed(sizes))


@_rule("BiasGelu", "FastGelu", "Gelu", "QuickGelu", "BiasAdd", "BiasSoftmax", "RotaryEmbedding", "Inverse")
@_rule("QLinearLeakyRelu", "QLinearSigmoid", "QLinearSoftmax", "GroupNorm", "MoE", "QMoE", "Trilu")
@_rule("SimplifiedLayerNormalization", "GroupNormalization", domain="")
@_rule("ReorderInput", domain=NCHWC)
def _like_first(operation: Operation) -> Result:
    first = operation.operand(0)
    return [(first.sizes, first.dtype)]


@_rule("SkipLayerNormalization", "SkipSimplifiedLayerNormalization", "SkipGroupNorm")
def _skip_norm(operation: Operation) -> Result:
    first = operation.operand(0)
    if operation.node.type == "SkipGroupNorm":
        return [(first.sizes, first.dtype)] * 2
    statistics = (*first.sizes[:-1], 1)
    return [(first.sizes, first.dtype), (statistics, "float32"), (statistics, "float32"), (first.sizes, first.dtype)]


@_rule("EmbedLayerNormalization", "QEmbedLayerNormalization")
def _embedding(operation: Operation) -> Result:
    tokens, table = operation.operand(0), operation.operand(2)
    shape = (*tokens.sizes, table.sizes[-1])
    # A quantised table's elements have the type of its scale.
    dtype = operation.operand(8).dtype if operation.node.type == "QEmbedLayerNormalization" else table.dtype
    return [(shape, dtype), (tokens.sizes[:1], "int32"), (shape, dtype)]


@_rule("SwiGLU")
def _gated(operation: Operation) -> Result:
    first = operation.operand(0)
    both = operation.tensor(1) is None
    return [((*first.sizes[:-1], first.sizes[-1] // (1 + both)), first.dtype)]


@_rule("RelativePositionBias")
def _relative_bias(operation: Operation) -> Result:
    table, *values = operation.operand(0), operation.operand(1).value, operation.operand(2).value
    sizes = [int(value.reshape(-1)[0]) for value in values if value is not None]
    if len(sizes) < len(values):
        raise ShapeUnknownError(table.name)
    return [((1, table.sizes[1], *sizes), table.dtype)]


@_rule("BiasSplitGelu")
def _split_gelu(operation: Operation) -> Result:
    first = operation.operand(0)
    return [((*first.sizes[:-1], first.sizes[-1] // 2), first.dtype)]


@_rule("QLinearAdd", "QLinearMul")
def _quantised_pair(operation: Operation) -> Result:
    left, right = operation.operand(0), operation.operand(3)
    return [(broadcast(left.sizes, right.sizes), left.dtype)]


@_rule("QLinearWhere")
def _quantised_where(operation: Operation) -> Result:
    shapes = [operation.operand(index).sizes for index in (0, 1, 4)]
    return [(broadcast(*shapes), operation.operand(1).dtype)]


@_rule("QLinearConcat")
def _quantised_concat(operation: Operation) -> Result:
    parts = [operation.operand(index) for index in range(2, len(operation.inputs), 3)]
    first = parts[0].sizes
    axis = operation.attributes["axis"] % len(first)
    joined = sum(part.sizes[axis] for part in parts)
    return [((*first[:axis], joined, *first[axis + 1 :]), parts[0].dtype)]


@_rule("QLinearGlobalAveragePool", "QLinearAveragePool")
@_rule("NhwcMaxPool")
@_rule("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", domain=NCHWC)
def _pool(operation: Operation) -> Result:
    source, last = operation.operand(0), _channels_last(operation)
    spatial = source.sizes[1:-1] if last else source.sizes[2:]
    if "Global" in operation.node.type:
        pooled: Shape = (1,) * len(spatial)
    else:
        pooled = windows.pooled(spatial, operation.attributes)
    batch, channels = source.sizes[0], source.sizes[-1 if last else 1]
    return [((batch, *pooled, channels) if last else (batch, channels, *pooled), source.dtype)]


@_rule("QLinearReduceMean")
def _quantised_mean(operation: Operation) -> Result:
    source = operation.operand(0)
    axes = {axis % len(source.sizes) for axis in operation.attributes.get("axes", range(len(source.sizes)))}
    keep = operation.attributes.get("keepdims", 1)
    sizes = [(1 if axis in axes else size) for axis, size in enumerate(source.sizes) if keep or axis not in axes]
    return [(tuple(sizes), source.dtype)]


def _channels_last(operation: Operation) -> bool:
    return operation.node.type.startswith("Nhwc") or bool(operation.attributes.get("channels_last"))


@_rule("FusedConv", "QLinearConv", "NhwcConv", "NhwcFusedConv")
@_rule("Conv", domain=NCHWC)
def _convolution(operation: Operation) -> Result:
    source, last = operation.operand(0), _channels_last(operation)
    weight = operation.operand(3 if operation.node.type == "QLinearConv" else 1)
    spatial = source.sizes[1:-1] if last else source.sizes[2:]
    # NhwcConv, unlike all others, has the channels of its weight last.
    kernel = weight.sizes[1:-1] if operation.node.type == "NhwcConv" else weight.sizes[2:]
    sizes = windows.convolved(spatial, kernel, operation.attributes)
    batch, channels = source.sizes[0], weight.sizes[0]
    return [((batch, *sizes, channels) if last else (batch, channels, *sizes), source.dtype)]


@_rule("ReorderOutput", domain=NCHWC)
def _reorder_output(operation: Operation) -> Result:
    source, channels = operation.operand(0), operation.attributes["channels"]
    batch, spatial = source.sizes[0], source.sizes[2:]
    last = operation.attributes.get("channels_last")
    return [((batch, *spatial, channels) if last else (batch, channels, *spatial), source.dtype)]


@_rule("Upsample", domain=NCHWC)
def _upsample(operation: Operation) -> Result:
    source = operation.operand(0)
    scales = operation.attributes["scales"]
    return [(tuple(size * scale for size, scale in zip(source.sizes, scales, strict=True)), source.dtype)]


def product_operands(operation: Operation) -> tuple[Shape, Shape]:
    """The shapes of the two factors of a product, (…, rows, inner) and (…, inner, columns).

    Vectors have their axis of one, and what the node transposes is transposed.
    """
    attributes = operation.attributes
    left, right = operation.operand(0).sizes, operation.operand(_SECOND_FACTOR.get(operation.node.type, 1)).sizes
    left = left if len(left) > 1 else (1, *left)
    right = right if len(right) > 1 else (*right, 1)
    if attributes.get("transBatchA"):
        left = (*left[1:-1], left[0], left[-1])
    if attributes.get("transBatchB"):
        right = (*right[1:-1], right[0], right[-1])
    if attributes.get("transA"):
        left = (*left[:-2], left[-1], left[-2])
    if attributes.get("transB"):
        right = (*right[:-2], right[-1], right[-2])
    if left[-1] != right[-2]:
        raise ValueError(f"a product over {left[-1]} and {right[-2]} elements")
    return left, right


_SECOND_FACTOR = {"QGemm": 3, "QLinearMatMul": 3}


@_rule("FusedMatMul", "TransposeMatMul", "FusedMatMulActivation", "MatMulIntegerToFloat", "DynamicQuantizeMatMul")
@_rule("MatMulInteger16", "FusedGemm", "GemmFastGelu", "QGemm")
def _product(operation: Operation) -> Result:
    left, right = product_operands(operation)
    batch = broadcast(left[:-2], right[:-2])
    rows = left[-2:-1] if len(operation.operand(0).sizes) > 1 else ()
    return [((*batch, *rows, right[-1]), _product_type(operation))]


def _product_type(operation: Operation) -> str:
    type_ = operation.node.type
    if type_ == "MatMulIntegerToFloat":
        return operation.operand(2).dtype
    if type_ == "MatMulInteger16":
        return "int32"
    if type_ == "QGemm" and operation.tensor(7) is None:
        return "float32"
    return operation.operand(0).dtype


@_rule("MatMulNBits", "MatMulBnb4")
def _packed_product(operation: Operation) -> Result:
    source, attributes = operation.operand(0), operation.attributes
    if source.sizes[-1] != attributes["K"]:
        raise ValueError(f"a weight of {attributes['K']} rows meets {source.sizes[-1]} elements")
    return [((*source.sizes[:-1], attributes["N"]), source.dtype)]


@_rule("MatMulNBitsMlp")
def _packed_gate(operation: Operation) -> Result:
    source = operation.operand(0)
    return [((*source.sizes[:-1], operation.attributes["N"]), source.dtype), (source.sizes, source.dtype)]


@_rule("MatMulNBitsQkv")
def _packed_heads(operation: Operation) -> Result:
    source = operation.operand(0)
    *batch, inner = source.sizes
    widths = [*(operation.attributes[name] for name in ("Nq", "Nkv", "Nkv")), inner]
    return [((*batch, width), source.dtype) for width in widths]


_rule("Attention", "QAttention")(fused_attention.attention)
_rule("MultiHeadAttention", "DecoderMaskedMultiHeadAttention", "GroupQueryAttention")(fused_attention.multi_head)


@_rule("LinearAttention")
def _linear_attention(operation: Operation) -> Result:
    query, value = operation.operand(0), operation.operand(2)
    heads, groups = operation.attributes["q_num_heads"], operation.attributes["kv_num_heads"]
    (batch, length, _), width, value_width = query.sizes, query.sizes[2] // heads, value.sizes[2] // groups
    state = (*_window(operation), batch, groups, width, value_width)
    return [((batch, length, max(heads, groups) * value_width), query.dtype), (state, query.dtype)]


@_rule("CausalConvWithState")
def _causal(operation: Operation) -> Result:
    source, weight, attributes = operation.operand(0), operation.operand(1), operation.attributes
    kept = (weight.sizes[-1] - 1) * attributes.get("dilation", 1)
    sizes = list(source.sizes)
    sizes[1 if attributes.get("channels_last") else -1] = kept
    return [(source.sizes, source.dtype), ((*_window(operation), *sizes), source.dtype)]


def _window(operation: Operation) -> Shape:
    """The axis of the last states, where more than one is kept."""
    window = operation.attributes.get("state_window", 0)
    return (window,) if window else ()


@_rule("GatherBlockQuantized")
def _packed_gather(operation: Operation) -> Result:
    table, indices, scales = (operation.operand(index) for index in range(3))
    axis = operation.attributes.get("gather_axis", 0) % len(table.sizes)
    packed = 8 // operation.attributes.get("bits", 4) if table.dtype == "uint8" else 1
    shape = (*table.sizes[:-1], table.sizes[-1] * packed)
    return [((*shape[:axis], *indices.sizes, *shape[axis + 1 :]), scales.dtype)]


@_rule("ComplexMul", "ComplexMulConj")
def _pair(operation: Operation) -> Result:
    left, right = operation.operand(0), operation.operand(1)
    return [(broadcast(left.sizes, right.sizes), left.dtype)]


@_rule("Einsum", domain="")
def _einsum(operation: Operation) -> Result:
    return [(einsum.result_shape(operation), operation.operand(0).dtype)]


@_rule("CDist")
def _distances(operation: Operation) -> Result:
    left, right = operation.operand(0), operation.operand(1)
    return [((left.sizes[0], right.sizes[0]), left.dtype)]


@_rule("Rfft", "Irfft")
def _transform(operation: Operation) -> Result:
    source = operation.operand(0)
    if operation.attributes.get("signal_ndim") is None:
        raise ShapeUnknownError(source.name)
    if operation.node.type == "Rfft":
        return [((*source.sizes[:-1], source.sizes[-1] // 2 + 1, 2), source.dtype)]
    return [((*source.sizes[:-2], 2 * (source.sizes[-2] - 1)), source.dtype)]


@_rule("ExpandDims")
def _expand_dims(operation: Operation) -> Result:
    source, axis = operation.operand(0), operation.operand(1)
    if axis.value is None:
        raise ShapeUnknownError(axis.name)
    index = int(axis.value.reshape(-1)[0])
    index += len(source.sizes) + 1 if index < 0 else 0
    return [((*source.sizes[:index], 1, *source.sizes[index:]), source.dtype)]


@_rule("DynamicQuantizeLSTM")
def _quantised_lstm(operation: Operation) -> Result:
    source, weight = operation.operand(0), operation.operand(1)
    length, batch = source.sizes[:2]
    directions, hidden = weight.sizes[0], operation.attributes["hidden_size"]
    state: tuple[Shape, str] = ((directions, batch, hidden), source.dtype)
    return [((length, directions, batch, hidden), source.dtype), state, state]


@_rule("QuantizeLinear", "DequantizeLinear")
def _quantise(operation: Operation) -> Result:
    source, scale, zero = operation.operand(0), operation.operand(1), operation.tensor(2)
    if operation.node.type == "DequantizeLinear":
        return [(source.sizes, scale.dtype)]
    return [(source.sizes, zero.dtype if zero is not None else "uint8")]
