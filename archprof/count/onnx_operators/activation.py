"""Activations: as operators, and where another operator has one built in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.count.formulas import Count
from archprof.count.onnx_operators.registry import MICROSOFT, register
from archprof.errors import ArchprofError

if TYPE_CHECKING:
    from archprof.trace.onnx_graph.record import Operation

ACTIVATIONS = {
    "Relu": 1,
    "LeakyRelu": 1,
    "PRelu": 1,
    "ThresholdedRelu": 1,
    "Clip": 1,
    "Sigmoid": 1,
    "Tanh": 1,
    "Shrink": 1,
    "Elu": 2,
    "Celu": 2,
    "Selu": 2,
    "Softplus": 2,
    "HardSigmoid": 2,
    "Swish": 2,
    "HardSwish": 3,
    "Mish": 3,
    "Gelu": 3,
    "Softsign": 3,
}
"""Elementary functions on each element."""

_BUILT_IN = {
    **{name.lower(): flops for name, flops in ACTIVATIONS.items()},
    "none": 0,
    "": 0,
    "identity": 0,
    "silu": 2,
    "affine": 2,
    "scaledtanh": 3,
    "fastgelu": 3,
    "quickgelu": 3,
    "relu2": 2,
}


def activation_flops(name: str | int | None) -> int:
    """FLOPs for each element of an activation that is an attribute of another operator.

    Raises:
        UnknownActivationError: Where nobody has said what it costs.
    """
    if name is None or isinstance(name, int):  # GroupNorm's 1 is SiLU
        return 2 if name else 0
    if name.lower() not in _BUILT_IN:
        raise UnknownActivationError(f"unknown activation {name!r}")
    return _BUILT_IN[name.lower()]


class UnknownActivationError(ArchprofError):
    """An activation within an operator that nobody has said the cost of."""


def _activation(operation: Operation) -> Count:
    return Count(0, ACTIVATIONS[operation.node.type] * operation.made[0].numel)


register(*ACTIVATIONS)(_activation)


@register("SwiGLU")
def _gated(operation: Operation) -> Count:
    # a · sigmoid(a), times the other half.
    return Count(0, 3 * operation.made[0].numel)


@register("SwiGLU", domain=MICROSOFT)
def _clamped(operation: Operation) -> Count:
    # The same, of halves that may be clamped, the one of them plus a number.
    limited = operation.attributes.get("limit", 0.0) > 0
    shifted = bool(operation.attributes.get("activation_beta"))
    return Count(0, (3 + 2 * limited + shifted) * operation.made[0].numel)


@register("QuickGelu", domain=MICROSOFT)
def _quick_gelu(operation: Operation) -> Count:
    # a · sigmoid(alpha · a), which is what ONNX Runtime makes of a SiLU too, with an alpha of 1.
    scaled = operation.attributes.get("alpha", 1.702) != 1
    return Count(0, (2 + scaled) * operation.made[0].numel)


@register("Gelu", "FastGelu", "BiasGelu", domain=MICROSOFT)
def _gelu(operation: Operation) -> Count:
    biased = operation.tensor(1) is not None
    return Count(0, (3 + biased) * operation.made[0].numel)


@register("BiasSplitGelu", domain=MICROSOFT)
def _split_gelu(operation: Operation) -> Count:
    # A bias on both halves; the GELU of one, times the other.
    return Count(0, operation.operand(0).numel + 4 * operation.made[0].numel)
