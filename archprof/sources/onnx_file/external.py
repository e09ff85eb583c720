"""Values of tensors that lie in files of their own: where these may be, and the few values that are small.

Weights are never read. But some exporters move every tensor out of the model, those too that say shapes and axes.
"""

from __future__ import annotations

import re
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING

from archprof.sources.onnx_file.error import OnnxFileError
from archprof.sources.onnx_file.wire import VALUE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FIRST = re.compile(rb"j.\n\x08location\x12", re.DOTALL)
"""How the first entry on a tensor's values begins: field 13 of TensorProto, a message of a key and a text."""
_ENTRY = re.compile(rb"j(.)\n(.)", re.DOTALL)
"""How each of them does: the length of the message, and that of its key."""


def file_within(location: str, tensor: str, path: Path) -> Path:
    """The file that a tensor's values are in; it is not opened, and may be missing.

    A location is a path in the model's folder. Where the model is a link, as in the cache of Hugging Face, what it
    points to may lie beside the model's own target.

    Args:
        location: As written in the file.
        tensor: The tensor's name, for the message.
        path: The model.

    Raises:
        OnnxFileError: Where it leads out of the folder, by its name or by a link.
    """
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


def small_values(file: Path, entries: Mapping[str, str]) -> bytes | None:
    """The values of a tensor of few bytes; None of a larger one, and where the file has not got them.

    Args:
        file: The file that they are in, which is in the model's folder.
        entries: What the model says of where in it they are.
    """
    try:
        if not file.is_file():
            return None
        offset = int(entries.get("offset", 0))
        length = int(entries["length"]) if "length" in entries else file.stat().st_size - offset
        if offset < 0 or not 0 < length <= VALUE_BYTES:
            return None
        with file.open("rb") as opened:
            opened.seek(offset)
            values = opened.read(length)
    except (OSError, ValueError):
        return None
    return values if len(values) == length else None


def all_small_values(skeleton: bytes, path: Path) -> Iterator[bytes]:
    """Those of all tensors of a model, found in its protobuf without reading that as a whole."""
    for entries in _entries(skeleton):
        try:
            values = small_values(file_within(entries.get("location", ""), "", path), entries)
        except OnnxFileError:  # whoever reads the model says so
            continue
        if values is not None:
            yield values


def _entries(skeleton: bytes) -> Iterator[dict[str, str]]:
    """The entries on each tensor's values, by their keys."""
    for match in _FIRST.finditer(skeleton):
        entries: dict[str, str] = {}
        position = match.start()
        while (entry := _ENTRY.match(skeleton, position)) is not None:
            end = entry.end() + entry[2][0]
            key, value = skeleton[entry.end() : end], skeleton[end + 2 : position + 2 + entry[1][0]]
            entries[key.decode(errors="replace")] = value.decode(errors="replace")
            position += 2 + entry[1][0]
        yield entries
