"""Which constants of a file are a model's parameters.

An exporter writes parameters, buffers and the numbers of the code alike as constants. What counts here is what the
network computes with, as far as that can be told from the graph:

- floating-point constants with an axis, read as data: a layer's weights and biases, statistics, tables, positions. Not
  the bounds, factors and sizes that say how an operator works, and not what the exporter made of the code's own
  numbers: the values of Constant nodes, unless they are a layer's weight;
- integer constants that are a layer's weight, or that a DequantizeLinear makes its weight of; scales and zero points
  are how they are stored.

A constant that several layers read counts once. Packed weights count as many elements as they stand for. Of a file that
was exported as built this is what the model's ``parameters()`` and floating-point ``buffers()`` hold; an exporter
that folds normalisations, merges equal tensors or drops biases of zeros leaves as many fewer.
"""

from __future__ import annotations

import re
from collections import Counter
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from archprof.trace.onnx_graph.record import MALFORMED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archprof.count.onnx_operators.ledger import Ledger
    from archprof.trace.onnx_graph.record import Operation, Tensor

_ALL = tuple(range(1, 64))
_WEIGHTS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("Conv", "ConvTranspose", "FusedConv", "NhwcConv", "NhwcFusedConv"), (1, 2)),
    **dict.fromkeys(("Gemm", "FusedGemm", "GemmFastGelu"), (1, 2)),
    "DeformConv": (1, 3),
    **dict.fromkeys(("MatMul", "FusedMatMul", "TransposeMatMul", "MatMulInteger", "MatMulInteger16"), (0, 1)),
    **dict.fromkeys(("ConvInteger", "MatMulIntegerToFloat", "MatMulNBits", "MatMulBnb4"), (1,)),
    "MatMulNBitsMlp": (3, 6),
    "MatMulNBitsQkv": (3, 6, 9),
    "QLinearConv": (3, 8),
    "QGemm": (3, 6),
    "QLinearMatMul": (3,),
    "DynamicQuantizeMatMul": (1, 4),
    **dict.fromkeys(("LSTM", "GRU", "RNN"), (1, 2, 3, 7)),
    "DynamicQuantizeLSTM": (1, 2, 3, 7),
    "BatchNormalization": (1, 2, 3, 4),
    **dict.fromkeys(("InstanceNormalization", "GroupNormalization", "LayerNormalization"), (1, 2)),
    **dict.fromkeys(("RMSNormalization", "SimplifiedLayerNormalization", "PRelu"), (1,)),
    "SkipLayerNormalization": (2, 3, 4),
    "SkipSimplifiedLayerNormalization": (2, 3),
    **dict.fromkeys(("EmbedLayerNormalization", "QEmbedLayerNormalization"), (2, 3, 4, 5, 6)),
    **dict.fromkeys(("GroupNorm", "SkipGroupNorm"), (1, 2, 4)),
    "CausalConvWithState": (1, 2),
    "MoE": (2, 3, 4, 5, 6, 7),
    "QMoE": (2, 4, 5, 7, 8, 10),
    **dict.fromkeys(("Gather", "GatherBlockQuantized"), (0,)),
    "QAttention": (1, 2),
    "MultiHeadAttention": (3,),
    "Einsum": (0, 1, 2, 3),
    "DequantizeLinear": (0,),
}
"""Operator -> its inputs that are a layer's own, where they are constants."""

_MICROSOFT_WEIGHTS = {"Attention": (1, 2)}
_SETTINGS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("Resize", "Upsample", "Clip", "Pad", "OneHot", "Range", "NonMaxSuppression", "Dropout"), _ALL),
    **dict.fromkeys(("QuantizeLinear", "DequantizeLinear", "STFT", "GatherBlockQuantized"), _ALL),
    **dict.fromkeys(("MatMulNBits", "MatMulBnb4"), (2, 3, 4)),
    **dict.fromkeys(("MatMulNBitsMlp", "MatMulNBitsQkv"), (4, 7, 10)),
    "QMoE": (3, 6, 9, *range(11, 21)),
    "QEmbedLayerNormalization": tuple(range(7, 18)),
    # Tables of angles, and the scales of cached keys and values.
    "GroupQueryAttention": (7, 8, 12, 13),
    # Lengths, and states that an exporter fills with zeros.
    **dict.fromkeys(("LSTM", "GRU", "RNN", "DynamicQuantizeLSTM"), (4, 5, 6)),
    **dict.fromkeys(("QLinearMatMul", "QGemm", "QLinearConv"), (1, 2, 4, 5, 6, 7)),
    **dict.fromkeys(("QLinearAdd", "QLinearMul"), (1, 2, 4, 5, 6, 7)),
    **dict.fromkeys(("MatMulIntegerToFloat", "DynamicQuantizeMatMul"), (2, 3)),
    **dict.fromkeys(("QLinearSigmoid", "QLinearLeakyRelu", "QLinearAveragePool", "QLinearGlobalAveragePool"), _ALL),
    "QLinearConcat": (0, *_ALL),
    **dict.fromkeys(("QLinearSoftmax", "QAttention", "RotaryEmbedding"), _ALL),
}
"""Operator -> its inputs that say how it works, or how its weight is stored."""

