"""Values that are known before the run: constants, shapes, and what is computed of them.

A file spells out the arithmetic of its shapes (Shape, Gather, Mul, Concat, Reshape). Only so are its sizes known
without running it. What is computed here is small, and anything that fails is simply not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from archprof.trace.onnx_graph.record import MALFORMED
from archprof.trace.onnx_graph.small_tensors import ELEMENTS
from archprof.trace.onnx_graph.value_rules import RULES

if TYPE_CHECKING:
    from archprof.trace.onnx_graph.record import Operation
    from archprof.trace.onnx_graph.small_tensors import Array


def evaluate(operation: Operation) -> list[Array] | None:
    """The values of an operation's outputs, where all that it reads is known and the results are small.

    NumPy may warn of what it divides by; whoever follows a file turns that off.
    """
    rule = RULES.get(operation.node.type)
    if rule is None or operation.node.domain:
        return None
    if operation.node.type in ("Shape", "Size"):
        return _of_shape(operation)
    values = []
    for tensor in operation.inputs:
        values.append(None if tensor is None else tensor.value)
        if tensor is not None and values[-1] is None:
            return None  # before the others' are taken out of the file
    if any(tensor.shape is not None and tensor.numel > ELEMENTS for tensor in operation.made):
        return None
    try:
        results = rule(operation.attributes, values)
    except (MemoryError, *MALFORMED):
        return None
    return results if all(map(_is_kept, results)) else None


def _is_kept(result: object) -> bool:
    """Whether a result is small enough to be kept, and of numbers."""
    return isinstance(result, np.ndarray) and result.dtype != object and result.size <= ELEMENTS


def _of_shape(operation: Operation) -> list[Array] | None:
    source = operation.tensor(0)
    if source is None or source.shape is None:
        return None
    if operation.node.type == "Size":
        return [np.array(source.numel, np.int64)]
    bounds = slice(operation.attributes.get("start"), operation.attributes.get("end"))
    return [np.array(source.shape[bounds], np.int64)]
