"""Convolutions and pooling, with paddings that are given and sizes that are rounded down; the others are onnx's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof.trace.onnx_graph.shape_rules.registry import shape_rule
from archprof.trace.onnx_graph.windows import pooled

if TYPE_CHECKING:
    from archprof.trace.onnx_graph.record import Operation, Shape
    from archprof.trace.onnx_graph.shape_rules.registry import Outputs


def _slid(source: Shape, kernel: Shape, attributes: dict[str, Any]) -> Shape | None:
    """The spatial size of what windows give; None where an attribute is not one number an axis, or nothing fits."""
    axes = len(source)
    if not axes or len(kernel) != axes or min(kernel) < 1 or attributes.get("auto_pad", "NOTSET") != "NOTSET":
        return None
    for name, length, least in (("strides", axes, 1), ("dilations", axes, 1), ("pads", 2 * axes, 0)):
        values = attributes.get(name)
        if values is not None and (len(values) != length or min(values) < least):
            return None
    sizes = pooled(source, {**attributes, "kernel_shape": kernel})
    return sizes if min(sizes) > 0 else None


@shape_rule("Conv")
def _convolution(operation: Operation) -> Outputs | None:
    source, weight = operation.operand(0), operation.operand(1).sizes
    kernel = tuple(operation.attributes.get("kernel_shape", weight[2:]))
    if len(source.sizes) != len(weight) or kernel != weight[2:]:
        return None
    size = _slid(source.sizes[2:], kernel, operation.attributes)
    return None if size is None else [((source.sizes[0], weight[0], *size), source.dtype)]


@shape_rule("MaxPool", "AveragePool")
def _pooling(operation: Operation) -> Outputs | None:
    source, attributes = operation.operand(0), operation.attributes
    if attributes.get("ceil_mode") or len(operation.outputs) > 1:
        return None
    size = _slid(source.sizes[2:], tuple(attributes["kernel_shape"]), attributes)
    return None if size is None else [((*source.sizes[:2], *size), source.dtype)]


@shape_rule("GlobalAveragePool", "GlobalMaxPool")
def _global_pooling(operation: Operation) -> Outputs | None:
    source = operation.operand(0)
    if len(source.sizes) < 3:
        return None
    return [((*source.sizes[:2], *(1 for _ in source.sizes[2:])), source.dtype)]
