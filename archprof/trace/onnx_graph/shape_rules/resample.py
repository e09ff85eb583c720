"""Resizing."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

import numpy as np

from archprof.trace.onnx_graph.shape_rules.registry import shape_rule, whole_numbers

if TYPE_CHECKING:
    from archprof.trace.onnx_graph.record import Operation, Shape
    from archprof.trace.onnx_graph.shape_rules.registry import Outputs

_CROPPING = "tf_crop_and_resize"
_OTHER_SIZES = {"axes", "keep_aspect_ratio_policy"}


@shape_rule("Resize", values=True)
def _resize(operation: Operation) -> Outputs | None:
    attributes = operation.attributes
    if operation.version < 11 or attributes.get("coordinate_transformation_mode") == _CROPPING:
        return None
    if _OTHER_SIZES & attributes.keys():
        return None
    source, scales, sizes = operation.operand(0), operation.tensor(2), operation.tensor(3)
    empty = scales is None or scales.shape == (0,)
    if sizes is not None:
        requested = whole_numbers(sizes)
        # The file may say by how much, or to which size, not both.
        if not empty or requested is None or len(requested) != len(source.sizes) or min(requested, default=0) < 1:
            return None
        return [(tuple(requested), source.dtype)]
    if empty or scales is None or scales.value is None or scales.value.shape != (len(source.sizes),):
        return None
    return [(scaled(source.sizes, scales.value), source.dtype)]


def scaled(shape: Shape, scales: np.ndarray) -> Shape:
    """Sizes times factors, in float32 as onnx multiplies them, rounded down.

    Raises:
        ValueError: Where a factor is not positive.
    """
    if not (scales > 0).all():
        raise ValueError("a scale that is not positive")
    return tuple(floor(size) for size in np.array(shape, np.float32) * scales.astype(np.float32))
