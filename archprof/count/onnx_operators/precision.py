"""The type of the numbers that an operation computes with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archprof.trace.onnx_graph.record import Operation

_FACTORS = {
    **dict.fromkeys(("Conv", "ConvTranspose", "FusedConv", "NhwcConv", "NhwcFusedConv"), (0, 1)),
    **dict.fromkeys(("ConvInteger", "DeformConv"), (0, 1)),
    **dict.fromkeys(("MatMul", "FusedMatMul", "Gemm", "FusedGemm", "MatMulInteger", "MatMulIntegerToFloat"), (0, 1)),
    **dict.fromkeys(("LSTM", "GRU", "RNN", "Attention", "QAttention", "MultiHeadAttention"), (0, 1)),
    **dict.fromkeys(("QLinearConv", "QLinearMatMul", "QGemm", "QLinearAdd", "QLinearMul"), (0, 3)),
}
"""Operator -> the two of its inputs that meet."""

_BNB4 = ("float4", "nf4")


def precision(operation: Operation, makers: Mapping[int, Operation]) -> str:
    """The type of an operation's numbers: "float32", "uint8×int8", "float16×int4", "float32 (uint8×int8 dequantised)".

    Args:
        operation: The operation.
        makers: The DequantizeLinear that made a tensor, by the tensor's id.
    """
    type_, attributes = operation.node.type, operation.attributes
    if type_.startswith("MatMulNBits"):
        return f"{_of(operation, 0)}×int{attributes.get('bits', 4)}"
    if type_ == "MatMulBnb4":
        return f"{_of(operation, 0)}×{_BNB4[attributes.get('quant_type', 1) != 0]}"
    if type_ not in _FACTORS:
        return _of(operation, 0) if operation.read else next((tensor.dtype for tensor in operation.made), "undefined")
    operands = _FACTORS[type_]
    plain = _joined([_of(operation, operand) for operand in operands])
    before = [_dequantised(operation, operand, makers) for operand in operands]
    integers = [dtype for dtype in before if dtype is not None]
    return f"{plain} ({_joined(integers)} dequantised)" if len(integers) == len(operands) else plain


def _of(operation: Operation, operand: int) -> str:
    tensor = operation.tensor(operand)
    return tensor.dtype if tensor is not None else "undefined"


def _joined(types: list[str]) -> str:
    return "×".join(types if len(set(types)) > 1 else types[:1])


def _dequantised(operation: Operation, operand: int, makers: Mapping[int, Operation]) -> str | None:
    """The integers that an input was before a DequantizeLinear, or None."""
    tensor = operation.tensor(operand)
    maker = makers.get(id(tensor)) if tensor is not None else None
    return _of(maker, 0) if maker is not None else None
