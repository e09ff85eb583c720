"""Weights that lie in files of their own: where they may be."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING

import onnx

from archprof.sources.onnx_file.error import OnnxFileError

if TYPE_CHECKING:
    from collections.abc import Iterable


def external_files(tensors: Iterable[onnx.TensorProto], path: Path) -> dict[str, Path]:
    """The files that tensors say their values are in, by the location as written; none of them is opened.

    A location is a path in the model's folder. Where the model is a link, as in the cache of Hugging Face, what it
    points to may lie beside the model's own target.

    Raises:
        OnnxFileError: Where a location leads out of the folder, by its name or by a link.
    """
    files: dict[str, Path] = {}
    external = onnx.TensorProto.EXTERNAL
    for tensor in tensors:
        if tensor.data_location != external:
            continue
        location = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
        if location not in files:
            files[location] = _inside(location, tensor.name, path)
    return files


def _inside(location: str, tensor: str, path: Path) -> Path:
    parts = PureWindowsPath(location)  # both kinds of slashes, and drives
    target = path.parent / location
    folders = (path.parent.resolve(), path.resolve().parent)
    outside = not location or "\0" in location or parts.anchor or ".." in parts.parts
    if outside or not any(target.resolve().is_relative_to(folder) for folder in folders):
        raise OnnxFileError(
            f"the values of {tensor!r} lie in {location!r}, which is outside the model's folder",
            path=path,
            hint="external data must be in the folder of the .onnx file, or in one below it",
        )
    return target
