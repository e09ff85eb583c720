"""What onnx knows of operators."""

from __future__ import annotations

from functools import cache

import onnx


@cache
def schema(domain: str, type_: str, opset: int) -> onnx.defs.OpSchema | None:
    """What onnx knows of an operator at an opset, or None."""
    try:
        return onnx.defs.get_schema(type_, opset, domain)
    except onnx.defs.SchemaError:
        return None
