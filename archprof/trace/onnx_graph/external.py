"""Weights that lie in files of their own: where they may be, and the values of tensors that are none."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np
import onnx

from archprof.sources.onnx_file.external import file_within, small_values
from archprof.trace.onnx_graph.small_tensors import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def external_files(tensors: Iterable[onnx.TensorProto], path: Path) -> dict[str, Path]:
    """The files that tensors say their values are in, by the location as written.

    Values of few bytes, as shapes and axes have, are read and put into the tensors.

    Raises:
        OnnxFileError: Where a location leads out of the folder, by its name or by a link.
    """
    files: dict[str, Path] = {}
    external = [tensor for tensor in tensors if tensor.data_location == onnx.TensorProto.EXTERNAL]
    for tensor in external:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        location = entries.get("location", "")
        if location not in files:
            files[location] = file_within(location, tensor.name, path)
    for tensor in external:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        _take_in(tensor, small_values(files[entries.get("location", "")], entries))
    return files


def _take_in(tensor: onnx.TensorProto, values: bytes | None) -> None:
    kind = KINDS.get(tensor.data_type)
    if kind is not None and values is not None and len(values) == prod(tensor.dims) * np.dtype(kind).itemsize:
        tensor.raw_data = values
        tensor.data_location = onnx.TensorProto.DEFAULT