_FLOATING = ("float", "bfloat", "complex")
_STORED = (*_FLOATING, "int2", "uint2", "int4", "uint4", "int8", "uint8", "int16", "uint16", "int32")
_OF_THE_CODE = re.compile(r"(?:^|[/_.])Constant(?:OfShape)?(?:_\d+)?(?:_output_\d+)?$")


class Parameters(NamedTuple):
    """The parameters of a file: their bytes, and the elements of each by its name."""

    nbytes: int
    by_name: dict[str, int]

    @property
    def elements(self) -> int:
        """How many they are."""
        return sum(self.by_name.values())


def parameters(ledger: Ledger) -> Parameters:
    """The parameters of a file, by what its operations read."""
    values = {
        id(tensor)
        for entry in ledger.entries
        if entry.operation.node.type in ("Constant", "ConstantOfShape")
        for tensor in entry.operation.made
    }
    weights: dict[int, tuple[Tensor, int]] = {}
    for entry in ledger.entries:
        if not any(tensor.sources for tensor in entry.operation.read):
            continue
        for tensor, elements in _read(entry.operation, values):
            weights[id(tensor)] = tensor, max(elements, weights.get(id(tensor), (tensor, 0))[1])
    by_name: Counter[str] = Counter()
    for tensor, elements in weights.values():
        by_name[tensor.name] += elements
    return Parameters(sum(tensor.nbytes for tensor, _ in weights.values()), dict(by_name))


def _read(operation: Operation, values: set[int]) -> Iterator[tuple[Tensor, int]]:
    """The parameters that an operation reads, with the elements that each stands for.

    Args:
        operation: The operation.
        values: Ids of the values of Constant nodes, which are numbers of the code.
    """
    type_ = operation.node.type
    own = (_MICROSOFT_WEIGHTS if operation.node.domain else {}).get(type_, _WEIGHTS.get(type_, ()))
    settings = _SETTINGS.get(type_, ())
    if all(tensor.sources for tensor in operation.read) and type_ != "DequantizeLinear":
        return  # what it makes is read further on
    for index, tensor in enumerate(operation.inputs):
        if tensor is None or (index in settings and index not in own):
            continue
        for source in tensor.sources:
            if index in own and source.dtype.startswith(_STORED):
                try:
                    yield source, _elements(operation, index, source)
                except MALFORMED:  # without the attributes that say how it is packed
                    yield source, source.numel
            elif source.dtype.startswith(_FLOATING) and source.shape and not _is_of_the_code(source, values):
                yield source, source.numel


def _is_of_the_code(source: Tensor, values: set[int]) -> bool:
    """Whether a constant is a number of the code, by what made it or by the name that an optimiser kept of that."""
    return id(source) in values or _OF_THE_CODE.search(source.name) is not None


_EXPERTS = {2: "fc1", 5: "fc2", 8: "fc3"}
"""Input of a QMoE -> what its attributes call it."""


def _elements(operation: Operation, index: int, source: Tensor) -> int:
    """Elements of a weight; a packed one stands for more than it has."""
    attributes, type_ = operation.attributes, operation.node.type
    if type_.startswith(("MatMulNBits", "MatMulBnb4")):
        rows = ("Nq" if index == 3 else "Nkv") if type_ == "MatMulNBitsQkv" else "N"
        return int(attributes["K"] * attributes[rows])
    if type_ == "GatherBlockQuantized" and source.dtype == "uint8":
        return source.numel * 8 // int(attributes.get("bits", 4))
    if type_ == "QMoE" and index in _EXPERTS:
        bits = attributes.get(f"{_EXPERTS[index]}_expert_weight_bits", attributes.get("expert_weight_bits", 4))
        return source.numel * 8 // int(bits)
    return prod(source.sizes)
