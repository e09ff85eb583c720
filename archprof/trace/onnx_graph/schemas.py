"""What onnx knows of operators."""

from __future__ import annotations

from functools import cache

import onnx

_ADOPTED = {"GatherND": 11, "GridSample": 16, "Pad": 11}
"""Operators of ONNX Runtime that ONNX took over as they are -> the opset that has them."""


@cache
def schema(domain: str, type_: str, opset: int) -> onnx.defs.OpSchema | None:
    """What onnx knows of an operator at an opset, or None."""
    if domain == "com.microsoft" and type_ in _ADOPTED:
        domain, opset = "", _ADOPTED[type_]
    try:
        return onnx.defs.get_schema(type_, opset, domain)
    except onnx.defs.SchemaError:
        return None
