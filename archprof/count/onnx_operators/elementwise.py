"""Operators of so many elementary functions on each element."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from archprof.count.formulas import Count
from archprof.count.onnx_operators.registry import MICROSOFT, ML, Formula, register

if TYPE_CHECKING:
    from archprof.trace.onnx_graph.record import Operation


def _per_output(flops: int) -> Formula:
    return lambda operation: Count(0, flops * operation.made[0].numel)


def _per_input(flops: int) -> Formula:
    return lambda operation: Count(0, flops * operation.operand(0).numel)


register(
    *("Abs", "Acos", "Acosh", "Add", "Asin", "Asinh", "Atan", "Atanh", "BitShift", "Ceil", "Cos", "Cosh", "Div"),
    *("Equal", "Erf", "Exp", "Floor", "Greater", "GreaterOrEqual", "IsInf", "IsNaN", "Less", "LessOrEqual", "Log"),
    *("Mod", "Mul", "Neg", "Pow", "Reciprocal", "Round", "Sign", "Sin", "Sinh", "Sqrt", "Sub", "Tan", "Where"),
    "Bernoulli",
)(_per_output(1))
# Two products and a sum for the real part, and for the imaginary; both are elements.
register("ComplexMul", "ComplexMulConj", domain=MICROSOFT)(_per_output(3))
register("BiasAdd", domain=MICROSOFT)(_per_output(2))
# A difference and a quotient.
register("MelWeightMatrix")(_per_output(2))
register("CumSum", "CumProd", "Hardmax", "Multinomial", "NegativeLogLikelihoodLoss")(_per_input(1))
register("Binarizer", "Imputer", domain=ML)(_per_input(1))
register("Scaler", domain=ML)(_per_input(2))


def _decomposition(size: int) -> int:
    # P · L · U = A: a column below the diagonal is divided, and each column behind it has a product and a
    # difference less.
    return sum(below + 2 * below**2 for below in range(size))


@register("Det")
def _determinant(operation: Operation) -> Count:
    # The product of U's diagonal.
    *batch, size, _ = operation.operand(0).sizes
    return Count(0, prod(batch) * (_decomposition(size) + size))


@register("Inverse", domain=MICROSOFT)
def _inverse(operation: Operation) -> Count:
    # Two triangular systems for each column; L's diagonal is ones.
    *batch, size, _ = operation.operand(0).sizes
    return Count(0, prod(batch) * (_decomposition(size) + size * (2 * size**2 - size)))


@register("Max", "Min", "Sum", "Mean")
def _several(operation: Operation) -> Count:
    divided = operation.node.type == "Mean"
    return Count(0, (len(operation.read) - 1 + divided) * operation.made[0].numel)


@register("Dropout")
def _dropout(operation: Operation) -> Count:
    # Nothing but in training, which an input says.
    training = operation.tensor(2)
    drops = training is not None and (training.value is None or bool(training.value.reshape(-1)[0]))
    return Count(0, operation.made[0].numel if drops else 0)


@register("Scatter", "ScatterElements", "ScatterND")
def _scatter(operation: Operation) -> Count:
    # Moves elements, unless it joins them with what is there.
    joins = operation.attributes.get("reduction", "none") != "none"
    return Count(0, operation.operand(2).numel if joins else 0)


@register("CDist", domain=MICROSOFT)
def _distances(operation: Operation) -> Count:
    # Subtract, square, sum for each pair and coordinate; one root a pair.
    return Count(0, operation.made[0].numel * (3 * operation.operand(0).sizes[-1] + 1))


@register("LinearClassifier", "LinearRegressor", domain=ML)
def _linear(operation: Operation) -> Count:
    # Every score is a product of all features, and an intercept.
    scores = operation.made[-1]
    return Count(scores.numel * operation.operand(0).sizes[-1], scores.numel)
