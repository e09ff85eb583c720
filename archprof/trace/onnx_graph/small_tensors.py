"""Tensors of a file that are small enough for their values to be kept: sizes, axes, indices, bounds."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper

ELEMENTS = 1024
"""A larger tensor's values are not kept."""

Array = Any  # of numpy

KINDS = {
    onnx.TensorProto.FLOAT: np.float32,
    onnx.TensorProto.DOUBLE: np.float64,
    onnx.TensorProto.FLOAT16: np.float16,
    onnx.TensorProto.INT64: np.int64,
    onnx.TensorProto.INT32: np.int32,
    onnx.TensorProto.INT16: np.int16,
    onnx.TensorProto.INT8: np.int8,
    onnx.TensorProto.UINT64: np.uint64,
    onnx.TensorProto.UINT32: np.uint32,
    onnx.TensorProto.UINT16: np.uint16,
    onnx.TensorProto.UINT8: np.uint8,
    onnx.TensorProto.BOOL: np.bool_,
}

_STORED = {code: np.dtype(kind).newbyteorder("<") for code, kind in KINDS.items()}


def constant(proto: onnx.TensorProto) -> Array | None:
    """The elements of a small tensor of the file; None where they are many, elsewhere, or of no kind that steers."""
    if proto.data_location == onnx.TensorProto.EXTERNAL or proto.data_type not in KINDS:
        return None
    if prod(proto.dims) > ELEMENTS:
        return None
    try:
        if proto.HasField("raw_data"):
            return np.frombuffer(proto.raw_data, _STORED[proto.data_type]).reshape(proto.dims)
        return onnx.numpy_helper.to_array(proto)
    except (ValueError, TypeError):
        return None
