"""Normalisations, and the softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.count.formulas import Count
from archprof.count.onnx_operators.activation import activation_flops
from archprof.count.onnx_operators.quantise import DEQUANTISE
from archprof.count.onnx_operators.registry import MICROSOFT, ML, register

if TYPE_CHECKING:
    from archprof.trace.onnx_graph.record import Operation

_NORMALISE = 6
"""Mean and variance (4), subtract and divide (2)."""

_AFFINE = 2
ROOT_MEAN_SQUARE = 4
"""Square and sum (2), divide, and the scale."""


@register("BatchNormalization")
def _batch(operation: Operation) -> Count:
    # Subtract the mean, multiply by 1/σ, multiply and add; training computes mean and variance too.
    training = bool(operation.attributes.get("training_mode"))
    return Count(0, operation.operand(0).numel * (4 + 4 * training))


@register("InstanceNormalization", "GroupNormalization")
def _instance(operation: Operation) -> Count:
    return Count(0, operation.operand(0).numel * (_NORMALISE + _AFFINE))


@register("LayerNormalization")
def _layer(operation: Operation) -> Count:
    # A scale is always there, a shift may be.
    return Count(0, operation.operand(0).numel * (_NORMALISE + 1 + (operation.tensor(2) is not None)))


@register("MeanVarianceNormalization")
def _plain(operation: Operation) -> Count:
    return Count(0, operation.operand(0).numel * _NORMALISE)


@register("RMSNormalization", "SimplifiedLayerNormalization")
def _root_mean_square(operation: Operation) -> Count:
    return Count(0, operation.operand(0).numel * ROOT_MEAN_SQUARE)


@register("LpNormalization")
def _by_norm(operation: Operation) -> Count:
    # Power and sum, and the quotient.
    return Count(0, 3 * operation.operand(0).numel)


@register("Normalizer", domain=ML)
def _rows(operation: Operation) -> Count:
    # The largest of a row, or a sum of absolute values or squares; the quotient.
    flops = 2 if operation.attributes.get("norm", "MAX") == "MAX" else 3
    return Count(0, flops * operation.operand(0).numel)


@register("LRN")
def _local_response(operation: Operation) -> Count:
    # Square, sum of the neighbours', factor, shift, power, quotient.
    return Count(0, operation.operand(0).numel * (operation.attributes["size"] + 5))


@register("Softmax", "LogSoftmax")
def _softmax(operation: Operation) -> Count:
    # Largest, subtract, exponentiate, sum, divide.
    return Count(0, 5 * operation.operand(0).numel)


@register("SoftmaxCrossEntropyLoss")
def _cross_entropy(operation: Operation) -> Count:
    return Count(0, 6 * operation.operand(0).numel)


@register("BiasSoftmax", domain=MICROSOFT)
def _biased_softmax(operation: Operation) -> Count:
    return Count(0, 6 * operation.operand(0).numel)


@register("SkipLayerNormalization", "SkipSimplifiedLayerNormalization", domain=MICROSOFT)
def _skip_layer(operation: Operation) -> Count:
    # The skip, a bias, and the norm.
    simplified = operation.node.type == "SkipSimplifiedLayerNormalization"
    norm = ROOT_MEAN_SQUARE if simplified else _NORMALISE + 1 + (operation.tensor(3) is not None)
    biased = operation.tensor(3 if simplified else 4) is not None
    return Count(0, operation.operand(0).numel * (1 + biased + norm))


@register("EmbedLayerNormalization", domain=MICROSOFT)
def _embedding(operation: Operation) -> Count:
    # Words, positions and segments, added up.
    added = 1 + (operation.tensor(4) is not None)
    return Count(0, operation.made[0].numel * (added + _NORMALISE + _AFFINE))


@register("QEmbedLayerNormalization", domain=MICROSOFT)
def _quantised_embedding(operation: Operation) -> Count:
    # Each element of the two or three tables is dequantised, too.
    tables = 2 + (operation.tensor(4) is not None)
    return Count(0, operation.made[0].numel * (tables - 1 + DEQUANTISE * tables + _NORMALISE + _AFFINE))


@register("GroupNorm", "SkipGroupNorm", domain=MICROSOFT)
def _group(operation: Operation) -> Count:
    skipped = operation.node.type == "SkipGroupNorm"
    biased = skipped and operation.tensor(4) is not None
    flops = skipped + biased + _NORMALISE + _AFFINE + activation_flops(operation.attributes.get("activation"))
    return Count(0, operation.operand(0).numel * flops)
