"""Operators on each element, alone or with those of others that broadcast, and those that keep a shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.trace.onnx_graph.shape_rules.registry import axis_of, shape_rule

if TYPE_CHECKING:
    from archprof.trace.onnx_graph.record import Operation, Shape
    from archprof.trace.onnx_graph.shape_rules.registry import Outputs

_BROADCASTING = 7
"""The opset since which operators of two tensors broadcast as NumPy does; those of several since 8."""


def broadcast(left: Shape, right: Shape) -> Shape | None:
    """The shape of two together; None where they do not broadcast, or are empty."""
    if left == right:
        return left
    if len(left) < len(right):
        left, right = right, left
    lead = len(left) - len(right)
    sizes = list(left)
    for axis, size in enumerate(right, lead):
        if size != sizes[axis]:
            if sizes[axis] == 1:
                sizes[axis] = size
            elif size != 1:
                return None
    return tuple(sizes) if 0 not in sizes else None


def _joined(operation: Operation, opset: int, dtype: str) -> Outputs | None:
    if operation.version < opset:
        return None
    shape: Shape | None = operation.operand(0).sizes
    for tensor in operation.inputs[1:]:
        if tensor is None or shape is None:
            return None
        shape = broadcast(shape, tensor.sizes)
    return None if shape is None else [(shape, dtype)]


@shape_rule("Add", "Sub", "Mul", "Div", "Pow", "Mod", "And", "Or", "Xor", "BitShift")
def _binary(operation: Operation) -> Outputs | None:
    return _joined(operation, _BROADCASTING, operation.operand(0).dtype)


@shape_rule("Sum", "Max", "Min", "Mean")
def _several(operation: Operation) -> Outputs | None:
    return _joined(operation, _BROADCASTING + 1, operation.operand(0).dtype)


@shape_rule("Equal", "Less", "Greater")
def _comparison(operation: Operation) -> Outputs | None:
    return _joined(operation, _BROADCASTING, "bool")


@shape_rule("LessOrEqual", "GreaterOrEqual")
def _comparison_of_two(operation: Operation) -> Outputs | None:
    return _joined(operation, 16, "bool")  # onnx has no rule for them before


@shape_rule("Where")
def _where(operation: Operation) -> Outputs | None:
    return _joined(operation, _BROADCASTING, operation.operand(1).dtype)


@shape_rule("Identity", values=True)
@shape_rule("Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Cos", "Cosh", "Elu", "Erf", "Exp")
@shape_rule("Floor", "HardSigmoid", "HardSwish", "LeakyRelu", "Log", "Neg", "Not", "Reciprocal", "Relu")
@shape_rule("Round", "Selu", "Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "Tan", "Tanh")
@shape_rule("ThresholdedRelu", "Gelu", "Mish", "LRN", "Clip")
def _unary(operation: Operation) -> Outputs | None:
    first = operation.operand(0)
    return [(first.sizes, first.dtype)]


@shape_rule("Softmax", "LogSoftmax", "Hardmax")
def _along_an_axis(operation: Operation) -> Outputs | None:
    first = operation.operand(0)
    axis_of(operation.attributes.get("axis", 1 if operation.version < 13 else -1), len(first.sizes))
    return [(first.sizes, first.dtype)]


@shape_rule("Dropout", values=True)
def _dropout(operation: Operation) -> Outputs | None:
    first = operation.operand(0)
    if len(operation.outputs) > 1 or any(tensor.shape != () for tensor in operation.read[1:]):
        return None
    return [(first.sizes, first.dtype)]


@shape_rule("BatchNormalization")
def _batch_normalisation(operation: Operation) -> Outputs | None:
    first, *channels = operation.read
    if len(first.sizes) < 2 or not operation.attributes.keys() <= {"epsilon", "momentum"}:
        return None
    if any(tensor.shape != (first.sizes[1],) for tensor in channels):
        return None
    return [(first.sizes, first.dtype)]
